"""razorprof steps back behind its neighbours and does not start where memory is short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from razorprof.errors import ExitCode, Unsafe
from razorprof.session.protect import Headroom, check_headroom, headroom
from tests.unit.remote.frozen_cgroups import OWN, FrozenSystem

MIB = 2**20


@pytest.fixture
def system(tmp_path: Path) -> FrozenSystem:
    frozen = FrozenSystem(tmp_path)
    frozen.mount_v2()
    stat = "inactive_file 0\n"
    frozen.v2_group("pod", memory_max=f"{512 * MIB}\n", memory_current=f"{400 * MIB}\n", memory_stat=stat)
    frozen.v2_group("pod/box", memory_max="max\n", memory_current=f"{10 * MIB}\n", memory_stat=stat)
    frozen.live_in(OWN, "0::/pod/box\n")
    return frozen


def test_the_tightest_group_above_decides(system: FrozenSystem) -> None:
    found = headroom(system.proc)
    assert found.available_bytes == 112 * MIB
    assert found.level is not None
    assert found.level.name == "pod"


def test_too_little_headroom_is_refused_with_the_figures_and_the_way_out(system: FrozenSystem) -> None:
    with pytest.raises(Unsafe) as caught:
        check_headroom(proc=system.proc)
    assert caught.value.value == "112 MiB of 512 MiB, needs 160 MiB"
    assert "--force" in caught.value.hint
    assert caught.value.code is ExitCode.TOOL_FAILED


def test_force_starts_all_the_same(system: FrozenSystem) -> None:
    assert check_headroom(force=True, proc=system.proc).available_bytes == 112 * MIB


def test_a_smaller_command_may_start_where_the_dashboard_may_not(system: FrozenSystem) -> None:
    assert check_headroom(floor=100 * MIB, proc=system.proc).available_bytes == 112 * MIB


def test_outside_of_containers_nothing_is_refused(tmp_path: Path) -> None:
    frozen = FrozenSystem(tmp_path)
    frozen.mount_v2()
    assert check_headroom(floor=2**60, proc=frozen.proc) == Headroom()


def test_an_unreadable_proc_refuses_nothing(tmp_path: Path) -> None:
    assert check_headroom(proc=tmp_path / "absent") == Headroom()


def test_the_check_loads_nothing_heavy() -> None:
    code = (
        "import sys; from razorprof.session.protect import check_headroom, step_back; check_headroom(force=True);"
        "print([m for m in ('numpy', 'psutil', 'textual', 'rich', 'typer', 'memray') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert answer == "[]\n"
