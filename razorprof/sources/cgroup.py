"""The source "cgroup": limits, throttling, memory and pressure of the target's container, in cAdvisor's names.

Reached through its entry point. Nothing is told of a process that lives in no container. cAdvisor's own labels
(container, pod, namespace) are an orchestrator's knowledge and not ours to make up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from razorprof.errors import TargetGone
from razorprof.model.metric import Metric, Sample, counter, gauge
from razorprof.model.target import Target
from razorprof.plugin.protocols import Reader, SourceOptions
from razorprof.remote.cgroup import RESOURCES, ContainerFigures, ContainerView
from razorprof.remote.process import ProcessView

PERIODS = counter("container_cpu_cfs_periods_total", "", "Enforcement periods of the CPU quota.")
THROTTLED_PERIODS = counter(
    "container_cpu_cfs_throttled_periods_total", "", "Periods in which the container was throttled."
)
THROTTLED = counter(
    "container_cpu_cfs_throttled_seconds_total",
    "seconds",
    "Time that the container was throttled, summed over CPUs.",
)
QUOTA = gauge("container_spec_cpu_quota", "", "CPU quota in microseconds for each period.")
PERIOD = gauge("container_spec_cpu_period", "", "Period of the CPU quota in microseconds.")
USAGE = gauge("container_memory_usage_bytes", "bytes", "Memory charged to the container, page cache included.")
WORKING_SET = gauge("container_memory_working_set_bytes", "bytes", "Memory usage without inactive page cache.")
LIMIT = gauge(
    "container_spec_memory_limit_bytes", "bytes", "Memory limit in force, the smallest of all groups above."
)
OOM = counter("container_oom_events_total", "", "OOM kills in the container.")
PRESSURE: Mapping[tuple[str, str], Metric] = {
    (resource, kind): counter(
        f"container_pressure_{resource}_{kind}_seconds_total",
        "seconds",
        f"Time in which {'some' if kind == 'waiting' else 'all'} tasks of the container waited for {resource}.",
    )
    for resource in RESOURCES
    for kind in ("waiting", "stalled")
}
_FIELDS: tuple[tuple[Metric, str], ...] = (
    (PERIODS, "periods"),
    (THROTTLED_PERIODS, "throttled_periods"),
    (THROTTLED, "throttled_seconds"),
    (QUOTA, "quota"),
    (PERIOD, "period"),
    (USAGE, "usage_bytes"),
    (WORKING_SET, "working_set_bytes"),
    (LIMIT, "limit_bytes"),
    (OOM, "oom_kills"),
)


class CgroupSource:
    """The plugin."""

    name: ClassVar[str] = "cgroup"
    metrics: ClassVar[tuple[Metric, ...]] = (*(metric for metric, _ in _FIELDS), *PRESSURE.values())

    def open(self, target: Target, options: SourceOptions) -> Reader:
        return CgroupReader(ProcessView(target.pid), target)


class CgroupReader:
    """Reads the container of one process. `reasons` says, after a read, which part is missing and why."""

    def __init__(self, view: ProcessView, target: Target) -> None:
        self._view = view
        self._identity = target.identity
        self._container = ContainerView(view)
        self.reasons: Mapping[str, str] = {}

    def read(self) -> list[Sample]:
        if not self._view.is_same(self._identity):
            raise TargetGone(
                "no such process", value=self._identity.pid, hint="list what is there with: razorprof ps"
            )
        figures = self._container.figures()
        self.reasons = figures.reasons
        return container_samples(figures)

    def close(self) -> None:
        """Nothing is held between reads."""


def container_samples(figures: ContainerFigures) -> list[Sample]:
    """The figures as samples; what is None is left out."""
    samples = []
    for metric, name in _FIELDS:
        value: float | None = getattr(figures, name)
        if value is not None:
            samples.append(Sample(metric, float(value)))
    samples += [Sample(PRESSURE[key], value) for key, value in figures.pressure.items()]
    return samples
