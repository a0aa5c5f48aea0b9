"""The cgroup source in real v1 groups: limits, throttling, OOM kills, and a process in no container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.cgroup import ContainerView
from razorprof.sources.cgroup import CgroupReader, CgroupSource
from tests.integration.source_targets import Obedient, v1_group, wait_until

MIB = 2**20


@pytest.fixture
def memory() -> Iterator[Path]:
    yield from v1_group("memory")


@pytest.fixture
def cpu() -> Iterator[Path]:
    yield from v1_group("cpu")


@pytest.fixture
def child() -> Iterator[Obedient]:
    started = Obedient()
    yield started
    started.end()


def put(child: Obedient, *groups: Path) -> None:
    for group in groups:
        (group / "cgroup.procs").write_text(str(child.pid))


def read(child: Obedient) -> dict[str, float]:
    reader = CgroupSource().open(child.target, SourceOptions())
    assert isinstance(reader, CgroupReader)
    return {sample.name: sample.value for sample in reader.read()}


def test_memory_is_told_against_its_limit(memory: Path, child: Obedient) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(128 * MIB))
    put(child, memory)
    child.do("block = bytearray(40 << 20)")
    found = read(child)
    assert found["container_spec_memory_limit_bytes"] == 128 * MIB
    assert (
        40 * MIB
        <= found["container_memory_working_set_bytes"]
        <= found["container_memory_usage_bytes"]
        <= 128 * MIB
    )
    assert found["container_oom_events_total"] == 0


def test_page_cache_that_can_be_dropped_is_not_in_the_working_set(
    memory: Path, child: Obedient, tmp_path: Path
) -> None:
    put(child, memory)
    before = read(child)
    child.do(f"f = open({str(tmp_path / 'big')!r}, 'wb'); f.write(bytes(30 << 20)); f.flush()")
    after = read(child)
    usage = after["container_memory_usage_bytes"] - before["container_memory_usage_bytes"]
    working = after["container_memory_working_set_bytes"] - before["container_memory_working_set_bytes"]
    if usage < 25 * MIB:
        pytest.skip("this file system keeps no page cache")
    assert working < usage - 20 * MIB


def test_the_smallest_limit_above_is_in_force(memory: Path, child: Obedient) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(96 * MIB))
    inner = memory / "inner"
    inner.mkdir()
    try:
        (inner / "memory.limit_in_bytes").write_text(str(512 * MIB))
        put(child, inner)
        assert read(child)["container_spec_memory_limit_bytes"] == 96 * MIB
        levels = ContainerView(child.view).memory_levels()
        assert [level.limit_bytes for level in levels] == [512 * MIB, 96 * MIB]
    finally:
        child.end()
        wait_until(lambda: _removed(inner))


def test_a_quota_throttles_and_it_shows(cpu: Path, child: Obedient) -> None:
    (cpu / "cpu.cfs_quota_us").write_text("10000")
    put(child, cpu)
    before = read(child)
    assert (before["container_spec_cpu_quota"], before["container_spec_cpu_period"]) == (10_000, 100_000)
    child.do("import time; end = time.time() + 1.5")
    child.do("while time.time() < end: pass")
    after = read(child)
    assert (
        after["container_cpu_cfs_throttled_seconds_total"]
        > before["container_cpu_cfs_throttled_seconds_total"] + 0.3
    )
    assert after["container_cpu_cfs_throttled_periods_total"] > before["container_cpu_cfs_throttled_periods_total"]
    assert after["container_cpu_cfs_periods_total"] >= after["container_cpu_cfs_throttled_periods_total"]


def test_a_process_that_is_moved_is_read_where_it_now_is(memory: Path, child: Obedient) -> None:
    reader = CgroupReader(child.view, child.target)
    reader.read()
    (memory / "memory.limit_in_bytes").write_text(str(64 * MIB))
    put(child, memory)
    found = {sample.name: sample.value for sample in reader.read()}
    assert found["container_spec_memory_limit_bytes"] == 64 * MIB


def test_in_the_root_group_nothing_is_told_and_the_reason_is_given(memory: Path, child: Obedient) -> None:
    put(child, memory.parent)
    reader = CgroupReader(child.view, child.target)
    assert not [sample for sample in reader.read() if "memory" in sample.name and "pressure" not in sample.name]
    assert reader.reasons["memory"] == "in no container: its control group is the root"


def test_a_process_that_ended_is_gone(child: Obedient) -> None:
    reader = CgroupSource().open(child.target, SourceOptions())
    child.end()
    with pytest.raises(TargetGone):
        reader.read()


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
