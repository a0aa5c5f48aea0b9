"""`razorprof heap --attach` ended at random moments, by every signal, in every stage: the target is never harmed.

Slow, and not part of `make test`: run by `make faults`, RAZORPROF_FAULTS=N for N rounds. A few rounds with fixed
moments are in tests/integration/test_heap_attach.py.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.heap_targets import assert_unharmed, start_heap, start_target, status_of
from tests.live_targets import StartProgram

ROUNDS = int(os.environ.get("RAZORPROF_FAULTS", "50"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGSTOP)
TARGETS = (("heap_growing.py",), ("heap_waiting.py", "3"), ("heap_growing.py", "4"), ("heap_waiting.py", "0.5"))


@pytest.fixture(scope="module")
def numbers() -> random.Random:
    seed = int(os.environ.get("RAZORPROF_SEED", str(time.time_ns() % 1_000_000)))
    print(f"RAZORPROF_SEED={seed}")
    return random.Random(seed)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_target_is_unharmed_whenever_and_however_razorprof_ends(
    round_: int, numbers: random.Random, start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, *TARGETS[round_ % len(TARGETS)])
    threads = int(status_of(target.pid)["Threads"])
    number = SIGNALS[round_ % len(SIGNALS)]
    heap = start_heap(target, "-d", "2", "--timeout", "4", "--force", "-o", str(tmp_path / "heap.bin"))
    moment = numbers.uniform(0.2, 6.0)
    print(f"{TARGETS[round_ % len(TARGETS)]}, {number.name} after {moment:.3f} s")
    time.sleep(moment)
    heap.send_signal(number)
    if number == signal.SIGSTOP:
        time.sleep(numbers.uniform(0.1, 2.0))
        heap.kill()
    heap.communicate(timeout=60)
    assert_unharmed(target, folder, threads)
