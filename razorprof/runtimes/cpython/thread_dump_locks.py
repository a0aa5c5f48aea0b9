"""The locks of one target: which lock each blocked thread waits for, who holds it, and who waits in a circle.

Called by thread_dump_join when the stacks are there, which tell of most waits that no lock is held: those are not
searched for. First `search`, then `resolve`. A circle counts only if two looks, between which its threads never
ran, show the same waits and the same owners. deadlock_watch asks again and again for the circles alone, and keeps
its LockLook: what was found once is not searched for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from razorprof.analysis.deadlocks import Link, find_cycles, judge
from razorprof.errors import RazorprofError
from razorprof.model.threads import Deadlock, WaitsOn
from razorprof.remote.maps import read_maps
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.namespaces import native_ids
from razorprof.remote.tasks import TaskStat
from razorprof.runtimes.cpython.anatomy import PythonThread, walk_interpreters, walk_threads, with_native_ids
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.lock_owners import JoinWait, holders_inside_with, joined_by_event, joined_by_lock
from razorprof.runtimes.cpython.locks import (
    FIRST,
    LAST,
    LockObject,
    find_locks,
    read_lock,
    searched_regions,
)

_HOW = "a plain lock does not store its owner, it was told from the `with` block that a thread is inside of"
_PARKS = (3, 13)


@dataclass(frozen=True, slots=True)
class FutexWait:
    """A thread sleeps at `address`; timed: the wait ends by itself."""

    address: int
    timed: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """waits: what could be said better, by native id; deadlocks; reason: why owners are not (all) told."""

    waits: Mapping[int, WaitsOn]
    deadlocks: tuple[Deadlock, ...]
    reason: str


def futex_waits(tasks: Sequence[TaskStat], number: int, places: Sequence[range]) -> dict[int, FutexWait]:
    """Native id -> futex wait, the GIL's left out. number: of the system call futex; places: where GILs lie."""
    found = {}
    for task in tasks:
        if task.syscall is None or task.syscall.number != number or task.state == "R":
            continue
        address, operation, _, timeout = task.syscall.args[:4]
        # futex(2): WAIT and WAIT_BITSET, the calls of semaphores
        if operation & 0x7F in (0, 9) and not any(address in place for place in places):
            found[task.tid] = FutexWait(address, timeout != 0)
    return found


class LockLook:
    """The locks of one target whose layout is proven. Look: reads the tasks anew."""

    def __init__(self, attachment: Attachment, version: tuple[int, int] | None) -> None:
        self._attachment = attachment
        self._memory: RemoteMemory = attachment.memory
        self._version = version
        self._found: dict[int, LockObject] = {}
        self._no_locks: frozenset[int] = frozenset()  # semaphores that belong to none, of those waited at
        self._why_not = why_no_owners(version) or _why_no_threads(attachment)
        self.reason = self._why_not

    def search(
        self, waits: Mapping[int, FutexWait], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Search the target's memory for the locks of these waits that are not known yet, for at most `seconds` of
        the clock."""
        self.reason = self._why_not
        if self.reason or not waits:
            return
        try:
            semaphores = {wait.address for wait in waits.values()}
            self._found = {at: lock for at in semaphores if (lock := self._lock(at)) is not None}
            self._no_locks &= semaphores
            unknown = semaphores - self._found.keys() - self._no_locks
            if not unknown:
                return
            threads = self._threads()
            regions = searched_regions(read_maps(self._attachment.process), (t.id for t in threads))
            search = find_locks(self._memory, regions, unknown, seconds, clock)
        except RazorprofError as error:
            self.reason = f"the locks could not be looked at: {error}"
            return
        self._found |= search.locks
        self.reason = search.reason
        if not search.reason:
            self._no_locks |= unknown - search.locks.keys()

    def python_threads(self) -> frozenset[int]:
        """Native ids of the threads with Python state; only those wait for Python's locks. Raises what a read
        raises."""
        return frozenset(thread.native_id for thread in self._threads() if thread.native_id is not None)

    def circles(self, waits: Mapping[int, FutexWait], *, most_threads: int) -> list[tuple[Link, ...]]:
        """The circles in these waits, which were searched for, as one look shows them: they are true where none of
        their threads has run since the waits were read. Raises what a read raises.

        most_threads: of more, no stacks are looked through for who holds a plain lock: some 0.1 ms each.
        """
        return find_cycles(self._links(waits, {}, most_threads)[0])

    def resolve(
        self,
        first: Mapping[int, FutexWait],
        look: Callable[[], tuple[Sequence[TaskStat], Mapping[int, FutexWait]]],
        pause: Callable[[float], object],
        names: Mapping[int, str],
    ) -> Resolved:
        """Owners and circles. first: the waits that were searched for; look: reads tasks and waits now."""
        if not first or (self.reason and not self._found):
            return Resolved({}, (), self.reason)
        try:
            before, waits = look()
            links, better = self._links(_unchanged(first, waits), names)
            cycles = find_cycles(links)
            if not cycles:
                return Resolved(better, (), self.reason)
            pause(_BETWEEN_LOOKS)
            again, later = look()
            confirmed, _ = self._links(_unchanged(first, later), names)
        except RazorprofError as error:
            return Resolved({}, (), f"the locks could not be looked at: {error}")
        still = asleep(before, again)
        repeated = find_cycles(confirmed)
        kept = [cycle for cycle in cycles if cycle in repeated and all(link.waiter in still for link in cycle)]
        return Resolved(better, tuple(judge(cycle, names) for cycle in kept), self.reason)

    def _links(
        self, waits: Mapping[int, FutexWait], names: Mapping[int, str], most_threads: int | None = None
    ) -> tuple[list[Link], dict[int, WaitsOn]]:
        threads = self._threads()
        natives = {thread.id: thread.native_id for thread in threads if thread.native_id is not None}
        pthreads = {native: pthread for pthread, native in natives.items()}
        locks = {wait.address: self._lock(wait.address) for wait in waits.values()}
        plain: dict[int, tuple[FutexWait, LockObject]] = {}
        links: list[Link] = []
        better: dict[int, WaitsOn] = {}
        for waiter, wait in waits.items():
            lock = locks[wait.address]
            join = self._joined(wait, lock, threads)
            if join is not None and (owner := natives.get(join.pthread)) is not None:
                name = names.get(owner, "")
                what = f"the end of thread {owner} {name}".rstrip() + " (join)"
                better[waiter] = WaitsOn("other", what, wait.address, owner, "exact", wait.timed)
                if not wait.timed:
                    links.append(Link(waiter, owner, what, True))
            elif lock is not None and lock.is_rlock:
                owner = natives.get(lock.owner) if lock.is_held else None
                owner = None if owner == waiter else owner  # it is just being handed over
                quality = "" if owner is None else "exact"
                what = f"RLock {lock.address:#x}"
                better[waiter] = WaitsOn("rlock", what, lock.address, owner, quality, wait.timed)
                if owner is not None and not wait.timed:
                    links.append(Link(waiter, owner, what, True))
            elif lock is not None:
                plain[waiter] = wait, lock
                better[waiter] = WaitsOn("lock", f"Lock {lock.address:#x}", lock.address, timed=wait.timed)
            else:
                better[waiter] = WaitsOn("lock", "futex", wait.address, timed=wait.timed)
        if plain and (most_threads is None or len(threads) <= most_threads):
            links += self._plain_links(plain, better, natives, pthreads, threads)
        return links, better

    def _plain_links(
        self,
        plain: Mapping[int, tuple[FutexWait, LockObject]],
        better: dict[int, WaitsOn],
        natives: Mapping[int, int],
        pthreads: Mapping[int, int],
        threads: Sequence[PythonThread],
    ) -> list[Link]:
        waiters = {pthreads[waiter]: lock.address for waiter, (_, lock) in plain.items() if waiter in pthreads}
        locks = [lock for _, lock in plain.values()]
        holders = holders_inside_with(self._memory, locks, threads, waiters, self._version or FIRST)
        links = []
        for waiter, (wait, lock) in plain.items():
            owner = natives.get(holders.get(lock.address, 0))
            if owner is None:
                continue
            better[waiter] = replace(better[waiter], owner=owner, owner_quality="estimated")
            if not wait.timed:
                links.append(Link(waiter, owner, better[waiter].what, False, _HOW))
        return links

    def _lock(self, semaphore: int) -> LockObject | None:
        """The lock as it is now, which may have been freed since it was found."""
        found = self._found.get(semaphore)
        now = read_lock(self._memory, found.address) if found is not None else None
        return now if now is not None and now.semaphore == semaphore else None

    def _joined(
        self, wait: FutexWait, lock: LockObject | None, threads: Sequence[PythonThread]
    ) -> JoinWait | None:
        if lock is not None:
            return joined_by_lock(self._memory, lock, threads)
        return joined_by_event(self._memory, wait.address, threads) if self._version == _PARKS else None

    def _threads(self) -> tuple[PythonThread, ...]:
        """The threads with Python state; native ids as we see them."""
        memory, layout = self._memory, self._attachment.calibrated.layout
        ours = native_ids(self._attachment.process)
        found: list[PythonThread] = []
        for interpreter in walk_interpreters(memory, self._attachment.runtime, layout):
            threads = walk_threads(memory, interpreter, layout)
            found += with_native_ids(memory, threads, lambda: set(ours))
        return tuple(replace(thread, native_id=ours.get(thread.native_id or 0)) for thread in found)


_BETWEEN_LOOKS = 0.05


def why_no_owners(version: tuple[int, int] | None) -> str:
    """Why owners of locks cannot be told of this version; empty where they can."""
    if version is None:
        return "owners of locks are not told: the version is not known"
    if not FIRST <= version <= LAST:
        return f"owners of locks are told for Python 3.8 to 3.13, not for {version[0]}.{version[1]}"
    return ""


def asleep(before: Sequence[TaskStat], now: Sequence[TaskStat]) -> set[int]:
    """Threads that did not run between two looks, by the kernel's nanoseconds where it counts them."""
    ran = {task.tid: (task.run_seconds, task.user_seconds, task.system_seconds) for task in before}
    return {
        task.tid for task in now if ran.get(task.tid) == (task.run_seconds, task.user_seconds, task.system_seconds)
    }


def _why_no_threads(attachment: Attachment) -> str:
    reason = attachment.calibrated.threads_reason
    return f"owners of locks are not told: {reason}" if reason else ""


def _unchanged(first: Mapping[int, FutexWait], now: Mapping[int, FutexWait]) -> dict[int, FutexWait]:
    """The waits that both looks show: one look alone has shown threads that wait for themselves."""
    return {thread: wait for thread, wait in now.items() if first.get(thread) == wait}
