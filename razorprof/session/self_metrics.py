"""What razorprof tells about itself as series (job "razorprof"): its cost, its store, how long reads take.

Called by the pipeline: `note` for each scrape, `samples` once a tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from razorprof.model.histogram import HistogramState
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge, histogram
from razorprof.model.scrape import Scrape
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

SELF_CPU = gauge(
    "razorprof_self_cpu_ratio", "ratio", "CPU seconds per second of razorprof and the tools it started."
)
SELF_RESIDENT = gauge(
    "razorprof_self_resident_memory_bytes", "bytes", "Resident memory of razorprof and the tools it started."
)
READ_DURATION = histogram(
    "razorprof_scrape_duration_seconds", "seconds", "Durations of the reads of a source, of all targets.", "source"
)
STORE_BYTES = gauge("razorprof_store_bytes", "bytes", "Memory of the series kept, labels and index included.")
STORE_SERIES = gauge("razorprof_store_series", "", "Series that are kept, ended ones included.")
DROPPED = counter(
    "razorprof_samples_dropped_total", "", "Samples that were dropped instead of stored.", "source", "reason"
)
SELF_METRICS: tuple[Metric, ...] = (SELF_CPU, SELF_RESIDENT, READ_DURATION, STORE_BYTES, STORE_SERIES, DROPPED)

READ_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_MOST_SOURCES = 64


class SelfMetrics:
    """Counts since the start."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._reads: dict[str, HistogramState] = {}

    def note(self, scrape: Scrape) -> None:
        """Take the duration of a read, failed ones too."""
        state = self._reads.get(scrape.source)
        if state is None:
            if len(self._reads) >= _MOST_SOURCES:
                return
            state = self._reads[scrape.source] = HistogramState(READ_BOUNDS)
        state.observe(scrape.duration)

    def samples(self, overhead: Overhead, drops: Mapping[str, int]) -> Iterator[Sample]:
        """drops: of our own samples, by reason."""
        if overhead.self_cpu_ratio is not None:
            yield Sample(SELF_CPU, overhead.self_cpu_ratio)
        if overhead.self_rss_bytes is not None:
            yield Sample(SELF_RESIDENT, overhead.self_rss_bytes)
        yield Sample(STORE_BYTES, float(self._store.bytes))
        yield Sample(STORE_SERIES, float(self._store.series))
        yield from dropped_samples("razorprof", {"series_limit": 0, **drops})
        for source, state in self._reads.items():
            yield from state.samples(READ_DURATION, Labels(source=source))


def dropped_samples(source: str, drops: Mapping[str, int]) -> Iterator[Sample]:
    """What was dropped of a source's samples, by reason."""
    for reason, number in drops.items():
        yield Sample(DROPPED, float(number), Labels(source=source, reason=reason))
