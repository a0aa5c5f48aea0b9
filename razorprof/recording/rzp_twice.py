"""The same recording named twice is refused, whatever its names. For recording.rzp_merged."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.rzp_reader import RecordingReader


def refuse_twice(paths: Sequence[Path]) -> None:
    """By what the files are, so that a link is no other file."""
    seen: dict[tuple[int, int], Path] = {}
    for path in paths:
        with suppress(OSError, ValueError):  # told when it is opened
            found = os.stat(path)
            key = found.st_dev, found.st_ino
            if key in seen:
                raise UsageError("this recording is named twice", value=path, hint=f"it is {seen[key]}")
            seen[key] = path


def refuse_copies(
    readers: Sequence[RecordingReader], spans: Sequence[tuple[float, float]], shifts: Sequence[float]
) -> None:
    """By what they hold. Raises UsageError for a copy that holds nothing else, and for copies whose clocks shall
    differ; ToolFailed where no recording has a tick."""
    clocks: dict[bytes, float] = {}
    for reader, shift in zip(readers, shifts, strict=True):
        if clocks.setdefault(reader.header.id, shift) != shift:
            hint = "copies of one recording have one clock: shift all of them alike"
            raise UsageError("one recording would have two clocks", value=reader.path, hint=hint)
    seen: dict[tuple[bytes, tuple[float, float]], Path] = {}
    for reader, span in zip(readers, spans, strict=True):
        key = reader.header.id, span
        if key in seen:
            hint = f"it is {seen[key]}"
            raise UsageError("this is the same recording twice", value=reader.path, hint=hint)
        seen[key] = reader.path
    if all(not math.isfinite(start) for start, _ in spans):
        raise ToolFailed("nothing was recorded", value=readers[0].path, hint="razorprof show tells what is in it")
