"""Rules over what was recorded, tick by tick: when each alert would have been pending, firing, resolved.

    test = Backtest(files, recording.ticks(), series.as_of, options)
    test.advance(time)                    # evaluate the ticks up to there; never twice
    test.changes, test.courses, test.board(time)

Each tick is evaluated over what the store held then (`as_of`), by the evaluator that runs live: both agree
exactly, as far back as the live store reached. Not for one verdict on a span (alerting.rule_watch). Called by
cli.rules_backtest and by session.player.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_watch import Joined
from razorprof.alerting.rules import RuleFile
from razorprof.model.alert import Alert, AlertBoard, AlertChange, AlertState, RuleKey, RuleStatus
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Series
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, SeriesBlock, SeriesView

_COMPUTED_BYTES = 256 << 20


@dataclass(slots=True)
class Course:
    """One time from pending (or firing at once) to the end. Unix seconds. pending: since when the condition held;
    firing: since when it fired, None where it never did; ended: when it was resolved or dropped, None where it
    lasts; value: of the query when it began to fire, else when it began to be pending; highest, last: over all
    evaluations."""

    rule: RuleKey
    labels: Labels
    pending: float
    value: float
    firing: float | None = None
    ended: float | None = None
    highest: float = -math.inf
    last: float = math.nan

    def states(self, end: float) -> list[tuple[AlertState, float, float]]:
        """From when to when it was in which state; end: of what was evaluated."""
        over = end if self.ended is None else self.ended
        first = over if self.firing is None else self.firing
        found = [(AlertState.PENDING, self.pending, first)] if first > self.pending else []
        return found if self.firing is None else [*found, (AlertState.FIRING, self.firing, over)]


class Courses:
    """Put together from changes, in their order."""

    def __init__(self, changes: Iterable[AlertChange] = ()) -> None:
        self.found: list[Course] = []
        self._lasting: dict[tuple[RuleKey, Labels], Course] = {}
        for change in changes:
            self.take(change)

    def take(self, change: AlertChange) -> None:
        alert = change.alert
        key = alert.rule, alert.labels
        course = self._lasting.get(key)
        if change.after is AlertState.INACTIVE:
            if course is not None:
                self._lasting.pop(key).ended = change.time
            return
        if course is None:
            course = self._lasting[key] = Course(alert.rule, alert.labels, change.time, alert.value)
            self.found.append(course)
        if change.after is AlertState.FIRING:
            course.firing, course.value = change.time, alert.value

    def see(self, alerts: Iterable[Alert]) -> None:
        """The values of an evaluation."""
        for alert in alerts:
            course = self._lasting.get((alert.rule, alert.labels))
            if course is not None and alert.state is not AlertState.INACTIVE:
                course.last = alert.value
                course.highest = max(course.highest, -math.inf if math.isnan(alert.value) else alert.value)


class Backtest:
    """Evaluates as far as it is asked to. One thread."""

    def __init__(
        self,
        files: Sequence[RuleFile],
        ticks: Iterable[float],
        as_of: Callable[[float], SeriesView],
        options: EvaluatorOptions | None = None,
    ) -> None:
        """ticks: their times, ascending; as_of: what was there at one of them."""
        self.ticks = tuple(map(float, ticks))
        self.changes: list[AlertChange] = []
        self._courses = Courses()
        self.computed = MemoryStore(seconds=math.inf, max_bytes=_COMPUTED_BYTES)
        self._as_of = as_of
        self._seen = _Seen()
        self._evaluator = Evaluator(files, Joined(self.computed, self._seen, frozenset()), self.computed, options)
        self._done = 0  # ticks
        self._alerts: list[tuple[Alert, ...]] = []
        self._statuses: list[tuple[RuleStatus, ...]] = []

    @property
    def courses(self) -> list[Course]:
        """What the alerts went through up to `end`."""
        return self._courses.found

    @property
    def end(self) -> float | None:
        """The last tick that was evaluated."""
        return self.ticks[self._done - 1] if self._done else None

    @property
    def rules(self) -> tuple[RuleStatus, ...]:
        """How each rule fared at the last tick."""
        return self._evaluator.statuses()

    def advance(self, time: float = math.inf, progress: Callable[[int, int], None] | None = None) -> None:
        """Evaluate the ticks up to `time`. progress: hears ticks that are done, and ticks in all."""
        while self._done < len(self.ticks) and self.ticks[self._done] <= time:
            self._step(self.ticks[self._done])
            if progress is not None:
                progress(self._done, len(self.ticks))

    def next_change(self, time: float) -> float | None:
        """When an alert first changes after `time`; evaluates no further than that."""
        self.advance(time)
        place = bisect_right(self.changes, time, key=lambda change: change.time)
        while place == len(self.changes) and self._done < len(self.ticks):
            self._step(self.ticks[self._done])
        return self.changes[place].time if place < len(self.changes) else None

    def board(self, time: float) -> AlertBoard:
        """What alerting would have told at the last tick up to `time`."""
        self.advance(time)
        place = bisect_right(self.ticks, time, hi=self._done) - 1
        if place < 0:
            return AlertBoard(rules=self._evaluator.statuses())
        found = self._alerts[place]
        active = [alert for alert in found if alert.state is not AlertState.INACTIVE]
        over = [alert for alert in found if alert.state is AlertState.INACTIVE]
        return AlertBoard((*active, *over), self._statuses[place], since=self.ticks[0])

    def _step(self, time: float) -> None:
        self._seen.view = self._as_of(time)
        changed = self._evaluator.evaluate(time)
        self._done += 1
        self.changes += changed
        self._alerts.append(self._evaluator.alerts())
        self._note_statuses()
        for change in changed:
            self._courses.take(change)
        self._courses.see(self._alerts[-1])

    def _note_statuses(self) -> None:
        """The same object while nothing changed that people are told."""
        now = self._evaluator.statuses()
        if self._statuses and list(map(_told, self._statuses[-1])) == list(map(_told, now)):
            now = self._statuses[-1]
        self._statuses.append(now)


def _told(status: RuleStatus) -> tuple[object, ...]:
    return status.health, status.error, status.series, status.evaluated is None


class _Seen:
    """A view of the tick that is evaluated."""

    view: SeriesView

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return self.view.select(matchers, start, end)

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        return self.view.blocks(matchers, start, end)

    def metrics(self) -> Iterable[Metric]:
        return self.view.metrics()
