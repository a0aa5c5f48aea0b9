"""Fields, methods, indexes and comparisons of a template's values: all that a template can do to one without a
function of Prometheus. Raises ValueGap with Go's words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from razorprof.alerting.go_format import PLAIN, Spec, show
from razorprof.alerting.go_text import from_bytes, to_bytes
from razorprof.alerting.go_time import Duration, Month, Time, Weekday
from razorprof.alerting.template_values import (
    AnyMap,
    Byte,
    Data,
    Int64,
    Kind,
    QueryResult,
    Sample,
    TextMap,
    Value,
    kind_of,
    type_name,
)

_NUMBERS = frozenset({Kind.INT, Kind.UINT})
_ORDERED = frozenset({Kind.INT, Kind.UINT, Kind.FLOAT, Kind.STRING})
_BASIC = _ORDERED | {Kind.BOOL}
_AS_TEXT = Spec("s")
Method = tuple[tuple[str, ...], Callable[..., Value]]  # types of its arguments, what it does


class ValueGap(Exception):
    """The value has not what is asked of it."""


def field_of(value: Value, name: str) -> Value:
    """A field of a struct or the value of a key. A key that a map has not is its zero."""
    match value:
        case TextMap():
            return value.get(name, "")
        case AnyMap():
            return value.get(name)
        case Data():
            match name:
                case "Labels":
                    return value.labels
                case "ExternalLabels":
                    return value.external_labels
                case "ExternalURL":
                    return value.external_url
                case "Value":
                    return value.value
        case Sample():
            match name:
                case "Labels":
                    return value.labels
                case "Value":
                    return value.value
    raise ValueGap(f"can't evaluate field {name} in type {type_name(value)}")


def method_of(value: Value, name: str) -> Method | None:
    """A method of a time or duration, or None where there is none of that name."""
    match value:
        case Time():
            moment = value.moment()
            times: dict[str, Method] = {
                "Format": (("string",), value.format),
                "String": ((), lambda: str(value)),
                "UTC": ((), lambda: value),
                "Unix": ((), lambda: Int64(value.unix())),
                "UnixMilli": ((), lambda: Int64(value.unix_millis())),
                "UnixNano": ((), lambda: Int64(value.nanos)),
                "Year": ((), lambda: moment.year),
                "Month": ((), lambda: Month(moment.month)),
                "Day": ((), lambda: moment.day),
                "Hour": ((), lambda: moment.hour),
                "Minute": ((), lambda: moment.minute),
                "Second": ((), lambda: moment.second),
                "YearDay": ((), lambda: moment.timetuple().tm_yday),
                "Weekday": ((), lambda: Weekday(moment.isoweekday() % 7)),
                "Add": (("time.Duration",), value.add),
                "Sub": (("time.Time",), value.since),
                "After": (("time.Time",), lambda other: value.nanos > other.nanos),
                "Before": (("time.Time",), lambda other: value.nanos < other.nanos),
                "Equal": (("time.Time",), lambda other: value.nanos == other.nanos),
            }
            return times.get(name)
        case Duration():
            durations: dict[str, Method] = {
                "String": ((), lambda: str(value)),
                "Seconds": ((), value.seconds),
                "Minutes": ((), value.minutes),
                "Hours": ((), value.hours),
                "Milliseconds": ((), lambda: Int64(int(value.nanos / 1_000_000))),
            }
            return durations.get(name)
        case Month() | Weekday():
            return ((), lambda: str(value)) if name == "String" else None
    return None


def length(value: Value) -> int:
    """len: of a text in bytes."""
    match value:
        case str():
            return len(to_bytes(value))
        case TextMap() | AnyMap() | QueryResult():
            return len(value)
        case None:
            raise ValueGap("reflect: call of reflect.Value.Type on zero Value")
    raise ValueGap(f"len of type {type_name(value).removeprefix('*')}")


def index(value: Value, indexes: Sequence[Value]) -> Value:
    """index x 1 2 is x[1][2]."""
    if value is None:
        raise ValueGap("index of untyped nil")
    for key in indexes:
        match value:
            case str():
                content = to_bytes(value)
                value = Byte(content[_place(key, len(content), "string")])
            case QueryResult():
                value = value[_place(key, len(value), "slice")]
            case TextMap() | AnyMap():
                if key is None:
                    raise ValueGap("value is nil; should be of type string")
                if type(key) is not str:
                    raise ValueGap(f"value has type {type_name(key)}; should be string")
                value = value.get(key, "" if isinstance(value, TextMap) else None)
            case None:
                raise ValueGap("index of nil pointer")
            case _:
                raise ValueGap(f"can't index item of type {type_name(value).removeprefix('*')}")
    return value


def cut(value: Value, indexes: Sequence[Value]) -> Value:
    """slice x 1 2 is x[1:2]."""
    if value is None:
        raise ValueGap("slice of untyped nil")
    if len(indexes) > 3:
        raise ValueGap(f"too many slice indexes: {len(indexes)}")
    if isinstance(value, str):
        if len(indexes) == 3:
            raise ValueGap("cannot 3-index slice a string")
        content = to_bytes(value)
        start, end = _bounds(indexes, len(content))
        return type(value)(from_bytes(content[start:end]))
    if isinstance(value, QueryResult):
        start, end = _bounds(indexes, len(value))
        return QueryResult(value[start:end])
    raise ValueGap(f"can't slice item of type {type_name(value)}")


def equals(first: Value, others: Sequence[Value]) -> bool:
    """eq a b c: whether a is b or c."""
    if not others:
        raise ValueGap("missing argument for comparison")
    return any(_is_equal(first, other) for other in others)


def is_less(first: Value, second: Value) -> bool:
    """lt"""
    kinds = kind_of(first), kind_of(second)
    if not _BASIC.issuperset(kinds):
        raise ValueGap("invalid type for comparison")
    if kinds[0] is not kinds[1] and not _NUMBERS.issuperset(kinds):
        raise ValueGap("incompatible types for comparison")
    if not _ORDERED.issuperset(kinds):
        raise ValueGap("invalid type for comparison")
    if isinstance(first, str) and isinstance(second, str):
        return to_bytes(first) < to_bytes(second)
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first < second
    raise ValueGap("incompatible types for comparison")


def _is_equal(first: Value, second: Value) -> bool:
    kinds = kind_of(first), kind_of(second)
    basic = tuple(kind if kind in _BASIC else Kind.INVALID for kind in kinds)
    if basic[0] is not basic[1]:
        if _NUMBERS.issuperset(basic):
            return first == second
        if first is not None and second is not None:
            raise ValueGap("incompatible types for comparison")
        return False
    if basic[0] is not Kind.INVALID:
        return first == second
    if first is None or second is None:
        return first is second
    if kinds[0] is not kinds[1]:
        told = f"{show(first, _AS_TEXT)}: {type_name(first)}, {type_name(second)}: {show(second, PLAIN)}"
        raise ValueGap(f"non-comparable types {told}")
    if kinds[0] in (Kind.MAP, Kind.SLICE) or isinstance(first, Data):
        raise ValueGap(f"non-comparable type {show(second, _AS_TEXT)}: {type_name(second)}")
    return first is second


def _bounds(indexes: Sequence[Value], size: int) -> tuple[int, int]:
    places = [_place(key, size) for key in indexes]
    start, end = places[0] if places else 0, places[1] if len(places) > 1 else size
    for low, high in ((start, end), *(((end, places[2]),) if len(places) > 2 else ())):
        if low > high:
            raise ValueGap(f"invalid slice index: {low} > {high}")
    return start, end


def _place(key: Value, size: int, item_of: str = "") -> int:
    """A place within `size`. item_of: what has an item there, so that its end is none."""
    if key is None:
        raise ValueGap("cannot index slice/array with nil")
    if not isinstance(key, int) or isinstance(key, bool):
        raise ValueGap(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= size:
        raise ValueGap(f"index out of range: {int(key)}")
    if item_of and key == size:
        raise ValueGap(f"reflect: {item_of} index out of range")
    return int(key)
