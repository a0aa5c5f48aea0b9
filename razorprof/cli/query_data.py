"""What `query` asks, opened by option, with progress on a terminal: the one place that tells sources apart.

Called by cli.query.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.cli import output

if TYPE_CHECKING:
    from razorprof.recording.rzp_merged import Recording
    from razorprof.store.view import SeriesView

_FIRST_WORDS, _REDRAW = 0.5, 0.2  # seconds
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Series to be asked. start, end: Unix seconds of their oldest and newest sample."""

    view: SeriesView
    start: float
    end: float


def check_sources(openmetrics: Path | None, recordings: Sequence[Path]) -> None:
    """Raises UsageError where there is nothing to ask, or both kinds."""
    from razorprof.errors import UsageError

    if openmetrics is None and not recordings:
        hint = "name a recording or a file of series: --recording FILE, --openmetrics FILE"
        raise UsageError("no data to query", hint=hint)
    if openmetrics is not None and recordings:
        raise UsageError("--recording and --openmetrics exclude each other", hint="leave one of them out")


def open_data(
    *, openmetrics: Path | None, recordings: Sequence[Path] = (), shifts: Sequence[float] = (), samples: int
) -> Data:
    """The series that the options name; at most `samples` are read. Raises UsageError, ToolFailed."""
    check_sources(openmetrics, recordings)
    if openmetrics is None:
        return _open_recordings(recordings, shifts, samples)
    return _open_text(openmetrics, samples)


def open_file(path: Path, *, samples: int = 50_000_000) -> Data:
    """The series of a recording or of OpenMetrics text, told by the content. Raises ToolFailed."""
    from razorprof.recording.rzp_open import looks_like_recording

    return _open_recordings([path], (), samples) if looks_like_recording(path) else _open_text(path, samples)


def _open_text(path: Path, samples: int) -> Data:
    from razorprof.store.openmetrics import read_openmetrics

    line = ReadingLine(path.name)
    try:
        read = read_openmetrics(path, samples=samples, progress=line.tell)
    finally:
        line.clear()
    return Data(read.view, read.start, read.end)


def recorded_span(paths: Sequence[Path], shifts: Sequence[float] = ()) -> tuple[float, float]:
    """Times of the first and the last tick of all recordings. Raises ToolFailed where there is none."""
    from razorprof.recording.rzp_merged import open_recordings

    with open_recordings(paths, shifts) as recording:
        return _span(recording)


def _span(recording: Recording) -> tuple[float, float]:
    from razorprof.errors import ToolFailed

    if recording.span is None:
        raise ToolFailed("nothing was recorded", value=recording.path, hint="razorprof show tells what is in it")
    return recording.span


def _open_recordings(paths: Sequence[Path], shifts: Sequence[float], samples: int) -> Data:
    """Several as one: they tell of different hosts or targets, or of one time after the other."""
    from razorprof.cli.show_recording import say_damage
    from razorprof.recording.rzp_merged import open_recordings

    with open_recordings(paths, shifts) as recording:
        start, end = _span(recording)
        line = ReadingLine(paths[0].name if len(paths) == 1 else f"{len(paths)} recordings")
        try:
            view = recording.series(samples=samples, progress=line.tell).view
        finally:
            line.clear()
        say_damage(recording)
        if recording.damage:  # the index tells of ticks that could not be read: nothing is known of them
            end = max(start, min(end, view.newest()))
    return Data(view, start, end)


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
