"""What captures tell of themselves as series. For session.alert_captures, which counts here under its own lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge

TAKEN = counter(
    "razorprof_captures_total", "", "Captures that were begun, by what became of them.", "capture", "result"
)
SKIPPED = counter(
    "razorprof_captures_skipped_total", "", "Captures that were not taken, and why.", "capture", "reason"
)
REMOVED = counter(
    "razorprof_captures_removed_total", "", "Captures removed to keep within their bytes.", "capture"
)
HELD = gauge("razorprof_captures_bytes", "bytes", "What the captures that are kept take.", "capture")
PENDING = gauge("razorprof_captures_pending", "", "Captures that run or wait for their turn.")
LEDGER_FAILURES = counter(
    "razorprof_captures_ledger_write_failures_total", "", "Writes of the ledger of captures that failed."
)
METRICS: tuple[Metric, ...] = (TAKEN, SKIPPED, REMOVED, HELD, PENDING, LEDGER_FAILURES)
RESULTS = ("done", "partial", "failed")


class CaptureTally:
    """Counts by (capture, result) and (capture, reason)."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        self.skipped: Counter[tuple[str, str]] = Counter()

    def samples(
        self,
        captures: Iterable[str],
        *,
        pending: int,
        held: Mapping[str, int],
        removed: Mapping[str, int],
        ledger_failures: int,
    ) -> list[Sample]:
        """All of METRICS. captures: names of which figures are told before anything has happened."""
        names = sorted({*captures, *(name for name, _ in self.taken)})
        found = [
            Sample(TAKEN, float(self.taken[name, result]), Labels(capture=name, result=result))
            for name in names
            for result in RESULTS
        ]
        found += [
            Sample(SKIPPED, float(count), Labels(capture=name, reason=reason))
            for (name, reason), count in sorted(self.skipped.items())
        ]
        for name in names:
            found.append(Sample(HELD, float(held.get(name, 0)), Labels(capture=name)))
            found.append(Sample(REMOVED, float(removed.get(name, 0)), Labels(capture=name)))
        return [*found, Sample(PENDING, float(pending)), Sample(LEDGER_FAILURES, float(ledger_failures))]
