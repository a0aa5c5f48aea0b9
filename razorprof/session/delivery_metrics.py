"""How notifying goes, as series: sent, failed, dropped, waiting, how long it takes. Names after Prometheus's own.

Counted by session.delivery; the pipeline stores what session.dispatch gives once a tick.
"""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.model.histogram import HistogramState
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge, histogram

SENT = counter("razorprof_notifications_sent_total", "", "Notices of alerts that a notifier took.", "notifier")
ERRORS = counter(
    "razorprof_notifications_errors_total", "", "Attempts to notify that failed, repeated ones too.", "notifier"
)
DROPPED = counter(
    "razorprof_notifications_dropped_total",
    "",
    "Notices that were not told: too many waited (full), or the notifier would never take them (refused).",
    "notifier",
    "reason",
)
COALESCED = counter(
    "razorprof_notifications_coalesced_total",
    "",
    "Notices that a newer one of the same alert replaced before they were told.",
    "notifier",
)
QUEUE_LENGTH = gauge("razorprof_notifications_queue_length", "", "Notices that wait to be told.", "notifier")
QUEUE_CAPACITY = gauge("razorprof_notifications_queue_capacity", "", "Notices that may wait.", "notifier")
BREAKER_OPEN = gauge(
    "razorprof_notifications_breaker_open",
    "",
    "1 while a notifier that failed again and again is left alone, else 0.",
    "notifier",
)
LATENCY = histogram(
    "razorprof_notifications_latency_seconds", "seconds", "Durations of attempts to notify.", "notifier"
)
METRICS: tuple[Metric, ...] = (
    SENT, ERRORS, DROPPED, COALESCED, QUEUE_LENGTH, QUEUE_CAPACITY, BREAKER_OPEN, LATENCY,
)  # fmt: skip

_LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class DeliveryFigures:
    """Counts of one route since the start. Not for two threads at once."""

    def __init__(self, route: str) -> None:
        self._labels = Labels(notifier=route)
        self._latency = HistogramState(_LATENCY_BOUNDS)
        self._sent = 0
        self._errors = 0
        self.refused = 0

    def note(self, seconds: float, *, told: int, failed: bool) -> None:
        """Take an attempt."""
        self._latency.observe(seconds)
        self._sent += told
        self._errors += failed

    def samples(
        self, *, full: int, coalesced: int, waiting: int, capacity: int, is_open: bool
    ) -> Iterator[Sample]:
        """The figures of METRICS. full: notices that were dropped because too many waited."""
        labels = self._labels
        yield Sample(SENT, float(self._sent), labels)
        yield Sample(ERRORS, float(self._errors), labels)
        yield Sample(DROPPED, float(full), labels.with_(reason="full"))
        yield Sample(DROPPED, float(self.refused), labels.with_(reason="refused"))
        yield Sample(COALESCED, float(coalesced), labels)
        yield Sample(QUEUE_LENGTH, float(waiting), labels)
        yield Sample(QUEUE_CAPACITY, float(capacity), labels)
        yield Sample(BREAKER_OPEN, float(is_open), labels)
        yield from self._latency.samples(LATENCY, labels)
