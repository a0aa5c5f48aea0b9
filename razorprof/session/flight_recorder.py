"""The last minutes of a long-lived session on the disk, in its state folder: over a kill and over restarts.

    recorder = FlightRecorder(state, interval=1.0, seconds=900.0, max_bytes=64 << 20)
    Session(..., recorder=recorder.writer)
    recorder.dump()                      # any thread: a copy, because a person asked
    recorder.close()

What an earlier run left is gone on with; where that run was killed, a copy of it is kept, as its last minutes
would go. A disk that fails interrupts the recording, which is tried again every minute, and never the session. For
the command watch.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS
from razorprof.recording.rzp_copy import copy_recording
from razorprof.recording.rzp_left import Left
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_writer import RecordingWriter, new_header
from razorprof.session.capture_folder import prepare_directory
from razorprof.session.pipeline import host_name
from razorprof.session.recorded_before import RecordedBefore, newest

logger = logging.getLogger(__name__)

RING, COPIES = "ring", "recordings"
MOST_CRASHES, MOST_ASKED = 3, 5  # copies that are kept of each kind
RETRY_SECONDS = 60.0
DEFAULT_SECONDS, DEFAULT_BYTES = 900.0, 64 << 20
_AGAIN = "razorprof was started again"


@dataclass(frozen=True, slots=True)
class _Ended:
    labels: Labels


class FlightRecorder:
    """writer: the session's recorder; before: what captures ask; crash: the copy of what a killed run left."""

    def __init__(
        self, state: Path, *, interval: float, seconds: float, max_bytes: int, clock: Clock | None = None
    ) -> None:
        """state: a folder that is ours and locked. Raises UsageError, ToolFailed."""
        clock = clock or SystemClock()
        self._copies = state / COPIES
        self._clock = clock
        header = new_header(host_name(), interval, clock)
        ring = Ring.go_on(state / RING, header, seconds=seconds, max_bytes=max_bytes, now=clock.time())
        self._folder = ring.folder
        left = ring.left
        self.crash = self._keep_crash() if left is not None and left.crashed else None
        first = 1 if left is None else left.number + 1
        self.writer = RecordingWriter(
            ring, ring.header, clock=clock, bounds=ring.bounds(), first_segment=first, retry=RETRY_SECONDS
        )
        if left is not None:
            self._end_what_was(left, interval)
        self.before = RecordedBefore(self._folder, lambda: self.writer.last)
        self._told = False

    @property
    def folder(self) -> Path:
        return self._folder

    def dump(self) -> Path:
        """Copy it, because a person asked. Raises ToolFailed where there is nothing yet or no room."""
        path = self._copy("asked")
        newest(self._copies, "*-asked.rzp", MOST_ASKED)
        return path

    def trouble(self) -> str:
        """Why it records no more: once each time; otherwise empty."""
        if self._told or self.writer.is_recording:
            return ""
        self._told = True
        return str(self.writer.error or "what comes in one second takes more than there is room for")

    def recovered(self) -> bool:
        """Whether it records again, after a trouble that was told: once each time."""
        if not self._told or not self.writer.is_recording:
            return False
        self._told = False
        return True

    def close(self) -> None:
        """End it in order. Twice is once."""
        self.writer.close()

    def _end_what_was(self, left: Left, interval: float) -> None:
        """Nobody looked since: its targets are told anew where they are still there, and its series are stale."""
        for identity in left.targets:
            self.writer.forget(identity)
        if left.series:
            stale = np.full(len(left.series), STALE_BITS, dtype=np.uint64)
            self.writer.row(left.last + interval, [_Ended(labels) for labels in left.series], stale)
        self.writer.mark(_AGAIN)

    def _keep_crash(self) -> Path | None:
        try:
            path = self._copy("crash")
        except RazorprofError as error:
            logger.warning("no copy of what the last run left: %s", error)
            return None
        newest(self._copies, "*-crash.rzp", MOST_CRASHES)
        return path

    def _copy(self, why: str) -> Path:
        prepare_directory(self._copies)
        when = datetime.fromtimestamp(self._clock.time(), UTC)
        path = self._copies / f"{when:%Y%m%dT%H%M%S}.{when.microsecond // 1000:03}Z-{why}.rzp"
        copy_recording(self._folder, path)
        return path
