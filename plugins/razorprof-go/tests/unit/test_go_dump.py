"""Goroutines in the words of a thread dump: states, groups, and what looks like a leak."""

from __future__ import annotations

from razorprof_go.dump import MOST_LISTED, to_dump
from razorprof_go.goroutines import Goroutine, Status

from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadState

PARK = (Frame("runtime.gopark", "proc.go", 1), Frame("shop.(*Pool).worker", "pool.go", 40))
MAKER = Frame("shop.NewPool", "pool.go", 12)


def waiting(number: int, reason: str = "chan receive", waited: float | None = 600.0) -> Goroutine:
    return Goroutine(number, Status.WAITING, reason, waited, PARK[-1], MAKER, PARK)


def test_states_are_told_in_the_words_of_a_thread_dump() -> None:
    dump = to_dump(
        [
            Goroutine(1, Status.RUNNING),
            Goroutine(2, Status.RUNNABLE),
            Goroutine(3, Status.SYSCALL),
            waiting(4, "IO wait"),
            waiting(5, "sleep"),
            waiting(6, "sync.Mutex.Lock"),
            waiting(7, "select"),
        ],
        1.0,
        mode="nonblocking",
    )
    states = {
        thread.native_id: (thread.state, thread.waits_on and thread.waits_on.kind) for thread in dump.threads
    }
    assert states == {
        1: (ThreadState.RUNNING, None),
        2: (ThreadState.WAITING, "other"),
        3: (ThreadState.IDLE, "io"),
        4: (ThreadState.IDLE, "io"),
        5: (ThreadState.IDLE, "sleep"),
        6: (ThreadState.WAITING, "lock"),
        7: (ThreadState.WAITING, "channel"),
    }
    assert dump.kind == "goroutine"
    assert not dump.has_gil


def test_many_that_wait_long_in_one_place_are_a_suspected_leak() -> None:
    dump = to_dump([waiting(n, waited=60.0 * n) for n in range(1, 41)], 1.0, mode="")
    assert len(dump.groups) == 1
    assert dump.groups[0].count == 40
    assert dump.groups[0].waited == 2400.0
    (finding,) = dump.findings
    assert finding.startswith("suspected leak: 40 goroutines wait (chan receive) in shop.(*Pool).worker, made by")
    assert "40 minutes" in finding


def test_few_or_fresh_or_sleeping_ones_are_no_leak() -> None:
    for goroutines in (
        [waiting(n) for n in range(9)],
        [waiting(n, waited=30.0) for n in range(50)],
        [waiting(n, waited=None) for n in range(50)],
        [waiting(n, "IO wait") for n in range(50)],
    ):
        assert to_dump(goroutines, 1.0, mode="").findings == ()


def test_one_that_waits_for_nothing_can_never_go_on() -> None:
    (finding,) = to_dump([waiting(1, "chan receive (nil chan)", None)], 1.0, mode="").findings
    assert "can never go on" in finding


def test_the_runtimes_own_are_left_out_and_very_many_stand_in_groups_only() -> None:
    system = Goroutine(1, Status.WAITING, "force gc (idle)", system=True)
    dump = to_dump([system, *(waiting(n) for n in range(2, 3000))], 1.0, mode="")
    assert len(dump.threads) == MOST_LISTED
    assert [group.count for group in dump.groups] == [2998]
