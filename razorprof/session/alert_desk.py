"""All of alerting at one desk: rules evaluated, evidence ordered, people told, and what must survive kept.

    session = Session(..., alerting=desk_maker)     # calls it with its store and view: an AlertDesk comes back
    desk.adopt(book)                                # SIGHUP: other rules and silences from the next tick on
    desk.stop(seconds)                              # after the session: tell and keep what is left

The desk decides nothing itself: what an alert is, is alerting.evaluator's business; what is told of it when,
alerting.notices'; who hears it, session.dispatch's; what is captured, session.alert_captures'. Nothing here waits:
endpoints, captures and the disk have threads of their own.
"""

from __future__ import annotations

import time as clocks
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from razorprof.alerting.evaluator import Evaluator
from razorprof.alerting.heartbeat import is_heartbeat
from razorprof.alerting.notices import Noticing
from razorprof.alerting.rules import RuleFile
from razorprof.model.alert import Alert, AlertBoard, AlertChange, AlertState, CaptureNote
from razorprof.model.histogram import HistogramState
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.metric import Metric, Sample, gauge, histogram
from razorprof.model.notice import Notice
from razorprof.session import rule_metrics
from razorprof.session.alert_state import METRICS as STATE_METRICS
from razorprof.session.alert_state import Remembered, StateKeeper
from razorprof.session.collector import Collector, Declaration
from razorprof.session.rule_metrics import RuleMetrics
from razorprof.store.memory import MemoryStore

if TYPE_CHECKING:  # for types alone: whoever tells nobody loads no HTTP
    from razorprof.session.dispatch import Dispatcher

CAPTURE_ANNOTATION = "razorprof_capture"
RELOADED = gauge(
    "razorprof_config_last_reload_successful", "", "Whether rules, actions and silences could be read again."
)
RELOAD_TIME = gauge(
    "razorprof_config_last_reload_success_timestamp_seconds", "seconds", "When they were last read."
)
COST = histogram(
    "razorprof_alerting_duration_seconds", "seconds", "Durations of all that alerting does within a tick."
)
_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_OWN: tuple[Metric, ...] = (RELOADED, RELOAD_TIME, COST)


class Hides(Protocol):
    """Whether a silence covers an alert with these labels at a time. See alerting.silences."""

    def __call__(self, labels: Mapping[str, str], time: float) -> bool: ...


class Captures(Protocol):
    """Who takes the evidence. See session.alert_captures."""

    def order(self, changes: Sequence[AlertChange], time: float) -> Mapping[Labels, str]: ...

    def notes(self) -> tuple[CaptureNote, ...]: ...

    def samples(self) -> Sequence[Sample]: ...

    def stop(self, seconds: float) -> None: ...


def _hides_nothing(labels: Mapping[str, str], time: float) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class RuleBook:
    """What is exchanged between two ticks."""

    files: tuple[RuleFile, ...] = ()
    hides: Hides = _hides_nothing


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does the work; None for what is not wanted. metrics: of dispatch and captures; hear: is told of each
    change, in the session's thread, and whether a silence hides it."""

    evaluator: Evaluator
    noticing: Noticing | None = None
    dispatch: Dispatcher | None = None
    captures: Captures | None = None
    keeper: StateKeeper | None = None
    metrics: tuple[Metric, ...] = ()
    hear: Callable[[AlertChange, bool], None] = lambda change, silenced: None


class AlertDesk:
    """Called in the session's thread; `adopt` and `refuse` from any."""

    def __init__(self, book: RuleBook, staff: Staff, store: MemoryStore, host: str, read: float = 0.0) -> None:
        """read: when the book was read, Unix seconds."""
        self._book = book
        self._staff = staff
        self._handed_in: SimpleQueue[RuleBook | str] = SimpleQueue()
        self._error = ""
        self._read = read
        self._since: float | None = None  # the first tick
        self._time: float | None = None  # the last one
        self._changed = False
        self._told: tuple[float | None, ...] = ()
        self._folders: dict[Labels, str] = {}
        self._rule_metrics = RuleMetrics()
        self._cost = HistogramState(_BOUNDS)
        metrics = (*_OWN, *rule_metrics.METRICS, *STATE_METRICS, *staff.metrics)
        store.declare(metrics)
        labels = Labels(job="razorprof", instance=host)
        declared = Declaration({metric.name: metric for metric in metrics})
        self._collector = Collector(store, store.group(labels), declared, labels)
        if staff.noticing is not None:
            staff.noticing.adopt(book.files)

    def __call__(self, time: float) -> AlertBoard:
        """Everything that is due at `time`, Unix seconds."""
        began = clocks.perf_counter()
        if self._since is None:
            self._since = time
            self._begin(time)
        self._time = time
        self._take_handed_in(time)
        staff = self._staff
        changes = staff.evaluator.evaluate(time)
        found = staff.evaluator.alerts()
        silenced = frozenset(alert.labels for alert in found if self._is_hidden(alert, time))
        folders: Mapping[Labels, str] = {}
        if staff.captures is not None:
            loud = [change for change in changes if not self._is_hidden(change.alert, time)]
            folders = staff.captures.order(loud, time)
        self._note_folders(found, folders)
        told = self._tell(found, folders, time)
        for change in changes:
            staff.hear(replace(change, alert=self._with_folder(change.alert)), change.alert.labels in silenced)
        board = self._board(found, silenced)
        self._keep(found, time, changed=bool(changes or told or folders))
        self._rule_metrics.note(board.rules, time)
        self._collector.append(time, self._samples(board))
        self._cost.observe(clocks.perf_counter() - began)
        return board

    def adopt(self, book: RuleBook) -> None:
        """Other rules and silences from the next tick on."""
        self._handed_in.put(book)

    def refuse(self, error: str) -> None:
        """What was read again cannot be used, and why: the old goes on, and that is told."""
        self._handed_in.put(error)

    def stop(self, seconds: float, *, clean: bool = True) -> None:
        """End captures, tell and keep what is left, in about so many seconds. Once the session has ended; clean:
        whether it really did: else its state may be changing and is kept as it was."""
        staff, deadline = self._staff, clocks.monotonic() + seconds

        def left() -> float:
            return max(0.1, deadline - clocks.monotonic())

        if staff.captures is not None:
            staff.captures.stop(left() / 2)  # whoever is to be told still needs time
        if staff.dispatch is not None:
            staff.dispatch.stop(left())
        if staff.keeper is not None:
            last = self._remembered(self._time) if clean and self._time is not None else None
            staff.keeper.stop(last, max(1.0, left()))

    def _begin(self, time: float) -> None:
        """At the first tick: take up what was before a restart, then let the threads begin."""
        staff = self._staff
        before = staff.keeper.read() if staff.keeper is not None else None
        if before is not None:
            staff.evaluator.recall(before.alerts, time)
            self._folders = dict(before.folders)
            if staff.noticing is not None:
                staff.noticing.recall(before.told, time)
            if staff.dispatch is not None:
                staff.dispatch.recall(before.owed)
        self._told = self._last_told()
        if staff.dispatch is not None:
            staff.dispatch.start()
        if staff.keeper is not None:
            staff.keeper.start()

    def _take_handed_in(self, time: float) -> None:
        while True:
            try:
                handed_in = self._handed_in.get_nowait()
            except Empty:
                return
            if isinstance(handed_in, str):
                self._error = handed_in
                continue
            self._book, self._read, self._error = handed_in, time, ""
            self._staff.evaluator.adopt(handed_in.files)
            if self._staff.noticing is not None:
                self._staff.noticing.adopt(handed_in.files)

    def _is_hidden(self, alert: Alert, time: float) -> bool:
        """Whether a silence covers an alert. Silences see the labels that people are told."""
        if self._book.hides is _hides_nothing:
            return False
        noticing = self._staff.noticing
        return self._hides(alert.labels if noticing is None else noticing.labels_of(alert), time)

    def _hides(self, labels: Labels, time: float) -> bool:
        return not is_heartbeat(labels) and self._book.hides(labels, time)

    def _tell(self, alerts: Sequence[Alert], folders: Mapping[Labels, str], time: float) -> list[Notice]:
        noticing, dispatch = self._staff.noticing, self._staff.dispatch
        if noticing is None or dispatch is None:
            return []

        extra = {labels: {CAPTURE_ANNOTATION: folder} for labels, folder in folders.items()}
        if self._book.hides is _hides_nothing:
            notices = noticing.due(alerts, time, extra)
        else:
            notices = noticing.due(alerts, time, extra, lambda labels: self._hides(labels, time))
        dispatch.offer(notices)
        return notices

    def _note_folders(self, alerts: Sequence[Alert], folders: Mapping[Labels, str]) -> None:
        there = {alert.labels for alert in alerts}
        self._folders = {labels: folder for labels, folder in self._folders.items() if labels in there}
        self._folders |= folders

    def _board(self, alerts: Sequence[Alert], silenced: frozenset[Labels]) -> AlertBoard:
        shown = [self._with_folder(alert) for alert in alerts]
        active = [alert for alert in shown if alert.state is not AlertState.INACTIVE]
        over = [alert for alert in shown if alert.state is AlertState.INACTIVE]
        captures = self._staff.captures
        return AlertBoard(
            (*active, *over),
            self._staff.evaluator.statuses(),
            captures.notes() if captures is not None else (),
            silenced,
            self._error,
            self._since,
        )

    def _with_folder(self, alert: Alert) -> Alert:
        folder = self._folders.get(alert.labels)
        if folder is None:
            return alert
        return replace(alert, annotations={**alert.annotations, CAPTURE_ANNOTATION: folder})

    def _keep(self, alerts: Sequence[Alert], time: float, *, changed: bool) -> None:
        keeper = self._staff.keeper
        if keeper is None:
            return
        told = self._last_told()
        self._changed = self._changed or changed or told != self._told
        self._told = told
        if keeper.is_due(time, changed=self._changed, active=bool(alerts)):
            self._changed = False
            keeper.keep(self._remembered(time))

    def _last_told(self) -> tuple[float | None, ...]:
        """When each endpoint was told something."""
        dispatch = self._staff.dispatch
        return () if dispatch is None else tuple(status.told for status in dispatch.statuses())

    def _remembered(self, time: float) -> Remembered:
        staff = self._staff
        return Remembered(
            time,
            staff.evaluator.remembered(),
            None if staff.noticing is None else staff.noticing.remembered(),
            None if staff.dispatch is None else staff.dispatch.remembered(),
            dict(self._folders),
        )

    def _samples(self, board: AlertBoard) -> list[Sample]:
        staff = self._staff
        samples = [Sample(RELOADED, float(not self._error)), Sample(RELOAD_TIME, self._read)]
        samples += self._cost.samples(COST, NO_LABELS)
        samples += self._rule_metrics.samples(board.rules)
        for part in (staff.dispatch, staff.captures, staff.keeper):
            if part is not None:
                samples += part.samples()
        return samples
