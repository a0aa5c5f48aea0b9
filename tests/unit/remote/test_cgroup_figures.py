"""Figures of a container out of frozen cgroup trees, v1 and v2."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.remote.cgroup import NO_CONTAINER, ContainerView, MemoryLevel, host_oom_kills
from tests.unit.remote.frozen_cgroups import TARGET, V1_UNLIMITED, FrozenSystem

MIB = 2**20


@pytest.fixture
def system(tmp_path: Path) -> FrozenSystem:
    return FrozenSystem(tmp_path)


def in_pod(system: FrozenSystem) -> FrozenSystem:
    """A v2 container in a pod: the pod has the CPU quota and the smaller memory limit."""
    system.mount_v2()
    system.v2_group(
        "pod",
        memory_max=f"{512 * MIB}\n",
        memory_current=f"{300 * MIB}\n",
        memory_stat=f"inactive_file {20 * MIB}\n",
        cpu_max="150000 100000\n",
        cpu_stat="usage_usec 9\nnr_periods 70\nnr_throttled 7\nthrottled_usec 2500000\n",
    )
    system.v2_group(
        "pod/box",
        memory_max=f"{1024 * MIB}\n",
        memory_current=f"{200 * MIB}\n",
        memory_stat=f"anon 5\ninactive_file {50 * MIB}\nactive_file 3\n",
        memory_events="low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 0\n",
        cpu_max="max 100000\n",
        cpu_stat="usage_usec 9\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
        cpu_pressure="some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\nfull avg10=0.00 total=1000000\n",
        memory_pressure="some avg10=0.00 total=500000\nfull avg10=0.00 total=0\n",
    )
    system.live_in(TARGET, "0::/pod/box\n")
    return system


def test_v2_memory_is_of_the_container_and_its_limit_the_smallest_above(system: FrozenSystem) -> None:
    figures = ContainerView(in_pod(system).target()).figures()
    assert figures.usage_bytes == 200 * MIB
    assert figures.working_set_bytes == 150 * MIB
    assert figures.limit_bytes == 512 * MIB
    assert figures.oom_kills == 2


def test_v2_throttling_is_told_of_the_group_with_the_tightest_quota(system: FrozenSystem) -> None:
    figures = ContainerView(in_pod(system).target()).figures()
    assert (figures.quota, figures.period) == (150_000, 100_000)
    assert (figures.periods, figures.throttled_periods, figures.throttled_seconds) == (70, 7, 2.5)


def test_pressure_is_in_seconds_and_a_missing_part_is_left_out(system: FrozenSystem) -> None:
    figures = ContainerView(in_pod(system).target()).figures()
    assert figures.pressure == {
        ("cpu", "waiting"): 3.0,
        ("cpu", "stalled"): 1.0,
        ("memory", "waiting"): 0.5,
        ("memory", "stalled"): 0.0,
    }


def test_every_level_with_a_limit_is_told_innermost_first(system: FrozenSystem) -> None:
    levels = ContainerView(in_pod(system).target()).memory_levels()
    assert levels == [MemoryLevel("box", 1024 * MIB, 150 * MIB), MemoryLevel("pod", 512 * MIB, 280 * MIB)]
    assert [level.headroom_bytes for level in levels] == [874 * MIB, 232 * MIB]


def test_headroom_ends_where_the_kernel_begins_to_slow_the_group_down(system: FrozenSystem) -> None:
    in_pod(system)
    system.v2_group("pod/box", memory_high=f"{160 * MIB}\n")
    view = ContainerView(system.target())
    assert view.memory_levels()[0].headroom_bytes == 10 * MIB
    assert view.figures().limit_bytes == 512 * MIB


def v1_memory(limit: int, hierarchical: int) -> dict[str, str]:
    inactive = f"inactive_file 1\ntotal_inactive_file {30 * MIB}\n"  # of the group alone, and with those below
    return {
        "memory.limit_in_bytes": f"{limit}\n",
        "memory.usage_in_bytes": f"{100 * MIB}\n",
        "memory.stat": f"hierarchical_memory_limit {hierarchical}\n{inactive}",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
    }


def test_v1_gives_the_same_figures(system: FrozenSystem) -> None:
    system.mount_v1()
    system.group("memory/box", v1_memory(256 * MIB, 256 * MIB))
    cpu = {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}
    system.group(
        "cpu,cpuacct/box", {**cpu, "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\n"}
    )
    system.live_in(TARGET, "5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n")
    figures = ContainerView(system.target()).figures()
    assert (figures.usage_bytes, figures.working_set_bytes) == (100 * MIB, 70 * MIB)
    assert (figures.limit_bytes, figures.oom_kills) == (256 * MIB, 5)
    assert (figures.quota, figures.period, figures.throttled_seconds) == (50_000, 100_000, 1.5)
    assert figures.pressure == {}
    assert figures.reasons == {"pressure": NO_CONTAINER}


def test_v1_counts_a_limit_above_what_is_visible(system: FrozenSystem) -> None:
    system.mount_v1()
    system.group("memory/box", v1_memory(V1_UNLIMITED, 128 * MIB))
    system.live_in(TARGET, "5:memory:/box\n0::/\n")
    view = ContainerView(system.target())
    assert view.figures().limit_bytes == 128 * MIB
    assert view.memory_levels() == [MemoryLevel("a group above", 128 * MIB, 70 * MIB)]


def test_no_limit_is_none_and_not_a_huge_number(system: FrozenSystem) -> None:
    system.mount_v1()
    system.group("memory/box", v1_memory(V1_UNLIMITED, V1_UNLIMITED))
    system.group("cpu,cpuacct/box", {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"})
    system.live_in(TARGET, "5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n")
    figures = ContainerView(system.target()).figures()
    assert (figures.limit_bytes, figures.quota, figures.period) == (None, None, None)


def test_the_root_group_is_no_container(system: FrozenSystem) -> None:
    system.mount_v1()
    system.group("memory", v1_memory(V1_UNLIMITED, V1_UNLIMITED))
    system.live_in(TARGET, "5:memory:/\n4:cpu,cpuacct:/\n0::/\n")
    figures = ContainerView(system.target()).figures()
    assert figures.usage_bytes is None
    assert figures.oom_kills is None
    assert figures.reasons == {"cpu": NO_CONTAINER, "memory": NO_CONTAINER, "pressure": NO_CONTAINER}


def test_a_process_that_is_moved_is_followed(system: FrozenSystem) -> None:
    in_pod(system)
    view = ContainerView(system.target())
    view.figures()
    system.v2_group("other", memory_current="8192\n", memory_stat="inactive_file 0\n", memory_max="max\n")
    system.live_in(TARGET, "0::/other\n")
    figures = view.figures()
    assert (figures.usage_bytes, figures.limit_bytes) == (8192, None)


def test_oom_kills_can_be_asked_for_after_the_process_left_its_group(system: FrozenSystem) -> None:
    view = ContainerView(in_pod(system).target())
    assert view.oom_kills() == 2
    system.live_in(TARGET, "0::/\n")  # what v1 says of a process that exits
    system.v2_group("pod/box", memory_events="oom_kill 3\n")
    assert view.oom_kills() == 3


def test_the_machines_oom_kills_come_from_vmstat(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 4\n")
    assert host_oom_kills(tmp_path) == 4
    assert host_oom_kills(tmp_path / "absent") is None
