"""Container figures become samples under cAdvisor's names; what is unknown is left out."""

from __future__ import annotations

from razorprof.remote.cgroup import ContainerFigures
from razorprof.sources.cgroup import CgroupSource, container_samples

ALL = ContainerFigures(
    10, 4, 1.5, 50_000, 100_000, 200, 150, 512, 2, {("memory", "stalled"): 0.25, ("cpu", "waiting"): 3.0}
)


def test_every_figure_has_its_name() -> None:
    assert {sample.name: sample.value for sample in container_samples(ALL)} == {
        "container_cpu_cfs_periods_total": 10,
        "container_cpu_cfs_throttled_periods_total": 4,
        "container_cpu_cfs_throttled_seconds_total": 1.5,
        "container_spec_cpu_quota": 50_000,
        "container_spec_cpu_period": 100_000,
        "container_memory_usage_bytes": 200,
        "container_memory_working_set_bytes": 150,
        "container_spec_memory_limit_bytes": 512,
        "container_oom_events_total": 2,
        "container_pressure_memory_stalled_seconds_total": 0.25,
        "container_pressure_cpu_waiting_seconds_total": 3.0,
    }


def test_unknown_figures_are_left_out() -> None:
    assert container_samples(ContainerFigures()) == []


def test_all_that_is_given_was_declared() -> None:
    assert {sample.metric for sample in container_samples(ALL)} <= set(CgroupSource.metrics)
