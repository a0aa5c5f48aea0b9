"""A desk with everything around it, ticked by hand, for the tests of alerting.

The store is written to, the notifier writes down what it is told, captures only name folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.notices import Noticing, NoticingOptions
from razorprof.alerting.rules import AlertingRule, RuleFile, RuleGroup
from razorprof.alerting.template import compile_template
from razorprof.clock import Clock, ManualClock
from razorprof.errors import ToolFailed
from razorprof.model.alert import AlertBoard, AlertChange, AlertState, CaptureNote, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.notice import Notice
from razorprof.plugin.notifiers import Sender
from razorprof.query.engine import compile_query
from razorprof.session import dispatch
from razorprof.session.alert_desk import AlertDesk, Captures, RuleBook, Staff
from razorprof.session.alert_state import StateKeeper
from razorprof.session.dispatch import Dispatcher
from razorprof.session.route import Route
from razorprof.session.state_folder import StateFolder
from razorprof.store.memory import MemoryStore

LOAD = gauge("load", "", "load")
TAKEN = counter("taken_total", "", "taken")


class Written:
    """A notifier, and its sender: what it is told, in order. While `down`, it fails."""

    name: ClassVar[str] = "written"
    options: ClassVar[Mapping[str, str]] = {}
    wants_repeats: ClassVar[bool] = False
    most: ClassVar[int] = 100

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.down = False

    def open(self, options: Mapping[str, str], clock: Clock) -> Sender:
        return self

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        if self.down:
            raise ToolFailed("down")
        self.notices += notices

    def close(self) -> None:
        pass

    @property
    def told(self) -> list[tuple[str, str]]:
        """(pid, what) of each notice."""
        return [(n.labels.get("pid", ""), "resolved" if n.is_resolved else "firing") for n in self.notices]


class NamesFolders:
    """Captures that are never taken."""

    def __init__(self) -> None:
        self.adopted: list[str] = []
        self.stopped = False

    def order(self, changes: Sequence[AlertChange], time: float) -> Mapping[Labels, str]:
        fires = [change.alert for change in changes if change.after is AlertState.FIRING]
        return {alert.labels: f"/captures/{alert.name}-{alert.labels.get('pid', '')}-{time:g}" for alert in fires}

    def notes(self) -> tuple[CaptureNote, ...]:
        return (CaptureNote("slow", "Busy", 1.0),)

    def samples(self) -> Sequence[Sample]:
        return (Sample(TAKEN, 3.0),)

    def stop(self, seconds: float) -> None:
        self.stopped = True


def rules(*alerts: tuple[str, str], hold: float = 0.0, group: str = "g", path: str = "rules.yml") -> RuleFile:
    """A file of one group of alerting rules: (name, expression) each."""
    made = tuple(
        AlertingRule(
            RuleKey(path, group, place, name),
            compile_query(expression),
            hold,
            annotations={"summary": compile_template("it is busy")},
        )
        for place, (name, expression) in enumerate(alerts)
    )
    return RuleFile(path, (RuleGroup(path, group, made, interval=1.0),))


BUSY = rules(("Busy", "load > 1"))


class AlertRoom:
    """A desk. state: where it keeps what it remembers; None: nowhere."""

    def __init__(
        self,
        book: RuleBook,
        *,
        state: Path | None = None,
        written: Written | None = None,
        captures: Captures | None = None,
        time: float = 1000.0,
        external_labels: Mapping[str, str] | None = None,
    ) -> None:
        self.clock = ManualClock(time)
        self.store = MemoryStore()
        self.store.declare([LOAD])
        self.written = written or Written()
        self.heard: list[tuple[AlertChange, bool]] = []
        self.dispatcher = Dispatcher([Route("written", self.written, self.written)], self.clock, lambda: 0.0)
        self.dispatcher.start = lambda: None  # type: ignore[method-assign]  # stepped by hand
        self.folder = None if state is None else StateFolder(state)
        external = external_labels or {}
        self.evaluator = Evaluator(
            book.files, self.store, self.store, EvaluatorOptions(1.0, external_labels=external)
        )
        staff = Staff(
            self.evaluator,
            Noticing(NoticingOptions(1.0, external_labels=external)),
            self.dispatcher,
            captures,
            None if self.folder is None else StateKeeper(self.folder),
            (*dispatch.METRICS, TAKEN),
            lambda change, silenced: self.heard.append((change, silenced)),
        )
        self.desk = AlertDesk(book, staff, self.store, "box", read=time)
        self._groups = {pid: self.store.group(Labels(job="web", pid=pid)) for pid in ("7", "8")}

    def tick(self, seconds: float = 1.0, *, deliver: bool = True, **loads: float) -> AlertBoard:
        """Let time pass, then evaluate, and deliver what is to be told. loads: p7=2.0 is the load of pid 7."""
        self.clock.advance(seconds)
        time = self.clock.time()
        for name, load in loads.items():
            self._groups[name.removeprefix("p")].append(time, [Sample(LOAD, load)])
        board = self.desk(time)
        if deliver:
            self.deliver()
        return board

    def deliver(self) -> None:
        for delivery in self.dispatcher.deliveries:
            while delivery.step() == 0.0:
                pass

    def value(self, name: str, **labels: str) -> float | None:
        """The newest value of a series of the desk's own."""
        return self.store.last(Labels(job="razorprof", instance="box", __name__=name, **labels))

    def close(self) -> None:
        self.desk.stop(5.0)
        if self.folder is not None:
            self.folder.close()
