"""Doctor on the container's memory: limit, headroom, and what mends too little of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.cli.host_checks import check_container
from razorprof.errors import PermissionDenied
from razorprof.remote.cgroup import ContainerView, MemoryLevel
from razorprof.remote.process import ProcessView
from tests.unit.targets.frozen_proc import FrozenProc

MIB = 1 << 20


@pytest.fixture
def process(tmp_path: Path) -> ProcessView:
    proc = FrozenProc(tmp_path)
    proc.add(7, ["app"], cgroup="0::/docker/abc")
    proc.be(7)
    return ProcessView(7, proc=proc.root)


def have(monkeypatch: pytest.MonkeyPatch, *levels: MemoryLevel) -> None:
    monkeypatch.setattr(ContainerView, "memory_levels", lambda _self: list(levels))


def test_the_tightest_of_several_limits_is_told(process: ProcessView, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, MemoryLevel("in", 2048 * MIB, 100 * MIB), MemoryLevel("out", 1024 * MIB, 512 * MIB))
    check = check_container(process)
    assert check.ok is True
    assert check.detail == "cgroup v2; memory limit 1.00 GiB, 512 MiB of it left"


def test_little_headroom_is_a_failure_with_the_command_that_mends_it(
    process: ProcessView, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, MemoryLevel("in", 512 * MIB, 500 * MIB))
    check = check_container(process)
    assert check.ok is False
    assert "12.0 MiB of it left" in check.detail
    assert "docker update --memory" in check.fix


def test_no_limit_is_fine(process: ProcessView, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch)
    assert check_container(process).ok is True


def test_what_cannot_be_read_is_no_failure(process: ProcessView, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: ContainerView) -> list[MemoryLevel]:
        raise PermissionDenied("no permission", value=7)

    monkeypatch.setattr(ContainerView, "memory_levels", refuse)
    check = check_container(process)
    assert check.ok is None
    assert "no permission" in check.detail
