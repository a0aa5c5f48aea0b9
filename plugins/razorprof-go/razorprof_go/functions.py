"""Names, files and lines of code addresses, from the table that every Go binary carries, stripped or not.

Called by goroutine walks and by CPU profiles without an endpoint. Looked up lazily: a table may have tens of
megabytes. Formats: cmd/link/internal/ld/pcln.go of Go 1.18 to 1.27 (magics 0xfffffff0 and 0xfffffff1). Functions
that were inlined are frames of their own, where razorprof_go.inlining finds their tables. The binary is not
trusted: everything is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from razorprof.errors import NotSupported, RazorprofError
from razorprof.model.frame import Frame, Stack
from razorprof.remote.elf import Elf
from razorprof.remote.memory import LONGEST_READ, RemoteMemory
from razorprof_go.binary import GoImage
from razorprof_go.inlining import find_inlining

_MAGICS = (0xFFFFFFF0, 0xFFFFFFF1)
# magic, pad, pad, least instruction, pointer size, functions, files, text, names, units, files, pc tables, pcln
_HEADER = struct.Struct("<IBBBB8Q")
_FUNCTION = struct.Struct("<IiiIIIIII")  # entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, unit
_MOST_FUNCTIONS = 4_000_000
_LONGEST_NAME = 4096
_LONGEST_TABLE = 1 << 16
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
_SEARCH_CHUNK = 1 << 20
_MOST_SEARCHED = 256 << 20
_MOST_KEPT = 200_000
UNKNOWN = Frame("(unknown)", "")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the table. at: where its entry lies in memory; files, lines: its pc tables; unit: its
    compilation unit, from which files are counted; tables: how many further pc tables follow its entry."""

    name: str
    entry: int
    size: int
    at: int
    files: int
    lines: int
    unit: int
    tables: int


class Functions:
    """The functions of one attached program. Made while its image is open: what is needed of it is read then, the
    rest out of the process's memory, where the same table is mapped."""

    def __init__(self, image: GoImage, memory: RemoteMemory) -> None:
        """Raises NotSupported where there is no table of a known format."""
        self._memory = memory
        at = _find(image.elf)
        header = _HEADER.unpack(image.elf.read(at, _HEADER.size))
        magic, pad, pad_, self._step, pointer, count, self._files, start = header[:8]
        if (
            magic not in _MAGICS
            or pad
            or pad_
            or pointer != 8
            or not 0 < count <= _MOST_FUNCTIONS
            or not self._step
        ):
            raise NotSupported("a function table of an unknown format", value=hex(magic))
        self._at = at + image.bias
        self._names, self._units, self._paths, self._tables, self._functions = header[8:]
        raw = image.elf.read(at + self._functions, 8 * count + 4)
        table = np.frombuffer(raw, dtype="<u4")
        self._entries, self._places = table[0::2][: count + 1], table[1::2]
        self.count = count
        self._text = _text_start(image, memory, self._at, start)
        self._known: dict[int, tuple[Frame, ...]] = {}
        self._strings: dict[int, str] = {}
        self._inlining = find_inlining(image, memory, self, self._at, is_old=magic == _MAGICS[0])

    @property
    def has_inlined(self) -> bool:
        """Whether inlined functions are told as frames of their own."""
        return self._inlining is not None

    def frames(self, address: int, *, is_return: bool = False) -> tuple[Frame, ...]:
        """The place in the code, with the functions that were inlined there: innermost first, at least one.
        is_return: a return address, which is just behind the call."""
        address -= is_return
        found = self._known.get(address)
        if found is None:
            if len(self._known) > _MOST_KEPT:
                self._known.clear()
            found = self._known[address] = self._look_up(address)
        return found

    def start(self, address: int) -> Frame:
        """The function that begins there."""
        return self.frames(address)[-1]

    def stack(self, chain: Sequence[int]) -> Stack:
        """A chain of addresses, innermost first and all but that one return addresses, as a stack, root first."""
        frames = [one for place, at in enumerate(chain) for one in self.frames(at, is_return=place > 0)]
        return tuple([frame for frame in reversed(frames) if frame.function != "runtime.goexit"])

    def _look_up(self, address: int) -> tuple[Frame, ...]:
        found = self._function_at(address)
        if found is None:
            return (UNKNOWN,)
        offset = address - found.entry
        frames: list[Frame] = []
        inlined = self._inlining.calls(found, offset) if self._inlining is not None else ()
        for call in inlined:
            frames.append(self._frame(self.name_at(call.name), found, offset))
            offset = call.parent
        return (*frames, self._frame(found.name, found, offset))

    def _frame(self, name: str, function: Function, offset: int) -> Frame:
        line = self.value(function.lines, offset)
        return Frame(name, self._path(function.unit, self.value(function.files, offset)), max(0, line))

    def _function_at(self, address: int) -> Function | None:
        offset = address - self._text
        if not 0 <= offset < int(self._entries[-1]):
            return None
        index = int(np.searchsorted(self._entries, offset, side="right")) - 1
        return self.function(index) if 0 <= index < len(self._places) else None

    def function(self, index: int) -> Function | None:
        """A function by its place in the table; None where that cannot be read."""
        at = self._at + self._functions + int(self._places[index])
        try:
            entry, name, _, _, _, files, lines, tables, unit = _FUNCTION.unpack(
                self._memory.read(at, _FUNCTION.size)
            )
        except (RazorprofError, struct.error):
            return None
        size = int(self._entries[index + 1]) - entry if index + 1 < len(self._entries) else 0
        return Function(self.name_at(name), self._text + entry, size, at, files, lines, unit, tables)

    def find(self, names: Iterable[str]) -> dict[str, Function]:
        """Functions by their names; those that are not there are left out. Some milliseconds."""
        text = b"\0" + self._memory.read_up_to(
            self._at + self._names, min(self._units - self._names, LONGEST_READ)
        )
        wanted = {name: text.find(b"\0" + name.encode() + b"\0") for name in names}
        last = int(self._places.max(initial=0)) + _FUNCTION.size
        raw = self._memory.read_up_to(self._at + self._functions, min(last, LONGEST_READ))
        octets = np.frombuffer(raw, dtype=np.uint8)
        at = self._places.astype(np.int64) + 4  # of the offset of the name
        at = at[at + 4 <= len(octets)]
        offsets = sum((octets[at + i].astype(np.int64) << 8 * i for i in range(4)), np.zeros(len(at), np.int64))
        found = {}
        for name, offset in wanted.items():
            indexes: list[int] = np.flatnonzero(offsets == offset).tolist() if offset >= 0 else []
            function = self.function(indexes[0]) if indexes else None
            if function is not None:
                found[name] = function
        return found

    def name_at(self, offset: int) -> str:
        """A name of the table of names."""
        return self._string(self._at + self._names + offset)

    def value(self, table: int, offset: int) -> int:
        """The value of a pc table (zigzag deltas of values, each for a run of code) at an offset; -1: none."""
        if not table:
            return -1
        raw = self._memory.read_up_to(self._at + self._tables + table, _LONGEST_TABLE)
        value, run, place = -1, 0, 0
        try:
            while True:
                delta, place = _varint(raw, place)
                if delta == 0 and run:
                    return -1
                value += delta >> 1 ^ -(delta & 1)
                length, place = _varint(raw, place)
                run += length * self._step
                if offset < run:
                    return value
        except IndexError:
            return -1

    def _path(self, unit: int, number: int) -> str:
        if number < 0:
            return ""
        try:
            raw = self._memory.read(self._at + self._units + 4 * (unit + number), 4)
        except RazorprofError:
            return ""
        offset = int.from_bytes(raw, "little")
        return "" if offset == 0xFFFFFFFF else self._string(self._at + self._paths + offset)

    def _string(self, address: int) -> str:
        known = self._strings.get(address)
        if known is None:
            raw = self._memory.read_up_to(address, _LONGEST_NAME)
            known = self._strings[address] = raw[: max(0, raw.find(b"\0"))].decode(errors="replace")
        return known


def _find(elf: Elf) -> int:
    """Where the table lies (before the load bias)."""
    for name in _SECTIONS:
        section = elf.section(name)
        if section is not None:
            return section.address
    left = _MOST_SEARCHED
    for segment in elf.segments:
        place, end = segment.address, segment.address + min(segment.file_size, left)
        left -= end - place
        while place < end:
            raw = elf.read_up_to(place, _SEARCH_CHUNK)
            for magic in _MAGICS:
                found = raw.find(struct.pack("<IBBBB", magic, 0, 0, 1, 8))
                if found >= 0 and (place + found) % 8 == 0:
                    return place + found
            place += _SEARCH_CHUNK - 8
    raise NotSupported("the binary has no table of its functions")


def _text_start(image: GoImage, memory: RemoteMemory, at: int, in_file: int) -> int:
    """Where the offsets of functions count from. Newer toolchains leave it out of the header; that of a
    position-independent binary was relocated in memory only."""
    if in_file and not image.is_position_independent:
        return in_file
    loaded = memory.word(at + 24)
    if loaded:
        return loaded
    named = image.addresses(("runtime.text",)).get("runtime.text")
    if named:
        return named
    section = image.section(".text")
    if section is None:
        raise NotSupported("it cannot be told where the program's code begins")
    return section.address + image.bias


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            return value, place
