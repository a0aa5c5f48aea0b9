"""Numbers for people, and times and durations of numbers: functions of templates, as Prometheus writes them.

Each takes a number, or a text that says one. Raises ValueGap with Go's words.
"""

from __future__ import annotations

import math

from razorprof.alerting.go_numbers import format_float, parse_float
from razorprof.alerting.go_text import quote
from razorprof.alerting.go_time import Duration, Time
from razorprof.alerting.template_fields import ValueGap
from razorprof.alerting.template_values import Int64, Value, type_name

_LARGER = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALLER = ("m", "u", "n", "p", "f", "a", "z", "y")
_LARGEST = float(1 << 63)


def humanize(value: Value) -> str:
    number = _number(value)
    if number == 0 or not math.isfinite(number):
        return _short(number)
    if abs(number) >= 1:
        return _scaled(number, 1000, _LARGER)
    return _scaled_up(number)


def humanize1024(value: Value) -> str:
    number = _number(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _short(number)
    return _scaled(number, 1024, _BINARY)


def humanize_duration(value: Value) -> str:
    number = value.seconds() if isinstance(value, Duration) else _number(value)
    if not math.isfinite(number):
        return _short(number)
    if number == 0:
        return _short(number) + "s"
    if abs(number) < 1:
        return _scaled_up(number) + "s"
    sign, number = ("-", -number) if number < 0 else ("", number)
    whole = int(number) if number < _LARGEST else -(1 << 63)
    left = abs(whole)
    days, hours, minutes, seconds = left // 86400, left // 3600 % 24, left // 60 % 60, left % 60
    if whole < 0:  # Go's conversion of what is too large
        days, hours, minutes, seconds = -days, -hours, -minutes, -seconds
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_short(number)}s"


def humanize_percentage(value: Value) -> str:
    return _short(_number(value) * 100) + "%"


def humanize_timestamp(value: Value) -> str:
    number = _number(value)
    return str(_time(number)) if math.isfinite(number) else _short(number)


def to_time(value: Value) -> Value:
    return _time(_number(value))


def to_duration(value: Value) -> Value:
    number = _number(value)
    if not math.isfinite(number):
        raise ValueGap("value is NaN or Inf")
    return Duration(_nanos(number, "duration"))


def _number(value: Value) -> float:
    """A number, or a text that says one."""
    match value:
        case bool():
            pass
        case float():
            return value
        case int() if type(value) in (int, Int64):
            return float(value)
        case str() if type(value) is str:
            try:
                return parse_float(value)
            except ValueError as error:
                raise ValueGap(f"strconv.ParseFloat: parsing {quote(value)}: {error}") from None
    raise ValueGap(f"can't convert {type_name(value)} to float")


def _short(number: float) -> str:
    return format_float(number, "g", 4)


def _scaled(number: float, step: int, prefixes: tuple[str, ...]) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(number) < step:
            break
        prefix, number = larger, number / step
    return _short(number) + prefix


def _scaled_up(number: float) -> str:
    prefix = ""
    for smaller in _SMALLER:
        if abs(number) >= 1:
            break
        prefix, number = smaller, number * 1000
    return _short(number) + prefix


def _time(number: float) -> Time:
    if not math.isfinite(number):
        raise ValueGap("value is NaN or Inf")
    return Time(int(_nanos(number, "timestamp") / 1_000_000) * 1_000_000)


def _nanos(number: float, what: str) -> int:
    nanos = number * 1e9
    if not -_LARGEST <= nanos <= _LARGEST:
        raise ValueGap(
            f"{format_float(number)} cannot be represented as a nanoseconds {what} since it overflows int64"
        )
    return max(-(1 << 63), min((1 << 63) - 1, int(nanos)))
