"""Collapsed stacks: one line a stack, `root;...;leaf COUNT`, as flame graph tools read them.

COUNT is microseconds where the profile's unit is seconds, else the weight, rounded: the readers of this format
take whole numbers only. Names lose what would break a line: `;` and control characters.

The format has no place for a unit, so our files begin with a stack that weighs nothing and says it: other readers
see an empty line of the graph, and we read seconds back. Files of other tools are counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import ClassVar

from razorprof.errors import ToolFailed
from razorprof.formats import hostile
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile

_PER_SECOND = 1_000_000
_HEAD = "# razorprof unit={} duration_seconds={!r} samples={} 0\n"
_HEAD_LINE = re.compile(
    r"# razorprof unit=(?P<unit>\w{1,32}) duration_seconds=(?P<seconds>[0-9.e+-]{1,32}) "
    r"samples=(?P<samples>\d{1,15}) 0",
    re.ASCII,
)
_MICROSECONDS = "microseconds"
_COUNT = re.compile(r"\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::(?P<line>\d{1,9}))?\)", re.ASCII)
_THREAD = re.compile(r"thread \((?P<native>\d{1,18})\): ?(?P<name>.*)", re.ASCII)
_UNSAFE = re.compile(r"[;\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_LINE = 1 << 20


class Collapsed:
    """The format plug-in."""

    name: ClassVar[str] = "collapsed"
    endings: ClassVar[tuple[str, ...]] = (".collapsed", ".folded", ".txt")
    can_read: ClassVar[bool] = True

    def recognises(self, start: bytes) -> bool:
        return start.startswith(b"# razorprof unit=")

    def write(self, profile: Profile) -> bytes:
        """One line for each stack and thread, heaviest first. The thread is the first frame."""
        in_seconds = profile.unit == "seconds"
        scale = _PER_SECOND if in_seconds else 1
        lines: dict[str, float] = defaultdict(float)
        for (thread, stack), weight in profile.weights.items():
            root = f"thread ({thread.native}): {_clean(thread.name)}".rstrip()
            frames = [f"{_clean(f.function)} ({_clean(f.file)}:{f.line})" for f in stack]
            lines[";".join([root, *frames])] += weight * scale
        heaviest = sorted(lines.items(), key=lambda entry: (-entry[1], entry[0]))
        unit = _MICROSECONDS if in_seconds else re.sub(r"\W", "_", profile.unit, flags=re.ASCII)[:32] or "count"
        head = _HEAD.format(unit, float(profile.seconds), profile.samples)
        return (head + "".join(f"{text} {round(weight)}\n" for text, weight in heaviest)).encode()

    def read(self, content: bytes) -> Profile:
        """Weights in the unit that our own files name; else counts. ToolFailed for a line that is not of this
        form."""
        collector = hostile.StackCollector()
        weights = hostile.new_weights()
        frames: dict[str, Frame] = {}
        unit, scale, seconds, samples = "count", 1.0, 0.0, None
        start = 0
        number = 0
        while start < len(content):
            number += 1
            end = content.find(b"\n", start)
            end = len(content) if end < 0 else end
            if end - start > _LONGEST_LINE:
                raise _not_a_line(number, content[start : start + 80].decode(errors="replace"))
            line = content[start:end].decode(errors="replace").strip()
            start = end + 1
            if not line:
                continue
            head = _HEAD_LINE.fullmatch(line) if number == 1 else None
            if head is not None:
                samples, seconds = int(head["samples"]), _seconds(head["seconds"])
                unit = "seconds" if head["unit"] == _MICROSECONDS else head["unit"]
                scale = _PER_SECOND if head["unit"] == _MICROSECONDS else 1.0
                continue
            stack, _, count = line.rpartition(" ")
            if not stack.strip() or not _COUNT.fullmatch(count):
                raise _not_a_line(number, line)
            thread, names = _thread_of(stack.rstrip().split(";"))
            key = collector.key(thread, (_shared(name, frames) for name in names))
            weights[key] += float(count) / scale
        if samples is None:  # counts of another tool: their sum; 0, which is unknown, where they are no counts
            samples = int(sum(weights.values())) if all(w.is_integer() for w in weights.values()) else 0
        return Profile(dict(weights), unit=unit, seconds=seconds, samples=samples)


def _seconds(told: str) -> float:
    try:
        return hostile.weight(float(told), "the duration")
    except ValueError as error:
        raise hostile.damaged("the duration is no number", told) from error


def _not_a_line(number: int, line: str) -> ToolFailed:
    return ToolFailed("not a line of collapsed stacks", value=f"line {number}: {line[:80]}")


def _thread_of(parts: list[str]) -> tuple[ThreadId, list[str]]:
    found = _THREAD.fullmatch(parts[0])
    return (ThreadId(int(found["native"]), found["name"]), parts[1:]) if found else (ThreadId(0), parts)


def _shared(name: str, frames: dict[str, Frame]) -> Frame:
    found = frames.get(name)
    if found is None:
        parsed = _FRAME.fullmatch(name)
        found = Frame(parsed["function"], parsed["file"], int(parsed["line"] or 0)) if parsed else Frame(name, "")
        frames[name] = found
    return found


def _clean(text: str) -> str:
    return _UNSAFE.sub("_", text)
