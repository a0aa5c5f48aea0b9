"""Many cheap looks a second at two words: does the collector run, and who holds the GIL.

Started by the reader, which asks for the tally once an interval. What an interval's two ends cannot tell (time in
GC below 3.15, how long the GIL is held and by whom) is estimated from the share of looks that saw it. The time
between looks is jittered, so that a target that works in step with us does not fool them. One thread of its own,
50 to 100 us of CPU a look, most of it for waking up; it ends by itself when the address space is gone.

Where all CPUs are busy, the scheduler runs either the target or us: bursts below about a millisecond are then seen
too seldom, and so they are by every sampler that shares the machine. The figures are estimates and say so, and
how many looks came late is told beside them.
"""

from __future__ import annotations

import logging
import random
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from razorprof.clock import Clock
from razorprof.errors import PermissionDenied, RazorprofError
from razorprof.remote.memory import RemoteMemory
from razorprof.runtimes.cpython.gil import HOLDER_AT, HOLDER_BYTES, WaiterWatch

_log = logging.getLogger(__name__)

# What a late look stands for beyond this was not seen. Where the CPUs are full, looks are late by tens of ms.
_LONGEST_GAP_SLOTS, _LONGEST_GAP_SECONDS = 4.0, 0.25
_LATE = 0.002  # seconds after the planned time; where a CPU is free, timers are late by a tenth of that
_WAITER_SECONDS = 0.2
_WAITER_COST = 300  # a look at the waiters is followed by at least this many times its own length
_JOIN_SECONDS = 2.0
_NAP_SECONDS = 0.1
# All looks of this process together, however many targets it watches: some 1.5 % of a core.
MOST_LOOKS_PER_SECOND = 150.0


def _longest_gap(slot: float) -> float:
    return max(slot * _LONGEST_GAP_SLOTS, _LONGEST_GAP_SECONDS)


@dataclass(frozen=True, slots=True)
class Watched:
    """What to look at: `collecting` words by interpreter id, and the addresses of locks."""

    collecting: tuple[tuple[int, int], ...]
    gils: tuple[int, ...]


@dataclass(slots=True)
class GilTally:
    """Of one lock since the last tally. held: seconds; holders: address of a thread state -> seconds it held it;
    holder: who holds it now, 0 for nobody.

    waiting: sum over looks at the waiters of how many waited; waiters: native ids at the newest one, None
    before the first."""

    held: float = 0.0
    holders: dict[int, float] = field(default_factory=dict)
    holder: int = 0
    waiting: int = 0
    waiter_looks: int = 0
    waiters: tuple[int, ...] | None = None


@dataclass(slots=True)
class Tally:
    """What was seen since the last tally. seconds: how much time the looks stand for; gc_seconds: time in GC
    per interpreter id. late_looks: how many came later than planned, late_seconds: by how much in all: what was
    held or collected in that time may have been missed."""

    looks: int = 0
    seconds: float = 0.0
    gc_seconds: dict[int, float] = field(default_factory=dict)
    gils: dict[int, GilTally] = field(default_factory=dict)
    reason: str = ""
    late_looks: int = 0
    late_seconds: float = 0.0


class _Running:
    """How many look at targets in this process, so that many share what one may cost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def change(self, by: int) -> None:
        with self._lock:
            self._count += by

    def slot(self, wanted: float) -> float:
        """Seconds between two looks of one of them."""
        return max(wanted, self._count / MOST_LOOKS_PER_SECOND)


_RUNNING = _Running()


class Looks:
    """Looks at one attached CPython. `look` is one step; `start` lets a thread take it over and over, as long as
    the tally is asked for: after `patience` seconds without it the target is left alone (the session is
    paused, say)."""

    def __init__(
        self,
        memory: RemoteMemory,
        watched: Watched,
        *,
        per_second: float,
        clock: Clock,
        waiters: WaiterWatch | None = None,
        patience: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._waiters = waiters
        self._sleep = sleep
        self.waiters_reason = "" if waiters is not None else "what threads wait for cannot be told here"
        self._slot = 1.0 / per_second
        self._patience = patience
        self._asked = clock.monotonic()
        self._random = random.Random()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watch(watched)
        self._tally = self._empty()
        self._last: float | None = None
        self._planned: float | None = None
        self._next_waiters = 0.0

    @property
    def watched(self) -> Watched:
        return self._watched

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin looking, in a daemon thread."""
        self._thread = threading.Thread(target=self._run, name="razorprof-looks", daemon=True)
        self._thread.start()

    def stop(self) -> bool:
        """End it; at most two seconds. False if the thread still reads (the kernel holds it up)."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                return False
        if self._waiters is not None:
            self._waiters.close()
        return True

    def watch(self, watched: Watched) -> None:
        """Look at something else from now on: an interpreter came or went."""
        with self._lock:
            self._watch(watched)
            for interpreter, _ in watched.collecting:
                self._tally.gc_seconds.setdefault(interpreter, 0.0)
            for address in watched.gils:
                self._tally.gils.setdefault(address, GilTally())

    def take_tally(self) -> Tally:
        """What was seen since the last call."""
        self._asked = self._clock.monotonic()
        with self._lock:
            tally, self._tally = self._tally, self._empty()
            self._tally.reason = tally.reason
            for address, gil in tally.gils.items():
                if address in self._tally.gils:
                    self._tally.gils[address].waiters = gil.waiters
                    self._tally.gils[address].holder = gil.holder
            return tally

    def look(self) -> None:
        """One look. Raises RazorprofError where there is nothing to be seen (any more)."""
        now = self._clock.monotonic()
        held_somewhere = False
        with self._lock:
            raw = self._plan.read()
            tally = self._tally
            # A look stands for the time since the one before: looks come late just when the target is busy, and
            # counting them alike would see it idle too often. A very long gap only as far as it can be trusted.
            slot = self._distance()
            gap = slot if self._last is None else min(now - self._last, _longest_gap(slot))
            late = 0.0 if self._planned is None else now - self._planned
            self._last, self._planned = now, None
            tally.looks += 1
            tally.seconds += gap
            if late > _LATE:
                tally.late_looks += 1
                tally.late_seconds += min(late, gap)
            for interpreter, offset in self._collecting:
                if _COLLECTING(raw, offset)[0] == 1:
                    tally.gc_seconds[interpreter] += gap
            for address, offset in self._gils:
                holder, locked = _HOLDER_LOCKED(raw, offset)
                gil = tally.gils[address]
                if locked == 1:
                    held_somewhere = True
                    gil.holder = holder
                    gil.held += gap
                    gil.holders[holder] = gil.holders.get(holder, 0.0) + gap
                else:
                    gil.holder = 0
        if self._waiters is not None and self._gils and now >= self._next_waiters:
            self._look_at_waiters(self._waiters, now, held_somewhere)

    def _look_at_waiters(self, watch: WaiterWatch, now: float, held: bool) -> None:
        gils = [address for address, _ in self._gils]
        # Nobody waits for a lock that is free: the look at the threads is saved.
        try:
            found = watch.waiters(gils) if held else {gil: [] for gil in gils}
        except (PermissionDenied, OSError) as error:
            self.waiters_reason = str(error)
            self._waiters = None
            watch.close()
            return
        took = self._clock.monotonic() - now
        self._next_waiters = now + max(_WAITER_SECONDS, took * _WAITER_COST)
        with self._lock:
            for address, waiting in found.items():
                gil = self._tally.gils.get(address)
                if gil is not None:
                    gil.waiting += len(waiting)
                    gil.waiter_looks += 1
                    gil.waiters = tuple(waiting)

    def _run(self) -> None:
        _RUNNING.change(+1)
        try:
            while not self._stop.is_set():
                self._sleep(self._step())
        except (RazorprofError, OSError) as error:
            _log.debug("looks ended: %s", error)
            with self._lock:
                self._tally.reason = str(error)
        finally:
            _RUNNING.change(-1)

    def _step(self) -> float:
        """One look, unless nobody asks for it; seconds to wait until the next."""
        if self._clock.monotonic() - self._asked > self._patience:
            self._last = self._planned = None  # the time until the next look is nobody's
            return _NAP_SECONDS
        self.look()
        # Not Event.wait: that costs twice the CPU of a sleep, and a slot is short enough to wait out.
        pause = self._distance() * self._random.uniform(0.5, 1.5)
        self._planned = self._clock.monotonic() + pause
        return pause

    def _distance(self) -> float:
        return min(_RUNNING.slot(self._slot), 1.0)

    def _watch(self, watched: Watched) -> None:
        pieces = [(address, 4) for _, address in watched.collecting]
        pieces += [(address + HOLDER_AT, HOLDER_BYTES) for address in watched.gils]
        self._watched = watched
        self._plan = self._memory.plan(pieces)
        places = iter(self._plan.offsets)
        self._collecting = [(interpreter, next(places)) for interpreter, _ in watched.collecting]
        self._gils = [(address, next(places)) for address in watched.gils]

    def _empty(self) -> Tally:
        return Tally(
            gc_seconds={interpreter: 0.0 for interpreter, _ in self._watched.collecting},
            gils={address: GilTally() for address in self._watched.gils},
        )


_COLLECTING = struct.Struct("<i").unpack_from
_HOLDER_LOCKED = struct.Struct("<Qi").unpack_from
