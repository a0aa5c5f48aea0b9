"""What is known of all captures: those that run or wait, the last notes for screens, the counts. Any thread.

For session.alert_captures, which decides; nothing here waits but `wait_idle`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from razorprof.alerting.capture_rules import CaptureRule
from razorprof.model.alert import Alert, CaptureNote
from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.session.capture_job import CaptureJob
from razorprof.session.capture_ledger import CaptureLedger
from razorprof.session.capture_metrics import RESULTS, CaptureTally

MOST_WAITING = 16
MOST_NOTES = 50
_MOST_REMEMBERED = 1000


class CaptureBoard:
    """See above."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all that follows
        self._pending: list[CaptureJob] = []
        self._notes: deque[CaptureNote | CaptureJob] = deque(maxlen=MOST_NOTES)
        self._tally = CaptureTally()
        self._told: dict[tuple[str, str], str] = {}  # the reason of the last skip of each

    def refusal(self, rule: CaptureRule, alert: Alert | None, target: Target | None) -> tuple[str, str]:
        """(reason, words) why one more can neither run nor wait; empty where it can."""
        with self._changed:
            if len(self._pending) >= MOST_WAITING:
                return "queue", f"{MOST_WAITING} captures wait already"
            if any(job.is_of(rule, alert, target) for job in self._pending):
                return "running", "one of the same target runs or waits"
        return "", ""

    def begin(self, job: CaptureJob) -> None:
        """It waits for its turn from now on."""
        with self._changed:
            self._told.pop((job.rule.name, _who(job.note())), None)
            self._pending.append(job)
            self._notes.appendleft(job)

    def end(self, job: CaptureJob) -> None:
        """It is over."""
        with self._changed:
            self._pending.remove(job)
            if job.state in RESULTS:
                self._tally.taken[job.rule.name, job.state] += 1
            else:
                self._tally.skipped[job.rule.name, "stopped"] += 1
            self._notes = deque((one if one is not job else job.note() for one in self._notes), MOST_NOTES)
            self._changed.notify_all()

    def count(self, ended: Iterable[tuple[str, str]]) -> None:
        """Count captures of a program before this one: names and states."""
        with self._changed:
            self._tally.taken.update(ended)

    def skip(self, note: CaptureNote, reason: str) -> bool:
        """Count one that is not taken. Whether the reason is another than the last time."""
        key = note.name, _who(note)
        with self._changed:
            self._tally.skipped[note.name, reason] += 1
            is_new = self._told.get(key) != reason
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()
            self._told[key] = reason
            newest = self._notes[0] if self._notes else None
            if isinstance(newest, CaptureNote) and replace(newest, time=note.time, detail=note.detail) == note:
                self._notes.popleft()  # again and again the same: it is shown once, with its last time
            self._notes.appendleft(note)
        return is_new

    def notes(self) -> tuple[CaptureNote, ...]:
        """Newest first."""
        with self._changed:
            return tuple(one if isinstance(one, CaptureNote) else one.note() for one in self._notes)

    def samples(self, captures: Iterable[str], ledger: CaptureLedger) -> list[Sample]:
        """Of capture_metrics.METRICS."""
        held = ledger.held()
        with self._changed:
            return self._tally.samples(
                captures,
                pending=len(self._pending),
                held=held,
                removed=ledger.removed,
                ledger_failures=ledger.write_failures,
            )

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing runs or waits, at most so long. Whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending, seconds)


def _who(note: CaptureNote) -> str:
    return f"{note.alert} {note.pid}"
