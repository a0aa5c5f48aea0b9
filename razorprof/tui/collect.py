"""From a session's View to the snapshots that are drawn. Called once per drawn tick; a target that is gone
keeps the last snapshot of its life."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.profile import by_function, top
from razorprof.model.target import Identity, Life
from razorprof.model.threads import ThreadDump
from razorprof.render.catalog import FIGURES, GC_GENERATIONS, Figure
from razorprof.render.snapshot import Mark, Missing, OwnCost, Snapshot, Trouble
from razorprof.render.trace import Trace, level_trace, rate_trace
from razorprof.session.gc_series import gc_time_series
from razorprof.session.view import SessionState, TargetStatus, View

HISTORY = 120.0  # seconds that histories, minima and maxima span
_SHORTER = (15.0, 30.0, 60.0)  # spans of a history that has only begun: it should not start as a blank
ROW_FIGURES = ("cpu", "rss", "threads")


class Collector:
    """Builds snapshots and remembers the last one of every target that was seen alive. One thread."""

    def __init__(self, view: View, *, history: float = HISTORY) -> None:
        self.view = view
        self.history = history
        self._last: dict[Identity, Snapshot] = {}
        self._rows: dict[Identity, Snapshot] = {}

    def snapshot(self, state: SessionState, status: TargetStatus) -> Snapshot:
        """Everything about one target."""
        return self._kept(self._last, self._rows, state, status, full=True)

    def row(self, state: SessionState, status: TargetStatus) -> Snapshot:
        """What one row of the process list needs: cheap enough for hundreds of targets."""
        return self._kept(self._rows, self._last, state, status, full=False)

    def trace(self, identity: Identity, figure: Figure, seconds: float) -> Trace:
        """One figure's history."""
        return self._trace(identity, figure, seconds)

    def _kept(
        self,
        memory: dict[Identity, Snapshot],
        other: dict[Identity, Snapshot],
        state: SessionState,
        status: TargetStatus,
        *,
        full: bool,
    ) -> Snapshot:
        identity = status.target.identity
        if status.life is Life.GONE and (known := memory.get(identity) or other.get(identity)) is not None:
            return replace(known, life=status.life, how=status.how)
        made = self._build(state, status, full=full)
        memory[identity] = made
        return made

    def _build(self, state: SessionState, status: TargetStatus, *, full: bool) -> Snapshot:
        identity = status.target.identity
        wanted: Iterable[Figure] = (
            (*FIGURES.values(), *GC_GENERATIONS) if full else (FIGURES[key] for key in ROW_FIGURES)
        )
        traces = {figure.key: self._trace(identity, figure, self.history) for figure in wanted}
        brief = Snapshot(
            target=status.target,
            life=status.life,
            end=state.time,
            window=self._window(state.time, traces.values()),
            runtime=status.runtime,
            version=status.version,
            how=status.how,
            stack_reason=status.stack_reason,
            absent=status.absent,
            traces={key: trace for key, trace in traces.items() if len(trace.values)},
            troubles=tuple(
                Trouble(source.name, source.error.message, source.error.hint)
                for source in status.sources
                if source.error is not None
            ),
            missing=tuple(Missing(metric, why) for source in status.sources for metric, why in source.missing),
            deviation=status.deviation,
            deviation_of=status.deviation_of,
        )
        if not full:
            return brief
        return replace(
            brief,
            verdict=self.view.verdict(identity),
            profile=self.view.profile(identity),
            sampling=self.view.sampling(identity),
            dump=self.view.structure(identity, ThreadDump),
            gc=self.view.structure(identity, GcState),
            gil=self.view.structure(identity, GilState),
        )

    def _window(self, end: float, traces: Iterable[Trace]) -> float:
        oldest = min((float(trace.times[0]) for trace in traces if len(trace.times)), default=end)
        return next((span for span in _SHORTER if end - oldest < span < self.history), self.history)

    def _trace(self, identity: Identity, figure: Figure, seconds: float) -> Trace:
        if figure.key == "gc_time":
            series = gc_time_series(self.view, identity, seconds)
        else:
            series = self.view.history(identity, figure.metric, seconds=seconds, **figure.labels)
        return rate_trace(series) if figure.rate else level_trace(series)


def own_cost(state: SessionState, snapshot: Snapshot | None, now: float) -> OwnCost:
    """What the footer says. now: Unix seconds; ages count from the newest tick and the newest stacks."""
    overhead, sampling = state.overhead, snapshot.sampling if snapshot is not None else None
    looks = sampling.rounds + sampling.errors if sampling is not None else 0
    return OwnCost(
        cpu_ratio=overhead.self_cpu_ratio,
        rss_bytes=overhead.self_rss_bytes,
        stopped_ratio=overhead.target_stopped_ratio,
        rate_hz=overhead.sampling_rate_hz,
        errors=overhead.sampling_errors,
        dropped=overhead.dropped,
        behind=overhead.behind,
        interval=state.interval,
        age=max(0.0, now - state.time) if state.tick or state.time else None,
        stack_age=max(0.0, now - sampling.start - sampling.seconds) if sampling is not None else None,
        error_ratio=sampling.errors / looks if sampling is not None and looks else None,
    )


def mark(snapshot: Snapshot) -> Mark:
    """The baseline that differences are shown against from now on."""
    functions = {
        (found.function, found.file): (found.self_ratio, found.total_ratio)
        for found in top(snapshot.profile, by_function)
    }
    figures = {key: trace.now for key, trace in snapshot.traces.items() if trace.now is not None}
    return Mark(snapshot.end, figures, functions)
