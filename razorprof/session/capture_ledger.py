"""The ledger of captures on the disk, and the removal of captures that are too many. Any thread.

What may be taken is decided by alerting.ledger; here it gets the disk's free space, a state file, and folders that
are really removed. For session.alert_captures.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from razorprof.alerting.capture_rules import CaptureLimits
from razorprof.alerting.ledger import Ledger, Refusal, parse_ledger
from razorprof.errors import ToolFailed
from razorprof.model.target import Identity
from razorprof.session.capture_folder import Room, Unbounded, end_interrupted, free_bytes, measure, remove_folder
from razorprof.session.capture_job import CaptureJob
from razorprof.session.state_file import StateFile

logger = logging.getLogger(__name__)


class CaptureLedger:
    """file: None where nothing is kept over a restart. removed: how many captures went, by their names;
    interrupted: names and states of those that the program before this one did not come to end."""

    def __init__(self, file: Path | None, is_alive: Callable[[Identity], bool]) -> None:
        self.removed: Counter[str] = Counter()
        self.write_failures = 0
        self.interrupted: list[tuple[str, str]] = []
        self._is_alive = is_alive
        self._file = None if file is None else StateFile(file)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._trouble = ""
        self._ledger = self._read()
        if self.interrupted:
            self.save()

    def seat(self, job: str, identity: Identity) -> str:
        """Where a target sits: see alerting.ledger."""
        with self._lock:
            return self._ledger.seat(job, identity, self._is_alive)

    def refusal(
        self, capture: str, seat: str, limits: CaptureLimits, time: float, directory: Path
    ) -> Refusal | None:
        """Why a capture may not be taken now."""
        with self._lock:
            return self._ledger.refusal(capture, seat, limits, time, free_bytes(directory))

    def begin(self, job: CaptureJob) -> None:
        """Note that it begins. `save` puts it on the disk."""
        with self._lock:
            self._ledger.begin(job.rule.name, job.seat, str(job.folder.path), job.ordered)

    def end(self, job: CaptureJob, time: float) -> None:
        """Note what it takes, and remove older ones that find no room beside it."""
        size = job.folder.size()
        with self._lock:
            self._ledger.end(str(job.folder.path), time, size)
        self._shrink(job, 0)

    def room(self, job: CaptureJob) -> Room:
        """What a capture that runs may write: its budget, less what must stay free on the disk."""
        return _Budget(job, self._shrink)

    def save(self) -> None:
        """Write it to the disk. A failure is told once, and counted."""
        if self._file is None:
            return
        with self._writing:
            with self._lock:
                document = self._ledger.as_json()
            trouble = self._file.write(document)
        self.write_failures += bool(trouble)
        if trouble and trouble != self._trouble:
            logger.warning("the ledger of captures cannot be kept: %s", trouble)
        self._trouble = trouble

    def held(self) -> Counter[str]:
        """Bytes that captures take, by their names."""
        with self._lock:
            found: Counter[str] = Counter()
            for entry in self._ledger.kept():
                found[entry.capture] += entry.bytes
            return found

    def _read(self) -> Ledger:
        document = None if self._file is None else self._file.read()
        if self._file is None or document is None:
            return Ledger()
        try:
            ledger = parse_ledger(document)
        except ValueError as error:
            self._file.set_aside(str(error))
            return Ledger()
        left = [entry for entry in ledger.kept() if entry.ended is None]
        ledger.close_open(measure)
        for entry in left:
            state = end_interrupted(Path(entry.folder))
            if state:
                self.interrupted.append((entry.capture, state))
                logger.warning("capture %s was cut off, razorprof was killed: %s", entry.capture, entry.folder)
        return ledger

    def _shrink(self, job: CaptureJob, more: int) -> None:
        """Remove what finds no room beside `more` bytes; the disk is waited for without the lock."""
        with self._lock:
            surplus = self._ledger.surplus(job.rule.name, job.seat, job.rule.limits, more)
            for entry in surplus:
                self._ledger.remove(entry.folder)
        for entry in surplus:
            why = remove_folder(Path(entry.folder), job.folder.path.parent)
            if why:
                logger.warning("an old capture is not removed: %s: %s", entry.folder, why)
            else:
                logger.info("removed the oldest capture to make room: %s", entry.folder)
                self.removed[entry.capture] += 1


class _Budget:
    """Of one capture. shrink: removes older captures that find no room beside so many bytes of this one."""

    def __init__(self, job: CaptureJob, shrink: Callable[[CaptureJob, int], None]) -> None:
        self._job = job
        self._shrink = shrink

    @property
    def left(self) -> int:
        limits, folder = self._job.rule.limits, self._job.folder
        by_budget, free = limits.max_bytes - folder.written, free_bytes(folder.path)
        by_disk = by_budget if free is None else free - limits.min_free_bytes
        return min(Unbounded.left, max(0, min(by_budget, by_disk)))

    def take(self, size: int, *, is_there: bool = False) -> None:
        limits, folder = self._job.rule.limits, self._job.folder
        whole = folder.written + size
        if whole > limits.max_bytes:
            raise ToolFailed("more than the capture may take", value=f"{whole} of {limits.max_bytes} bytes")
        self._shrink(self._job, whole)
        free = free_bytes(folder.path)
        if free is not None and free - (0 if is_there else size) < limits.min_free_bytes:
            raise ToolFailed(
                "there is no room on the disk",
                value=f"{free} bytes are free, {limits.min_free_bytes} have to stay",
            )
