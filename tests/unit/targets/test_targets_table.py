"""Family relations of processes, on a frozen /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.targets.table import ProcessTable, read_table
from tests.unit.targets.frozen_proc import PF_KTHREAD, FrozenProc


@pytest.fixture
def family(tmp_path: Path) -> ProcessTable:
    """1 -> 10 -> (11 -> 13, 12); 1 -> 20 (shell) -> 21 (us) -> 22 (py-spy)."""
    proc = FrozenProc(tmp_path)
    for pid, ppid in ((1, 0), (10, 1), (11, 10), (12, 10), (13, 11), (20, 1), (21, 20), (22, 21)):
        proc.add(pid, [f"program{pid}"], ppid=ppid)
    proc.be(21)
    return read_table(proc.root)


def test_descendants_come_level_by_level_and_are_bounded(family: ProcessTable) -> None:
    assert family.descendants(10) == [11, 12, 13]
    assert family.descendants(10, limit=2) == [11, 12]
    assert family.descendants(13) == []


def test_our_family_is_our_ancestors_ourselves_and_what_we_started(family: ProcessTable) -> None:
    assert family.own_family() == {1, 20, 21, 22}


def test_the_common_ancestor_is_the_nearest_and_may_be_one_of_them(family: ProcessTable) -> None:
    assert family.common_ancestor([13, 12]) == 10
    assert family.common_ancestor([11, 13]) == 11
    assert family.common_ancestor([13, 22]) == 1
    assert family.common_ancestor([13]) == 13


def test_roots_are_those_under_no_other(family: ProcessTable) -> None:
    assert family.roots([13, 11, 12]) == [11, 12]


def test_a_circle_of_parents_does_not_hang(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(5, ["a"], ppid=6)
    proc.add(6, ["b"], ppid=5)
    table = read_table(proc.root)
    assert set(table.ancestors(5)) == {5, 6}
    assert table.descendants(5) == [6]


def test_kernel_threads_and_zombies_are_no_candidates(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(2, comm="kthreadd", flags=PF_KTHREAD)
    proc.add(3, state="Z")
    proc.add(4, ["a"])
    assert [entry.pid for entry in read_table(proc.root) if entry.is_candidate] == [4]


def test_names_of_any_bytes_are_read(tmp_path: Path) -> None:
    proc = FrozenProc(tmp_path)
    proc.add(4, [b"\xff\xfe\x1b[31m\n" + b"x" * 10_000, "b"], comm=b") (\n\xff")
    entry = read_table(proc.root).get(4)
    assert entry is not None
    assert entry.stat.comm == ") (\n\ufffd"
    assert entry.arguments[0].startswith("\ufffd\ufffd\x1b[31m\n")
