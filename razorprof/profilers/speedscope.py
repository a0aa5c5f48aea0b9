"""Stacks out of py-spy's speedscope output: what one window of the feed saw, per thread, equal stacks counted.

For the stack feed; not a general reader of the format. The content comes from a tool that copies the target's
names: it is checked for shape, names are cut, and frames are shared between windows.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame, Stack

LONGEST_NAME = 1000
_MOST_SHARED = 100_000
_THREAD = re.compile(r'(?:Process (\d{1,10}) )?Thread (0x[0-9A-Fa-f]+|\d+)(?: "(.*)")?', re.DOTALL)
_PROCESS_FRAME = re.compile(r"process \d{1,10}:")
# py-spy leaves out frames whose names it cannot decode: what the thread did is not known, but that it ran is.
UNREADABLE: Stack = (Frame("[names not readable]", ""),)


@dataclass(frozen=True, slots=True)
class SeenThread:
    """A thread of a window. reference: how py-spy names it, the kernel's id in the target's own namespace
    ("1234") or the pthread id ("0x7F..", below 3.11). stacks: root first, with how often each was seen;
    process: its pid where several processes were looked at, else 0."""

    reference: str
    name: str
    stacks: Mapping[Stack, int]
    process: int = 0


class StackTable:
    """Frames and stacks shared between windows, so that equal ones are one object. Bounded."""

    def __init__(self, shorten: Callable[[str], str]) -> None:
        self._shorten = shorten
        self._frames: dict[tuple[str, str, int], Frame] = {}
        self._stacks: dict[Stack, Stack] = {}

    def frame(self, function: str, path: str, line: int) -> Frame:
        key = (function, path, line)
        found = self._frames.get(key)
        if found is None:
            if len(self._frames) >= _MOST_SHARED:
                self._frames.clear()
            found = Frame(function[:LONGEST_NAME], self._shorten(path)[:LONGEST_NAME], line)
            self._frames[key] = found
        return found

    def stack(self, frames: Stack) -> Stack:
        if len(self._stacks) >= _MOST_SHARED:
            self._stacks.clear()
        return self._stacks.setdefault(frames, frames)


def parse_speedscope(content: bytes, table: StackTable) -> list[SeenThread]:
    """The threads that a window saw. Raises ToolFailed where the content is not what py-spy writes."""
    try:
        document = json.loads(content)
        frames = [_frame(entry, table) for entry in document["shared"]["frames"]]
        return [_thread(profile, frames, table) for profile in document["profiles"]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ToolFailed("py-spy wrote what is no speedscope profile", value=type(error).__name__) from error


def without_process_frames(thread: SeenThread) -> SeenThread:
    """The thread without the roots that py-spy puts under it where it looks at several processes: one frame for
    each process up to the first, with the command line, secrets and all. Whose it is `process` tells."""
    stacks: Counter[Stack] = Counter()
    for stack, count in thread.stacks.items():
        roots = 0
        while roots < len(stack) and not stack[roots].file and _PROCESS_FRAME.match(stack[roots].function):
            roots += 1
        stacks[stack[roots:]] += count
    return replace(thread, stacks=dict(stacks))


def count_torn(thread: SeenThread) -> int:
    """How many looks at a thread read a stack that was changing: it lacks the root that the others have.

    py-spy does not notice it. Only where the root is one that never changes while a thread lives: a module or
    the beginning of a threading.Thread. Generators and coroutines tear most: their frames are linked last.
    """
    roots: Counter[str] = Counter()
    for stack, count in thread.stacks.items():
        roots[stack[0].function if stack else ""] += count
    ((root, most),) = roots.most_common(1) or [("", 0)]
    return roots.total() - most if root == "<module>" or root.endswith("_bootstrap") else 0


def _frame(entry: Mapping[str, Any], table: StackTable) -> Frame:
    line = entry.get("line")
    return table.frame(str(entry["name"]), str(entry.get("file") or ""), line if isinstance(line, int) else 0)


def _thread(profile: Mapping[str, Any], frames: list[Frame], table: StackTable) -> SeenThread:
    named = _THREAD.fullmatch(profile["name"])
    if named is None:
        raise ValueError("no thread")
    counted: Counter[tuple[int, ...]] = Counter(map(tuple, profile["samples"]))
    stacks: dict[Stack, int] = {}
    for indexes, count in counted.items():
        if any(index < 0 for index in indexes):
            raise IndexError("negative frame")
        stack = table.stack(tuple([frames[index] for index in indexes]))
        stacks[stack] = stacks.get(stack, 0) + count  # frames whose cut names are equal make equal stacks
    return SeenThread(named[2], (named[3] or "")[:LONGEST_NAME], stacks, int(named[1] or 0))
