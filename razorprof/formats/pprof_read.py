"""pprof's profile.proto into a profile, whoever wrote it. The content is hostile: see formats.hostile.

For formats.pprof. The weight is the file's default sample type, else its last one, as pprof itself chooses; the
others become further values. Inlined functions become frames of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from razorprof.formats import hostile
from razorprof.formats.how import apply, read_blocks
from razorprof.formats.pprof_write import BLOCK, OWN_FIELD, PER_SECOND, THREAD, THREAD_ID, value_name
from razorprof.formats.protobuf import fields, signed, unpack
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Measure, Profile, StackKey

_UNITS = {
    "nanoseconds": ("seconds", 1e-9),
    "microseconds": ("seconds", 1e-6),
    "milliseconds": ("seconds", 1e-3),
    "seconds": ("seconds", 1.0),
}
_MOST_VALUES = 64
_MOST_PARTS = 2_000_000  # views of about 200 bytes each
_DEEPEST_STACK = 1_000_000
_MOST_COMMENTS = 1000


@dataclass(slots=True)
class _Raw:
    """The message's parts as they were found; what refers to texts is read when all are known."""

    value_types: list[memoryview] = field(default_factory=list)
    samples: list[memoryview] = field(default_factory=list)
    locations: list[memoryview] = field(default_factory=list)
    functions: list[memoryview] = field(default_factory=list)
    texts: list[memoryview] = field(default_factory=list)
    comments: list[int] = field(default_factory=list)
    period_type: memoryview | None = None
    own: memoryview | None = None
    numbers: dict[int, int] = field(default_factory=dict)

    def text(self, place: int, what: str) -> str:
        found = self.texts[hostile.index(place, len(self.texts), what)]
        if len(found) > hostile.LONGEST_NAME:
            raise hostile.damaged(f"{what} is longer than {hostile.LONGEST_NAME} bytes")
        return str(found, "utf-8", "replace")


def decode(content: bytes) -> Profile:
    """The profile in a message. Raises ToolFailed."""
    raw = _parts(memoryview(content))
    types = [_value_type(view, raw) for view in raw.value_types]
    if not types:
        raise hostile.damaged("a pprof profile without sample types")
    if len(types) > _MOST_VALUES:
        raise hostile.damaged("too many sample types", len(types))
    main = _main_type(types, raw)
    own = {} if raw.own is None else hostile.parse_json(bytes(raw.own), "what razorprof told")
    blocks = read_blocks(own.get("blocks", []))
    frames = _locations(raw)
    collector = hostile.StackCollector()
    sums: list[dict[StackKey, float]] = [hostile.new_weights() for _ in types]
    in_blocks: list[dict[StackKey, float]] = [hostile.new_weights() for _ in blocks]
    labels = _Labels(raw)
    for view in raw.samples:
        places, values, thread, block = _sample(view, labels)
        if len(values) != len(types):
            raise hostile.damaged("a sample has not one value for each type", len(values))
        key = collector.key(thread, _frames(places, frames))
        for place, value in enumerate(values):
            if value < 0:
                raise hostile.damaged("a sample weighs less than nothing", value)
            if value or place == main:
                sums[place][key] += value * types[place].scale
        if 1 <= block <= len(blocks):
            in_blocks[block - 1][key] += values[main] * types[main].scale
    others = [n for n in range(len(types)) if n != main]
    weights = sums[main]
    only_further = [key for key, held in weights.items() if not held and any(key in sums[n] for n in others)]
    for key in only_further:
        del weights[key]
    start = signed(raw.numbers.get(9, 0))
    profile = Profile(
        dict(weights),
        unit=types[main].unit,
        seconds=max(0.0, signed(raw.numbers.get(10, 0)) / PER_SECOND),
        samples=len(raw.samples),
        rate_hz=_rate(raw),
        value=types[main].name,
        also=tuple(Measure(types[n].name, types[n].unit, dict(sums[n])) for n in others),
        start=start / PER_SECOND if start > 0 else None,
        blocks=tuple(replace(b, weights=dict(held)) for b, held in zip(blocks, in_blocks, strict=True)),
        notes=_comments(raw),
    )
    return _as_ours(profile, own) if own else profile


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    unit: str
    scale: float


def _parts(view: memoryview) -> _Raw:
    raw = _Raw()
    lists = {1: raw.value_types, 2: raw.samples, 4: raw.locations, 5: raw.functions, 6: raw.texts}
    count = 0
    for number, value in fields(view):
        if number in lists:
            if isinstance(value, int):
                raise hostile.damaged("a message of pprof's is a number", number)
            lists[number].append(value)
            count += 1
            if count > _MOST_PARTS:
                raise hostile.damaged("a pprof profile of too many parts", f"more than {_MOST_PARTS:,}")
        elif number == 11 and not isinstance(value, int):
            raw.period_type = value
        elif number == OWN_FIELD and not isinstance(value, int):
            raw.own = value
        elif number == 13:
            raw.comments.extend(islice(unpack(value), max(0, _MOST_COMMENTS - len(raw.comments))))
        elif isinstance(value, int):
            raw.numbers[number] = value
    if not raw.texts or len(raw.texts[0]):
        raise hostile.damaged("this is no profile of pprof's: its first text is not empty")
    return raw


def _value_type(view: memoryview, raw: _Raw) -> _Type:
    numbers = _numbers(view)
    unit = raw.text(numbers.get(2, 0), "a unit")
    known, scale = _UNITS.get(unit, (unit or "count", 1.0))
    return _Type(raw.text(numbers.get(1, 0), "a sample type"), known, scale)


def _main_type(types: list[_Type], raw: _Raw) -> int:
    default = raw.numbers.get(14, 0)
    if default:
        name = raw.text(default, "the default sample type")
        for place, found in enumerate(types):
            if found.name == name:
                return place
    return len(types) - 1


def _comments(raw: _Raw) -> tuple[str, ...]:
    """The file's comments, as notes."""
    return tuple(raw.text(place, "a comment") for place in raw.comments)


def _as_ours(profile: Profile, own: dict[str, Any]) -> Profile:
    seconds = hostile.weight(own.get("duration_seconds", profile.seconds), "duration_seconds")
    told = apply(replace(profile, seconds=seconds), hostile.mapping(own.get("how", {}), "how"))
    # a file that another tool has cut or merged says so by the name of its value
    return told if value_name(told) == profile.value else replace(told, value=profile.value)


def _locations(raw: _Raw) -> dict[int, tuple[Frame, ...]]:
    """The frames of each location, outermost first: the last line is what the others were inlined into."""
    functions = {}
    for view in raw.functions:
        numbers = _numbers(view)
        name = raw.text(numbers.get(2, 0), "a function") or raw.text(numbers.get(3, 0), "a function")
        functions[numbers.get(1, 0)] = name, raw.text(numbers.get(4, 0), "a file")
    found: dict[int, tuple[Frame, ...]] = {}
    for view in raw.locations:
        own, address, lines = 0, 0, []
        for number, value in fields(view):
            if number == 4 and not isinstance(value, int):
                line = _numbers(value)
                if line.get(1, 0) not in functions:
                    raise hostile.damaged("a line of a function that is not there", line.get(1, 0))
                lines.append(Frame(*functions[line[1]], max(0, signed(line.get(2, 0)))))
            elif number == 1 and isinstance(value, int):
                own = value
            elif number == 3 and isinstance(value, int):
                address = value
        if own == 0 or own in found:
            raise hostile.damaged("a location without a number of its own", own)
        found[own] = tuple(reversed(lines)) or (Frame(f"0x{address:x}", ""),)
    return found


def _frames(places: list[int], frames: dict[int, tuple[Frame, ...]]) -> Iterator[Frame]:
    """Root first."""
    for place in reversed(places):
        if place not in frames:
            raise hostile.damaged("a location that is not there", place)
        yield from frames[place]


def _sample(view: memoryview, labels: _Labels) -> tuple[list[int], list[int], ThreadId, int]:
    places: list[int] = []
    values: list[int] = []
    name, native, block = "", 0, 0
    for number, value in fields(view):
        if number == 1:
            places.extend(islice(unpack(value), _DEEPEST_STACK))
            if len(places) >= _DEEPEST_STACK:
                raise hostile.damaged("a stack is too deep", f"more than {_DEEPEST_STACK:,} frames")
        elif number == 2:
            values.extend(map(signed, islice(unpack(value), _MOST_VALUES + 1)))
            if len(values) > _MOST_VALUES:
                raise hostile.damaged("a sample has too many values")
        elif number == 3 and not isinstance(value, int):
            key, told, count = labels.read(value)
            if key == THREAD:
                name = told
            elif key == THREAD_ID:
                native = count
            elif key == BLOCK:
                block = count
    return places, values, ThreadId(native, name), block


class _Labels:
    """Labels of samples; only ours mean something here."""

    def __init__(self, raw: _Raw) -> None:
        self._raw = raw

    def read(self, view: memoryview) -> tuple[str, str, int]:
        """Key, text and number."""
        numbers = _numbers(view)
        key = self._raw.text(numbers.get(1, 0), "a label")
        if key not in (THREAD, THREAD_ID, BLOCK):
            return "", "", 0
        return key, self._raw.text(numbers.get(2, 0), "a label"), max(0, signed(numbers.get(3, 0)))


def _rate(raw: _Raw) -> float | None:
    period = signed(raw.numbers.get(12, 0))
    if raw.period_type is None or period <= 0:
        return None
    found = _value_type(raw.period_type, raw)
    return 1.0 / (period * found.scale) if found.unit == "seconds" else None


def _numbers(view: memoryview) -> dict[int, int]:
    """The numbers of a small message, by field."""
    return {number: value for number, value in fields(view) if isinstance(value, int)}
