"""One sample's way: scrapes, ends and ticks in; stack windows, series, verdicts and a published state out.

Fed with an iterator of events, live from the scheduler or from the player of a recording. One writer: everything
here runs in the thread that calls `feed`. Taps (a recorder, an evaluator) see each event first, in order.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from razorprof.analysis.limits import judge
from razorprof.analysis.siblings import Figure, deviations
from razorprof.model.alert import AlertBoard
from razorprof.model.frame import SamplingReport
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Sample, gauge
from razorprof.model.profile import top
from razorprof.model.scrape import Detected, Ended, Event, KernelState, Scrape, Tick
from razorprof.model.target import Identity, Life, Target
from razorprof.recording.rzp_values import Cost
from razorprof.session.board import TargetBoard
from razorprof.session.collector import MOST_TARGET_SERIES, Collector, Declaration
from razorprof.session.places import Places
from razorprof.session.recorder import Recorder
from razorprof.session.self_metrics import SELF_METRICS, SelfMetrics, dropped_samples
from razorprof.session.view import Overhead, SessionState
from razorprof.store.group import Allowance
from razorprof.store.index import Entry
from razorprof.store.memory import MemoryStore

logger = logging.getLogger(__name__)

TOP_FUNCTIONS = 20
OWN_SOURCE = "razorprof"  # of what we tell ourselves

UP = gauge("up", "", "1 while the process is there, 0 once it is gone.")
SOURCE_UP = gauge("razorprof_source_up", "", "Whether the last read of a source worked.", "source")
SCRAPE_DURATION = gauge("scrape_duration_seconds", "seconds", "Duration of the last read of a source.", "source")
SCRAPE_SAMPLES = gauge("scrape_samples_scraped", "", "Samples that the last read of a source gave.", "source")
FUNCTION_CPU = gauge(
    "python_function_cpu_ratio",
    "ratio",
    "Threads with this function on top of the stack that run or want a CPU: the mean of the window, sampled.",
    "function",
    "file",
)
TARGET_STOPPED = gauge(
    "razorprof_target_stopped_ratio", "ratio", "Share of time in which the target was stopped by us."
)
OWN_METRICS: tuple[Metric, ...] = (
    UP, SOURCE_UP, SCRAPE_DURATION, SCRAPE_SAMPLES, FUNCTION_CPU, TARGET_STOPPED, *SELF_METRICS,
)  # fmt: skip

# By which figures workers are told apart, and below which spread they count as equal.
SIBLING_FIGURES = (
    Figure("cpu", 0.03),
    Figure("rss", 4 * 2.0**20),
    Figure("threads", 1.0),
    Figure("fds", 4.0),
    Figure("io", 64 * 2.0**10),
)


class Pipeline:
    """Owns the boards. `publish` is called with the new state after each tick."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        host: str,
        overhead: Callable[[float], Overhead],
        publish: Callable[[SessionState], None] = lambda state: None,
        taps: Sequence[Callable[[Event], None]] = (),
        alerting: Callable[[float], AlertBoard | None] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """alerting: evaluates what is due at a tick's time, once the tick's samples are stored; None: no rules.
        recorder: sees each event before the taps, and all else that a recording must tell."""
        self._store = store
        self._host = host
        self._overhead = overhead
        self._publish = publish
        self._taps = taps
        self.alerting = alerting
        self.hold_places = False  # a target that ended goes on to be told as not up
        self.is_passing = False  # nobody looks at the ticks that come: only what later ones rest on is kept
        self._recorder = recorder
        self._is_ruling = False
        self._own_declaration = Declaration({metric.name: metric for metric in OWN_METRICS})
        self._declared: dict[str, Declaration] = {}
        self._own = self._collector(Labels(job="razorprof", instance=host), Allowance(MOST_TARGET_SERIES))
        self._self = SelfMetrics(store)
        self._dropped_before = 0  # by collectors that are no more
        store.declare(OWN_METRICS)
        if recorder is not None:
            recorder.declare(OWN_SOURCE, OWN_METRICS)
            store.journal = self._record_row
        self.boards: dict[Identity, TargetBoard] = {}
        self.places = Places(host, lambda labels: self._collector(labels, Allowance(MOST_TARGET_SERIES)))
        self.state = SessionState(0.0, 0, ())
        self.interval = 1.0

    def declare(self, source: str, metrics: Iterable[Metric], *, open_ended: bool = False) -> None:
        """What a source gives, before its first scrape: its other samples are refused. open_ended: see
        Declaration."""
        metrics = tuple(metrics)
        self._declared[source] = self._declared.get(source, Declaration()).with_(metrics, open_ended=open_ended)
        self._store.declare(metrics)
        if self._recorder is not None:
            self._recorder.declare(source, metrics, open_ended=open_ended)

    def own_names(self) -> frozenset[str]:
        """Names of the series that the pipeline itself gives of each target, or of us."""
        return series_names(OWN_METRICS)

    def add(self, target: Target, command: str = "", *, wants_stacks: bool = True) -> None:
        """Expect scrapes of a target. The same one twice is one."""
        if target.identity in self.boards:
            return
        instance = f"{target.host or self._host}/{target.pid}"
        labels = Labels(job=target.job or target.name, instance=instance, pid=str(target.pid))
        allowance = Allowance(MOST_TARGET_SERIES)
        board = TargetBoard(target, labels, command, self._collector(labels, allowance), allowance)
        board.wants_stacks = wants_stacks
        self.boards = {**self.boards, target.identity: board}
        if self._recorder is not None:
            self._recorder.add(target, command)

    def forget(self, identity: Identity) -> None:
        """Drop a target and its series."""
        board = self.boards.get(identity)
        if board is not None:
            self.boards = {key: value for key, value in self.boards.items() if key != identity}
            if self._recorder is not None:
                self._recorder.forget(identity)
            for collector in _collectors(board):
                self._dropped_before += collector.drops.total()
                self._store.forget(collector.group)

    def release(self, identity: Identity) -> None:
        """Another target has taken the place of one that ended: it is told no more."""
        board = self.boards.get(identity)
        if board is not None and board.ended is not None and not board.replaced:
            board.replaced = True
            board.own.group.mark_stale(self.state.time)

    def recall(self, board: TargetBoard) -> None:
        """Put what another pipeline knew of a target that ended in the place of what is known here."""
        identity = board.target.identity
        if board.ended is None or identity not in self.boards:
            return
        self.boards = {**self.boards, identity: board}
        status = board.status()
        targets = tuple(status if one.target.identity == identity else one for one in self.state.targets)
        self.state = replace(self.state, targets=targets)

    def feed(self, event: Event) -> None:
        """Take one event. Never raises for what an event holds."""
        if self._recorder is not None:
            self._recorder(event)
        for tap in self._taps:
            tap(event)
        match event:
            case Scrape():
                self._scrape(event)
            case Ended():
                self._ended(event)
            case Tick():
                self._tick(event)

    def _scrape(self, scrape: Scrape) -> None:
        board = self.boards.get(scrape.target.identity)
        if board is None or board.ended is not None:
            return
        for structure in scrape.structures:
            if isinstance(structure, Detected):
                self._detected(board, structure)
        self._self.note(scrape)
        source = board.source(scrape.source, self._store, self._declared.get(scrape.source))
        if source.note(scrape):
            source.collector.group.mark_stale(scrape.time)
        if scrape.samples or scrape.stacks:
            board.is_named = True  # sources are opened once the detection has answered, or failed
        if scrape.samples:
            source.collector.append(scrape.time, scrape.samples)
        report: SamplingReport | None = None
        for structure in scrape.structures:
            board.keep(structure)
            if isinstance(structure, SamplingReport):
                report = structure
            elif isinstance(structure, KernelState):
                board.stopped = structure.letter == "T"
                if board.image and structure.image != board.image:
                    board.renew(scrape.time)
                board.image = structure.image
        if report is not None and report.start >= board.renewed:  # a window may come in after what came after it
            board.window.add(scrape.stacks, report)
            board.sampling = report
            board.sampling_errors += report.errors
            board.stopped_seconds += report.stopped_seconds
            board.seen_seconds += report.seconds
        board.looks.see(scrape)

    def _detected(self, board: TargetBoard, event: Detected) -> None:
        """Settles the labels. Where it comes late (a detection that hung, another program that was started in the
        process), what was seen before goes stale and goes on under the new labels."""
        board.detected, board.is_named = event, True
        board.target = replace(board.target, name=event.name or board.target.name)
        board.command = event.command or board.command
        labels = board.labels.with_(runtime=event.runtime)
        if labels != board.labels:
            for collector in _collectors(board):
                collector.group.mark_stale(event.time)
                self._dropped_before += collector.drops.total()
            board.labels, board.sources, board.own = labels, {}, self._collector(labels, board.allowance)

    def _ended(self, event: Ended) -> None:
        board = self.boards.get(event.target.identity)
        if board is None or board.ended is not None:
            return
        board.last_series = board.series()
        board.ended, board.is_named = event, True
        for source in board.sources.values():
            source.collector.group.mark_stale(event.time)
        board.own.append(event.time, [Sample(UP, 0.0)])

    def _tick(self, tick: Tick) -> None:
        boards = list(self.boards.values())
        if self.is_passing:
            for board in boards:
                board.looks.looks(tick.time, stopped=board.stopped)
            return
        for board in boards:
            if board.ended is None:
                board.verdict = judge(board.looks.looks(tick.time, stopped=board.stopped), board.looks.dumps)
                if not board.wait(tick.time):
                    board.own.append(tick.time, self._own_samples(board))
            elif self.hold_places and not board.replaced:
                board.own.append(tick.time, [Sample(UP, 0.0)])
        self.places.tell(tick.time, Sample(UP, 0.0), [board.target.identity for board in boards if board.is_named])
        self._rank(boards)
        overhead = self._overhead(tick.time)
        dropped = self._dropped_before + self._own.drops.total()
        dropped += sum(collector.drops.total() for board in boards for collector in _collectors(board))
        self._own.append(tick.time, self._self.samples(overhead, self._own.drops))
        self.state = SessionState(  # who evaluates finds the targets of this tick, and the alerts of the last one
            tick.time,
            tick.number,
            tuple(board.status() for board in boards),
            self._with_sampling(overhead, boards, dropped),
            self.interval,
            self.state.alerts,
        )
        alerts = self._evaluate(tick.time)
        self._store.expire(tick.time)
        self.state = replace(self.state, alerts=alerts)
        if self._recorder is not None:
            ratio, resident = overhead.self_cpu_ratio, overhead.self_rss_bytes
            self._recorder.cost(Cost(tick.time, ratio, resident, overhead.behind))
            self._recorder.commit()
        self._publish(self.state)

    def _evaluate(self, time: float) -> AlertBoard | None:
        if self.alerting is None:
            return None
        self._is_ruling = True
        try:
            return self.alerting(time)
        finally:
            self._is_ruling = False

    def _record_row(self, time: float, series: Sequence[Entry], bits: NDArray[np.uint64]) -> None:
        if self._recorder is not None:
            self._recorder.row(time, series, bits, ruled=self._is_ruling)

    def _own_samples(self, board: TargetBoard) -> list[Sample]:
        samples = [Sample(UP, 1.0)]
        for name, source in board.sources.items():
            labels = Labels(source=name)
            samples.append(Sample(SOURCE_UP, float(bool(source.status.up)), labels))
            samples.append(Sample(SCRAPE_SAMPLES, float(source.scrape_samples), labels))
            if source.status.duration is not None:
                samples.append(Sample(SCRAPE_DURATION, source.status.duration, labels))
            samples.extend(dropped_samples(name, source.collector.drops))
        if board.window.end is not None:
            profile = board.window.profile()
            seconds = profile.seconds or 1.0
            samples.append(Sample(TARGET_STOPPED, _ratio(board.stopped_seconds, board.seen_seconds)))
            samples.extend(
                Sample(FUNCTION_CPU, f.self_weight / seconds, Labels(function=f.function, file=f.file))
                for f in islice(top(profile), TOP_FUNCTIONS)
                if f.self_weight > 0
            )
        return samples

    def _collector(self, labels: Labels, allowance: Allowance) -> Collector:
        """For what we tell ourselves."""
        group = self._store.group(labels, allowance=allowance)
        return Collector(self._store, group, self._own_declaration, labels)

    def _rank(self, boards: Sequence[TargetBoard]) -> None:
        """Workers of one parent, or targets of one selector, against each other."""
        families: dict[object, dict[Identity, dict[str, float]]] = {}
        for board in boards:
            board.deviation = None
            if board.life is Life.ALIVE:
                family = board.target.parent if board.target.parent is not None else board.target.selector
                figures = board.looks.figures()
                if figures:
                    families.setdefault(family, {})[board.target.identity] = figures
        for rows in families.values():
            for identity, deviation in deviations(rows, SIBLING_FIGURES).items():
                self.boards[identity].deviation = deviation

    def _with_sampling(self, overhead: Overhead, boards: Sequence[TargetBoard], dropped: int) -> Overhead:
        sampled = [board.sampling for board in boards if board.sampling is not None and board.ended is None]
        seen = sum(board.seen_seconds for board in boards)
        return replace(
            overhead,
            target_stopped_ratio=_ratio(sum(board.stopped_seconds for board in boards), seen),
            sampling_rate_hz=max((report.rate_hz for report in sampled), default=None),
            sampling_errors=sum(board.sampling_errors for board in boards),
            dropped=overhead.dropped + dropped,
        )


def series_names(metrics: Iterable[Metric]) -> frozenset[str]:
    """All names that series of these metrics may have."""
    parts = ("", "_bucket", "_sum", "_count")
    return frozenset(
        m.name + part for m in metrics for part in (parts if m.kind is MetricKind.HISTOGRAM else ("",))
    )


def _collectors(board: TargetBoard) -> list[Collector]:
    return [board.own, *(source.collector for source in board.sources.values())]


def host_name() -> str:
    """The machine's name for the label `instance`."""
    return os.uname().nodename


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
