"""What `query` asks, opened by option, with progress on a terminal: the one place that tells sources apart.

A recording joins here: another option, and another branch of `open_data`. Called by cli.query.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.cli import output

if TYPE_CHECKING:
    from razorprof.store.view import SeriesView

_FIRST_WORDS, _REDRAW = 0.5, 0.2  # seconds
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Series to be asked. start, end: Unix seconds of their oldest and newest sample."""

    view: SeriesView
    start: float
    end: float


def open_data(*, openmetrics: Path | None, samples: int) -> Data:
    """The series that the options name; at most `samples` are read. Raises UsageError, ToolFailed."""
    if openmetrics is None:
        from razorprof.errors import UsageError

        raise UsageError("no data to query", hint="name a file of series: --openmetrics FILE")
    from razorprof.store.openmetrics import read_openmetrics

    line = ReadingLine(openmetrics.name)
    try:
        read = read_openmetrics(openmetrics, samples=samples, progress=line.tell)
    finally:
        line.clear()
    return Data(read.view, read.start, read.end)


class ReadingLine:
    """How far a file is read, on stderr, for a person at a terminal who has waited half a second."""

    def __init__(self, name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name, self._monotonic = name, monotonic
        self._began = self._last = monotonic()
        self._drawn = False
        self._draws = output.is_tty(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"

    def tell(self, done: int, whole: int) -> None:
        """done, whole: bytes."""
        now = self._monotonic()
        if not self._draws or now - self._began < _FIRST_WORDS or now - self._last < _REDRAW:
            return
        from razorprof.render.text import cut_end, printable

        self._last, self._drawn = now, True
        words = f"reading {printable(self._name)}"
        if whole > done:
            left = (now - self._began) / max(1, done) * (whole - done)
            words += f": {done / whole * 100:3.0f} %, {left:.0f} s left"
        self._write(_CLEAR + cut_end(words, max(10, output.terminal_width() - 1)))

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._drawn = False
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._draws = False
