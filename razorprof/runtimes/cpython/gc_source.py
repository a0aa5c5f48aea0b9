"""The source "gc": collectors, GIL and allocator of an unprepared CPython, read out of its memory.

Opened by the session through the cpython runtime. Each read gives a GcState, a GilState and the flat metrics.
Between reads a small thread looks some dozen times a second at who holds the GIL and whether the collector runs.
After the process has exec'd another program the reader attaches anew; a process that ended, or whose Python
cannot be read, ends it for good.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.metric import Metric, Quality, Sample
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import AddressSpaceGone, UnreadableMemory
from razorprof.remote.namespaces import native_ids, pid_in_own_namespace
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.allocator import allocated_blocks, allocator_states, arena_bytes
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter, walk_threads, with_native_ids
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.frozen import FrozenCount
from razorprof.runtimes.cpython.gil import WaiterWatch, can_tell_waiters
from razorprof.runtimes.cpython.looks import Looks, Watched
from razorprof.runtimes.cpython.metrics import ARENA_BYTES, BLOCKS, METRICS, gc_samples, gil_samples, info_sample
from razorprof.runtimes.cpython.pauses import Pauses
from razorprof.runtimes.cpython.snapshot import InterpreterSnapshot, Snapshot, SnapshotTaker
from razorprof.runtimes.cpython.window import LooksWindow

_log = logging.getLogger(__name__)

LOOKS_PER_SECOND = 50.0
_PATIENCE = 5.0  # seconds without a read, or three intervals, after which the looks rest
_BLOCKS_SECONDS = 10.0
FROZEN_STEP = 10_000  # objects a read: some 10 ms
_FIRST_STEPS = 5
_FROZEN_SECONDS = 30.0  # a list that could not be counted is tried again after this
_SLOW_COST = 1000  # a slow figure is taken again after at least this many times what it took: 0.1 % of a core


class GcSource:
    """Source "gc". looks_per_second: 50 cost about half a percent of a core, 100 twice that; frozen_step: how many
    frozen objects are counted with each read."""

    name: ClassVar[str] = "gc"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS

    def __init__(self, looks_per_second: float = LOOKS_PER_SECOND, frozen_step: int = FROZEN_STEP) -> None:
        self._looks_per_second = looks_per_second
        self._frozen_step = frozen_step

    def open(self, target: Target, options: SourceOptions) -> GcReader:
        """Attach. Raises TargetGone, PermissionDenied, NotSupported; a Python that is only starting is tried again
        with each read."""
        return GcReader(target, options, looks_per_second=self._looks_per_second, frozen_step=self._frozen_step)


class GcReader:
    """Reads one process. Not for two threads at once."""

    def __init__(
        self, target: Target, options: SourceOptions, *, looks_per_second: float, frozen_step: int
    ) -> None:
        self._target = target
        self._clock = options.clock
        self._patience = max(_PATIENCE, 3 * options.interval)
        self._looks_per_second = looks_per_second
        self._frozen_step = frozen_step
        self._process = ProcessView(target.pid)
        self._session: _Session | None = None
        self._closed = False
        if not self._process.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid)
        try:
            self._attached()
        except (TargetGone, PermissionDenied, NotSupported):
            raise
        except ToolFailed as error:
            _log.debug("not attached yet: %s", error)

    def read(self) -> Iterable[Reading]:
        """GcState, GilState and samples. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
        try:
            return self._attached().read()
        except AddressSpaceGone:
            self._detach()
        except ToolFailed:
            self._detach()  # what does not fit any more may be another interpreter: prove it all again
            raise
        return self._attached().read()  # it runs another program now, or has ended

    def close(self) -> None:
        """Stop looking and let go of the target."""
        self._closed = True
        self._detach()

    def _attached(self) -> _Session:
        if self._session is not None:
            return self._session
        if self._closed:
            raise ToolFailed("the reader is closed", value=self._target.pid)
        if not self._process.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)
        attachment = attach(self._process)
        try:
            if not self._process.is_same(self._target.identity):
                raise TargetGone("the process has ended", value=self._target.pid)
            self._session = _Session(
                attachment, self._clock, self._looks_per_second, self._frozen_step, self._patience
            )
        except BaseException:
            attachment.close()
            raise
        return self._session

    def _detach(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


class _Session:
    """One attachment: from attach to exec or exit."""

    def __init__(
        self, attachment: Attachment, clock: Clock, looks_per_second: float, frozen_step: int, patience: float
    ) -> None:
        self._attachment = attachment
        self._memory = attachment.memory
        self._layout = attachment.calibrated.layout
        self._clock = clock
        self._per_second = looks_per_second
        self._patience = patience
        self._exact = self._layout.rings is not None
        self._taker = SnapshotTaker(attachment.memory, attachment.runtime, attachment.calibrated)
        self._window = LooksWindow()
        self._pauses = Pauses()
        self._info = info_sample(attachment.version)
        self._frozen: dict[int, FrozenCount] = {}
        self._frozen_step = frozen_step
        self._frozen_due = 0.0
        self._known: dict[int, int] = {}
        self._blocks: int | None = None
        self._blocks_due = 0.0
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
        self._window.add(self._looks.take_tally())
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
        return [
            gc,
            gil,
            *gc_samples(gc),
            *gil_samples(gil),
            *(self._pauses.samples() if self._exact else ()),
            *self._allocator(),
            self._info,
        ]

    # -- looks

    def _start_looks(self, watched: Watched) -> Looks:
        waiters = None
        if can_tell_waiters() and watched.gils:
            with contextlib.suppress(OSError):
                waiters = WaiterWatch(self._attachment.process)
        looks = Looks(
            self._memory,
            watched,
            per_second=self._per_second,
            clock=self._clock,
            waiters=waiters,
            patience=self._patience,
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
                    counting.step(self._frozen_step * (_FIRST_STEPS if first else 1))

    # -- allocator

    def _allocator(self) -> Iterator[Sample]:
        layout = self._layout.allocator
        if layout is None:
            return
        try:
            states = allocator_states(self._memory, layout, self._taker.interpreters)
            arenas = arena_bytes(self._memory, layout, states)
            now = self._clock.monotonic()
            if now >= self._blocks_due:
                self._blocks = None
                if not _is_swapped(self._attachment.process):
                    self._blocks = allocated_blocks(self._memory, layout, states)
                took = self._clock.monotonic() - now
                self._blocks_due = now + max(_BLOCKS_SECONDS, took * _SLOW_COST)
        except (CorruptState, UnreadableMemory) as error:
            _log.debug("the allocator could not be read: %s", error)
            return
        yield Sample(ARENA_BYTES, arenas)
        if self._blocks is not None:
            yield Sample(BLOCKS, self._blocks)


def _watched(snapshot: Snapshot, collecting: int, exact: bool) -> Watched:
    """What to look at. Where the time in GC is exact, only the locks."""
    words = [
        (part.interpreter.id, part.interpreter.gc + collecting)
        for part in snapshot.interpreters
        if part.interpreter.gc is not None and not exact
    ]
    return Watched(tuple(words), tuple(sorted(snapshot.gils)))


def _is_swapped(process: ProcessView) -> bool:
    """Whether some of its memory is swapped out: counting blocks would fetch it all back."""
    try:
        return process.status().get("VmSwap", "0 kB") != "0 kB"
    except RazorprofError:
        return True
