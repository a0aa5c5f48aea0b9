"""Which functions were inlined at a place in the code, by the tables that Go keeps for its own tracebacks.

Called by razorprof_go.functions. The tables are found by a symbol, or in a stripped binary through the runtime's
module data, and taken only where what they say proves itself. Layouts: runtime/symtab.go of 1.19, symtabinl.go of
1.20 to 1.27.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from razorprof.errors import RazorprofError
from razorprof.remote.memory import RemoteMemory
from razorprof_go.binary import GoImage

_INDEX, _TREE = 2, 3  # PCDATA_InlTreeIndex, FUNCDATA_InlTree
_SYMBOLS = ("go:func.*", "go.func.*")
_OFFSETS = (320, 304, *range(328, 368, 8))  # of gofunc in runtime.moduledata: 1.20 to 1.25, 1.19, 1.27 (344)
_DEEPEST = 40
_MOST_SCANNED = 16 << 20
_CHUNK = 1 << 20
_PROVEN, _TRIED = 20, 4000  # functions with inlined ones that must all be right, among the first so many
_NONE = 0xFFFFFFFF
_WRITABLE = 2  # PF_W


@dataclass(frozen=True, slots=True)
class InlinedCall:
    """name: offset in the table of names; parent: a place in the function whose source is the call."""

    name: int
    parent: int


class _Function(Protocol):
    @property
    def at(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def tables(self) -> int: ...


class _Functions(Protocol):
    @property
    def count(self) -> int: ...
    def value(self, table: int, offset: int) -> int: ...
    def name_at(self, offset: int) -> str: ...
    def function(self, index: int) -> _Function | None: ...


class Inlining:
    """Of one attached program. base: what offsets of function data count from."""

    def __init__(self, memory: RemoteMemory, functions: _Functions, base: int, *, is_old: bool) -> None:
        self._memory = memory
        self._functions = functions
        self._base = base
        self._fixed = 40 if is_old else 44  # bytes of a function's entry before its tables
        self._call = struct.Struct("<8x4xii") if is_old else struct.Struct("<4xii4x")  # name, parent

    def calls(self, function: _Function, offset: int) -> Iterator[InlinedCall]:
        """The inlined functions at an offset, innermost first."""
        try:
            index_table, tree = self._tables(function)
        except (RazorprofError, struct.error):
            return
        if not index_table or tree is None:
            return
        for _ in range(_DEEPEST):
            index = self._functions.value(index_table, offset)
            if index < 0:
                return
            call = self.call(tree, index)
            if call is None or not 0 <= call.parent < max(1, function.size):
                return
            yield call
            offset = call.parent

    def tree(self, function: _Function) -> int | None:
        """Where a function's tree of inlined calls lies; None where it has none."""
        try:
            return self._tables(function)[1]
        except (RazorprofError, struct.error):
            return None

    def call(self, tree: int, index: int) -> InlinedCall | None:
        """An entry of a tree."""
        try:
            name, parent = self._call.unpack(self._memory.read(tree + index * self._call.size, self._call.size))
        except RazorprofError:
            return None
        return InlinedCall(name, parent) if name >= 0 else None

    def _tables(self, function: _Function) -> tuple[int, int | None]:
        """The pc table of indexes (0: none) and the tree."""
        head = self._memory.read(function.at + self._fixed - 1, 1 + 4 * (function.tables + 4))
        count = head[0]  # of function data
        if function.tables <= _INDEX or count <= _TREE or function.tables > 64:
            return 0, None
        (table,) = struct.unpack_from("<I", head, 1 + 4 * _INDEX)
        (offset,) = struct.unpack_from("<I", head, 1 + 4 * (function.tables + _TREE))
        return table, None if offset == _NONE else self._base + offset


def find_inlining(
    image: GoImage, memory: RemoteMemory, functions: _Functions, table: int, *, is_old: bool
) -> Inlining | None:
    """The tables of a program whose function table lies at `table`; None where none proves itself."""
    for base in _bases(image, memory, table):
        inlining = Inlining(memory, functions, base, is_old=is_old)
        if _is_proven(inlining, functions):
            return inlining
    return None


def _bases(image: GoImage, memory: RemoteMemory, table: int) -> Iterator[int]:
    named = image.addresses(_SYMBOLS)
    if named:
        yield from named.values()
        return
    for module in _modules(image, memory, table):
        for offset in _OFFSETS:
            try:
                yield memory.word(module + offset)
            except RazorprofError:
                continue


def _modules(image: GoImage, memory: RemoteMemory, table: int) -> Iterator[int]:
    """Where runtime.moduledata may lie: it begins with the address of the function table."""
    wanted = struct.pack("<Q", table)
    left = _MOST_SCANNED
    for segment in image.elf.segments:
        if not segment.flags & _WRITABLE:
            continue
        place, end = segment.address + image.bias, segment.address + image.bias + min(segment.file_size, left)
        left -= end - place
        while place < end:
            raw = memory.read_up_to(place, min(_CHUNK, end - place))
            found = raw.find(wanted)
            while found >= 0:
                if (place + found) % 8 == 0:
                    yield place + found
                found = raw.find(wanted, found + 1)
            place += _CHUNK


def _is_proven(inlining: Inlining, functions: _Functions) -> bool:
    """Whether the first trees that there are hold names, and places inside of their functions."""
    seen = 0
    for index in range(min(_TRIED, functions.count)):
        function = functions.function(index)
        tree = None if function is None else inlining.tree(function)
        if function is None or tree is None:
            continue
        call = inlining.call(tree, 0)
        if call is None or not 0 <= call.parent < max(1, function.size):
            return False
        name = functions.name_at(call.name)
        if "." not in name or not name.isprintable():
            return False
        seen += 1
        if seen >= _PROVEN:
            return True
    return seen > 0
