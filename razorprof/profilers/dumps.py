"""Thread dumps as `py-spy dump --json` prints them, parsed into values.

For the runtimes' threads sources, which join them with the kernel's figures. Names and files are the target's:
untrusted text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame
from razorprof.model.threads import Local, ThreadInfo
from razorprof.profilers.speedscope import LONGEST_NAME

LONGEST_VALUE = 200
_MOST_LOCALS = 50  # of one frame


@dataclass(frozen=True, slots=True)
class DumpedThread:
    """A thread with Python code. reference: as in speedscope.SeenThread; pthread: the pthread id;
    active: py-spy's guess, which below 3.11 only excludes well-known waits; frames: innermost first; locals:
    the variables of each frame where they were asked for."""

    reference: str
    pthread: int
    name: str
    active: bool
    owns_gil: bool
    frames: tuple[Frame, ...]
    locals: tuple[tuple[Local, ...], ...] = ()

    def info(self, native_id: int) -> ThreadInfo:
        """The thread as a value of the model: what a dump alone can tell, its state unknown."""
        return ThreadInfo(
            native_id=native_id, name=self.name, id=self.pthread, holds_gil=self.owns_gil, frames=self.frames
        )


def parse_dump(content: bytes) -> list[DumpedThread]:
    """The threads of a dump. Raises ToolFailed where the content is not what py-spy prints."""
    try:
        return [_thread(entry) for entry in json.loads(content)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ToolFailed("py-spy printed what is no thread dump", value=type(error).__name__) from error


def _thread(entry: Mapping[str, Any]) -> DumpedThread:
    pthread, native = int(entry["thread_id"]), entry.get("os_thread_id")
    return DumpedThread(
        reference=str(int(native)) if native is not None else f"0x{pthread:X}",
        pthread=pthread,
        name=str(entry.get("thread_name") or "")[:LONGEST_NAME],
        active=bool(entry.get("active")),
        owns_gil=bool(entry.get("owns_gil")),
        frames=tuple(_frame(frame) for frame in entry["frames"]),
        locals=_locals(entry["frames"]),
    )


def _frame(entry: Mapping[str, Any]) -> Frame:
    file = str(entry.get("short_filename") or entry.get("filename") or "")
    return Frame(str(entry["name"])[:LONGEST_NAME], file[:LONGEST_NAME], int(entry.get("line") or 0))


def _locals(frames: Sequence[Mapping[str, Any]]) -> tuple[tuple[Local, ...], ...]:
    """Empty unless py-spy was asked for them: then each frame has a list, perhaps an empty one."""
    if all(frame.get("locals") is None for frame in frames):
        return ()
    return tuple(tuple(_local(local) for local in (frame.get("locals") or ())[:_MOST_LOCALS]) for frame in frames)


def _local(entry: Mapping[str, Any]) -> Local:
    text = entry.get("repr")
    text = "?" if text is None else str(text)
    if len(text) > LONGEST_VALUE:
        text = text[: LONGEST_VALUE - 1] + "…"
    return Local(str(entry["name"])[:LONGEST_NAME], text, bool(entry.get("arg")))
