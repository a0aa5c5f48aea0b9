"""All figures of one attached CPython, round after round: structures and flat metrics.

Called by the gc reader. Puts together what the parts give: snapshots, the looks between them, the threads' names,
frozen objects counted a piece at a time, the allocator. Decides nothing about attaching.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import GilState
from razorprof.model.metric import Quality
from razorprof.model.scrape import Reading
from razorprof.remote.memory import UnreadableMemory
from razorprof.remote.namespaces import native_ids, pid_in_own_namespace
from razorprof.runtimes.cpython.allocator_watch import AllocatorWatch
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter, walk_threads, with_native_ids
from razorprof.runtimes.cpython.asyncio_watch import AsyncioWatch
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.frozen import FrozenCount
from razorprof.runtimes.cpython.gil import WaiterWatch, can_tell_waiters
from razorprof.runtimes.cpython.looks import Looks, Watched
from razorprof.runtimes.cpython.metrics import ASYNCIO_TASKS, gc_samples, gil_samples, info_sample
from razorprof.runtimes.cpython.pauses import Pauses
from razorprof.runtimes.cpython.reasons import missing_figures
from razorprof.runtimes.cpython.snapshot import InterpreterSnapshot, Snapshot, SnapshotTaker
from razorprof.runtimes.cpython.window import LooksWindow

_FIRST_STEPS = 5
_FROZEN_SECONDS = 30.0  # a list that could not be counted is tried again after this


@dataclass(frozen=True, slots=True)
class Pace:
    """How much may be asked of the target: looks a second, frozen objects counted with each read, seconds
    without a read after which the looks rest."""

    looks_per_second: float
    frozen_step: int
    patience: float


class Figures:
    """The figures of one attachment, from attach to exec or exit. Owned by one reader. `reasons`: the metrics that
    the last read lacks, and why."""

    def __init__(self, attachment: Attachment, clock: Clock, pace: Pace) -> None:
        """Begins to look. The attachment is the caller's until this has returned. Raises what a read raises."""
        self._attachment = attachment
        self._memory = attachment.memory
        self._layout = attachment.calibrated.layout
        self._clock = clock
        self._pace = pace
        self._exact = self._layout.rings is not None
        self._taker = SnapshotTaker(attachment.memory, attachment.runtime, attachment.calibrated)
        self._window = LooksWindow()
        self._pauses = Pauses()
        self._info = info_sample(attachment.version)
        self._frozen: dict[int, FrozenCount] = {}
        self._frozen_due = 0.0
        self._known: dict[int, int] = {}
        self._allocator = AllocatorWatch(attachment, clock)
        self._tasks = AsyncioWatch(attachment, clock)
        self.reasons: Mapping[str, str] = {}
        self._in_our_namespace = pid_in_own_namespace(attachment.process) == attachment.process.pid
        self._looks = self._start_looks(_watched(self._taker.take(), self._layout.gc.collecting, self._exact))

    def close(self) -> None:
        if self._looks.stop():
            self._attachment.close()
        # else a look is stuck in the kernel: its descriptor must not be given to another file meanwhile

    def read(self) -> list[Reading]:
        """One round of figures."""
        time = self._clock.time()
        snapshot = self._taker.take()
        tally = self._looks.take_tally()
        self._window.add(tally)
        self._keep_looking(snapshot)
        gc = self._gc_state(time, snapshot)
        gil = self._window.gil_state(
            time,
            self._taker.interpreters,
            snapshot.gils,
            self._native_ids(snapshot).get,
            self._attachment.calibrated.gil_reason or self._looks.waiters_reason,
        )
        if self._exact:
            for part in snapshot.interpreters:
                if part.gc is not None:
                    self._pauses.add(part.interpreter.id, part.gc.records)
        readings: list[Reading] = [
            gc,
            gil,
            *gc_samples(gc),
            *gil_samples(gil),
            *(self._pauses.samples() if self._exact else ()),
            *self._allocator.samples(self._taker.interpreters),
            *self._tasks.samples(self._taker.interpreters),
            self._info,
        ]
        self._explain(gc, gil, tally.reason)
        return readings

    def _explain(self, gc: GcState, gil: GilState, looks: str) -> None:
        found = missing_figures(
            gc, gil, exact=self._exact, gil_reason=self._attachment.calibrated.gil_reason, looks=looks
        )
        tasks = {ASYNCIO_TASKS.name: self._tasks.reason} if self._tasks.reason else {}
        self.reasons = {**found, **self._allocator.reasons, **tasks}

    # -- looks

    def _start_looks(self, watched: Watched) -> Looks:
        waiters = None
        if can_tell_waiters() and watched.gils:
            with contextlib.suppress(OSError):
                waiters = WaiterWatch(self._attachment.process)
        looks = Looks(
            self._memory,
            watched,
            per_second=self._pace.looks_per_second,
            clock=self._clock,
            waiters=waiters,
            patience=self._pace.patience,
        )
        looks.start()
        return looks

    def _keep_looking(self, snapshot: Snapshot) -> None:
        watched = _watched(snapshot, self._layout.gc.collecting, self._exact)
        if watched != self._looks.watched:
            before = {interpreter for interpreter, _ in self._looks.watched.collecting}
            self._window.forget(before - {interpreter for interpreter, _ in watched.collecting})
            self._looks.watch(watched)
        if not self._looks.is_running and self._looks.stop():
            # it looked at an interpreter that was just taken down
            self._looks = self._start_looks(watched)

    def _native_ids(self, snapshot: Snapshot) -> Mapping[int, int]:
        """Address of a thread state -> native id in our PID namespace, where somebody held a GIL at all."""
        if self._attachment.calibrated.threads_reason or not (
            self._window.holders() or any(gil.locked for gil in snapshot.gils.values())
        ):
            return {}
        found: dict[int, int] = {}
        ours: dict[int, int] | None = None

        def known() -> set[int]:
            nonlocal ours
            ours = native_ids(self._attachment.process)
            return set(ours)

        for part in snapshot.interpreters:
            try:
                threads = walk_threads(self._memory, part.interpreter, self._layout)
                threads = with_native_ids(self._memory, threads, known)
            except (CorruptState, UnreadableMemory):
                continue  # threads come and go: without their names the figures still stand
            for thread in threads:
                if thread.native_id is not None:
                    found[thread.address] = thread.native_id
        if found and not self._in_our_namespace:
            translated = ours if ours is not None else native_ids(self._attachment.process)
            found = {state: translated[native] for state, native in found.items() if native in translated}
        # A thread that has ended since is still named, as long as it is in the window.
        holders = self._window.holders()
        self._known = {state: native for state, native in self._known.items() if state in holders} | found
        return self._known

    # -- collectors

    def _gc_state(self, time: float, snapshot: Snapshot) -> GcState:
        self._count_frozen(snapshot)
        return GcState(time, tuple(self._interpreter(part) for part in snapshot.interpreters))

    def _interpreter(self, part: InterpreterSnapshot) -> InterpreterGc:
        id_, gc = part.interpreter.id, part.gc
        if gc is None:
            return InterpreterGc(id_, None, None, None, None, None)
        generations = tuple(
            Generation(number, g.count, g.threshold, g.collections, g.collected, g.uncollectable)
            for number, g in enumerate(gc.generations)
        )
        durations = [g.duration for g in gc.generations if g.duration is not None]
        seconds = sum(durations) if self._exact else self._window.gc_seconds(id_)
        quality = Quality.EXACT if self._exact else Quality.ESTIMATED
        frozen = 0 if gc.nothing_frozen else self._frozen_of(part.interpreter, gc.frozen_ends)
        return InterpreterGc(id_, gc.enabled, gc.collecting, frozen, part.garbage, generations, seconds, quality)

    def _frozen_of(self, interpreter: Interpreter, ends: tuple[int, int]) -> int | None:
        """The count, as long as the list's ends are those that were counted."""
        counting = self._frozen.get(interpreter.address)
        return counting.count if counting is not None and counting.ends == ends else None

    def _count_frozen(self, snapshot: Snapshot) -> None:
        now = self._clock.monotonic()
        for part in snapshot.interpreters:
            gc, address = part.gc, part.interpreter.gc
            if gc is None or address is None or gc.nothing_frozen:
                continue
            counting = self._frozen.get(part.interpreter.address)
            first = counting is None
            if (
                counting is not None
                and counting.done
                and (counting.count is None or counting.ends != gc.frozen_ends)
            ):
                counting = None  # it failed, or the list is another one now
                if now < self._frozen_due:
                    continue
            with contextlib.suppress(UnreadableMemory):
                if counting is None:
                    counting = FrozenCount(self._memory, address + self._layout.gc.permanent)
                    self._frozen[part.interpreter.address] = counting
                    self._frozen_due = now + _FROZEN_SECONDS
                if not counting.done:
                    counting.step(self._pace.frozen_step * (_FIRST_STEPS if first else 1))


def _watched(snapshot: Snapshot, collecting: int, exact: bool) -> Watched:
    """What to look at. Where the time in GC is exact, only the locks."""
    words = [
        (part.interpreter.id, part.interpreter.gc + collecting)
        for part in snapshot.interpreters
        if part.interpreter.gc is not None and not exact
    ]
    return Watched(tuple(words), tuple(sorted(snapshot.gils)))
