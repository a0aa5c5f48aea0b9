"""The metrics of Go programs, named as Go's client library names them, where it has a name."""

from __future__ import annotations

from razorprof.model.metric import Metric, counter, gauge, histogram

INFO = gauge("go_info", "", "The toolchain that built the program.", "version")
CYCLES = counter("go_gc_cycles_total", "", "Cycles of the collector since the program began.")
FORCED = counter("go_gc_cycles_forced_gc_cycles_total", "", "Cycles that the program asked for itself.")
PAUSE = histogram("go_gc_pause_seconds", "seconds", "What each cycle stopped the program for, exact.")
LOST = counter(
    "go_gc_pauses_lost_total", "", "Pauses whose single lengths were overwritten: they count with their mean."
)
CPU_RATIO = gauge("go_gc_cpu_ratio", "ratio", "Share of the available CPU that collecting took since it began.")
LAST_GC = gauge("go_memstats_last_gc_time_seconds", "seconds", "When the last cycle ended, Unix time.")
MAX_PROCESSORS = gauge("go_sched_gomaxprocs_threads", "", "GOMAXPROCS as it is now.")
PERCENT = gauge("go_gc_gogc_percent", "", "GOGC as it is now, -1 where the collector is off.")
MEMORY_LIMIT = gauge(
    "go_gc_gomemlimit_bytes", "bytes", "GOMEMLIMIT as it is now, about 9.2e18 where there is none."
)
LIVE = gauge("go_gc_heap_live_bytes", "bytes", "What the last cycle found to be live.")
GOAL = gauge("go_gc_heap_goal_bytes", "bytes", "Size of the heap at which the last cycle was to end.")
ALLOCATED = counter(
    "go_gc_heap_allocs_bytes_total", "bytes", "Bytes allocated, less what is being handed out just now."
)

PAUSES: tuple[Metric, ...] = (CYCLES, FORCED, PAUSE, LOST, CPU_RATIO, LAST_GC)
SETTINGS: tuple[Metric, ...] = (PERCENT, MEMORY_LIMIT, LIVE, GOAL, ALLOCATED)
GC_METRICS: tuple[Metric, ...] = (INFO, *PAUSES, MAX_PROCESSORS, *SETTINGS)

GOROUTINES = gauge("go_goroutines", "", "Goroutines of the program; the runtime's own are not counted.")
STATES = gauge("go_sched_goroutines", "", "Goroutines of the program by state.", "state")
IDLE_PROCESSORS = gauge("go_sched_idle_processors", "", "Processors (of GOMAXPROCS) that have nothing to run.")
THREADS = gauge("go_threads", "", "Threads of the kernel that the runtime made.")
IDLE_THREADS = gauge("go_sched_idle_threads", "", "Threads that wait for work.")
SPINNING_THREADS = gauge("go_sched_spinning_threads", "", "Threads that look for work.")
SCHEDULER_METRICS: tuple[Metric, ...] = (
    GOROUTINES,
    STATES,
    IDLE_PROCESSORS,
    THREADS,
    IDLE_THREADS,
    SPINNING_THREADS,
)

# MemStats as expvar tells it: the field's name there, and the metric that client_golang makes of it.
MEMSTATS: dict[str, Metric] = {
    "TotalAlloc": counter("go_memstats_alloc_bytes_total", "bytes", "Bytes allocated, freed ones too."),
    "Mallocs": counter("go_memstats_mallocs_total", "", "Objects allocated."),
    "Frees": counter("go_memstats_frees_total", "", "Objects freed."),
    "Alloc": gauge("go_memstats_alloc_bytes", "bytes", "Bytes allocated and not freed yet."),
    "Sys": gauge("go_memstats_sys_bytes", "bytes", "Bytes taken from the system."),
    "HeapAlloc": gauge("go_memstats_heap_alloc_bytes", "bytes", "Bytes of heap objects that are not freed yet."),
    "HeapSys": gauge("go_memstats_heap_sys_bytes", "bytes", "Bytes of heap taken from the system."),
    "HeapIdle": gauge("go_memstats_heap_idle_bytes", "bytes", "Bytes in spans without objects."),
    "HeapInuse": gauge("go_memstats_heap_inuse_bytes", "bytes", "Bytes in spans with objects."),
    "HeapReleased": gauge("go_memstats_heap_released_bytes", "bytes", "Bytes of heap given back to the system."),
    "HeapObjects": gauge("go_memstats_heap_objects", "", "Objects on the heap."),
    "StackInuse": gauge("go_memstats_stack_inuse_bytes", "bytes", "Bytes in stacks of goroutines."),
    "StackSys": gauge("go_memstats_stack_sys_bytes", "bytes", "Bytes of stacks taken from the system."),
    "MSpanInuse": gauge("go_memstats_mspan_inuse_bytes", "bytes", "Bytes of span structures in use."),
    "MCacheInuse": gauge("go_memstats_mcache_inuse_bytes", "bytes", "Bytes of cache structures in use."),
    "BuckHashSys": gauge("go_memstats_buck_hash_sys_bytes", "bytes", "Bytes of profiling tables."),
    "GCSys": gauge("go_memstats_gc_sys_bytes", "bytes", "Bytes of the collector's own."),
    "OtherSys": gauge("go_memstats_other_sys_bytes", "bytes", "Bytes for all else."),
    "NextGC": gauge("go_memstats_next_gc_bytes", "bytes", "Size of the heap at which the next cycle is to end."),
}
