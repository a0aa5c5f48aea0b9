"""Base units as people read them: the only place where a ratio becomes percent. None becomes a dash."""

from __future__ import annotations

import math
from collections.abc import Callable

NOTHING = "–"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def percent(ratio: float | None, digits: int = 1) -> str:
    """0.123 -> ``12.3 %``."""
    return NOTHING if ratio is None or math.isnan(ratio) else f"{ratio * 100:.{digits}f} %"


def percent_bare(ratio: float | None, digits: int = 1) -> str:
    """0.123 -> ``12.3``, for columns whose head says %."""
    return NOTHING if ratio is None or math.isnan(ratio) else f"{ratio * 100:.{digits}f}"


def size(count: float | None) -> str:
    """Bytes, three significant digits: 812 MiB, 1.07 GiB."""
    if count is None or math.isnan(count):
        return NOTHING
    value, sign = abs(count), "-" if count < 0 else ""
    for unit in _BINARY:
        if value < 999.5 or unit == _BINARY[-1]:
            return f"{sign}{_three_digits(value, whole=unit == 'B')} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def rate(per_second: float | None, unit: str = "") -> str:
    """A rate with an SI prefix: 12.3 k/s."""
    return NOTHING if per_second is None or math.isnan(per_second) else f"{count(per_second)}{unit}/s"


def size_rate(per_second: float | None) -> str:
    """Bytes per second: 1.2 MiB/s."""
    return NOTHING if per_second is None or math.isnan(per_second) else f"{size(per_second)}/s"


def count(number: float | None) -> str:
    """A count: 999, 12.3k, 4.56M."""
    if number is None or math.isnan(number):
        return NOTHING
    value, sign = abs(number), "-" if number < 0 else ""
    if value < 1000:
        return f"{sign}{value:.0f}" if value == int(value) or value >= 100 else f"{sign}{value:.1f}"
    for suffix in ("k", "M", "G", "T"):
        value /= 1000
        if value < 999.5 or suffix == "T":
            return f"{sign}{_three_digits(value)}{suffix}"
    raise AssertionError("unreachable")


def times(ratio: float | None) -> str:
    """How many times as much: 4.1 x, 12 x."""
    if ratio is None or math.isnan(ratio):
        return NOTHING
    return f"{ratio:.1f} x" if abs(ratio) < 9.95 else f"{ratio:.0f} x"


def duration(seconds: float | None) -> str:
    """A length of time, two units at most: 214 ms, 1.50 s, 2 m 10 s, 2 h 14 m, 3 d 4 h."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds == 0:
        return "0 s"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{_three_digits(seconds * 1e3)} ms"
    if seconds < 60:
        return f"{_three_digits(seconds)} s"
    whole = int(seconds)
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= length:
            return f"{whole // length} {unit} {whole % length // part} {smaller}"
    raise AssertionError("unreachable")


def span(seconds: float | None) -> str:
    """A length of time that somebody chose, such as a window or an interval: 10 s, 0.5 s, 2 m, 1 h 30 m."""
    if seconds is not None and seconds < 60:
        return f"{seconds:g} s"
    first, _, second = duration(seconds).rpartition(" 0 ")
    return first if first else second


def in_unit(value: float | None, unit: str) -> str:
    """A value in bytes, bytes/s, seconds, ratio, /s or no unit, as it stands at an axis or in a list."""
    return _SHOW.get(unit, _number)(value)


def _number(value: float | None) -> str:
    if value is not None and 0 < abs(value) < 1:
        return f"{value:.3g}"
    return count(value)


_SHOW: dict[str, Callable[[float | None], str]] = {
    "bytes": size,
    "bytes/s": size_rate,
    "seconds": duration,
    "ratio": percent,
    "/s": rate,
}


def _three_digits(value: float, *, whole: bool = False) -> str:
    if whole or value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
