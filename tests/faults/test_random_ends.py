"""`razorprof top` ended at random moments, by every signal: nothing of it stays, and the target runs on untouched.

Slow, and not part of `make test`: run by `make faults`, RAZORPROF_FAULTS=N for N rounds.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live_targets import Program, StartProgram

PROGRAM = Path(__file__).parents[1] / "programs" / "five_threads.py"
ROUNDS = int(os.environ.get("RAZORPROF_FAULTS", "50"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGSTOP)
PATIENCE = 6.0


def children_of(pid: int) -> set[int]:
    """All processes below `pid`, the sessions that they made for themselves included."""
    found: set[int] = set()
    todo = [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*"):
            try:
                below = {int(child) for child in (task / "children").read_text().split()}
            except OSError:
                continue
            todo.extend(below - found)
            found |= below
    return found


def state(pid: int) -> str:
    """The kernel's letter; empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def progress(pid: int) -> int:
    """CPU ticks that the target has used: it must go on growing."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture(scope="module")
def numbers() -> random.Random:
    seed = int(os.environ.get("RAZORPROF_SEED", str(time.time_ns() % 1_000_000)))
    print(f"RAZORPROF_SEED={seed}")
    return random.Random(seed)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_nothing_stays_and_the_target_runs_on(
    round_: int, numbers: random.Random, start_program: StartProgram
) -> None:
    target: Program = start_program(sys.executable, PROGRAM)
    target.wait_for("ready")
    number = SIGNALS[round_ % len(SIGNALS)]
    moment = numbers.uniform(0.05, 4.0)
    top = subprocess.Popen(
        [sys.executable, "-m", "razorprof", "top", str(target.pid), "-n", "1000", "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(moment)
    tools = children_of(top.pid)
    top.send_signal(number)
    if number == signal.SIGSTOP:  # a stopped razorprof must not keep the target from running, nor feed for ever
        time.sleep(1.0)
        assert progress(target.pid) > 0
        top.kill()
    top.wait(20)

    deadline = time.monotonic() + PATIENCE
    while any(state(tool) not in ("", "Z") for tool in tools) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = {tool: state(tool) for tool in tools if state(tool) not in ("", "Z")}
    assert not left, f"{number.name} after {moment:.2f} s left {left}"
    before = progress(target.pid)
    time.sleep(0.3)
    assert progress(target.pid) > before, f"{number.name} after {moment:.2f} s: the target makes no progress"
    assert state(target.pid) in ("R", "S")
    assert "TracerPid:\t0\n" in Path(f"/proc/{target.pid}/status").read_text()
