from __future__ import annotations

from typing import Any

import pytest

from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadState, WaitsOn
from razorprof.plugin.protocols import Capability, Detection
from razorprof.profilers.dumps import DumpedThread
from razorprof.remote.tasks import TaskRate, TaskStat
from razorprof.runtimes.cpython import CPython, minor_version
from razorprof.runtimes.cpython.thread_description import describe_thread


def task(state: str, **changes: Any) -> TaskStat:
    return TaskStat(tid=41, comm="python", state=state, user_seconds=1, system_seconds=1, start_ticks=5, **changes)


def python(*, owns_gil: bool, name: str = "worker") -> DumpedThread:
    return DumpedThread("41", 0x7F00, name, True, owns_gil, (Frame("f", "a.py", 1),))


GIL = WaitsOn("gil", "the GIL", address=0x1000)
LOCK = WaitsOn("lock", "futex", address=0x2000)
UNSEEN_LOCK = WaitsOn("lock", "futex")
SLEEP = WaitsOn("sleep", "sleep")


@pytest.mark.parametrize(
    ("state", "owns_gil", "age", "wait", "expected", "holds", "waits"),
    [
        ("R", True, 0.01, None, ThreadState.PYTHON, True, False),
        ("R", False, 0.01, None, ThreadState.RUNNING, False, False),
        ("R", True, 3.0, None, ThreadState.RUNNING, None, False),  # an old dump says nothing of the GIL now
        ("S", True, 0.01, GIL, ThreadState.WAITING, False, True),
        ("S", False, 0.01, LOCK, ThreadState.WAITING, False, False),
        ("S", False, 0.01, UNSEEN_LOCK, ThreadState.WAITING, False, None),
        ("S", False, 0.01, SLEEP, ThreadState.IDLE, False, False),
        ("S", False, 0.01, None, ThreadState.UNKNOWN, False, None),
        ("D", False, 3.0, None, ThreadState.IDLE, None, None),
        ("T", True, 0.01, WaitsOn("other", "stopped by a signal"), ThreadState.UNKNOWN, None, False),
    ],
)
def test_a_thread_is_told_what_can_be_told_of_it(
    state: str,
    owns_gil: bool,
    age: float,
    wait: WaitsOn | None,
    expected: ThreadState,
    holds: bool | None,
    waits: bool | None,
) -> None:
    info = describe_thread(task(state), python(owns_gil=owns_gil), age, None, wait)
    assert (info.state, info.holds_gil, info.waits_for_gil) == (expected, holds, waits)
    assert info.kernel_state == state
    assert info.stack_age == age


def test_a_native_thread_has_its_kernel_name_and_no_frames() -> None:
    info = describe_thread(task("R"), None, 0.1, TaskRate(0.5, 0.4, 0.1), None)
    assert (info.name, info.id, info.frames, info.stack_age) == ("python", None, (), None)
    assert info.state is ThreadState.RUNNING
    assert info.holds_gil is False
    assert (info.cpu_ratio, info.user_ratio, info.system_ratio) == (0.5, 0.4, 0.1)


def test_a_thread_whose_name_py_spy_could_not_read_has_the_kernels() -> None:
    assert describe_thread(task("R"), python(owns_gil=False, name=""), 0.1, None, None).name == "python"


def test_figures_that_could_not_be_had_are_none() -> None:
    info = describe_thread(task("R"), None, None, None, None)
    assert (info.cpu_ratio, info.user_ratio, info.system_ratio) == (None, None, None)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.11.7", (3, 11)), ("3.8", (3, 8)), ("3.15.0b2", (3, 15)), ("3", None), (None, None), ("x.y", None)],
)
def test_the_minor_version_is_taken_from_what_is_known(
    version: str | None, expected: tuple[int, int] | None
) -> None:
    assert minor_version(Detection("cpython", version)) == expected


def test_cpython_offers_stacks_and_threads_at_an_intrusiveness_that_needs_no_consent() -> None:
    runtime = CPython()
    detection = Detection("cpython", "3.11.7")
    support = runtime.capabilities(detection)
    assert all(support[kind].available for kind in (Capability.STACKS, Capability.THREADS))
    assert all(entry.intrusiveness <= 2 for kind, entry in support.items() if kind is not Capability.HEAP)
    assert {"stacks", "threads"} <= {source.name for source in runtime.sources(detection)}


@pytest.mark.parametrize(
    ("state", "wait", "holders", "expected", "holds"),
    [
        ("R", None, {41}, ThreadState.PYTHON, True),
        ("R", None, {42}, ThreadState.RUNNING, False),
        ("S", SLEEP, {41}, ThreadState.IDLE, True),  # native code that sleeps and keeps the lock
        ("S", GIL, {41}, ThreadState.WAITING, False),  # it got the lock just after its wait was seen
        ("T", None, {41}, ThreadState.UNKNOWN, True),
        ("S", LOCK, set(), ThreadState.WAITING, False),
    ],
)
def test_the_lock_itself_tells_who_holds_it_whatever_an_old_dump_says(
    state: str, wait: WaitsOn | None, holders: set[int], expected: ThreadState, holds: bool
) -> None:
    for owns in (True, False):
        info = describe_thread(task(state), python(owns_gil=owns), 7.0, None, wait, holders=frozenset(holders))
        assert (info.state, info.holds_gil) == (expected, holds)
