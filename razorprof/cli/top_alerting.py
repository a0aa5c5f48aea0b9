"""What `top` needs to evaluate rules and to take captures: options checked and files read before anything is
shown, and what its session then asks at each tick. Tells nobody but the person in front: for that there is
`watch`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError, UsageError
from razorprof.model.alert import AlertBoard, AlertChange, CaptureNote
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import Event
from razorprof.model.target import Target
from razorprof.session.alert_targets import find_target
from razorprof.session.view import View
from razorprof.units import parse_duration

if TYPE_CHECKING:  # what evaluates and captures is loaded where it is asked for
    from razorprof.alerting.capture_rules import ActionFile
    from razorprof.cli.rule_files import Book
    from razorprof.session.alert_captures import AlertCaptures
    from razorprof.session.alert_desk import AlertDesk
    from razorprof.session.recorded_before import RecordedBefore
    from razorprof.session.ring import Ring
    from razorprof.store.memory import MemoryStore

SHORTEST, LONGEST = 0.1, 3600.0  # seconds between evaluations
_LOOK_BACK = 300.0  # of queries
_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options say. book: None without rules; interval: seconds between evaluations of groups that give
    none; attach, commands: whether captures may inject code and run commands."""

    book: Book | None = None
    interval: float = 1.0
    attach: bool = False
    commands: bool = False

    @property
    def actions(self) -> ActionFile | None:
        return None if self.book is None else self.book.actions

    def history(self, seconds: float) -> float:
        """For how long series are kept: as far as rules look back, where that is more than `seconds`."""
        if self.book is None:
            return seconds
        from razorprof.alerting.needs import Needs

        return max(seconds, Needs(self.book.rules).longest_look + _LOOK_BACK + _MARGIN)


def read_wishes(
    rules: Sequence[str],
    *,
    actions: str | None = None,
    silences: str | None = None,
    interval: str | None = None,
    looks: float = 1.0,
    attach: bool = False,
    commands: bool = False,
) -> Wishes:
    """The files that the options name, read. looks: seconds between two looks, at each of which rules are
    evaluated unless `interval` says otherwise. Raises UsageError."""
    if not rules:
        given = {"--actions": actions, "--silences": silences, "--evaluation-interval": interval}
        idle = [f"{name} {value}" for name, value in given.items() if value is not None]
        if idle:
            raise UsageError("there is nothing to evaluate", value=" ".join(idle), hint="give --rules FILE")
        return Wishes(attach=attach, commands=commands)
    from razorprof.cli.rule_files import BookFiles

    seconds = looks if interval is None else parse_duration(interval)
    if not SHORTEST <= seconds <= LONGEST:
        hint = f"between {SHORTEST:g} and {LONGEST:g} seconds"
        raise UsageError("the evaluation interval is out of range", value=interval, hint=hint)
    files = BookFiles(tuple(rules), actions, silences, allow_attach=attach, allow_commands=commands)
    return Wishes(files.read(), seconds, attach, commands)


class TopAlerting:
    """Given to a session as its `alerting`; `take` as its `take_capture`, `taps` as its taps."""

    def __init__(
        self,
        wishes: Wishes,
        hear: Callable[[AlertChange, bool], None] = lambda change, silenced: None,
        recorded: RecordedBefore | None = None,
    ) -> None:
        """hear: is told of each change, and whether it is silenced, in the session's thread; recorded: what lies
        on the disk, for captures."""
        self.wishes = wishes
        self._hear = hear
        self._captures = TopCaptures(wishes, recorded)
        self._desk: AlertDesk | None = None

    def __call__(self, store: MemoryStore, view: View) -> Callable[[float], AlertBoard]:
        """What evaluates at each tick; without rules, what tells of captures."""
        self._captures.begin(view)
        book = self.wishes.book
        if book is None:
            return lambda time: AlertBoard(captures=self._captures.notes())
        from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
        from razorprof.session.alert_desk import AlertDesk, RuleBook, Staff
        from razorprof.session.pipeline import host_name

        evaluator = Evaluator(book.rules, view, store, EvaluatorOptions(interval=self.wishes.interval))
        staff = Staff(evaluator, captures=self._captures, metrics=self._captures.metrics, hear=self._hear)
        rules = RuleBook(book.rules) if book.silences is None else RuleBook(book.rules, book.silences.hides)
        self._desk = AlertDesk(rules, staff, store, host_name(), SystemClock().time())
        return self._desk

    @property
    def taps(self) -> Sequence[Callable[[Event], None]]:
        """What sees each event of the session: the ring, where captures may be taken without being asked for."""
        return self._captures.taps

    def take(self, target: Target) -> str:
        """Begin a capture because a person asked; why there will be none, else empty. Any thread."""
        try:
            note = self._captures.take(target)
        except RazorprofError as error:
            return error.message
        return note.detail if note.state == "skipped" else ""

    def stop(self, seconds: float) -> tuple[CaptureNote, ...]:
        """End what runs; the captures that were taken."""
        if self._desk is not None:
            self._desk.stop(seconds)
        else:
            self._captures.stop(seconds)
        return tuple(note for note in self._captures.notes() if note.folder)


class TopCaptures:
    """Captures as the desk wants them. Without an action file they are made when a person first asks for one."""

    def __init__(self, wishes: Wishes, recorded: RecordedBefore | None = None) -> None:
        self._wishes = wishes
        self._recorded = recorded
        self._made: AlertCaptures | None = None
        self._view: View | None = None
        self._ring: Ring | None = None
        self._lock = threading.Lock()
        if wishes.actions is not None:
            from razorprof.session.ring import Ring

            self._ring = Ring()

    @property
    def taps(self) -> Sequence[Callable[[Event], None]]:
        return () if self._ring is None else (self._ring.see,)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        from razorprof.session.capture_metrics import METRICS

        return METRICS

    def begin(self, view: View) -> None:
        """The session is there. Raises UsageError for actions that are not allowed."""
        self._view = view
        if self._wishes.actions is not None:
            self._make()

    def order(self, changes: Sequence[AlertChange], time: float) -> Mapping[Labels, str]:
        made = self._made
        return {} if made is None else made.order(changes, time)

    def take(self, target: Target) -> CaptureNote:
        return self._make().take_now(target)

    def notes(self) -> tuple[CaptureNote, ...]:
        made = self._made
        return () if made is None else made.notes()

    def samples(self) -> Sequence[Sample]:
        made = self._made
        return () if made is None else made.samples()

    def stop(self, seconds: float) -> None:
        if self._made is not None:
            self._made.stop(seconds)

    def _make(self) -> AlertCaptures:
        with self._lock:
            if self._made is None:
                from razorprof.cli.dump import checks_of
                from razorprof.session.alert_captures import AlertCaptures

                self._made = AlertCaptures(
                    self._wishes.actions,
                    find_target=self._find,
                    allow_attach=self._wishes.attach,
                    allow_commands=self._wishes.commands,
                    before=self._ring,
                    recorded=self._recorded,
                    view=self._view,
                    checks=checks_of,
                )
            return self._made

    def _find(self, labels: Labels) -> Target | None:
        return None if self._view is None else find_target(labels, self._view.state().targets)
