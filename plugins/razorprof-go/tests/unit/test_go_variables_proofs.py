"""The runtime's variables are told by content that proves them; hostile memory ends in nothing worse than none."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from razorprof_go.layouts import Layout, layout_for
from razorprof_go.variables import _PROOFS, LAST_GC, _goroutines, _pacer, _pauses, _processors, _scheduler

from razorprof.errors import RazorprofError
from razorprof.remote.memory import RemoteMemory, UnreadableMemory

LAYOUT = layout_for((1, 25, 0))


class _Plan:
    def __init__(self, memory: Memory, pieces: Sequence[tuple[int, int]]) -> None:
        self._memory, self._pieces = memory, pieces

    def read(self) -> bytes:
        return b"".join(self._memory.read(at, size) for at, size in self._pieces)


class Memory:
    """Words by address; what is not there cannot be read, or is random where `noise` is given."""

    def __init__(self, words: dict[int, int], noise: random.Random | None = None) -> None:
        self._words, self._noise = words, noise

    def read_up_to(self, address: int, size: int) -> bytes:
        raw = b""
        at = address & ~7
        while len(raw) < size + 8:
            word = self._words.get(at)
            if word is None and self._noise is not None and self._noise.random() < 0.95:
                word = self._noise.choice((0, 1, 2, 8, 64, 1 << 20, self._noise.getrandbits(64), at + 8))
            if word is None:
                break
            raw += struct.pack("<Q", word)
            at += 8
        return raw[address & 7 :][:size]

    def read(self, address: int, size: int) -> bytes:
        raw = self.read_up_to(address, size)
        if len(raw) < size or address <= 0:
            raise UnreadableMemory("nothing there")
        return raw

    def word(self, address: int) -> int:
        return self.words(address, 1)[0]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def plan(self, pieces: Sequence[tuple[int, int]]) -> _Plan:
        return _Plan(self, pieces)

    @property
    def as_remote(self) -> RemoteMemory:
        return cast("RemoteMemory", self)


def test_a_list_of_goroutines_is_one_whose_copies_agree() -> None:
    words = {0x1000: 0xC000, 0x1008: 3, 0x1010: 4, 0x1018: 0, 0x1020: 0, 0x2000: 0xC000, 0x3000: 3}
    places = (0x1000, 0x2000, 0x3000)
    words |= {place + more: 0 for place in (0x2000, 0x3000) for more in (8, 16)}
    memory = Memory(words)
    assert _goroutines(memory.as_remote, places, {}, LAYOUT) == {"runtime.allgs": 0x1000}
    assert _goroutines(memory.as_remote, (0x1000, 0x2000), {}, LAYOUT) == {}, "no length beside it"
    torn = Memory(words | {0x1008: 5})
    assert _goroutines(torn.as_remote, places, {}, LAYOUT) == {}, "longer than its room"


def test_processors_are_numbered() -> None:
    words = {0x1000: 0x5000, 0x1008: 2, 0x1010: 2, 0x5000: 0x6000, 0x5008: 0x7000, 0x6000: 7 << 32, 0x7000: 1}
    assert _processors(Memory(words).as_remote, (0x1000,), {}, LAYOUT) == {"runtime.gomaxprocs": 0x1008}
    assert _processors(Memory(words | {0x7000: 0}).as_remote, (0x1000,), {}, LAYOUT) == {}


def test_the_least_heap_follows_from_the_percentage() -> None:
    for percent, least in ((100, 4 << 20), (37, 1551892), (0, 0), (-1, 184467440737053573)):
        words = {0x1000: percent & 0xFFFFFFFF, 0x1008: 1 << 40, 0x1010: least}
        assert _pacer(Memory(words).as_remote, (0x1000,), {}, LAYOUT) == {"runtime.gcController": 0x1000}
        assert _pacer(Memory(words | {0x1010: least + 1}).as_remote, (0x1000,), {}, LAYOUT) == {}
        assert _pacer(Memory(words | {0x1008: 1 << 63}).as_remote, (0x1000,), {}, LAYOUT) == {}
        assert _pacer(Memory(words).as_remote, (0x1000,), {}, None) == {}


def test_the_scheduler_knows_the_last_goroutine() -> None:
    known = {"runtime.allgs": 0x100, "runtime.gomaxprocs": 0x200}
    goroutine, scheduler = LAYOUT.goroutine, LAYOUT.scheduler
    words = {0x100: 0x300, 0x108: 1, 0x110: 1, 0x200: 4, 0x300: 0x400, 0x400 + goroutine["goid"]: 900}
    place = 0x10000
    words |= {place + at: 0 for at in range(0, max(scheduler.values()) + 16, 8)}
    words |= {
        place: 910,
        place + scheduler["mnext"]: 6,
        place + scheduler["maxmcount"] // 8 * 8: 10000 << 32 | 10000,
    }
    assert _scheduler(Memory(words).as_remote, (place,), known, LAYOUT) == {"runtime.sched": place}
    for changed in ({place: 899}, {place: 1 << 40}, {place + scheduler["mnext"]: 0}):
        assert _scheduler(Memory(words | changed).as_remote, (place,), known, LAYOUT) == {}
    assert _scheduler(Memory(words).as_remote, (place,), {}, LAYOUT) == {}


def test_the_pauses_take_all_fields_of_their_block() -> None:
    block = [0x1000 + at for at in (0, 8, 16, 2064, 4112, 4120)]
    nothing = Memory({}).as_remote
    assert _pauses(nothing, [*block, 0x9000], {}, None) == {LAST_GC: 0x1000}
    for missing in block:
        assert _pauses(nothing, [at for at in block if at != missing], {}, None) == {}
    twice = [*block, *[at + 0x10000 for at in block]]
    assert _pauses(nothing, twice, {}, None) == {}, "two of them prove nothing"


@given(seed=st.integers(0, 1 << 32), places=st.lists(st.integers(1, 1 << 40), max_size=8))
def test_hostile_memory_ends_in_an_answer_or_an_error_of_ours(seed: int, places: list[int]) -> None:
    noise = random.Random(seed)
    candidates = [place * 8 for place in places]
    for layout in cast("tuple[Layout | None, ...]", (LAYOUT, None)):
        for _, prove in _PROOFS:
            known = {"runtime.allgs": noise.choice(candidates or [8]), "runtime.gomaxprocs": 64}
            try:
                found = prove(Memory({}, noise).as_remote, candidates, known, layout)
            except (RazorprofError, struct.error):
                continue
            assert len(found) <= 1


def test_where_nothing_can_be_read_nothing_is_proven() -> None:
    for _, prove in _PROOFS:
        assert prove(Memory({}).as_remote, (0x1000, 0x2000), {}, LAYOUT) == {}
