"""The flat metrics of a JVM, derived from its counters and from the GcState. For gc_source.

Names are those of Prometheus's Java client. Its memory families were renamed with version 1.0 (the unit went to
the end); both spellings are given, as dashboards and rules of both times are in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from razorprof.model.gc import CollectorGc, GcState, MemoryPool
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge, histogram
from razorprof_jvm.figures import NON_HEAP, clockwork, heap_max
from razorprof_jvm.perfdata import Counters

_LONGEST_LABEL = 128

GC = histogram(
    "jvm_gc_collection_seconds",
    "seconds",
    "Time that the program stood still for a collector, exact; lengths of single pauses are not told.",
    "gc",
)
POOL_USED = gauge("jvm_memory_pool_used_bytes", "bytes", "Used bytes of a memory pool.", "pool")
POOL_COMMITTED = gauge("jvm_memory_pool_committed_bytes", "bytes", "Committed bytes of a memory pool.", "pool")
POOL_MAX = gauge("jvm_memory_pool_max_bytes", "bytes", "Bound of a memory pool, where it has one.", "pool")
USED = gauge("jvm_memory_used_bytes", "bytes", "Used bytes of an area; the heap is told.", "area")
COMMITTED = gauge("jvm_memory_committed_bytes", "bytes", "Committed bytes of an area; the heap is told.", "area")
MAX = gauge("jvm_memory_max_bytes", "bytes", "Bound of an area (-Xmx); the heap is told.", "area")
OLD_POOL_USED = gauge("jvm_memory_pool_bytes_used", "", "As jvm_memory_pool_used_bytes.", "pool")
OLD_POOL_COMMITTED = gauge("jvm_memory_pool_bytes_committed", "", "As jvm_memory_pool_committed_bytes.", "pool")
OLD_POOL_MAX = gauge("jvm_memory_pool_bytes_max", "", "As jvm_memory_pool_max_bytes.", "pool")
OLD_USED = gauge("jvm_memory_bytes_used", "", "As jvm_memory_used_bytes.", "area")
OLD_COMMITTED = gauge("jvm_memory_bytes_committed", "", "As jvm_memory_committed_bytes.", "area")
OLD_MAX = gauge("jvm_memory_bytes_max", "", "As jvm_memory_max_bytes.", "area")
THREADS = gauge("jvm_threads_current", "", "Threads that live.")
DAEMONS = gauge("jvm_threads_daemon", "", "Daemon threads that live.")
THREADS_PEAK = gauge("jvm_threads_peak", "", "Most threads that have lived at once.")
THREADS_STARTED = counter("jvm_threads_started_total", "", "Threads that were started.")
CLASSES = gauge("jvm_classes_currently_loaded", "", "Classes that are loaded now.")
CLASSES_LOADED = counter("jvm_classes_loaded_total", "", "Classes that were loaded.")
CLASSES_UNLOADED = counter("jvm_classes_unloaded_total", "", "Classes that were unloaded.")
COMPILATION = counter("jvm_compilation_time_seconds_total", "seconds", "Time in compilation to native code.")
COMPILATIONS = counter("jvm_compilations_total", "", "Methods that were compiled to native code.")
SAFEPOINTS = counter("jvm_safepoints_total", "", "Times that all Java threads were stopped, for whatever reason.")
SAFEPOINT_SECONDS = counter(
    "jvm_safepoint_seconds_total", "seconds", "Time in which all Java threads stood still."
)
SAFEPOINT_SYNC = counter(
    "jvm_safepoint_sync_seconds_total", "seconds", "Time that it took until all Java threads stood still."
)
CONTENTIONS = counter(
    "jvm_monitor_contentions_total", "", "Times that a thread found a monitor held; counted without locks: about."
)
# the client calls the first label `runtime`, a name that razorprof gives to all series
INFO = gauge("jvm_info", "", "What JVM this is; always 1.", "vm", "vendor", "version")

METRICS: tuple[Metric, ...] = (
    GC, POOL_USED, POOL_COMMITTED, POOL_MAX, USED, COMMITTED, MAX, OLD_POOL_USED, OLD_POOL_COMMITTED, OLD_POOL_MAX,
    OLD_USED, OLD_COMMITTED, OLD_MAX, THREADS, DAEMONS, THREADS_PEAK, THREADS_STARTED, CLASSES, CLASSES_LOADED,
    CLASSES_UNLOADED, COMPILATION, COMPILATIONS, SAFEPOINTS, SAFEPOINT_SECONDS, SAFEPOINT_SYNC, CONTENTIONS,
    INFO,
)  # fmt: skip

_COUNTS = (
    (THREADS, ("java.threads.live",), ()),
    (DAEMONS, ("java.threads.daemon",), ()),
    (THREADS_PEAK, ("java.threads.livePeak",), ()),
    (THREADS_STARTED, ("java.threads.started",), ()),
    (
        CLASSES,
        ("java.cls.loadedClasses", "java.cls.sharedLoadedClasses"),
        ("java.cls.unloadedClasses", "java.cls.sharedUnloadedClasses"),
    ),
    (CLASSES_LOADED, ("java.cls.loadedClasses", "java.cls.sharedLoadedClasses"), ()),
    (CLASSES_UNLOADED, ("java.cls.unloadedClasses", "java.cls.sharedUnloadedClasses"), ()),
    (COMPILATIONS, ("sun.ci.totalCompiles",), ()),
    (SAFEPOINTS, ("sun.rt.safepoints",), ()),
    (CONTENTIONS, ("sun.rt._sync_ContendedLockAttempts",), ()),
)
_TIMES = (
    (COMPILATION, "java.ci.totalTime"),
    (SAFEPOINT_SECONDS, "sun.rt.safepointTime"),
    (SAFEPOINT_SYNC, "sun.rt.safepointSyncTime"),
)
_POOL = ((POOL_USED, OLD_POOL_USED), (POOL_COMMITTED, OLD_POOL_COMMITTED), (POOL_MAX, OLD_POOL_MAX))
_HEAP = Labels(area="heap")


def jvm_samples(counters: Counters, state: GcState) -> Iterator[Sample]:
    """All metrics of one look. What the JVM does not count gives no sample."""
    for collector in state.collectors:
        yield from _collector(collector)
    yield from _memory(state.pools, heap_max(counters))
    for metric, plus, minus in _COUNTS:
        value = _sum(counters, plus)
        less = _sum(counters, minus)
        if value is not None and less is not None:
            yield Sample(metric, float(value - less))
    frequency = clockwork(counters).frequency
    for metric, name in _TIMES:
        ticks = counters.number(name)
        if ticks is not None:
            yield Sample(metric, ticks / frequency)
    yield Sample(INFO, 1.0, _info(counters))


def _collector(collector: CollectorGc) -> Iterator[Sample]:
    """A summary, told as a histogram with no bound but infinity."""
    if collector.collections is None or collector.seconds is None:
        return
    labels = _labels("gc", collector.name)
    yield Sample(GC, float(collector.collections), _labels("gc", collector.name, "+Inf"), "_bucket")
    yield Sample(GC, collector.seconds, labels, "_sum")
    yield Sample(GC, float(collector.collections), labels, "_count")


def _memory(pools: tuple[MemoryPool, ...], most: int | None) -> Iterator[Sample]:
    for pool in pools:
        labels = _labels("pool", pool.name)
        for metrics, value in zip(_POOL, (pool.used, pool.committed, pool.max), strict=True):
            yield from _twice(metrics, value, labels)
    heap = [pool for pool in pools if pool.name not in NON_HEAP]
    if heap and all(pool.used is not None and pool.committed is not None for pool in heap):
        yield from _twice((USED, OLD_USED), sum(pool.used or 0 for pool in heap), _HEAP)
        yield from _twice((COMMITTED, OLD_COMMITTED), sum(pool.committed or 0 for pool in heap), _HEAP)
    yield from _twice((MAX, OLD_MAX), most, _HEAP)


def _twice(metrics: tuple[Metric, Metric], value: int | None, labels: Labels) -> Iterator[Sample]:
    if value is not None:
        for metric in metrics:
            yield Sample(metric, float(value), labels)


def _sum(counters: Counters, names: tuple[str, ...]) -> int | None:
    found = [counters.number(name) for name in names]
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(names) else None


@lru_cache(maxsize=256)
def _labels(name: str, value: str, le: str = "") -> Labels:
    """Kept: they take as long to make as all the rest of a read."""
    return Labels({name: value, "le": le})


def _info(counters: Counters) -> Labels:
    def text(name: str) -> str:
        return (counters.text(f"java.property.{name}") or "")[:_LONGEST_LABEL]

    return _info_labels(
        text("java.vm.name"),
        text("java.vm.vendor"),
        text("java.vm.version"),
    )


@lru_cache(maxsize=64)
def _info_labels(vm: str, vendor: str, version: str) -> Labels:
    return Labels(vm=vm, vendor=vendor, version=version)
