"""The collector of one attached Go process: where its figures lie in memory, and looks at them.

Called by gc_source, which lives longer than an attachment. Nothing is stopped and no code runs in the target. With
symbols the place of the figures is known; without them the runtime's code tells it (variables); where that does
not either, they are found by their content, which takes one collection.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.errors import NotSupported, RazorprofError, ToolFailed
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof_go.binary import GoImage, open_image
from razorprof_go.functions import Functions
from razorprof_go.layouts import Layout, layout_for
from razorprof_go.pauses import BLOCK, GcBlock, find_block, parse_block
from razorprof_go.variables import LAST_GC, find_variables

OLDEST, NEWEST = (1, 19), (1, 27)
NOT_YET = "the program has not collected yet"
NOT_FOUND = "the program has not collected yet: without symbols its figures are found once it has"
NO_SETTINGS = "the binary is stripped, and its code does not tell where GOGC, GOMEMLIMIT and the heap's size are"
_TRIES = 40
_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)
_MOST_SEARCHED = 512 << 20
_MOST_SYMBOL = 1 << 20
_SHARE = 0.005  # of one core, for searching again
_SLACK_NS = 3600 * 10**9  # by how much the machine's clock may have been set
_WRITABLE = 2  # PF_W
_ENDS = struct.Struct("<II")  # cycles, forced
_CYCLES_AT = BLOCK.size - 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What the pacer goes by. limit: GOMEMLIMIT, the largest int64 where there is none."""

    percent: int
    limit: int
    live: int
    goal: int
    allocated: int


class Collector:
    """Attached to the program that the process runs now. Close it. Raises NotSupported, PermissionDenied and
    TargetGone.

    settings_reason: why GOGC and the like cannot be told, empty where they can.
    """

    def __init__(self, process: ProcessView, clock: Clock) -> None:
        self._clock = clock
        self._process = process
        self._address: int | None = None
        self._plan_settings: tuple[int, Layout] | None = None
        self._processors: int | None = None
        self._searched: list[tuple[int, int]] = []
        self._search_due = 0.0
        self._raw = bytearray(BLOCK.size)
        self._view = memoryview(self._raw)
        self._block: GcBlock | None = None
        self.settings_reason = ""
        self.memory = RemoteMemory(process)
        try:
            with open_image(process) as image:
                self._check_version(image)
                self._place(image)
        except BaseException:
            self.memory.close()
            raise

    def close(self) -> None:
        self.memory.close()

    def look(self) -> GcBlock | None:
        """The figures now: complete, and proven to be of one moment; None where the program has not collected yet
        and they cannot be found. Raises ToolFailed where they stay half written, and as RemoteMemory.read."""
        if self._address is None:
            self._address = self._search()
            if self._address is None:
                return None
        for attempt in range(_TRIES):
            self.memory.read_into(self._address, self._view)
            if self._block is not None and self._is_unchanged(self._block):
                return self._block
            block = parse_block(self._raw)
            if block.is_consistent():
                self._block = block
                return block
            if attempt >= 2:  # the runtime writes them while it has the world stopped: microseconds, mostly
                time.sleep(0.0002)
        raise ToolFailed("the collector's figures are being written: try again", value=self.memory.pid)

    def forget(self) -> None:
        """Do not take the next look for unchanged."""
        self._block = None

    def settings(self) -> Settings | None:
        """The pacer's figures, None where settings_reason says why not."""
        if self._plan_settings is None:
            return None
        address, layout = self._plan_settings
        at = layout.pacer
        raw = self.memory.read(address, max(at.values()) + 8)

        def word(name: str) -> int:
            return int.from_bytes(raw[at[name] : at[name] + 8], "little", signed=True)

        percent = int.from_bytes(raw[at["gcPercent"] : at["gcPercent"] + 4], "little", signed=True)
        return Settings(percent, word("memoryLimit"), word("heapMarked"), word("lastHeapGoal"), word("totalAlloc"))

    def max_processors(self) -> int | None:
        """GOMAXPROCS, None where its place cannot be told."""
        if self._processors is None:
            return None
        found = int.from_bytes(self.memory.read(self._processors, 4), "little")
        return found if 0 < found <= 1 << 16 else None

    def _is_unchanged(self, block: GcBlock) -> bool:
        cycles, forced = _ENDS.unpack_from(self._raw, _CYCLES_AT)
        last, total = struct.unpack_from("<QQ", self._raw)
        return (cycles, forced, last, total) == (block.cycles, block.forced, block.last_gc, block.pause_total)

    def _check_version(self, image: GoImage) -> None:
        version = image.info.version
        if version is not None and not OLDEST <= version[:2] <= NEWEST:
            raise NotSupported(
                "the collector's figures are known for Go 1.19 to 1.27",
                value=image.info.toolchain,
                hint="with --probe or url: the program's expvar page tells the same; CPU profiles work as ever",
            )

    def _place(self, image: GoImage) -> None:
        symbols = image.elf.symbols(("runtime.memstats", "runtime.gcController", "runtime.gomaxprocs"))
        found = {name: symbol.address + image.bias for name, symbol in symbols.items()}
        layout: Layout | None = None
        try:
            layout = layout_for(image.info.version, image.elf.machine)
        except NotSupported as error:
            self.settings_reason = f"{error}; {error.hint}" if error.hint else str(error)
        if "runtime.memstats" not in found:
            found |= self._told_by_code(image, layout)
        self._processors = found.get("runtime.gomaxprocs")
        if "runtime.gcController" not in found:
            self.settings_reason = self.settings_reason or NO_SETTINGS
        elif layout is not None:
            self._plan_settings = (found["runtime.gcController"], layout)
        if "runtime.memstats" in found:
            base = found["runtime.memstats"]
            if layout is not None and self._fits(base + layout.last_gc):
                self._address = base + layout.last_gc
            size = symbols["runtime.memstats"].size
            self._searched = [(base, min(size, _MOST_SYMBOL) if size else _MOST_SYMBOL)]
            return
        if LAST_GC in found and self._fits(found[LAST_GC]):
            self._address = found[LAST_GC]
        self._searched = _uninitialised(image)

    def _told_by_code(self, image: GoImage, layout: Layout | None) -> dict[str, int]:
        """What a stripped binary does not name; empty where its table of functions cannot be read."""
        try:
            return find_variables(image, self.memory, Functions(image, self.memory), layout)
        except (RazorprofError, struct.error):  # where the program is gone, the next read says so
            return {}

    def _fits(self, address: int) -> bool:
        """Whether the block is there, or nothing at all yet."""
        block = parse_block(self.memory.read(address, BLOCK.size))
        for _ in range(_TRIES):
            if block.is_consistent():
                return True
            time.sleep(0.0002)
            block = parse_block(self.memory.read(address, BLOCK.size))
        return False

    def _search(self) -> int | None:
        if self._clock.monotonic() < self._search_due:
            return None
        began = time.thread_time()
        started = int(self._process.started() * 1e9) - _SLACK_NS
        now = int(self._clock.time() * 1e9) + _SLACK_NS
        hits: list[int] = []
        left = _MOST_SEARCHED
        for start, size in self._searched:
            place, end = start, start + min(size, left)
            left -= min(size, left)
            while place < end:
                chunk = self.memory.read_up_to(place, min(_CHUNK, end - place))
                if chunk and chunk != _ZEROS[: len(chunk)]:
                    hits += [place + hit for hit in find_block(chunk, started, now)]
                if place + _CHUNK >= end:
                    break
                place += _CHUNK - BLOCK.size // 8 * 8 - 8  # a block may lie across two chunks
        hits = list(dict.fromkeys(hits))
        if len(hits) > 1:
            raise ToolFailed("several places look like the collector's figures", value=len(hits))
        if not hits:
            self._search_due = self._clock.monotonic() + (time.thread_time() - began) / _SHARE
        return hits[0] if hits else None


def _uninitialised(image: GoImage) -> list[tuple[int, int]]:
    """Where variables without pointers lie that begin as zero: (address, size) in the process."""
    section = image.section(".noptrbss")
    if section is not None:
        return [(section.address + image.bias, section.size)]
    return [
        (segment.address + segment.file_size + image.bias, segment.memory_size - segment.file_size)
        for segment in image.elf.segments
        if segment.flags & _WRITABLE and segment.memory_size > segment.file_size
    ]
