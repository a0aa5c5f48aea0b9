"""Recordings killed at random moments: every tick that was committed is there, and what is there is right.

Slow, and not part of `make test`: run by `make faults`, RAZORPROF_FAULTS=N for N rounds. A few rounds are in
tests/integration/test_recording_ends.py.
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

from razorprof.recording.rzp_reader import RecordingReader
from tests.live_targets import StartProgram
from tests.recording_kills import kill_while_it_records

ROUNDS = int(os.environ.get("RAZORPROF_FAULTS", "50"))
PROGRAM = Path(__file__).parents[1] / "programs" / "five_threads.py"


@pytest.fixture(scope="module")
def numbers() -> random.Random:
    seed = int(os.environ.get("RAZORPROF_SEED", str(time.time_ns() % 1_000_000)))
    print(f"RAZORPROF_SEED={seed}")
    return random.Random(seed)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_kill_loses_the_last_tick_at_most(round_: int, numbers: random.Random, tmp_path: Path) -> None:
    kill_while_it_records(tmp_path, numbers, ring=round_ % 4 == 3)


@pytest.mark.parametrize("round_", range(max(1, ROUNDS // 10)))
def test_razorprof_record_killed_leaves_what_it_saw(
    round_: int, numbers: random.Random, start_program: StartProgram, tmp_path: Path
) -> None:
    target = start_program(sys.executable, PROGRAM)
    target.wait_for("ready")
    path = tmp_path / "a.rzp"
    options = ["--last", "10s"] if round_ % 2 else []
    record = subprocess.Popen(
        [sys.executable, "-m", "razorprof", "record", str(target.pid), "-o", path, "--interval", "0.2", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    written = path if not options else tmp_path / "a.rzp.ring"
    began = time.monotonic()
    while not written.exists() and time.monotonic() < began + 30:
        time.sleep(0.05)
    lasted = numbers.uniform(2.0, 5.0)
    time.sleep(lasted)
    record.send_signal(signal.SIGKILL)
    record.wait(30)
    with RecordingReader(written) as recording:
        span = recording.span
        assert span is not None
        assert time.time() - span[1] < 5.0
        assert recording.series().samples > 0
        assert all("breaks off" in damage.what for damage in recording.damage)
