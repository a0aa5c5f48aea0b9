"""Collapsed stacks: one line a stack, `root;...;leaf COUNT`, as flame graph tools read them.

COUNT is microseconds where the profile's unit is seconds, else the weight, rounded: the readers of this format
take whole numbers only. Names lose what would break a line: `;` and control characters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import ClassVar

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey

_PER_SECOND = 1_000_000
_LINE = re.compile(r"(?P<stack>.*\S)\s+(?P<count>\d+(?:\.\d+)?)")
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)")
_THREAD = re.compile(r"thread \((?P<native>\d+)\): ?(?P<name>.*)")
_UNSAFE = re.compile(r"[;\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_LINE = 1 << 20


class Collapsed:
    """The format plug-in."""

    name: ClassVar[str] = "collapsed"
    endings: ClassVar[tuple[str, ...]] = (".collapsed", ".folded", ".txt")
    can_read: ClassVar[bool] = True

    def write(self, profile: Profile) -> bytes:
        """One line for each stack and thread, heaviest first. The thread is the first frame."""
        scale = _PER_SECOND if profile.unit == "seconds" else 1
        lines: dict[str, float] = defaultdict(float)
        for (thread, stack), weight in profile.weights.items():
            root = f"thread ({thread.native}): {_clean(thread.name)}".rstrip()
            frames = [f"{_clean(f.function)} ({_clean(f.file)}:{f.line})" for f in stack]
            lines[";".join([root, *frames])] += weight * scale
        heaviest = sorted(lines.items(), key=lambda entry: (-entry[1], entry[0]))
        return "".join(f"{text} {round(weight)}\n" for text, weight in heaviest).encode()

    def read(self, content: bytes) -> Profile:
        """Weights are microseconds as this class writes them, or counts of whoever else wrote the file: the
        format does not say which, so the unit is `count`. ToolFailed for a line that is not of this form."""
        weights: dict[StackKey, float] = defaultdict(float)
        for number, line in enumerate(content.decode(errors="replace").split("\n"), 1):
            if not line.strip():
                continue
            found = _LINE.fullmatch(line.rstrip("\r")) if len(line) <= _LONGEST_LINE else None
            if found is None:
                raise ToolFailed("not a line of collapsed stacks", value=f"line {number}: {line[:80]}")
            thread, frames = _thread_of(found["stack"].split(";"))
            weights[StackKey(thread, tuple(_frame(text) for text in frames))] += float(found["count"])
        return Profile(dict(weights), unit="count", samples=len(weights))


def _thread_of(parts: list[str]) -> tuple[ThreadId, list[str]]:
    found = _THREAD.fullmatch(parts[0])
    return (ThreadId(int(found["native"]), found["name"]), parts[1:]) if found else (ThreadId(0), parts)


def _frame(text: str) -> Frame:
    found = _FRAME.fullmatch(text)
    return Frame(found["function"], found["file"], int(found["line"] or 0)) if found else Frame(text, "")


def _clean(text: str) -> str:
    return _UNSAFE.sub("_", text)
