"""The dashboard's first line on ten real programs: right or "unclear", never wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.source_targets import v1_group
from tests.live_targets import Program, StartProgram

PROGRAM = Path(__file__).parents[1] / "programs" / "limited_by.py"
PLAIN = ("python", "native", "gil", "gc", "lock", "io", "idle")


def verdict_on(program: Program) -> dict[str, Any]:
    """What `top` says after its window of five seconds is full."""
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", "top", str(program.pid), "-n", "7", "--json"],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    [target] = json.loads(done.stdout.splitlines()[-1])["targets"]
    verdict: dict[str, Any] = target["verdict"]
    return verdict


def machine_was_full(verdict: dict[str, Any]) -> bool:
    """Threads waited for a CPU longer than they had one: then that is the truth, whatever the program does."""
    return bool(verdict["limit"] == "run_queue" and verdict["split"]["run_queue"] > 0.5)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_program_that_is_limited_by_one_thing_is_told_so(kind: str, start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAM, kind)
    program.wait_for("ready")
    verdict = verdict_on(program)
    assert verdict["limit"] in (kind, "unclear") or machine_was_full(verdict), verdict
    assert verdict["evidence"], verdict


def test_a_mixed_program_is_unclear_or_named_by_what_it_does_most(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAM, "mixed")
    program.wait_for("ready")
    verdict = verdict_on(program)
    assert verdict["limit"] == "unclear" or machine_was_full(verdict), verdict


@pytest.fixture
def cpu_group() -> Iterator[Path]:
    yield from v1_group("cpu")


@pytest.fixture
def memory_group() -> Iterator[Path]:
    yield from v1_group("memory")


def test_a_program_over_its_quota_is_throttled(cpu_group: Path, start_program: StartProgram) -> None:
    (cpu_group / "cpu.cfs_period_us").write_text("100000")
    (cpu_group / "cpu.cfs_quota_us").write_text("30000")
    program = start_program(sys.executable, PROGRAM, "throttled")
    (cpu_group / "cgroup.procs").write_text(str(program.pid))
    program.wait_for("ready")
    verdict = verdict_on(program)
    program.end()
    assert verdict["limit"] == "throttled", verdict
    assert 0.1 < verdict["share"] <= 1.0


def test_a_program_whose_file_does_not_fit_into_its_memory_is_paging(
    memory_group: Path, start_program: StartProgram
) -> None:
    (memory_group / "memory.limit_in_bytes").write_text(str(64 << 20))
    program = start_program(sys.executable, PROGRAM, "paging")
    (memory_group / "cgroup.procs").write_text(str(program.pid))
    program.wait_for("paging", timeout=90)
    verdict = verdict_on(program)
    program.end()
    assert verdict["limit"] in ("paging", "unclear"), verdict
