"""What is needed of an ELF image: segments, symbols, notes and where it was loaded. Read-only and bounded.

Works on files and on images in a process's memory, with or without section headers (stripped binaries keep
their dynamic symbols, reached through PT_DYNAMIC). 64-bit little-endian only. The image is not trusted: every
count and offset in it is bounded, a damaged image raises NotSupported. Called by runtimes and plugins; it
knows nothing of Python, and does not relocate, disassemble or read DWARF.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from razorprof.errors import NotSupported
from razorprof.remote.maps import MappedRegion

ReadAt = Callable[[int, int], bytes]  # (offset, size) -> at most size bytes, fewer at the end

ET_EXEC, ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_NOTE = 1, 2, 4
_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_GNU_HASH = 4, 5, 6, 10, 0x6FFFFEF5
_SHT_SYMTAB = 2
_NT_GNU_BUILD_ID = 3
_PAGE = 4096
_MOST_HEADERS = 4096
_MOST_SYMBOLS = 2_000_000
_MOST_CHAIN = 4096
_LONGEST_TABLE = 64 << 20

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD segment."""

    offset: int
    address: int
    file_size: int
    memory_size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Section:
    name: bytes
    kind: int
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A defined symbol: its address before the load bias is added, and its size (0 where unknown)."""

    name: str
    address: int
    size: int


class Elf:
    """One image. `memory_base`: where an image that is read out of memory begins; None for a file."""

    def __init__(self, read_at: ReadAt, *, memory_base: int | None = None) -> None:
        self._read_at = read_at
        self._memory_base = memory_base
        ident, kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = (
            _HEADER.unpack(self._exactly(0, _HEADER.size))
        )
        if ident[:4] != b"\x7fELF":
            raise NotSupported("not an ELF image")
        if ident[4] != 2 or ident[5] != 1:
            raise NotSupported("not a 64-bit little-endian ELF image")
        if kind not in (ET_EXEC, ET_DYN):
            raise NotSupported("neither an executable nor a shared object", value=kind)
        self.kind: int = kind
        self.machine: int = machine
        self.segments: tuple[Segment, ...] = ()
        self._dynamic: tuple[int, int] | None = None
        self._notes: list[tuple[int, int]] = []
        self._sections_at = (shoff, shentsize, shnum, shstrndx)
        self._read_segments(phoff, phentsize, phnum)

    @property
    def first_address(self) -> int:
        """The page where the first loaded segment begins, before the load bias."""
        return self.segments[0].address & -_PAGE

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at an address before the load bias. Raises NotSupported outside the file."""
        return self._exactly(self._offset_of(address, size), size)

    def read_up_to(self, address: int, size: int) -> bytes:
        """As `read`, cut where the segment ends."""
        for segment in self.segments:
            inside = address - segment.address
            if 0 <= inside < segment.file_size:
                size = min(size, segment.file_size - inside)
                return self._read_at(self._offset_of(address, size), size)
        return b""

    def symbols(self, names: Iterable[str]) -> dict[str, Symbol]:
        """Those of `names` that the image defines: dynamic symbols first, the rest from .symtab."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, Symbol] = {}
        dynamic = self._dynamic_table()
        if dynamic is not None:
            for name in wanted:
                symbol = self._look_up(dynamic, name)
                if symbol is not None:
                    found[name] = symbol
        missing = [name for name in wanted if name not in found]
        if missing:
            found.update(self._scan_symtab(missing))
        return found

    def section(self, name: str) -> Section | None:
        """A section by name; None in an image without section headers."""
        return next((s for s in self._sections() if s.name == name.encode()), None)

    def build_id(self) -> str | None:
        """The GNU build id in hex. The image's own claim: a key for caches, never a proof."""
        for offset, size in self._notes:
            notes = self._read_at(offset, min(size, 65536))
            place = 0
            while place + 12 <= len(notes):
                name_size, size_, kind = struct.unpack_from("<III", notes, place)
                name_at = place + 12
                data_at = name_at + (name_size + 3 & ~3)
                if kind == _NT_GNU_BUILD_ID and notes[name_at : name_at + 4] == b"GNU\0" and 0 < size_ <= 64:
                    return notes[data_at : data_at + size_].hex()
                place = data_at + (size_ + 3 & ~3)
        return None

    def load_bias(self, regions: Sequence[MappedRegion]) -> int:
        """What to add to the image's addresses, given the regions that map it. Raises NotSupported."""
        if self.kind == ET_EXEC:
            return 0
        for region in regions:
            for segment in self.segments:
                if region.offset == segment.offset & -_PAGE:
                    return region.start - (segment.address & -_PAGE)
        raise NotSupported("no mapping fits the segments of the image")

    # -- headers

    def _read_segments(self, offset: int, entry_size: int, count: int) -> None:
        if entry_size != _SEGMENT.size or not 0 < count <= _MOST_HEADERS:
            raise NotSupported("program headers cannot be read", value=count)
        raw = self._exactly(offset, entry_size * count)
        loaded = []
        notes = []
        for kind, flags, file_offset, address, _, file_size, memory_size, _ in _SEGMENT.iter_unpack(raw):
            if kind == _PT_LOAD:
                loaded.append(Segment(file_offset, address, file_size, memory_size, flags))
            elif kind == _PT_DYNAMIC:
                self._dynamic = (address, file_size)
            elif kind == _PT_NOTE:
                notes.append((file_offset, address, file_size))
        if not loaded:
            raise NotSupported("an ELF image without loaded segments")
        self.segments = tuple(sorted(loaded, key=lambda segment: segment.address))
        in_memory = self._memory_base is not None
        self._notes = [(a - self.first_address if in_memory else o, size) for o, a, size in notes]

    def _sections(self) -> list[Section]:
        offset, entry_size, count, names_index = self._sections_at
        if self._memory_base is not None or entry_size != _SECTION.size or not 0 < count <= _MOST_HEADERS:
            return []
        raw = self._read_at(offset, entry_size * count)
        if len(raw) != entry_size * count or names_index >= count:
            return []
        rows = list(_SECTION.iter_unpack(raw))
        names = self._read_at(rows[names_index][4], min(rows[names_index][5], 1 << 20))
        return [
            Section(
                name=names[name : names.find(b"\0", name)] if name < len(names) else b"",
                kind=kind,
                address=address,
                offset=file_offset,
                size=size,
                link=link,
            )
            for name, kind, _, address, file_offset, size, link, _, _, _ in rows
        ]

    # -- symbols

    def _dynamic_table(self) -> dict[int, int] | None:
        if self._dynamic is None:
            return None
        address, size = self._dynamic
        try:
            raw = self.read(address, min(size, _MOST_HEADERS * 16) & ~15)
        except NotSupported:
            return None
        table: dict[int, int] = {}
        for tag, value in struct.iter_unpack("<qQ", raw):
            if tag == 0:
                break
            if tag in (_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_GNU_HASH):
                value = self._unrelocated(value)
            table.setdefault(tag, value)
        return table

    def _unrelocated(self, value: int) -> int:
        """The dynamic loader (glibc) adds the load bias to pointers of the dynamic table, in memory only."""
        if self._memory_base is None:
            return value
        bias = self._memory_base - self.first_address
        return value - bias if bias and value >= self._memory_base else value

    def _look_up(self, dynamic: dict[int, int], name: str) -> Symbol | None:
        if not {_DT_GNU_HASH, _DT_SYMTAB, _DT_STRTAB} <= dynamic.keys():
            return None
        try:
            return self._look_up_gnu_hash(dynamic, name)
        except NotSupported:
            return None

    def _look_up_gnu_hash(self, dynamic: dict[int, int], name: str) -> Symbol | None:
        table = dynamic[_DT_GNU_HASH]
        buckets, first, bloom_words, bloom_shift = struct.unpack("<IIII", self.read(table, 16))
        if not buckets or not bloom_words:
            return None
        wanted = gnu_hash(name)
        word = int.from_bytes(self.read(table + 16 + 8 * (wanted // 64 % bloom_words), 8), "little")
        if not (word >> wanted % 64 & 1 and word >> (wanted >> bloom_shift) % 64 & 1):
            return None
        buckets_at = table + 16 + 8 * bloom_words
        index = int.from_bytes(self.read(buckets_at + 4 * (wanted % buckets), 4), "little")
        if index < first:
            return None
        chain_at = buckets_at + 4 * buckets
        for index_ in range(index, index + _MOST_CHAIN):
            link = int.from_bytes(self.read(chain_at + 4 * (index_ - first), 4), "little")
            if link | 1 == wanted | 1:
                symbol = self._dynamic_symbol(dynamic, index_, name)
                if symbol is not None:
                    return symbol
            if link & 1:
                return None
        return None

    def _dynamic_symbol(self, dynamic: dict[int, int], index: int, name: str) -> Symbol | None:
        raw = self.read(dynamic[_DT_SYMTAB] + index * _SYMBOL.size, _SYMBOL.size)
        name_at, _, _, section, address, size = _SYMBOL.unpack(raw)
        encoded = name.encode() + b"\0"
        if section == 0 or self.read_up_to(dynamic[_DT_STRTAB] + name_at, len(encoded)) != encoded:
            return None
        return Symbol(name, address, size)

    def _scan_symtab(self, names: Sequence[str]) -> dict[str, Symbol]:
        sections = self._sections()
        table = next((s for s in sections if s.kind == _SHT_SYMTAB), None)
        if table is None or table.link >= len(sections) or table.size > _MOST_SYMBOLS * _SYMBOL.size:
            return {}
        strings_at = sections[table.link]
        if strings_at.size > _LONGEST_TABLE:
            return {}
        strings = self._read_at(strings_at.offset, strings_at.size)
        # Linkers merge equal tails of names, so a name may begin inside another one.
        places = {place: name for name in names for place in _occurrences(strings, name.encode() + b"\0")}
        if not places:
            return {}
        raw = self._read_at(table.offset, table.size)
        found: dict[str, Symbol] = {}
        for name_at, _, _, section, address, size in _SYMBOL.iter_unpack(raw[: len(raw) // 24 * 24]):
            if name_at in places and section != 0:
                found.setdefault(places[name_at], Symbol(places[name_at], address, size))
        return found

    # -- bytes

    def _offset_of(self, address: int, size: int) -> int:
        for segment in self.segments:
            inside = address - segment.address
            if inside >= 0 and inside + size <= segment.file_size:
                return address - self.first_address if self._memory_base is not None else segment.offset + inside
        raise NotSupported("an address outside the ELF image", value=hex(address))

    def _exactly(self, offset: int, size: int) -> bytes:
        raw = self._read_at(offset, size)
        if len(raw) != size:
            raise NotSupported("a truncated ELF image")
        return raw


def gnu_hash(name: str) -> int:
    """The hash of DT_GNU_HASH (h * 33 + c, 32 bits)."""
    value = 5381
    for byte in name.encode():
        value = value * 33 + byte & 0xFFFFFFFF
    return value


def _occurrences(text: bytes, wanted: bytes) -> Iterable[int]:
    place = text.find(wanted)
    while place >= 0:
        yield place
        place = text.find(wanted, place + 1)
