"""All of a CPython's collectors and locks, read in one scattered read and parsed.

Called by the reader, once an interval. The shape (which interpreters there are and where their parts lie) is kept
from one read to the next and checked with each: the links of the interpreter list are part of the read. A
snapshot that does not fit, or in which a counter went back, is taken once more before it is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import ToolFailed
from razorprof.remote.memory import ReadPlan, RemoteMemory, UnreadableMemory
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter, walk_interpreters
from razorprof.runtimes.cpython.calibrate import Calibrated
from razorprof.runtimes.cpython.gc import GcFigures, GcParser
from razorprof.runtimes.cpython.gil import HEAD_BYTES, GilFigures, parse_gil

_TRIES = 3
_LIST_SIZE_AT = 16  # PyVarObject.ob_size of gc.garbage
_WORD = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class InterpreterSnapshot:
    """gc is None where this interpreter has no collector of its own; garbage: length of its gc.garbage."""

    interpreter: Interpreter
    gc: GcFigures | None
    garbage: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """interpreters ascending by id; gils by address of the lock."""

    interpreters: tuple[InterpreterSnapshot, ...]
    gils: dict[int, GilFigures]


class SnapshotTaker:
    """Takes snapshots of one attached CPython. Not for two threads at once."""

    def __init__(self, memory: RemoteMemory, runtime: int, calibrated: Calibrated) -> None:
        self._memory = memory
        self._runtime = runtime
        self._layout = calibrated.layout
        self._has_gil = not calibrated.gil_reason
        self._parser = GcParser(calibrated)
        self._shape: _Shape | None = None
        self._last: Snapshot | None = None

    @property
    def interpreters(self) -> tuple[Interpreter, ...]:
        """As of the last snapshot; empty before the first."""
        return () if self._last is None else tuple(part.interpreter for part in self._last.interpreters)

    def take(self) -> Snapshot:
        """The figures now. Raises AddressSpaceGone, CorruptState, UnreadableMemory."""
        failure: ToolFailed = CorruptState("the figures did not hold still for a read")
        for _ in range(_TRIES):
            try:
                if self._shape is None:
                    self._shape = self._look_at_shape()
                snapshot = self._parse(self._shape, self._shape.plan.read())
            except (CorruptState, UnreadableMemory) as error:
                failure = error
                self._shape = None
                continue
            if self._last is not None and _went_back(self._last, snapshot):
                failure = CorruptState("a counter of the garbage collector went back")
                self._shape = None
                continue
            self._last = snapshot
            return snapshot
        raise failure

    def _look_at_shape(self) -> _Shape:
        layout = self._layout
        interpreters = walk_interpreters(self._memory, self._runtime, layout)
        if not interpreters:
            raise CorruptState("Python has no interpreter (any more)")
        pieces: list[tuple[int, int]] = [(self._runtime + layout.interpreters_head, 8)]
        garbage: dict[int, int] = {}
        rings: dict[int, int] = {}
        for interpreter in interpreters:
            pieces.append((interpreter.address + layout.interpreter_next, 8))
            pieces.append((interpreter.address + layout.interpreter_id, 8))
            if layout.gil_pointer is not None:
                pieces.append((interpreter.address + layout.gil_pointer, 8))
            if interpreter.gc is None:
                continue
            raw = self._memory.read(interpreter.gc, layout.gc.size)
            # An interpreter that is just being made has a collector of zeros: the pointers come first.
            garbage_at = _WORD.unpack_from(raw, layout.gc.garbage)[0]
            if garbage_at:
                garbage[interpreter.address] = garbage_at
                pieces.append((garbage_at + _LIST_SIZE_AT, 8))
            if layout.rings is not None:
                statistics = _WORD.unpack_from(raw, layout.gc.stats)[0]
                rings[interpreter.address] = statistics
                sequence = (statistics + layout.rings.update_sequence, 4)
                pieces += [sequence, (statistics, layout.rings.size), sequence]
            pieces.append((interpreter.gc, layout.gc.size))
        gils = sorted({i.gil for i in interpreters if i.gil is not None}) if self._has_gil else []
        pieces += [(gil, HEAD_BYTES) for gil in gils]
        return _Shape(interpreters, garbage, rings, tuple(gils), self._memory.plan(pieces))

    def _parse(self, shape: _Shape, raw: bytearray) -> Snapshot:
        places = iter(shape.plan.offsets)
        layout = self._layout
        head = _WORD.unpack_from(raw, next(places))[0]
        links: dict[int, int] = {}
        parts = []
        for interpreter in shape.interpreters:
            links[interpreter.address] = _WORD.unpack_from(raw, next(places))[0]
            if _WORD.unpack_from(raw, next(places))[0] != interpreter.id:
                raise CorruptState("an interpreter changed its id")
            if layout.gil_pointer is not None:
                gil = _WORD.unpack_from(raw, next(places))[0] or None
                if gil != interpreter.gil:
                    raise CorruptState("an interpreter changed its GIL")
            parts.append(self._parse_interpreter(shape, interpreter, raw, places))
        if not _same_list(head, links):
            raise CorruptState("the list of interpreters changed")
        gils = {address: parse_gil(raw, next(places)) for address in shape.gils}
        return Snapshot(tuple(parts), gils)

    def _parse_interpreter(
        self, shape: _Shape, interpreter: Interpreter, raw: bytearray, places: Iterator[int]
    ) -> InterpreterSnapshot:
        if interpreter.gc is None:
            return InterpreterSnapshot(interpreter, None, None)
        garbage = None
        if interpreter.address in shape.garbage:
            garbage = _WORD.unpack_from(raw, next(places))[0]
            if garbage >= 1 << 48:
                raise CorruptState("a list longer than memory", value=garbage)
        rings = None
        if self._layout.rings is not None:
            before, start, after = next(places), next(places), next(places)
            sequence = raw[before : before + 4]
            rings = bytes(raw[start : start + self._layout.rings.size])
            at = self._layout.rings.update_sequence
            if sequence != raw[after : after + 4] or sequence != rings[at : at + 4]:
                raise CorruptState("the collector's statistics changed during the read")
        start = next(places)
        figures = self._parser.parse(memoryview(raw)[start : start + self._parser.size], interpreter.gc, rings)
        if figures.garbage != shape.garbage.get(interpreter.address, 0):
            raise CorruptState("gc.garbage moved")
        if figures.statistics != shape.rings.get(interpreter.address):
            raise CorruptState("the collector's statistics moved")
        return InterpreterSnapshot(interpreter, figures, garbage)


@dataclass(frozen=True, slots=True)
class _Shape:
    interpreters: tuple[Interpreter, ...]
    garbage: dict[int, int]
    rings: dict[int, int]
    gils: tuple[int, ...]
    plan: ReadPlan


def _same_list(head: int, links: dict[int, int]) -> bool:
    """Whether the links visit every known interpreter once, from the head to the end."""
    seen = 0
    address = head
    while address:
        if address not in links or seen >= len(links):
            return False
        address = links[address]
        seen += 1
    return seen == len(links)


def _went_back(before: Snapshot, now: Snapshot) -> bool:
    old = {part.interpreter.address: part for part in before.interpreters}
    for part in now.interpreters:
        earlier = old.get(part.interpreter.address)
        if (
            earlier is None
            or earlier.interpreter.id != part.interpreter.id
            or earlier.gc is None
            or part.gc is None
        ):
            continue
        for was, is_ in zip(earlier.gc.generations, part.gc.generations, strict=True):
            if (
                is_.collections < was.collections
                or is_.collected < was.collected
                or is_.uncollectable < was.uncollectable
            ):
                return True
    return any(
        now.gils[address].switches < lock.switches for address, lock in before.gils.items() if address in now.gils
    )
