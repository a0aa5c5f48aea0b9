"""Circles of waiting threads are looked for only among waits that last, anew only when others join them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.analysis.deadlocks import Link
from razorprof.clock import ManualClock
from razorprof.errors import PermissionDenied
from razorprof.model.threads import Deadlock
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import Syscall, TaskStat
from razorprof.runtimes.cpython import deadlock_watch
from razorprof.runtimes.cpython.deadlock_watch import (
    MOST_THREADS,
    MOST_WAITS,
    PATIENCE,
    SHARE,
    Circles,
    DeadlockWatch,
    LastingWaits,
)
from razorprof.runtimes.cpython.thread_dump_locks import FutexWait

FUTEX = 202
PID = 77


def task(tid: int, address: int = 0x1000, *, ran: float = 1.0, timeout: int = 0, started: int = 5) -> TaskStat:
    """A thread that sleeps at a semaphore."""
    return TaskStat(
        tid,
        "x",
        "S",
        ran,
        0.0,
        started,
        run_seconds=ran,
        syscall=Syscall(FUTEX, (address, 0x189, 0, timeout, 0, 0)),
    )


def wait_of(address: int = 0x1000, *, timed: bool = False) -> FutexWait:
    return FutexWait(address, timed)


class FakeLocks:
    """In place of LockLook: knows which thread waits for which, and how often it was asked."""

    def __init__(self) -> None:
        self.python = frozenset(range(100))
        self.owners: dict[int, int] = {}
        self.reason = ""
        self.searches: list[tuple[set[int], float]] = []
        self.failure: Exception | None = None

    def python_threads(self) -> frozenset[int]:
        if self.failure is not None:
            raise self.failure
        return self.python

    def search(self, waits: Mapping[int, FutexWait], seconds: float, clock: Callable[[], float]) -> None:
        self.searches.append((set(waits), seconds))

    def circles(self, waits: Mapping[int, FutexWait], *, most_threads: int) -> list[tuple[Link, ...]]:
        links = [Link(waiter, owner, "RLock", True) for waiter, owner in self.owners.items() if waiter in waits]
        return [tuple(links)] if len(links) > 1 else []


class Attached:
    closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> FakeLocks:
    found = FakeLocks()
    monkeypatch.setattr(deadlock_watch, "LockLook", lambda attachment, version: found)
    monkeypatch.setattr(deadlock_watch, "syscall_names", lambda: {FUTEX: "futex"})
    return found


class Watched:
    """A watch over a frozen process, with a clock that the test moves on."""

    def __init__(self, proc: Path) -> None:
        (proc / str(PID)).mkdir()
        self.status = proc / str(PID) / "status"
        self.status.write_text("Name:\tx\nVmSwap:\t0 kB\n")
        self.clock = ManualClock()
        self.attached = Attached()
        self.attachments = 0
        self.watch = DeadlockWatch(
            ProcessView(PID, proc=proc),
            (3, 12),
            self.clock,
            attach_to=self.attach,  # type: ignore[arg-type]
        )

    def attach(self, view: ProcessView) -> Attached:
        self.attachments += 1
        return self.attached

    def look(
        self, *tasks: TaskStat, again: Sequence[TaskStat] | None = None, seconds: float = PATIENCE
    ) -> Circles:
        """A look, `seconds` after the one before."""
        self.clock.advance(seconds)
        return self.watch.look(tasks, lambda: tasks if again is None else again)


@pytest.fixture
def watched(tmp_path: Path, locks: FakeLocks) -> Watched:
    return Watched(tmp_path)


def test_a_wait_lasts_when_its_thread_has_not_run_for_a_while() -> None:
    lasting = LastingWaits(5.0)
    waits = {1: wait_of()}
    assert lasting.update([task(1)], waits, 0.0) == {}
    assert lasting.update([task(1)], waits, 4.9) == {}
    assert lasting.update([task(1)], waits, 5.0) == waits


@pytest.mark.parametrize(
    ("later", "wait"),
    [
        (task(1, ran=1.1), wait_of()),
        (task(1, address=0x2000), wait_of(0x2000)),
        (task(1, started=6), wait_of()),
    ],
    ids=["it ran", "another lock", "another thread with its id"],
)
def test_a_wait_begins_anew_with_whatever_changes(later: TaskStat, wait: FutexWait) -> None:
    lasting = LastingWaits(5.0)
    lasting.update([task(1)], {1: wait_of()}, 0.0)
    assert lasting.update([later], {1: wait}, 6.0) == {}
    assert lasting.update([later], {1: wait}, 11.0) == {1: wait}


def test_a_wait_that_ends_by_itself_never_lasts() -> None:
    lasting = LastingWaits(5.0)
    waits = {1: wait_of(timed=True)}
    lasting.update([task(1)], waits, 0.0)
    assert lasting.update([task(1)], waits, 100.0) == {}


def test_threads_in_a_circle_are_told_as_long_as_they_wait(watched: Watched, locks: FakeLocks) -> None:
    locks.owners = {1: 2, 2: 1}
    pair = task(1), task(2, 0x2000)
    assert watched.look(*pair) == Circles()
    found = watched.look(*pair)
    assert [(one.confidence, one.threads) for one in found.deadlocks] == [("confirmed", (1, 2))]
    assert watched.look(*pair) == found
    assert locks.searches == [({1, 2}, 0.25)]  # nothing has changed since the first


def test_a_thread_that_goes_on_ends_the_deadlock_for_good(watched: Watched, locks: FakeLocks) -> None:
    locks.owners = {1: 2, 2: 1}
    pair = task(1), task(2, 0x2000)
    watched.look(*pair)
    assert watched.look(*pair).deadlocks
    locks.owners = {}
    after = pair[0], task(2, 0x2000, ran=2.0)
    assert watched.look(*after, seconds=0.1) == Circles()
    assert watched.look(*after).deadlocks == ()


def test_a_circle_whose_thread_ran_during_the_look_is_none(watched: Watched, locks: FakeLocks) -> None:
    locks.owners = {1: 2, 2: 1}
    pair = task(1), task(2, 0x2000)
    watched.look(*pair)
    assert watched.look(*pair, again=[pair[0], task(2, 0x2000, ran=1.01)]) == Circles()


def test_threads_without_python_state_are_not_searched_for(watched: Watched, locks: FakeLocks) -> None:
    locks.python = frozenset((1,))
    pool = [task(tid, tid * 0x1000) for tid in (1, 2, 3)]
    watched.look(*pool)
    watched.look(*pool)
    assert locks.searches == [({1}, 0.25)]


def test_a_dear_look_is_not_repeated_soon(
    watched: Watched, locks: FakeLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = iter([0.0, 0.0, 0.4, 1.0, 1.0, 1.1])  # each look asks before, for the search, and after
    monkeypatch.setattr("time.thread_time", lambda: next(spent))
    one, two = task(1), task(2, 0x2000)
    watched.look(one)
    watched.look(one, two)
    watched.look(one, two)
    assert [searched for searched, _ in locks.searches] == [{1}]
    watched.look(one, two, seconds=0.4 / SHARE)
    assert [searched for searched, _ in locks.searches] == [{1}, {1, 2}]


def test_a_search_that_was_cut_short_is_told_and_done_longer_later(watched: Watched, locks: FakeLocks) -> None:
    locks.reason = "cut short"
    for _ in range(5):
        assert watched.look(task(1), seconds=10.0).reason in ("", "cut short")
    assert [seconds for _, seconds in locks.searches] == [0.25, 0.5, 0.5, 0.5]
    locks.reason = ""
    assert watched.look(task(1)) == Circles()


def test_what_cannot_be_looked_at_is_said_and_tried_again(watched: Watched, locks: FakeLocks) -> None:
    locks.failure = PermissionDenied("no permission")
    watched.look(task(1))
    assert watched.look(task(1)).reason == "the locks could not be looked at: no permission"
    assert watched.attached.closed == 1
    locks.failure = None
    assert watched.look(task(1)) == Circles()
    assert watched.attachments == 2


def test_among_very_many_threads_it_is_said_that_plain_locks_are_left_out(
    watched: Watched, locks: FakeLocks
) -> None:
    locks.python = frozenset(range(MOST_THREADS + 1))
    locks.owners = {1: 2, 2: 1}
    pair = task(1), task(2, 0x2000)
    watched.look(*pair)
    found = watched.look(*pair)
    assert [one.confidence for one in found.deadlocks] == ["confirmed"]
    assert (found.reason, "more than 500 threads" in found.plain_reason) == ("", True)


def test_thousands_of_waiting_threads_are_not_looked_into(watched: Watched, locks: FakeLocks) -> None:
    locks.python = frozenset(range(MOST_WAITS + 1))
    crowd = [task(tid, 0x1000 + 16 * tid) for tid in range(MOST_WAITS + 1)]
    watched.look(*crowd)
    assert watched.look(*crowd).reason == "1001 threads wait for locks, which are too many to look into"
    assert locks.searches == []


def test_swapped_memory_is_not_fetched_back(watched: Watched, locks: FakeLocks) -> None:
    watched.status.write_text("Name:\tx\nVmSwap:\t8 kB\n")
    watched.look(task(1))
    assert "swapped out" in watched.look(task(1)).reason
    assert locks.searches == []


def test_no_lasting_wait_means_no_deadlock_whatever_could_not_be_looked_at(
    watched: Watched, locks: FakeLocks
) -> None:
    locks.reason = "cut short"
    watched.look(task(1))
    assert watched.look(task(1)).reason == "cut short"
    assert watched.look(task(1, ran=9.0)) == Circles()
    assert watched.look(replace(task(1, ran=9.0), state="R")) == Circles()


def test_a_deadlock_is_judged_without_names_of_the_target(watched: Watched, locks: FakeLocks) -> None:
    locks.owners = {1: 2, 2: 1}
    pair = task(1), task(2, 0x2000)
    watched.look(*pair)
    (one,) = watched.look(*pair).deadlocks
    assert one == Deadlock(
        "confirmed",
        (1, 2),
        "thread 1 waits for RLock, held by thread 2; thread 2 waits for RLock, held by thread 1",
    )
