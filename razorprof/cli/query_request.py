"""One question to series: an expression with its time or range, from options or from a line of a batch.

Asking and answering in the HTTP API's terms are here too; printing is cli.query_print's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from razorprof.errors import UsageError
from razorprof.units import parse_duration

if TYPE_CHECKING:
    from razorprof.cli.query_data import Data
    from razorprof.query.engine import RangeResult
    from razorprof.query.limits import Limits
    from razorprof.query.values import Value

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_PARAMETERS = frozenset({"query", "time", "start", "end", "step"})
_FEWEST_STEPS = 250  # of a range whose step nobody gave
_ROUND = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant query: `time` in Unix seconds, None for the end of the data."""

    time: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A range query, seconds. None: from the beginning, to the end of the data, in about 250 round steps."""

    start: float | None = None
    end: float | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An expression and when it is asked for."""

    text: str
    when: Moment | Span


def instant(request: Request, when: Moment, data: Data, limits: Limits) -> tuple[Value, float]:
    """The value and the time that it is of. Raises what the engine raises."""
    from razorprof.query.engine import compile_query

    time = data.end if when.time is None else when.time
    return compile_query(request.text).instant(data.view, time, limits), time


def over_range(request: Request, when: Span, data: Data, limits: Limits) -> RangeResult:
    """The matrix. Raises what the engine raises."""
    from razorprof.query.engine import compile_query

    query = compile_query(request.text)
    end = data.end if when.end is None else when.end
    start = min(data.start, end) if when.start is None else when.start
    step = round_step(end - start) if when.step is None else when.step
    return query.range(data.view, start, end, step, limits)


def answer_data(request: Request, data: Data, limits: Limits) -> dict[str, Any]:
    """The `data` object. Raises what the engine raises."""
    from razorprof.query.http_json import instant_data, range_data

    if isinstance(request.when, Span):
        return range_data(over_range(request, request.when, data, limits))
    return instant_data(*instant(request, request.when, data, limits))


def request_of(document: object) -> Request:
    """A line of a batch: {"query", "time"} or {"query", "start", "end", "step"}, as the HTTP API's parameters."""
    if not isinstance(document, Mapping):
        raise UsageError("a request is a JSON object", hint='{"query": "up", "time": 1700000000}')
    unknown = sorted(set(map(str, document)) - _PARAMETERS)
    if unknown:
        raise UsageError(
            "unknown parameter",
            value=unknown[0][:_LONGEST_SHOWN],
            hint="query, time, start, end and step are known",
        )
    text = document.get("query")
    if not isinstance(text, str):
        raise UsageError('invalid parameter "query"', hint="an expression as a string")
    return Request(
        text,
        when_of(
            *(_as_text(name, document.get(name)) for name in ("time", "start", "end", "step")),
        ),
    )


def when_of(
    time: str | None, start: str | None, end: str | None, step: str | None, *, ranged: bool = False
) -> Moment | Span:
    """What the options say. ranged: a range is wanted, also if none of it is given. Raises UsageError."""
    if time is not None and (ranged or (start, end, step) != (None, None, None)):
        raise UsageError("--time is for one moment", value=time, hint="give either time, or start, end and step")
    if not ranged and (start, end, step) == (None, None, None):
        return Moment(None if time is None else parse_time(time, "time"))
    return Span(
        None if start is None else parse_time(start, "start"),
        None if end is None else parse_time(end, "end"),
        None if step is None else _parse_step(step),
    )


def parse_time(text: str, what: str = "time") -> float:
    """Unix seconds, to the millisecond, of a number or an RFC 3339 time. Raises UsageError."""
    stripped = text.strip()
    if len(stripped) <= _LONGEST_SHOWN:
        if _NUMBER.fullmatch(stripped):
            seconds = float(stripped)
            if math.isfinite(seconds):
                return round(seconds, 3)
        elif found := _RFC_3339.fullmatch(stripped):
            fraction = (found[1] or "")[:7]  # Python reads microseconds
            plain = stripped.replace(found[1], fraction, 1) if found[1] else stripped
            try:
                return round(datetime.fromisoformat(plain.upper()).timestamp(), 3)
            except (ValueError, OverflowError):
                pass
    raise UsageError(
        f"the {what} is no time",
        value=stripped[:_LONGEST_SHOWN],
        hint="write Unix seconds (1700000000.123) or RFC 3339 (2023-11-14T22:13:20Z)",
    )


def round_step(seconds: float) -> float:
    """A round step that makes about 250 points, at least a millisecond."""
    raw = seconds / _FEWEST_STEPS
    if not 0.001 < raw < float("inf"):
        return 0.001 if seconds <= 0 or raw <= 0.001 else 1.0
    scale = 60.0 ** math.floor(math.log(raw, 60)) if raw >= 1 else 10.0 ** math.floor(math.log10(raw))
    step = next((factor * scale for factor in _ROUND if factor * scale >= raw), 60.0 * scale)
    return max(0.001, round(step, 3))


def _parse_step(text: str) -> float:
    seconds = parse_duration(text)
    if not seconds >= 0.001:
        raise UsageError("the step must be greater than 0", value=text, hint="at least 0.001 s")
    return seconds


def _as_text(name: str, value: object) -> str | None:
    """A parameter, which the HTTP API knows as text only; numbers are as good."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise UsageError(f'invalid parameter "{name}"', hint="a number or a string")
