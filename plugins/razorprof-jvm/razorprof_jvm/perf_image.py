"""Fetches the performance data of one JVM: out of the file that it has mapped, or out of its memory.

The file is found among the process's own mappings and proven to be the mapped one by its inode, so that another
process's or a planted file is never taken for it. Where it was removed (a cleaner of /tmp) or lies in a container
that cannot be reached, the same bytes are read from the mapping itself. Called by gc_source and detect.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from typing import Protocol

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, ToolFailed
from razorprof.remote.maps import MappedRegion, read_maps
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.namespaces import open_mapped_file
from razorprof.remote.process import ProcessView
from razorprof_jvm.perfdata import (
    HEADER_BYTES,
    LARGEST,
    Counters,
    DamagedPerfData,
    Layout,
    parse_header,
    parse_layout,
)

OFF = "its performance data is off or not shared (-XX:-UsePerfData, -XX:+PerfDisableSharedMem)"
_PATH = re.compile(rb"/hsperfdata_[^/]+/\d+(?: \(deleted\))?\Z")
_TRIES = 3


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

    Raises NotSupported where the JVM shares none, PermissionDenied, TargetGone, ToolFailed.
    """
    region = find_region(read_maps(process) if regions is None else regions)
    if region is None:
        raise NotSupported(
            OFF,
            value=process.pid,
            hint="what the kernel tells can be shown all the same; thread dumps and class histograms with: "
            f"razorprof threads {process.pid} --allow signal",
        )
    try:
        with open_mapped_file(process, region) as descriptor:
            return PerfData(_File(os.dup(descriptor)))
    except ToolFailed:
        return PerfData(_Mapping(process, region))  # removed, or out of reach: its pages are still mapped


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


class _Mapping:
    def __init__(self, process: ProcessView, region: MappedRegion) -> None:
        try:
            self._memory = RemoteMemory(process)
        except PermissionDenied as denied:
            raise PermissionDenied(
                "the file of the JVM's performance data cannot be opened, nor may its memory be read",
                value=process.pid,
                hint=denied.hint,
            ) from denied
        self._start = region.start
        self._size = min(LARGEST, region.end - region.start)

    def read(self, size: int) -> bytes:
        return self._memory.read(self._start, min(size, self._size))

    def close(self) -> None:
        self._memory.close()


def why_no_perf_data(process: ProcessView, regions: Sequence[MappedRegion]) -> str:
    """Why the counters cannot be read now, empty where they can."""
    try:
        perf_data = open_perf_data(process, regions)
    except (RazorprofError, OSError) as error:
        return error.message if isinstance(error, RazorprofError) else str(error)
    try:
        perf_data.read()
    except (RazorprofError, OSError) as error:
        return str(error)
    finally:
        perf_data.close()
    return ""
