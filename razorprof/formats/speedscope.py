"""speedscope.app's file format, from its published specification: one sampled profile for each thread.

Written are the weights (in time order where blocks are known); further values and the blocks themselves are not.
What a profile says about itself stands under a key of our own, which other readers pass over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from razorprof import __version__
from razorprof.formats import hostile
from razorprof.formats.how import apply, describe, parts
from razorprof.formats.thread_names import thread_name, thread_of
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_UNITS = {  # how theirs are ours
    "none": ("count", 1.0),
    "nanoseconds": ("seconds", 1e-9),
    "microseconds": ("seconds", 1e-6),
    "milliseconds": ("seconds", 1e-3),
    "seconds": ("seconds", 1.0),
    "bytes": ("bytes", 1.0),
}
_OWN = "razorprof"


class Speedscope:
    """The format plug-in."""

    name: ClassVar[str] = "speedscope"
    endings: ClassVar[tuple[str, ...]] = (".speedscope.json",)
    can_read: ClassVar[bool] = True

    def recognises(self, start: bytes) -> bool:
        return start.lstrip()[:1] == b"{" and SCHEMA.encode() in start

    def write(self, profile: Profile) -> bytes:
        """A file of one profile per thread, heaviest first."""
        unit = profile.unit if profile.unit in ("seconds", "bytes") else "none"
        frames: dict[Frame, int] = {}
        samples: dict[ThreadId, list[list[int]]] = {}
        weights: dict[ThreadId, list[float]] = {}
        for part in parts(profile):
            if part.weight is not None:
                thread = part.key.thread
                samples.setdefault(thread, []).append([frames.setdefault(f, len(frames)) for f in part.key.stack])
                weights.setdefault(thread, []).append(part.weight)
        threads = sorted(samples, key=lambda thread: -sum(weights[thread])) or [ThreadId(0, "nothing was seen")]
        document = {
            "$schema": SCHEMA,
            "exporter": f"razorprof@{__version__}",
            "name": profile.origin.name if profile.origin is not None and profile.origin.name else "razorprof",
            "activeProfileIndex": 0,
            _OWN: {"unit": profile.unit, "duration_seconds": profile.seconds, "how": describe(profile)},
            "profiles": [
                {
                    "type": "sampled",
                    "name": thread_name(thread),
                    "unit": unit,
                    "startValue": 0,
                    "endValue": sum(weights.get(thread, ())),
                    "samples": samples.get(thread, []),
                    "weights": weights.get(thread, []),
                }
                for thread in threads
            ],
            "shared": {"frames": [_frame_document(frame) for frame in frames]},
        }
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def read(self, content: bytes) -> Profile:
        """All profiles of the file together; times in seconds. Raises ToolFailed."""
        document = hostile.parse_json(content, "a speedscope file")
        shared = hostile.mapping(document.get("shared"), "shared")
        frames = [_frame(entry) for entry in hostile.sequence(shared.get("frames"), "frames")]
        collector = hostile.StackCollector()
        weights = hostile.new_weights()
        unit: str | None = None
        longest, samples = 0.0, 0
        for entry in hostile.sequence(document.get("profiles"), "profiles"):
            told = hostile.mapping(entry, "a profile")
            found, scale = _unit(told)
            if unit not in (None, found):
                raise hostile.damaged("profiles of different units in one file", f"{unit}, {found}")
            unit = found
            thread = thread_of(hostile.text(told.get("name", ""), "a profile's name"))
            for places, weight in _stacks(told):
                key = collector.key(thread, (frames[hostile.index(p, len(frames), "a frame")] for p in places))
                weights[key] += weight * scale
                samples += 1
            begin, end = (hostile.number(told.get(name), name) for name in ("startValue", "endValue"))
            longest = max(longest, (end - begin) * scale)
        seconds = longest if unit == "seconds" else 0.0
        profile = Profile(dict(weights), unit=unit or "count", seconds=seconds, samples=samples)
        own = document.get(_OWN)
        return profile if own is None else _as_ours(profile, hostile.mapping(own, _OWN))


def _as_ours(profile: Profile, own: dict[str, Any]) -> Profile:
    from dataclasses import replace

    unit = hostile.text(own.get("unit", profile.unit), "unit") if profile.unit == "count" else profile.unit
    seconds = hostile.weight(own.get("duration_seconds", profile.seconds), "duration_seconds")
    return apply(replace(profile, unit=unit, seconds=seconds), hostile.mapping(own.get("how", {}), "how"))


def _unit(told: dict[str, Any]) -> tuple[str, float]:
    unit = told.get("unit")
    if not isinstance(unit, str) or unit not in _UNITS:
        raise hostile.damaged("no unit of speedscope's", unit)
    return _UNITS[unit]


def _stacks(told: dict[str, Any]) -> Iterator[tuple[Sequence[object], float]]:
    """Places of frames, root first, and weights."""
    kind = told.get("type")
    if kind == "evented":
        yield from _spans(hostile.sequence(told.get("events"), "events"))
    elif kind == "sampled":
        samples = hostile.sequence(told.get("samples"), "samples")
        weights = hostile.sequence(told.get("weights"), "weights")
        if len(samples) != len(weights):
            raise hostile.damaged("samples and weights are not equally many", f"{len(samples)}, {len(weights)}")
        for sample, weight in zip(samples, weights, strict=True):
            yield hostile.sequence(sample, "a sample"), hostile.weight(weight)
    else:
        raise hostile.damaged("no type of profile that is known", kind)


def _spans(events: list[Any]) -> Iterator[tuple[Sequence[object], float]]:
    """The stack between each event and the next. Frames must close in the order in which they opened."""
    stack: list[object] = []
    before = None
    for entry in events:
        event = hostile.mapping(entry, "an event")
        at = hostile.number(event.get("at"), "an event's time")
        if before is not None and at < before:
            raise hostile.damaged("events go back in time", at)
        if before is not None and at > before and stack:
            yield stack, hostile.weight(at - before)
        before = at
        kind, frame = event.get("type"), event.get("frame")
        if kind == "O":
            stack.append(frame)
        elif kind == "C" and stack and stack[-1] == frame:
            stack.pop()
        else:
            raise hostile.damaged("an event that does not fit", kind)


def _frame_document(frame: Frame) -> dict[str, Any]:
    told: dict[str, Any] = {"name": frame.function}
    if frame.file:
        told["file"] = frame.file
    if frame.line:
        told["line"] = frame.line
    return told


def _frame(entry: object) -> Frame:
    told = hostile.mapping(entry, "a frame")
    file, line = told.get("file"), told.get("line")
    return Frame(
        hostile.text(told.get("name"), "a frame's name"),
        "" if file is None else hostile.text(file, "a frame's file"),
        0 if line is None else hostile.whole(line, "a frame's line"),
    )
