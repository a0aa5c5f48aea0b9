from __future__ import annotations

import json

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import PermissionDenied, TimedOut, ToolFailed
from razorprof.profilers.pyspy import PySpy
from razorprof.profilers.thread_dumps import DumpTaker
from tests.unit.profilers.fake_launcher import FakeLauncher, Run

ENTRY = {"thread_id": 1, "thread_name": "main", "os_thread_id": 40, "active": True, "owns_gil": True, "frames": []}
DUMP = json.dumps([ENTRY]).encode()


def taker(*runs: Run) -> tuple[DumpTaker, FakeLauncher, ManualClock]:
    clock = ManualClock()
    launcher = FakeLauncher(clock, *runs)
    return DumpTaker(40, launcher=launcher, py_spy=PySpy("/bin/py-spy", "0.4.3"), clock=clock), launcher, clock


def good(seconds: float = 0.02, cpu: float = 0.02) -> Run:
    return Run(seconds=seconds, cpu_seconds=cpu, outputs={1: DUMP})


def test_a_quick_dump_is_there_at_the_first_read() -> None:
    dumps, launcher, clock = taker(good())
    dumps.poll()
    assert dumps.newest is not None
    assert dumps.newest.threads[0].name == "main"
    assert dumps.newest.taken == clock.monotonic()
    assert launcher.children[0].closed


def test_a_slow_dump_is_collected_by_a_later_read_and_nobody_waits_long() -> None:
    dumps, launcher, clock = taker(good(seconds=1.5))
    before = clock.monotonic()
    dumps.poll()
    assert clock.monotonic() - before < 0.1
    assert dumps.newest is None
    clock.advance(2.0)
    dumps.poll()
    assert dumps.newest is not None
    assert len(launcher.argvs) == 1


def test_dumps_keep_to_one_percent_of_a_core() -> None:
    dumps, launcher, clock = taker(good(cpu=0.05))
    for _ in range(100):
        dumps.poll()
        clock.advance(1.0)
    assert 18 <= len(launcher.argvs) <= 21  # 0.05 s of CPU each: one every 5 s


def test_a_dump_that_never_ends_is_killed_after_five_seconds() -> None:
    dumps, launcher, clock = taker(Run(seconds=1e9), good())
    for _ in range(7):
        dumps.poll()
        clock.advance(1.0)
    assert launcher.children[0].kills == 1
    assert isinstance(dumps.error, TimedOut)
    clock.advance(5.0)
    dumps.poll()
    assert dumps.newest is not None
    assert dumps.error is None


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (Run(seconds=0.01, code=1, outputs={2: b"Permission Denied: ..."}), PermissionDenied),
        (Run(seconds=0.01, outputs={1: b"[{"}), ToolFailed),
        (Run(error=ToolFailed("the supervisor of tools ended")), ToolFailed),
    ],
)
def test_a_failure_is_kept_as_data_and_not_tried_again_at_once(run: Run, kind: type[Exception]) -> None:
    dumps, launcher, clock = taker(run)
    dumps.poll()
    assert isinstance(dumps.error, kind)
    clock.advance(1.0)
    dumps.poll()
    assert len(launcher.argvs) == 1


def test_an_old_dump_outlives_a_failure() -> None:
    dumps, _, clock = taker(good(), Run(seconds=0.01, code=1, outputs={2: b"Error: x"}))
    dumps.poll()
    clock.advance(10)
    dumps.poll()
    assert dumps.newest is not None
    assert dumps.error is not None


def test_closing_lets_go_of_a_dump_that_runs() -> None:
    dumps, launcher, _ = taker(Run(seconds=100.0))
    dumps.poll()
    dumps.close()
    assert launcher.children[0].closed
