"""`razorprof threads` on real programs: circles of locks, healthy waits, hostile names, ends and stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
DEADLOCKS = PROGRAMS / "deadlocks.py"


def threads(program: Program, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "razorprof", "threads", str(program.pid), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def document(program: Program, *options: str) -> dict[str, Any]:
    done = threads(program, "--json", *options)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def named_threads(program: Program) -> set[int]:
    return {int(line.split()[1]) for line in program.output.splitlines() if line.startswith("thread ")}


def assert_deadlock(program: Program, confidence: str) -> None:
    """One of a few looks shows just these threads: a crowded machine may delay one of them."""
    for _ in range(10):
        found = document(program)["deadlocks"]
        if found and found[0]["threads"] and set(found[0]["threads"]) == named_threads(program):
            assert [one["confidence"] for one in found] == [confidence]
            return
        time.sleep(0.3)
    raise AssertionError(f"the deadlock was not found: {document(program)}, {program.output}")


CONFIRMED, SUSPECTED = ("rlock2", "rlock3", "join"), ("lock2",)
HEALTHY = ("timeout", "idle", "condition", "contended-rlock", "contended-lock")


@pytest.fixture(scope="module")
def quick_build(python_builds: tuple[PythonBuild, ...]) -> PythonBuild:
    return next((build for build in python_builds if build.version[:2] == (3, 12)), python_builds[-1])


def skip_unknown(build: PythonBuild) -> None:
    if build.version >= (3, 14):
        pytest.skip("owners of locks are told up to 3.13")


@pytest.mark.parametrize("kind", [*CONFIRMED, *SUSPECTED])
def test_a_circle_of_locks_is_told(kind: str, quick_build: PythonBuild, start_program: StartProgram) -> None:
    program = start_program(quick_build, DEADLOCKS, kind)
    program.wait_for("ready")
    assert_deadlock(program, "confirmed" if kind in CONFIRMED else "suspected")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*CONFIRMED, *SUSPECTED])
def test_a_circle_of_locks_is_told_on_every_version(
    kind: str, python_build: PythonBuild, start_program: StartProgram
) -> None:
    skip_unknown(python_build)
    program = start_program(python_build, DEADLOCKS, kind)
    program.wait_for("ready")
    assert_deadlock(program, "confirmed" if kind in CONFIRMED else "suspected")


def test_a_confirmed_deadlock_fails_a_script_that_asks_for_it(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(quick_build, DEADLOCKS, "rlock2")
    program.wait_for("ready")
    assert_deadlock(program, "confirmed")
    done = threads(program, "--fail-on-deadlock")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith("DEADLOCK confirmed: threads ")
    assert "\x1b" not in done.stdout
    assert threads(program).returncode == 0


@pytest.mark.parametrize("kind", HEALTHY)
def test_healthy_waits_are_no_deadlock(kind: str, quick_build: PythonBuild, start_program: StartProgram) -> None:
    program = start_program(quick_build, DEADLOCKS, kind)
    program.wait_for("ready")
    for _ in range(2):
        seen = document(program)
        assert seen["deadlocks"] == []
        assert seen["locks_reason"] is None


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", HEALTHY)
def test_twenty_looks_at_healthy_waits_show_no_deadlock(
    kind: str, python_build: PythonBuild, start_program: StartProgram
) -> None:
    skip_unknown(python_build)
    program = start_program(python_build, DEADLOCKS, kind)
    program.wait_for("ready")
    for _ in range(20):
        assert document(program)["deadlocks"] == []


def test_a_suspected_deadlock_fails_no_script(quick_build: PythonBuild, start_program: StartProgram) -> None:
    program = start_program(quick_build, DEADLOCKS, "lock2")
    program.wait_for("ready")
    assert_deadlock(program, "suspected")
    assert threads(program, "--fail-on-deadlock").returncode == 0


def test_idle_workers_are_one_group_that_waits_for_a_queue(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(quick_build, DEADLOCKS, "idle")
    program.wait_for("ready")
    seen = document(program)
    largest = seen["groups"][0]
    assert (largest["count"], largest["state"]) == (6, "waiting")
    whats = [t["waits_on"]["what"] for t in seen["threads"] if t["native_id"] in largest["threads"]]
    assert all(what.startswith("an item of a queue") for what in whats)
    assert "6 threads waiting with this stack:" in threads(program).stdout


HOSTILE = """
import threading, time
def wait(secret):
    time.sleep(100)
name = "evil\\x1b[2J\\nDEADLOCK confirmed: threads 1, 2"
threading.Thread(target=wait, args=("s3cret\\x1b[31m" * 100,), name=name, daemon=True).start()
print("ready", flush=True)
time.sleep(100)
"""


def test_hostile_names_and_values_are_escaped_and_variables_come_only_when_asked_for(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    hostile = tmp_path / "hostile.py"
    hostile.write_text(HOSTILE)
    program = start_program(quick_build, hostile)
    program.wait_for("ready")
    plain, asked = threads(program), threads(program, "--locals")
    for done in (plain, asked):
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert not any(line.startswith("DEADLOCK") for line in done.stdout.splitlines())
    assert "s3cret" not in plain.stdout
    (secret,) = [line for line in asked.stdout.splitlines() if line.strip().startswith("secret = ")]
    assert len(secret) < 160


def test_a_stopped_target_is_dumped_and_stays_stopped(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(quick_build, DEADLOCKS, "idle")
    program.wait_for("ready")
    program.send(signal.SIGSTOP)
    seen = document(program)
    assert any(thread["frames"] for thread in seen["threads"])
    assert "stopped" in seen["locks_reason"]
    assert {thread["kernel_state"] for thread in seen["threads"]} == {"T"}
    blocking = document(program, "--blocking")
    assert "stopped or traced" in blocking["stacks_reason"]
    assert {thread["kernel_state"] for thread in blocking["threads"]} == {"T"}


def test_two_hundred_threads_are_one_group(quick_build: PythonBuild, start_program: StartProgram) -> None:
    program = start_program(quick_build, PROGRAMS / "many_threads.py", "200")
    program.wait_for("ready")
    seen = document(program)
    assert len(seen["threads"]) == 201
    assert seen["groups"][0]["count"] == 200
    assert seen["deadlocks"] == []


def test_a_target_that_is_gone_and_a_word_that_is_not_known_are_clear_errors(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(quick_build, DEADLOCKS, "idle")
    program.wait_for("ready")
    assert threads(program, "--allow", "everything").returncode == 2
    program.end()
    done = threads(program, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == 3


def test_native_frames_and_a_blocking_look_leave_the_target_running(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(quick_build, DEADLOCKS, "idle")
    program.wait_for("ready")
    seen = document(program, "--native", "--blocking")
    assert seen["mode"] == "blocking"
    assert any(".so" in frame["file"] or ".c" in frame["file"] for t in seen["threads"] for frame in t["frames"])
    status = Path(f"/proc/{program.pid}/status").read_text()
    assert "TracerPid:\t0" in status
    assert {thread["kernel_state"] for thread in document(program)["threads"]} <= {"S", "R"}
