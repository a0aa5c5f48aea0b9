"""Memory images of a CPython that exists only in bytes: for tests that must own every byte the readers see."""

from __future__ import annotations

import struct
from pathlib import Path

from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.layout import Layout, layout_for

RUNTIME = 0x10_0000
FIRST_INTERPRETER = 0x20_0000
FIRST_THREAD = 0x40_0000
GIL = 0x50_0000
GARBAGE = 0x51_0000
STATISTICS = 0x52_0000
SIZE = 0x60_0000
VERSIONS = ("3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0", "3.13.5", "3.14.10", "3.15.2")
HEX = {"3.13.0": 0x030D00F0, "3.13.5": 0x030D05F0, "3.14.10": 0x030E0AF0, "3.15.2": 0x030F02F0}


class ImageMemory(RemoteMemory):
    """A RemoteMemory over bytes. Addresses from 1 to SIZE exist; `reads` counts."""

    def __init__(self, image: bytes | bytearray) -> None:
        self.process = ProcessView(-1, proc=Path("/nonexistent"))
        self.pid = -1
        self.image = image
        self.reads = 0

    def close(self) -> None:
        pass

    def read(self, address: int, size: int) -> bytes:
        self.reads += 1
        if address <= 0 or size < 0 or address + size > len(self.image):
            raise UnreadableMemory("not in the image", value=hex(address))
        return bytes(self.image[address : address + size])

    def read_up_to(self, address: int, size: int) -> bytes:
        self.reads += 1
        return bytes(self.image[address : address + size]) if 0 < address < len(self.image) else b""

    def read_into(self, address: int, buffer: memoryview) -> None:
        buffer[:] = self.read(address, len(buffer))


class PythonImage:
    """An image of a running CPython `version` with one or more interpreters, each with one thread."""

    def __init__(self, version: str, interpreters: int = 1) -> None:
        self.version = version
        self.layout: Layout = layout_for(version)
        self.generations = 20 if version == "3.13.5" else self.layout.gc.generations[-1]
        self.bytes = bytearray(SIZE)
        self.memory = ImageMemory(self.bytes)
        self._describe()
        self.put(RUNTIME + self.layout.initialized, "<i", 1)
        self.addresses = [FIRST_INTERPRETER + 0x8000 * number for number in range(interpreters)]
        # as CPython links them: the newest first, the main one (id 0) last
        self.word(RUNTIME + self.layout.interpreters_head, self.addresses[-1])
        for number, address in enumerate(self.addresses):
            self._interpreter(number, address, self.addresses[number - 1] if number else 0)

    @property
    def hexversion(self) -> int | None:
        return HEX.get(self.version)

    def put(self, address: int, form: str, *values: float) -> None:
        struct.pack_into(form, self.bytes, address, *values)

    def word(self, address: int, value: int) -> None:
        self.put(address, "<Q", value)

    def gc(self, number: int = 0) -> int:
        """Address of an interpreter's collector."""
        if self.layout.gc_in_runtime is not None:
            return RUNTIME + self.layout.gc_in_runtime
        assert self.layout.interpreter_gc is not None
        return self.addresses[number] + self.layout.interpreter_gc

    def gil(self) -> int:
        return GIL if self.layout.gil_in_runtime is None else RUNTIME + self.layout.gil_in_runtime

    def thread(self, number: int = 0) -> int:
        return FIRST_THREAD + 0x1000 * number

    def generation(
        self, number: int, count: int, threshold: int, collections: int, collected: int, uncollectable: int = 0
    ) -> None:
        """Set the main interpreter's generation `number`."""
        self.put(self.gc() + self.generations + 24 * number + 16, "<2i", threshold, count)
        stats = self.layout.stats
        if self.layout.rings is None:
            entry = self.gc() + self.layout.gc.stats + stats.size * number
        else:
            entry = self.ring_entry(number, 1)
        for at, value in (
            (stats.collections, collections), (stats.collected, collected), (stats.uncollectable, uncollectable)
        ):  # fmt: skip
            self.put(entry + at, "<q", value)

    def ring_entry(self, generation: int, index: int) -> int:
        """Address of an entry of a generation's ring, which becomes the newest (3.15)."""
        rings = self.layout.rings
        assert rings is not None
        if generation == 0:
            start, index_at = STATISTICS + rings.young, STATISTICS + rings.young_index
        else:
            start = STATISTICS + rings.old + rings.old_size * (generation - 1)
            index_at = start + rings.old_index
        self.put(index_at, "<b", index)
        return start + index * self.layout.stats.size

    def _describe(self) -> None:
        """_Py_DebugOffsets, as far as it is looked at."""
        layout = self.layout
        if layout.debug_offsets is None:
            return
        words = [0] * (layout.debug_offsets // 8)
        words[1] = HEX[self.version]
        words[5] = layout.interpreters_head
        words[7:11] = [
            layout.interpreter_id,
            layout.interpreter_next,
            layout.interpreter_threads,
            layout.interpreter_gc or 0,
        ]
        words[-8:-6] = [layout.gc.size, layout.gc.collecting]
        if layout.rings is not None:
            words[-6] = layout.rings.size
        self.put(RUNTIME, f"<{len(words)}Q", *words)
        self.bytes[RUNTIME : RUNTIME + 8] = b"xdebugpy"

    def _interpreter(self, number: int, address: int, following: int) -> None:
        layout = self.layout
        self.put(address + layout.interpreter_id, "<q", number)
        self.word(address + layout.interpreter_next, following)
        self.word(address + layout.interpreter_threads, self.thread(number))
        self.word(self.thread(number) + layout.thread_interpreter, address)
        self.word(self.thread(number) + layout.thread_id, 0x7F00_0000 + number)
        if layout.thread_native_id is not None:
            self.word(self.thread(number) + layout.thread_native_id, 4000 + number)
        if layout.gil_pointer is not None:
            self.word(address + layout.gil_pointer, GIL)
        self.put(self.gil(), "<QQi4xQ", 5000, self.thread(0), 1, 42)
        if number == 0 or layout.gc_in_runtime is None:
            self._collector(self.gc(number))

    def _collector(self, gc: int) -> None:
        layout = self.layout.gc
        self.put(gc + layout.enabled, "<i", 1)
        heads = [gc + self.generations + 24 * number for number in range(3)] + [gc + layout.permanent]
        for head in heads:  # empty lists point at themselves
            self.put(head, "<2Q", head, head)
        if layout.anchor is not None:
            self.word(gc + layout.anchor, gc + self.generations)
        self.word(gc + layout.garbage, GARBAGE)
        if self.layout.rings is not None:
            self.word(gc + layout.stats, STATISTICS)
