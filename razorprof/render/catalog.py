"""Which series a screen shows, under which word and in which unit. One table, so that overview, memory screen,
process list, marks and batch output can never disagree about a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from razorprof.render import figures


@dataclass(frozen=True, slots=True)
class Figure:
    """key: how the code names it; label: how a person reads it; rate: the series is a counter, its growth per
    second is the figure; show: from base units to text."""

    key: str
    label: str
    metric: str
    show: Callable[[float | None], str]
    labels: Mapping[str, str] = field(default_factory=dict)
    rate: bool = False


def _whole_percent(ratio: float | None) -> str:
    return figures.percent(ratio, 0)


FIGURES: Mapping[str, Figure] = {
    figure.key: figure
    for figure in (
        Figure("cpu", "CPU", "process_cpu_seconds_total", _whole_percent, rate=True),
        Figure("user", "user", "process_cpu_user_seconds_total", _whole_percent, rate=True),
        Figure("system", "system", "process_cpu_system_seconds_total", _whole_percent, rate=True),
        Figure("run_delay", "wants a CPU", "process_run_delay_seconds_total", figures.percent, rate=True),
        Figure("rss", "resident", "process_resident_memory_bytes", figures.size),
        Figure("unique", "unique", "process_unique_memory_bytes", figures.size),
        Figure("virtual", "virtual", "process_virtual_memory_bytes", figures.size),
        Figure("swap", "swapped", "process_swap_bytes", figures.size),
        Figure("threads", "threads", "process_threads", figures.count),
        Figure("fds", "descriptors", "process_open_fds", figures.count),
        Figure("max_fds", "descriptor limit", "process_max_fds", figures.count),
        Figure("read", "read", "process_io_bytes_total", figures.size_rate, {"direction": "read"}, True),
        Figure("written", "written", "process_io_bytes_total", figures.size_rate, {"direction": "write"}, True),
        Figure(
            "voluntary",
            "switches, voluntary",
            "process_context_switches_total",
            figures.rate,
            {"kind": "voluntary"},
            True,
        ),
        Figure(
            "involuntary",
            "switches, forced",
            "process_context_switches_total",
            figures.rate,
            {"kind": "involuntary"},
            True,
        ),
        Figure(
            "faults_minor", "faults, minor", "process_page_faults_total", figures.rate, {"kind": "minor"}, True
        ),
        Figure(
            "faults_major", "faults, major", "process_page_faults_total", figures.rate, {"kind": "major"}, True
        ),
        Figure("arenas", "Python arenas", "python_arena_bytes", figures.size),
        Figure("working_set", "container", "container_memory_working_set_bytes", figures.size),
        Figure("limit", "container limit", "container_spec_memory_limit_bytes", figures.size),
        Figure("throttled", "throttled", "container_cpu_cfs_throttled_seconds_total", figures.percent, rate=True),
        Figure("oom", "OOM kills", "container_oom_events_total", figures.count),
        Figure(
            "pressure_cpu",
            "pressure cpu",
            "container_pressure_cpu_waiting_seconds_total",
            figures.percent,
            rate=True,
        ),
        Figure(
            "pressure_memory",
            "pressure memory",
            "container_pressure_memory_waiting_seconds_total",
            figures.percent,
            rate=True,
        ),
        Figure(
            "pressure_io", "pressure io", "container_pressure_io_waiting_seconds_total", figures.percent, rate=True
        ),
        Figure("gc_time", "time in GC", "python_gc_seconds_total", figures.percent, rate=True),
        Figure("gil_held", "GIL held", "python_gil_held_ratio", _whole_percent),
        Figure("gil_switches", "GIL switches", "python_gil_switches_total", figures.rate, rate=True),
        Figure("gil_waiters", "waiting for the GIL", "python_gil_waiters", figures.count),
    )
}


def gc_figure(generation: int) -> Figure:
    """Collections of one generation per second."""
    return Figure(
        f"gc{generation}",
        f"generation {generation}",
        "python_gc_collections_total",
        figures.rate,
        {"generation": str(generation)},
        True,
    )


GC_GENERATIONS = tuple(gc_figure(generation) for generation in range(3))
