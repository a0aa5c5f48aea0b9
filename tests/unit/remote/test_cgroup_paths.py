"""A process's control group is found whatever is mounted where, and a wrong one is never taken for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from razorprof.remote.cgroup_paths import Group, find_group, visible_mounts
from razorprof.remote.process import ProcessView
from tests.unit.remote.frozen_cgroups import OWN, TARGET, FrozenSystem


@pytest.fixture
def system(tmp_path: Path) -> FrozenSystem:
    return FrozenSystem(tmp_path)


def find(system: FrozenSystem, controller: str) -> Group | str:
    target = system.target()
    return find_group(controller, target, visible_mounts(ProcessView(OWN, proc=system.proc), target))


def test_a_v2_group_is_below_its_mount_point_also_with_blanks_in_it(system: FrozenSystem) -> None:
    system.mount_v2()
    folder = system.v2_group("system.slice/app.service")
    system.live_in(TARGET, "0::/system.slice/app.service\n")
    assert find(system, "memory") == Group(2, system.cgroups, folder)


def test_v1_takes_the_hierarchy_of_the_controller(system: FrozenSystem) -> None:
    system.mount_v1()
    memory, cpu = system.group("memory/docker/a", {}), system.group("cpu,cpuacct/docker/b", {})
    system.live_in(TARGET, "5:memory:/docker/a\n4:cpu,cpuacct:/docker/b\n1:name=systemd:/\n0::/docker/c\n")
    assert find(system, "memory") == Group(1, system.cgroups / "memory", memory)
    assert find(system, "cpu") == Group(1, system.cgroups / "cpu,cpuacct", cpu)


def test_inside_of_a_container_the_mount_begins_at_its_own_group(system: FrozenSystem) -> None:
    system.mount_v2(root="/docker/abc")
    folder = system.v2_group("worker")
    system.live_in(TARGET, "0::/docker/abc/worker\n")
    assert find(system, "memory") == Group(2, system.cgroups, folder)


def test_the_mount_points_own_group_is_found_in_a_cgroup_namespace(system: FrozenSystem) -> None:
    system.mount_v2()
    system.v2_group("")
    found = find(system, "memory")
    assert found == Group(2, system.cgroups, system.cgroups)
    assert isinstance(found, Group)
    assert not found.is_root


def test_the_root_of_the_hierarchy_is_known_as_such(system: FrozenSystem) -> None:
    system.mount_v2()
    found = find(system, "memory")
    assert isinstance(found, Group)
    assert found.is_root
    assert list(found.levels()) == []


def test_a_group_outside_of_the_namespace_is_not_guessed(system: FrozenSystem) -> None:
    system.mount_v2()
    system.v2_group("other")
    system.live_in(TARGET, "0::/../other\n")
    assert find(system, "memory") == "its control group is outside of what is mounted here"


def test_a_group_whose_names_are_hidden_is_searched_by_its_process(system: FrozenSystem) -> None:
    system.mount_v2(root="/../..")
    system.v2_group("pods/one", cgroup_procs="7\n")
    folder = system.v2_group("pods/two", cgroup_procs="41\n42\n")
    system.live_in(TARGET, "0::/../two\n")
    assert find(system, "memory") == Group(2, system.cgroups, folder)


def test_a_group_is_found_through_the_targets_own_mounts(system: FrozenSystem) -> None:
    system.mount_v2(root="/elsewhere", pids=(OWN,))
    seen_by_target = system.cgroups
    folder = system.v2_group("x")
    process = system.proc / str(TARGET)
    (process / "ns" / "mnt").unlink()
    os.symlink("mnt:[2]", process / "ns" / "mnt")
    os.symlink("/", process / "root")
    system.live_in(TARGET, "0::/box/x\n")
    descriptor = os.open(seen_by_target, os.O_PATH)
    info = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    os.close(descriptor)
    number = int(info.partition("mnt_id:")[2].split()[0])
    system.mount(("", "/box", "cgroup2", "rw"), pids=(TARGET,), number=number)
    found = find(system, "memory")
    assert isinstance(found, Group)
    assert found.folder.samefile(folder)
    system.mount(("", "/box", "cgroup2", "rw"), pids=(TARGET,), number=number + 1)
    assert isinstance(find(system, "memory"), str)  # the point was covered with another mount


def test_levels_go_up_to_the_mount_and_leave_the_root_out(system: FrozenSystem) -> None:
    system.mount_v2()
    system.v2_group("a")
    system.v2_group("a/b")
    system.live_in(TARGET, "0::/a/b\n")
    found = find(system, "memory")
    assert isinstance(found, Group)
    assert [level.folder.name for level in found.levels()] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "in no control group"),
        ("0::/gone\n", "outside of what is mounted"),
        ("5:memory:/x\n", "v1 hierarchy of memory"),
    ],
)
def test_what_is_not_found_has_a_reason(system: FrozenSystem, text: str, reason: str) -> None:
    system.mount_v2()
    system.live_in(TARGET, text)
    found = find(system, "memory")
    assert isinstance(found, str)
    assert reason in found


def test_a_pipe_in_place_of_a_file_does_not_block(system: FrozenSystem) -> None:
    folder = system.group("box", {})
    os.mkfifo(folder / "memory.max")
    assert Group(2, system.cgroups, folder).read("memory.max") == ""
