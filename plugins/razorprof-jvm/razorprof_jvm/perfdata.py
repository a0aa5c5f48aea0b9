"""The layout of a HotSpot JVM's performance data, and the counters in a copy of it. Bytes in, values out.

HotSpot keeps its counters in a block of memory (hsperfdata) that tools may read while it runs; jstat reads the
same. For perf_image, which fetches the bytes, and figures, which knows the counters' meaning. What the block says
is not trusted: every place is checked once, when the layout is parsed.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.errors import NotSupported, ToolFailed

HEADER_BYTES = 32
LARGEST = 4 << 20  # -XX:PerfDataMemorySize is 32 KiB where nobody asks for more
MOST_COUNTERS = 16_384
LONGEST_TEXT = 4096

# hotspot/share/runtime/perfMemory.hpp, PerfDataPrologue: magic (always big-endian), byte order, major, minor
# version, accessible; used, overflow, mod_time_stamp, entry_offset, num_entries in the JVM's own byte order
MAGIC = b"\xca\xfe\xc0\xc0"
_ORDERS = {0: ">", 1: "<"}
_PROLOGUE = "iiqii"
# PerfDataEntry: entry_length, name_offset, vector_length, data_type, flags, data_units, data_variability,
# data_offset
_ENTRY = "iiiBBBBi"
_ENTRY_BYTES = struct.calcsize("<" + _ENTRY)
_LONG, _BYTE = ord("J"), ord("B")


class DamagedPerfData(ToolFailed):
    """The block is no performance data, or contradicts itself."""

    name = "damaged_perf_data"


class NotReadyPerfData(ToolFailed):
    """The JVM says that its counters may not be read: it is starting or ending."""

    name = "perf_data_not_ready"


@dataclass(frozen=True, slots=True)
class Header:
    """order: of struct, "<" or ">"; used: bytes with counters; overflow: bytes of counters that found no room;
    changed: the JVM's time of the last counter that was added."""

    order: str
    used: int
    overflow: int
    changed: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the counters lie: places of whole numbers of 64 bits, and places and lengths of texts."""

    header: Header
    numbers: Mapping[str, int]
    texts: Mapping[str, tuple[int, int]]


class Counters:
    """The counters in one copy of the block."""

    __slots__ = ("_block", "_layout", "_number")

    def __init__(self, layout: Layout, block: bytes) -> None:
        self._layout = layout
        self._block = block
        self._number = struct.Struct(layout.header.order + "q")

    @property
    def layout(self) -> Layout:
        return self._layout

    def number(self, name: str) -> int | None:
        """A counter's value, None where the JVM has no such counter."""
        place = self._layout.numbers.get(name)
        return None if place is None else int(self._number.unpack_from(self._block, place)[0])

    def text(self, name: str) -> str | None:
        """A text (untrusted, at most LONGEST_TEXT), None where the JVM has none."""
        found = self._layout.texts.get(name)
        if found is None:
            return None
        place, length = found
        return self._block[place : place + length].partition(b"\0")[0].decode(errors="replace")


def parse_header(block: bytes) -> Header:
    """The beginning of a block. Raises DamagedPerfData, NotReadyPerfData, NotSupported."""
    if len(block) < HEADER_BYTES:
        raise DamagedPerfData("the performance data of the JVM is cut off", value=f"{len(block)} bytes")
    if block[:4] != MAGIC:
        raise DamagedPerfData("not the performance data of a JVM", value=f"it begins with {block[:4].hex()}")
    order = _ORDERS.get(block[4])
    if order is None:
        raise DamagedPerfData("performance data of an unknown byte order", value=block[4])
    if block[5] != 2:
        raise NotSupported(
            "performance data of an unknown version", value=f"{block[5]}.{block[6]}", hint="version 2 is known"
        )
    if not block[7]:
        raise NotReadyPerfData("the JVM does not let its counters be read yet: it is starting or ending")
    used, overflow, changed, first, count = struct.unpack_from(order + _PROLOGUE, block, 8)
    if not HEADER_BYTES <= first <= used <= LARGEST or not 0 <= count <= MOST_COUNTERS or overflow < 0:
        raise DamagedPerfData(
            "the performance data of the JVM contradicts itself",
            value=f"{count} counters from {first} on in {used} bytes",
        )
    return Header(order, used, overflow, changed, first, count)


def parse_layout(block: bytes) -> Layout:
    """Every counter's place, each proven to lie in the block. Raises as parse_header does."""
    header = parse_header(block)
    if len(block) < header.used:
        raise DamagedPerfData(
            "the performance data of the JVM is cut off", value=f"{len(block)} of {header.used} bytes"
        )
    entry = struct.Struct(header.order + _ENTRY)
    numbers: dict[str, int] = {}
    texts: dict[str, tuple[int, int]] = {}
    at = header.first
    for index in range(header.count):
        if at + _ENTRY_BYTES > header.used:
            raise _damaged(index, "lies outside")
        length, name_at, vector, kind, _, _, _, data_at = entry.unpack_from(block, at)
        if length < _ENTRY_BYTES or at + length > header.used:
            raise _damaged(index, f"is {length} bytes long")
        size = 8 * max(1, vector) if kind == _LONG else vector
        if not _ENTRY_BYTES <= name_at < length or not 0 <= data_at <= length - size or vector < 0:
            raise _damaged(index, "has its name or value outside of itself")
        end = block.find(b"\0", at + name_at, at + length)
        if end < 0:
            raise _damaged(index, "has a name without an end")
        name = block[at + name_at : end].decode("ascii", "replace")
        if kind == _LONG and vector == 0:
            numbers.setdefault(name, at + data_at)
        elif kind == _BYTE:
            texts.setdefault(name, (at + data_at, min(vector, LONGEST_TEXT)))
        at += length
    return Layout(header, numbers, texts)


def _damaged(index: int, what: str) -> DamagedPerfData:
    return DamagedPerfData("the performance data of the JVM is damaged", value=f"counter {index} {what}")
