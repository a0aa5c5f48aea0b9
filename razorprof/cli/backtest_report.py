"""What a back-test came to: a strip and a table of alerts, the expectations, and the same as JSON.

For cli.rules_backtest. Labels and annotations are untrusted text.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from razorprof.alerting.backtest import Backtest, Course
from razorprof.alerting.expectations import Expectation
from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Row, Style
from razorprof.model.alert import RuleKey
from razorprof.recording.rzp_merged import Recording
from razorprof.render import figures
from razorprof.render.alert_history import strip_of_spans, strip_text
from razorprof.render.glyphs import choose
from razorprof.render.series_names import series_text
from razorprof.render.text import cut_middle, printable

_MOST_STRIPS = 40
_MOST_ROWS = 200
_LEAST_STRIP = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One recording's. start, end: of what was tried, Unix seconds."""

    recording: Recording
    tried: Backtest
    start: float
    end: float
    expectations: tuple[Expectation, ...] = ()

    @property
    def last(self) -> float:
        """The last tick that was evaluated."""
        return self.end if self.tried.end is None else self.tried.end

    def is_met(self, expectation: Expectation) -> bool:
        return expectation.is_met(self.tried.courses, self.last)


def print_report(report: Report) -> None:
    """For people. What is not met, and rules that failed, on stdout too: a CI log shows one stream."""
    tried = report.tried
    alerting = [status for status in tried.rules if status.kind == "alerting"]
    first, last = tried.ticks[0], report.last
    words = f"{printable(report.recording.path.name)}: {len(tried.ticks)} ticks, "
    output.print_text(f"{words}{_moment(first)} to {_moment(last, first)} ({figures.duration(last - first)})")
    for status in tried.rules:
        if status.error:
            error = printable(status.error)
            output.print_text(f"{printable(status.key.name)}: the last evaluation failed: {error}")
    for line in _strips(report, [status.key for status in alerting]):
        output.print_text(line)
    if tried.courses:
        output.print_text("")
        columns = (
            Column("ALERT"), Column("LABELS", flexible=True), Column("PENDING"), Column("FIRING"),
            Column("ENDED"), Column("LASTED", right=True), Column("VALUE", right=True),
            Column("HIGHEST", right=True),
        )  # fmt: skip
        output.print_table(columns, [_row(one, report) for one in tried.courses[:_MOST_ROWS]])
        if len(tried.courses) > _MOST_ROWS:
            output.print_text(f"and {len(tried.courses) - _MOST_ROWS} more: --json tells all")
    if report.expectations:
        output.print_text("")
    color = output.color_wanted(sys.stdout)
    for one in report.expectations:
        is_met = report.is_met(one)
        text = f"{'met' if is_met else 'NOT MET'}: {printable(one.text)}"
        output.print_text(text if is_met or not color else f"\x1b[{Style.ACT.value}m{text}\x1b[0m")
        if not is_met:
            output.print_text(f"  {_instead(one, report)}")


def print_reports_json(reports: Sequence[Report]) -> None:
    output.print_json({"met": _all_met(reports), "recordings": [_document(report) for report in reports]})


def _strips(report: Report, rules: Sequence[RuleKey]) -> Iterator[str]:
    """A line for each alert; those of rules that never alerted, too."""
    width = min(output.terminal_width(), 500)
    names = {key: cut_middle(printable(key.name), 30) for key in rules}
    widest = max(map(len, names.values()), default=0)
    room = max(_LEAST_STRIP, width - widest - 3)
    first, last = report.tried.ticks[0], report.last
    glyphs = choose(os.environ)
    for key in rules[:_MOST_STRIPS]:
        courses = [course for course in report.tried.courses if course.rule == key]
        spans = [span for course in courses for span in course.states(last)]
        strip = strip_text(strip_of_spans(spans, first, last, room))
        yield f"{names[key]:{widest}}  {glyphs.apply(strip)}"
    if len(rules) > _MOST_STRIPS:
        yield f"and {len(rules) - _MOST_STRIPS} rules more"
    if rules:
        left, right = _moment(first, first), _moment(last, first)
        yield f"{'':{widest}}  {left}{right:>{max(len(right) + 1, room - len(left))}}"


def _row(course: Course, report: Report) -> Row:
    end = report.last if course.ended is None else course.ended
    begin = course.pending if course.firing is None else course.firing
    fired = Cell("never", Style.QUIET) if course.firing is None else _moment(course.firing, course.firing)
    ended = "resolved" if course.firing is not None else "dropped"
    return (
        course.rule.name,
        Cell(series_text(course.labels.without("alertname")), Style.QUIET),
        _moment(course.pending, course.pending),
        fired if isinstance(fired, Cell) else Cell(fired, Style.ACT),
        Cell("lasts", Style.LOOK) if course.ended is None else f"{ended} {_moment(course.ended, course.ended)}",
        figures.duration(end - begin),
        f"{course.value:g}",
        f"{_finite(course.highest):g}",
    )


def _instead(expectation: Expectation, report: Report) -> str:
    """What came in place of what was expected."""
    found = expectation.of(report.tried.courses)
    if not found:
        return "it was never pending and never fired"
    told = []
    for course in found[:3]:
        words = f"pending {_moment(course.pending, course.pending)}"
        if course.firing is not None:
            words = f"firing {_moment(course.firing, course.firing)}"
        words += " and lasts" if course.ended is None else f" to {_moment(course.ended, course.ended)}"
        told.append(words)
    return "it was " + ", ".join(told) + (f" and {len(found) - 3} times more" if len(found) > 3 else "")


def _all_met(reports: Sequence[Report]) -> bool:
    return all(report.is_met(one) for report in reports for one in report.expectations)


def _document(report: Report) -> dict[str, Any]:
    tried = report.tried
    return {
        "recording": str(report.recording.path),
        "start": tried.ticks[0],
        "end": report.last,
        "ticks": len(tried.ticks),
        "rules": [
            {
                "file": status.key.file,
                "group": status.key.group,
                "name": status.key.name,
                "kind": status.kind,
                "query": status.query,
                "error": status.error or None,
            }
            for status in tried.rules
        ],
        "alerts": [
            {
                "name": one.rule.name,
                "group": one.rule.group,
                "file": one.rule.file,
                "labels": dict(one.labels),
                "pending": one.pending,
                "firing": one.firing,
                "ended": one.ended,
                "state": _last_state(one),
                "value": one.value,
                "highest": _finite(one.highest),
                "last": one.last,
            }
            for one in tried.courses
        ],
        "changes": [
            {
                "time": change.time,
                "name": change.alert.name,
                "labels": dict(change.alert.labels),
                "before": change.before.value,
                "after": change.after.value,
                "value": change.alert.value,
                "annotations": dict(change.alert.annotations),
            }
            for change in tried.changes
        ],
        "expectations": [
            {
                "expectation": one.text,
                "alert": one.alert,
                "state": one.wanted.value,
                "start": one.start,
                "end": one.end,
                "met": report.is_met(one),
            }
            for one in report.expectations
        ],
        "damage": [str(damage) for damage in report.recording.damage],
    }


def _last_state(course: Course) -> str:
    if course.ended is not None:
        return "dropped" if course.firing is None else "resolved"
    return "pending" if course.firing is None else "firing"


def _finite(value: float) -> float:
    return math.nan if value == -math.inf else value


def _moment(time: float, beside: float | None = None) -> str:
    """Local time; without the date where it is that of `beside`."""
    try:
        moment = datetime.fromtimestamp(time)
        same = beside is not None and datetime.fromtimestamp(beside).date() == moment.date()
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f}"
    return f"{moment:%H:%M:%S}" if same else f"{moment:%Y-%m-%d %H:%M:%S}"
