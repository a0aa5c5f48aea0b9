"""Moments of a recording as people name them: a time, a time of the day, so long after its start.

For show, query and whatever else takes a time of a recording.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from razorprof.errors import UsageError

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?", re.ASCII)
_HINT = "write Unix seconds, RFC 3339, a time of the day (03:12), +90s after its start or -5m before its end"


def parse_moment(text: str, span: tuple[float, float], what: str = "time") -> float:
    """Unix seconds. span: of the recording. A time of the day is local, and the first one after its start. Raises
    UsageError."""
    from razorprof.cli.query_request import parse_time
    from razorprof.units import parse_duration

    stripped = text.strip()
    if found := _CLOCK.fullmatch(stripped):
        return _of_day(found, span[0])
    try:
        if stripped.startswith("+"):
            return span[0] + parse_duration(stripped[1:])
        if stripped.startswith("-"):
            return span[1] - parse_duration(stripped[1:])
        return parse_time(stripped, what)
    except UsageError as error:
        raise UsageError(f"the {what} is no time", value=stripped[:60], hint=_HINT) from error


def parse_window(start: str | None, end: str | None, span: tuple[float, float]) -> tuple[float, float]:
    """--from and --to; the whole where they are not given. Raises UsageError where nothing lies between them."""
    low = span[0] if start is None else parse_moment(start, span, "start")
    high = span[1] if end is None else parse_moment(end, span, "end")
    if high < low:
        raise UsageError("the end lies before the start", value=f"{end or 'the end'} < {start or 'the start'}")
    return low, high


def _of_day(found: re.Match[str], start: float) -> float:
    begin = datetime.fromtimestamp(start)
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    moment = begin.replace(
        hour=hour, minute=minute, second=second, microsecond=int((found[4] or "0").ljust(6, "0"))
    )
    # to the second of its start: who reads 10:30:05 there means it
    return (moment if moment.timestamp() > start - 1 else moment + timedelta(days=1)).timestamp()
