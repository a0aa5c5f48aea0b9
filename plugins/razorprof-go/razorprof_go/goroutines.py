"""All goroutines of an attached program, read out of its memory: state, what they wait for, stacks. Not stopped.

Called by the source "goroutines" and by thread dumps. Needs a version whose layout was measured. A goroutine that
ran while it was looked at has no stack here: it is looked at twice, and only what stayed is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from razorprof.errors import NotSupported, RazorprofError
from razorprof.model.frame import Frame
from razorprof.remote.memory import RemoteMemory
from razorprof_go.binary import GoImage
from razorprof_go.functions import Functions
from razorprof_go.layouts import Layout, layout_for
from razorprof_go.variables import find_variables

MOST_GOROUTINES = 10_000
_MOST_STACKS = 10_000
_DEEPEST = 64
_SMALL_STACK, _LARGE_STACK = 2048, 16384  # bytes above the stack pointer: frames of what waits are few
_FEW = 1000
_LONGEST_REASON = 64
_MOST_REASONS = 256
_SCAN = 0x1000  # _Gscan: the collector looks at its stack
_SYMBOLS = ("runtime.allgs", "runtime.waitReasonStrings", "runtime.sched", "runtime.gomaxprocs")
_Words = npt.NDArray[np.uint64]


class Status(IntEnum):
    """atomicstatus without the scan bit, runtime2.go."""

    IDLE = 0
    RUNNABLE = 1
    RUNNING = 2
    SYSCALL = 3
    WAITING = 4
    DEAD = 6
    COPYSTACK = 8
    PREEMPTED = 9


@dataclass(frozen=True, slots=True)
class Goroutine:
    """One goroutine. reason: what it waits for, in the runtime's words; waited: seconds that it has at least
    waited, None while that is not known (the runtime notes it at each collection); stack: innermost first, empty
    for one that runs; system: the runtime's own."""

    id: int
    status: Status
    reason: str = ""
    waited: float | None = None
    start: Frame | None = None
    made_by: Frame | None = None
    stack: tuple[Frame, ...] = ()
    system: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found. whole: how many entries there are, dead ones too, of which MOST_GOROUTINES are read;
    seconds: what the walk took."""

    goroutines: tuple[Goroutine, ...]
    whole: int
    is_cut: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Threads and processors of the scheduler. threads: created since the program began."""

    processors: int
    idle_processors: int
    threads: int
    idle_threads: int
    spinning_threads: int


@dataclass(slots=True)
class GoroutineReader:
    """Of one attached program; close the memory that it was given."""

    _memory: RemoteMemory
    _functions: Functions
    _layout: Layout
    _places: dict[str, int]
    _reasons: dict[int, str] = field(default_factory=dict)

    def walk(self, *, stacks: bool) -> Walk:
        """All goroutines that are alive, some milliseconds for a few hundred. stacks: with frames."""
        began = time.perf_counter()
        pointers, whole = self._pointers()
        rows = self._rows(pointers)
        alive = np.isin(_status(rows, self._layout), (Status.IDLE, Status.DEAD), invert=True)
        pointers, rows = pointers[alive], rows[alive]
        found = self._stacks(pointers, rows) if stacks else {}
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)  # nanotime() of the runtime
        goroutines = tuple([self._goroutine(row, found.get(place, ()), now) for place, row in enumerate(rows)])
        return Walk(goroutines, whole, whole > MOST_GOROUTINES, time.perf_counter() - began)

    def scheduler(self) -> Scheduler | None:
        """None where its symbols are missing."""
        at = self._places.get("runtime.sched")
        processors = self._places.get("runtime.gomaxprocs")
        if at is None or processors is None:
            return None
        fields = self._layout.scheduler
        raw = self._memory.read(at, max(fields.values()) + 8)

        def number(name: str, size: int = 4) -> int:
            return int.from_bytes(raw[fields[name] : fields[name] + size], "little", signed=True)

        return Scheduler(
            int.from_bytes(self._memory.read(processors, 4), "little"),
            number("npidle"),
            number("mnext", 8),
            number("nmidle"),
            number("nmspinning"),
        )

    def _pointers(self) -> tuple[_Words, int]:
        first, length, capacity = self._memory.words(self._places["runtime.allgs"], 3)
        if length > capacity or capacity > 1 << 32:
            raise NotSupported("the list of goroutines cannot be read", value=length)
        taken = min(length, MOST_GOROUTINES)
        raw = self._memory.read(first, 8 * taken) if taken else b""
        return np.frombuffer(raw, dtype="<u8"), length

    def _rows(self, pointers: _Words) -> _Words:
        """The first words of each runtime.g, a row each."""
        size = (max(self._layout.goroutine.values()) + 15) // 8 * 8
        if not len(pointers):
            return np.zeros((0, size // 8), dtype="<u8")
        plan = self._memory.plan([(int(pointer), size) for pointer in pointers])
        return np.frombuffer(bytes(plan.read()), dtype="<u8").reshape(len(pointers), size // 8)

    def _stacks(self, pointers: _Words, rows: _Words) -> dict[int, tuple[Frame, ...]]:
        """Frames by the number of the row, of goroutines that stand still."""
        status = _status(rows, self._layout)
        places = np.flatnonzero(np.isin(status, (Status.WAITING, Status.RUNNABLE, Status.SYSCALL)))[:_MOST_STACKS]
        window = _LARGE_STACK if len(places) <= _FEW else _SMALL_STACK
        context = self._layout.goroutine["sched"]
        sp = rows[:, (context + self._layout.context["sp"]) // 8]
        pieces, kept = [], []
        for place in map(int, places):
            low, top = int(sp[place]), int(rows[place, 1])
            if int(rows[place, 0]) <= low < top <= 1 << 48:
                kept.append(place)
                pieces.append((low, min(window, top - low)))
        if not kept:
            return {}
        try:
            plan = self._memory.plan(pieces)
            content = bytes(plan.read())
            again = self._rows(pointers[kept])
        except RazorprofError:  # a stack was given back meanwhile
            return {}
        same = (again == rows[kept]).all(axis=1)
        found = {}
        for number, place in enumerate(kept):
            if same[number]:
                start, (low, size) = plan.offsets[number], pieces[number]
                found[place] = self._frames(rows[place], content[start : start + size], low)
        return found

    def _frames(self, row: _Words, stack: bytes, low: int) -> tuple[Frame, ...]:
        """The chain of frame pointers from where it was parked."""
        context = self._layout.goroutine["sched"]
        frames = list(self._functions.frames(int(row[(context + self._layout.context["pc"]) // 8])))
        bp = int(row[(context + self._layout.context["bp"]) // 8])
        while len(frames) < _DEEPEST:
            at = bp - low
            if not 0 <= at <= len(stack) - 16 or bp % 8:
                break
            higher = int.from_bytes(stack[at : at + 8], "little")
            back = int.from_bytes(stack[at + 8 : at + 16], "little")
            found = self._functions.frames(back, is_return=True)
            if not found[-1].file:
                break
            frames += found
            if higher <= bp:
                break
            bp = higher
        if frames[-1].function == "runtime.goexit":
            frames.pop()
        return tuple(frames)

    def _goroutine(self, row: _Words, stack: tuple[Frame, ...], now: int) -> Goroutine:
        at = self._layout.goroutine

        def word(name: str) -> int:
            return int(row[at[name] // 8])

        status = _as_status(word("atomicstatus") >> 8 * (at["atomicstatus"] % 8) & 0xFFFFFFFF)
        since = word("waitsince")
        waits = status in (Status.WAITING, Status.SYSCALL)
        start = self._functions.start(word("startpc"))
        # what made it: a return address, just behind the go statement; none for the first goroutine
        made_by = self._functions.frames(word("gopc"), is_return=True)[0] if word("gopc") else None
        return Goroutine(
            id=word("goid"),
            status=status,
            reason=self._reason(word("waitreason") >> 8 * (at["waitreason"] % 8) & 0xFF)
            if status is Status.WAITING
            else "",
            waited=max(0.0, (now - since) / 1e9) if waits and 0 < since <= now else None,
            start=start,
            made_by=made_by,
            stack=stack,
            system=is_system(start.function),
        )

    def _reason(self, number: int) -> str:
        if number not in self._reasons:
            self._reasons[number] = self._read_reason(number)
        return self._reasons[number]

    def _read_reason(self, number: int) -> str:
        table = self._places.get("runtime.waitReasonStrings")
        if table is None or number >= _MOST_REASONS:
            return f"reason {number}"
        try:
            pointer, length = self._memory.words(table + 16 * number, 2)
            return (
                self._memory.read(pointer, min(length, _LONGEST_REASON)).decode(errors="replace") if length else ""
            )
        except RazorprofError:
            return f"reason {number}"


def open_goroutines(image: GoImage, memory: RemoteMemory) -> GoroutineReader:
    """A reader for the program that `memory` is of. Raises NotSupported with what is missing."""
    places = image.addresses(_SYMBOLS)
    layout = layout_for(image.info.version, image.elf.machine)
    functions = Functions(image, memory)
    if "runtime.allgs" not in places:
        places = find_variables(image, memory, functions, layout)
    if "runtime.allgs" not in places:
        raise NotSupported(
            "the binary is stripped, and its code does not tell where its goroutines are",
            value=memory.pid,
            hint="an endpoint of net/http/pprof tells them too: url:http://127.0.0.1:PORT or --probe",
        )
    return GoroutineReader(memory, functions, layout, places)


def is_system(start: str) -> bool:
    """Whether a goroutine with this start function is the runtime's own: as runtime.NumGoroutine counts."""
    return start.startswith("runtime.") and start not in ("runtime.main", "runtime.handleAsyncEvent")


def _status(rows: _Words, layout: Layout) -> npt.NDArray[np.uint64]:
    at = layout.goroutine["atomicstatus"]
    column: npt.NDArray[np.uint64] = rows[:, at // 8] >> np.uint64(8 * (at % 8)) & np.uint64(0xFFFFFFFF & ~_SCAN)
    return column


def _as_status(number: int) -> Status:
    try:
        return Status(number & ~_SCAN)
    except ValueError:
        return Status.IDLE
