"""Intervals of a silence file: nodes -> alerting.time_intervals, with every problem and its line."""

from __future__ import annotations

from collections.abc import Callable

from razorprof.alerting.action_fields import Options, items_of, options_of
from razorprof.alerting.time_intervals import (
    LOCAL,
    Range,
    TimeInterval,
    parse_days,
    parse_location,
    parse_months,
    parse_times,
    parse_weekdays,
    parse_years,
)
from razorprof.alerting.yaml_fields import Problems, is_null, kind_of, text_of
from razorprof.alerting.yaml_tree import Mapping, Node, Scalar
from razorprof.errors import UsageError

MOST_RANGES = 64
_KNOWN = ("times", "weekdays", "days_of_month", "months", "years", "location")


def read_interval(node: Node, problems: Problems) -> TimeInterval | None:
    """One of `time_intervals`; None where it is none at all."""
    if not isinstance(node, Mapping):
        problems.add(node, f"a time interval is a mapping, not {kind_of(node)}")
        return None
    options = options_of(node, "a time interval", _KNOWN, problems)
    location = options.text("location", "UTC")
    zone = None
    if location != LOCAL:
        try:
            zone = parse_location(location)
        except UsageError as error:
            problems.add(options.line_of("location"), str(error), error.hint)
    if not any(name in options for name in _KNOWN if name != "location"):
        problems.add(node, "a time interval without any condition", "give times, weekdays, or others of them")
    return TimeInterval(
        times=_times(options),
        weekdays=_ranges(options, "weekdays", parse_weekdays),
        days=_ranges(options, "days_of_month", parse_days),
        months=_ranges(options, "months", parse_months),
        years=_ranges(options, "years", parse_years),
        location=zone,
        is_local=location == LOCAL,
    )


def _ranges(options: Options, name: str, parse: Callable[[str], Range]) -> tuple[Range, ...]:
    found = []
    for item in items_of(options.node(name), name, MOST_RANGES, options.problems):
        text = _text(item, name, options.problems)
        if text is not None:
            try:
                found.append(parse(text))
            except UsageError as error:
                options.problems.add(item, str(error), error.hint)
    return tuple(found)


def _times(options: Options) -> tuple[Range, ...]:
    problems = options.problems
    found = []
    for item in items_of(options.node("times"), "times", MOST_RANGES, problems):
        if not isinstance(item, Mapping):
            problems.add(item, f"a range of times is a mapping, not {kind_of(item)}")
            continue
        both = options_of(item, "a range of times", ("start_time", "end_time"), problems)
        start, end = both.required("start_time"), both.required("end_time")
        if start is None or end is None:
            continue
        texts = _text(start, "start_time", problems), _text(end, "end_time", problems)
        if texts[0] is not None and texts[1] is not None:
            try:
                found.append(parse_times(texts[0], texts[1]))
            except UsageError as error:
                problems.add(item, str(error), error.hint)
    return tuple(found)


def _text(node: Node, what: str, problems: Problems) -> str | None:
    """Any scalar as it is written: numbers are given without quotes, too."""
    if isinstance(node, Scalar) and is_null(node):
        problems.add(node, f"{what} holds nothing")
        return None
    return text_of(node, what, problems)
