"""Fetches the performance data of one JVM: out of the file that it has mapped, or out of its memory.

The file is found among the process's own mappings and proven to be the mapped one by its inode, so that another
process's or a planted file is never taken for it. Where it was removed (a cleaner of /tmp), lies in a container
that cannot be reached, or is kept to itself by the JVM, the same bytes are read out of its memory. Called by
gc_source and detect.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from typing import Protocol

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, ToolFailed
from razorprof.remote.maps import MappedRegion, read_maps
from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.remote.namespaces import open_mapped_file
from razorprof.remote.process import ProcessView
from razorprof_jvm.perfdata import (
    HEADER_BYTES,
    LARGEST,
    MAGIC,
    Counters,
    DamagedPerfData,
    Layout,
    parse_header,
    parse_layout,
)

OFF = "the JVM keeps no counters: it was started with -XX:-UsePerfData"
NOT_FOUND = "the JVM's counters were not found: it keeps none, or is only starting"
STILL = (
    "what the kernel tells can be shown all the same: razorprof top {pid}; and with consent to a signal the "
    "JVM tells "
    "its threads and classes: razorprof threads {pid} --allow signal"
)
_PATH = re.compile(rb"/hsperfdata_[^/]+/\d+(?: \(deleted\))?\Z")
_TRIES = 3
_OPTION = "UsePerfData"
_PAGE = 4096
_SEARCHED = 1 << 20  # the block is 32 KiB, and may lie in one region with a neighbour
_MOST_PAGES = 65_536
_BATCH = 1024
_ALWAYS = "sun.os.hrt.frequency"


class Image(Protocol):
    """Where the bytes come from."""

    def read(self, size: int) -> bytes:
        """The first `size` bytes, or fewer. Raises RazorprofError or OSError when it is no more."""

    def close(self) -> None: ...


class PerfData:
    """The counters of one JVM, read again and again. The layout is parsed anew when the JVM adds counters.

    Owned by one thread; close it.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._layout: Layout | None = None

    def read(self, watched: Sequence[str] = ()) -> Counters:
        """All counters now. watched: what must agree with each other: read until two reads in a row give the same
        values of these, at most three times. Raises DamagedPerfData, NotReadyPerfData, NotSupported."""
        before: tuple[int | None, ...] | None = None
        found = self._read_once()
        for _ in range(_TRIES - 1):
            if not watched:
                break
            values = tuple(found.number(name) for name in watched)
            if values == before:
                break
            before, found = values, self._read_once()
        return found

    def close(self) -> None:
        self._image.close()

    def _read_once(self) -> Counters:
        layout = self._layout
        size = HEADER_BYTES if layout is None else layout.header.used
        block = self._image.read(size)
        header = parse_header(block)
        if layout is None or header != layout.header:
            block = self._image.read(header.used)
            if len(block) != header.used:
                raise DamagedPerfData(
                    "the performance data of the JVM is cut off", value=f"{len(block)} of {header.used} bytes"
                )
            layout = self._layout = parse_layout(block)
        elif len(block) != layout.header.used:
            raise DamagedPerfData("the performance data of the JVM is cut off", value=f"{len(block)} bytes")
        return Counters(layout, block)


def open_perf_data(process: ProcessView, regions: Sequence[MappedRegion] | None = None) -> PerfData:
    """Find and open it. regions: the process's mappings, where they are known already.

    Raises NotSupported where the JVM keeps none, PermissionDenied, TargetGone, ToolFailed.
    """
    regions = read_maps(process) if regions is None else regions
    region = find_region(regions)
    if region is not None:
        try:
            with open_mapped_file(process, region) as descriptor:
                return PerfData(_File(os.dup(descriptor)))
        except ToolFailed:  # removed, or out of reach: its pages are still mapped
            return PerfData(_Mapped(_attach(process), region.start, region.end - region.start))
    if is_off(process):
        raise NotSupported(OFF, value=process.pid, hint=STILL.format(pid=process.pid))
    memory = _attach(process)
    try:
        found = _search(memory, regions)
    except BaseException:
        memory.close()
        raise
    if found is None:
        memory.close()
        raise NotSupported(NOT_FOUND, value=process.pid, hint=STILL.format(pid=process.pid))
    return PerfData(_Mapped(memory, *found))


def is_off(process: ProcessView) -> bool:
    """Whether the JVM was told to keep no counters. The last such option counts."""
    starts = ("-XX:+", "-XX:-")
    told = [one[4] for one in process.command_line() if one[:5] in starts and one[5:] == _OPTION]
    return bool(told) and told[-1] == "-"


def find_region(regions: Sequence[MappedRegion]) -> MappedRegion | None:
    """The mapping of the performance data. HotSpot maps it once, from its beginning, shared."""
    for region in regions:
        if _PATH.search(region.raw_path) and region.offset == 0 and region.inode:
            return region
    return None


class _File:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not HEADER_BYTES <= found.st_size <= LARGEST:
            self.close()
            raise DamagedPerfData("the performance data of the JVM has no sane size", value=found.st_size)

    def read(self, size: int) -> bytes:
        return os.pread(self._descriptor, size, 0)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _Mapped:
    """A block in the process's memory."""

    def __init__(self, memory: RemoteMemory, start: int, size: int) -> None:
        self._memory = memory
        self._start = start
        self._size = min(LARGEST, size)

    def read(self, size: int) -> bytes:
        return self._memory.read(self._start, min(size, self._size))

    def close(self) -> None:
        self._memory.close()


def _attach(process: ProcessView) -> RemoteMemory:
    try:
        return RemoteMemory(process)
    except PermissionDenied as denied:
        raise PermissionDenied(
            "the JVM's counters lie in its memory, which may not be read", value=process.pid, hint=denied.hint
        ) from denied


def _search(memory: RemoteMemory, regions: Sequence[MappedRegion]) -> tuple[int, int] | None:
    """Where the counters lie in a JVM that does not share them (-XX:+PerfDisableSharedMem): they begin a page of
    anonymous memory. Some milliseconds; only small regions are searched. What is found is proven by its layout."""
    pages = [
        (page, region.end)
        for region in regions
        if region.permissions.startswith("rw-p") and not region.inode and region.end - region.start <= _SEARCHED
        for page in range(region.start, region.end, _PAGE)
    ][:_MOST_PAGES]
    for batch in range(0, len(pages), _BATCH):
        some = pages[batch : batch + _BATCH]
        try:
            starts: bytes | bytearray = memory.plan([(page, 4) for page, _ in some]).read()
        except UnreadableMemory:  # a page went away meanwhile: one by one
            starts = b"".join(memory.read_up_to(page, 4).ljust(4, b"\0") for page, _ in some)
        for number, (page, end) in enumerate(some):
            if starts[4 * number : 4 * number + 4] == MAGIC and _is_layout(memory, page, end):
                return page, end - page
    return None


def _is_layout(memory: RemoteMemory, start: int, end: int) -> bool:
    try:
        layout = parse_layout(memory.read_up_to(start, min(LARGEST, end - start)))
    except RazorprofError:
        return False
    return _ALWAYS in layout.numbers
