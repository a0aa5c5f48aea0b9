"""What a back-test must come to: `HighCpu{job="web"} firing within +60s..+5m`. Called by cli.rules_backtest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from razorprof.alerting.backtest import Course
from razorprof.alerting.matchers import LONGEST_TEXT, LabelMatcher, all_match, parse_matchers
from razorprof.errors import UsageError
from razorprof.model.alert import AlertState

_EXPECTATION = re.compile(r"\s*([^\s{]+)\s*(\{.*\})?\s+([a-z]+)(?:\s+within\s+(.*?))?\s*", re.DOTALL)
_NAME = re.compile(r"\s*([^\s{]+)\s*(\{.*\})?\s*", re.DOTALL)
_HINT = 'write ALERT firing, or ALERT{label="value"} resolved within +60s..+5m'


class Wanted(StrEnum):
    """silent: never firing."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Expectation:
    """text: as it was given; start, end: Unix seconds, both included."""

    text: str
    alert: str
    matchers: tuple[LabelMatcher, ...]
    wanted: Wanted
    start: float
    end: float

    def of(self, courses: Iterable[Course]) -> list[Course]:
        """Those that it speaks of."""
        return [one for one in courses if one.rule.name == self.alert and all_match(self.matchers, one.labels)]

    def is_met(self, courses: Iterable[Course], end: float) -> bool:
        """Whether it came like that. end: of what was evaluated."""
        told = [one for one in self.of(courses) if self._happened(one, end)]
        return not told if self.wanted is Wanted.SILENT else bool(told)

    def _happened(self, course: Course, end: float) -> bool:
        if self.wanted is Wanted.RESOLVED:
            return (
                course.firing is not None and course.ended is not None and self.start <= course.ended <= self.end
            )
        state = AlertState.PENDING if self.wanted is Wanted.PENDING else AlertState.FIRING
        return any(
            found is state and start <= self.end and stop >= self.start
            for found, start, stop in course.states(end)
        )


def parse_expectation(
    text: str, span: tuple[float, float], moment: Callable[[str], float], alerts: Sequence[str]
) -> Expectation:
    """span: what holds where it says no time; moment: reads one; alerts: of the rules. Raises UsageError."""
    found = _EXPECTATION.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None or found[3] not in list(Wanted):
        states = ", ".join(Wanted)
        raise UsageError("this is no expectation", value=text[:80], hint=f"{_HINT}; the states are {states}")
    start, end = span
    if found[4] is not None:
        first, dots, last = found[4].partition("..")
        if not dots or not (first.strip() or last.strip()):
            raise UsageError("this is no span of time", value=found[4][:60], hint="write FROM..TO")
        start = moment(first) if first.strip() else start
        end = moment(last) if last.strip() else end
        if end < start:
            raise UsageError("the end lies before the start", value=found[4][:60])
    return _made(text, found[1], found[2], Wanted(found[3]), start, end, alerts)


def parse_none(text: str, span: tuple[float, float], alerts: Sequence[str]) -> Expectation:
    """ALERT or ALERT{labels}, which must not fire. Raises UsageError."""
    found = _NAME.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None:
        raise UsageError("this names no alert", value=text[:80], hint='write ALERT, or ALERT{label="value"}')
    return _made(text, found[1], found[2], Wanted.SILENT, *span, alerts)


def _made(
    text: str, name: str, labels: str | None, wanted: Wanted, start: float, end: float, alerts: Sequence[str]
) -> Expectation:
    if name not in alerts:
        there = ", ".join(dict.fromkeys(alerts[:20])) or "none"
        raise UsageError("no rule has this alert", value=name[:80], hint=f"there are: {there}")
    matchers = parse_matchers(labels) if labels and labels.strip("{} \t\n") else ()
    return Expectation(text.strip(), name, matchers, wanted, start, end)
