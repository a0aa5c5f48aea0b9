"""What a session that is being recorded has on the disk of the minutes before an alert.

    recorded = RecordedBefore(folder, last=lambda: writer.last)
    recorded.before(target, time)        # as session.ring.Before
    recorded.copy(path, since=time - 300, most=room)

Reads the recording's files, whatever the writer does meanwhile; in the thread that takes captures. Of what an
earlier run left in a ring it tells, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from razorprof.model.scrape import Ended, Event, Scrape, Tick
from razorprof.model.target import Target
from razorprof.recording.rzp_copy import copied_bytes, copy_recording
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.ring import SECONDS, Before, Ring

_WRITTEN = 2.0  # seconds within which the tick of an alert is on the disk
_LOOK = 0.05


class RecordedBefore:
    """path: of a ring's folder or of a recording; last: the time of its last tick, None where there is none."""

    def __init__(self, path: Path, last: Callable[[], float | None]) -> None:
        self.path = path
        self._last = last

    def before(self, target: Target, time: float, enough: threading.Event) -> Before | None:
        """What was seen of a target in the last minutes up to `time`; None where nothing was. Raises ToolFailed
        where the recording cannot be read."""
        self._await(time, enough)
        ring = Ring()
        with RecordingReader(self.path) as recording:
            for event in _events(recording, time - SECONDS, time):
                if isinstance(event, Tick) or event.target.identity == target.identity:
                    ring.see(event)
        return ring.take(target.identity)

    def copy(self, to: Path, *, since: float, most: int) -> int:
        """Write what there is since then as a recording, in at most so many bytes; how many. Raises ToolFailed."""
        return copy_recording(self.path, to, since=since, most=most)

    def copied(self, *, since: float, most: int) -> bytes:
        """The same as bytes."""
        return copied_bytes(self.path, since=since, most=most)

    def _await(self, time: float, enough: threading.Event) -> None:
        """The tick at which an alert fires is written once all of it has been told."""
        for _ in range(round(_WRITTEN / _LOOK)):
            if (self._last() or 0.0) >= time or enough.wait(_LOOK):
                return


def _events(recording: RecordingReader, start: float, end: float) -> Iterator[Event]:
    for known in recording.context(start):
        if isinstance(known, Scrape | Ended):
            yield known
    yield from recording.events(start, end)


def newest(folder: Path, pattern: str, keep: int) -> list[Path]:
    """Files of a folder by their names, of which the newest are kept and all others removed."""
    found = sorted(folder.glob(pattern))
    for path in found[:-keep]:
        with suppress(OSError):
            path.unlink()
    return found[-keep:]
