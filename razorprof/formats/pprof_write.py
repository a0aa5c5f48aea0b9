"""A profile as pprof's profile.proto (github.com/google/pprof/proto/profile.proto), not yet compressed.

Field numbers are that file's. For formats.pprof. Times become nanoseconds. The thread is a label ("thread") and a
numeric one ("thread_id"), the block a numeric one, counted from 1 because a label of 0 counts as none. A field
of a number that profile.proto leaves free holds what a profile says about itself, so that our reader gives back
every field; other readers pass over it. For people, comments tell it in short.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from razorprof import __version__
from razorprof.formats.how import describe, describe_blocks, parts
from razorprof.formats.protobuf import Message
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey

PER_SECOND = 1_000_000_000
OWN_FIELD = 7470
THREAD, THREAD_ID, BLOCK = "thread", "thread_id", "block"
_LARGEST = (1 << 63) - 1
_DEFAULT_NAMES = {"seconds": "time", "bytes": "space"}


def encode(profile: Profile) -> bytes:
    """The message Profile."""
    table = _Tables()
    message = Message()
    units = [profile.unit, *(measure.unit for measure in profile.also)]
    scales = [PER_SECOND if unit == "seconds" else 1 for unit in units]
    names = [value_name(profile), *(measure.name for measure in profile.also)]
    for name, unit in zip(names, units, strict=True):
        message.content(1, table.value_type(name, unit))
    for (key, block), values in _samples(profile, len(units)).items():
        numbers = [_whole(value * scale) for value, scale in zip(values, scales, strict=True)]
        message.content(2, table.sample(key, block, numbers))
    message.content(3, table.mapping(profile))
    for encoded in (*table.encoded_locations(), *table.encoded_functions()):
        message.content(*encoded)
    message.number(9, 0 if profile.start is None else _whole(profile.start * PER_SECOND))
    message.number(10, _whole(profile.seconds * PER_SECOND))
    if profile.rate_hz:
        message.content(11, table.value_type(names[0], profile.unit))
        message.number(12, _whole(PER_SECOND / profile.rate_hz))
    message.numbers(13, [table.text(comment) for comment in _comments(profile)])
    message.number(14, table.text(names[0]))
    for text in table.texts:
        message.content(6, text.encode(errors="replace"))
    message.content(OWN_FIELD, _own(profile))
    return message.encode()


def value_name(profile: Profile) -> str:
    """What the weight is called in the list of sample types."""
    return profile.value or _DEFAULT_NAMES.get(profile.unit, "samples")


def _samples(profile: Profile, count: int) -> dict[tuple[StackKey, int], list[float]]:
    """All values of each stack and block (0: outside of all)."""
    samples: dict[tuple[StackKey, int], list[float]] = defaultdict(lambda: [0.0] * count)
    for part in parts(profile):
        values = samples[part.key, 0 if part.block is None else part.block + 1]
        values[0] += part.weight or 0.0
        for place, value in enumerate(part.also, 1):
            values[place] += value or 0.0
    return samples


def _own(profile: Profile) -> bytes:
    own: dict[str, Any] = {
        "unit": profile.unit,
        "duration_seconds": profile.seconds,
        "how": describe(profile),
        "blocks": describe_blocks(profile),
    }
    return json.dumps(own, separators=(",", ":"), allow_nan=False).encode()


def _comments(profile: Profile) -> list[str]:
    facts = [f"razorprof {__version__}"]
    if profile.mode:
        facts.append(profile.mode)
    if profile.rate_hz is not None:
        facts.append(f"{profile.rate_hz:g} Hz")
    facts += [f"{profile.samples} samples", f"{profile.errors} errors"]
    return [", ".join(facts), *profile.notes]


class _Tables:
    """Texts, functions and locations, each written once and named by its number."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Frame, int] = {}

    def text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def value_type(self, name: str, unit: str) -> bytes:
        message = Message()
        message.number(1, self.text(name))
        message.number(2, self.text("nanoseconds" if unit == "seconds" else unit))
        return message.encode()

    def sample(self, key: StackKey, block: int, values: list[int]) -> bytes:
        message = Message()
        locations = self._locations
        message.numbers(1, [locations.setdefault(frame, len(locations) + 1) for frame in reversed(key.stack)])
        message.numbers(2, values)
        for label in self._labels(key.thread, block):
            message.content(3, label)
        return message.encode()

    def _labels(self, thread: ThreadId, block: int) -> list[bytes]:
        labels = []
        if thread.name:
            label = Message()
            label.number(1, self.text(THREAD))
            label.number(2, self.text(thread.name))
            labels.append(label.encode())
        for name, number in ((THREAD_ID, thread.native), (BLOCK, block)):
            if number:
                label = Message()
                label.number(1, self.text(name))
                label.number(3, number)
                labels.append(label.encode())
        return labels

    def mapping(self, profile: Profile) -> bytes:
        """One mapping that says that everything has a name: pprof would look for symbols otherwise."""
        message = Message()
        message.number(1, 1)
        message.number(5, self.text(profile.origin.name if profile.origin is not None else ""))
        for field in (7, 8, 9):
            message.number(field, 1)
        return message.encode()

    def encoded_locations(self) -> list[tuple[int, bytes]]:
        encoded = []
        for frame, number in self._locations.items():
            line = Message()
            line.number(1, self._functions.setdefault((frame.function, frame.file), len(self._functions) + 1))
            line.number(2, frame.line)
            location = Message()
            location.number(1, number)
            location.number(2, 1)
            location.content(4, line.encode())
            encoded.append((4, location.encode()))
        return encoded

    def encoded_functions(self) -> list[tuple[int, bytes]]:
        encoded = []
        for (function, file), number in self._functions.items():
            message = Message()
            message.number(1, number)
            message.number(2, self.text(function))
            # no system_name: where it equals the name, pprof takes the name for C++ and drops what stands in <>
            message.number(4, self.text(file))
            encoded.append((5, message.encode()))
        return encoded


def _whole(value: float) -> int:
    return max(-_LARGEST, min(_LARGEST, round(value)))
