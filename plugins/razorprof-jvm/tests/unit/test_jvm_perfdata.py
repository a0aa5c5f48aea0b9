"""Performance data of a JVM: both byte orders, and whatever a hostile or half-written block may hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from razorprof_jvm.perf_image import PerfData
from razorprof_jvm.perfdata import (
    Counters,
    DamagedPerfData,
    NotReadyPerfData,
    parse_header,
    parse_layout,
)

from razorprof.errors import NotSupported, RazorprofError

MakeBlock = Callable[..., bytes]
SMALL = {"sun.gc.collector.0.invocations": 7, "sun.gc.cause": "No GC", "negative": -3}


class Bytes:
    """An image whose content the test changes; each read may be followed by a change."""

    def __init__(self, *blocks: bytes) -> None:
        self.blocks = list(blocks)
        self.reads = 0
        self.is_closed = False

    def read(self, size: int) -> bytes:
        block = self.blocks[min(self.reads, len(self.blocks) - 1)]
        self.reads += 1
        return block[:size]

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_and_texts_are_read_in_either_byte_order(perf_block: MakeBlock, order: str) -> None:
    block = perf_block(SMALL, order=order)
    counters = Counters(parse_layout(block), block)
    assert counters.number("sun.gc.collector.0.invocations") == 7
    assert counters.number("negative") == -3
    assert counters.text("sun.gc.cause") == "No GC"
    assert counters.number("sun.gc.cause") is None
    assert counters.text("nothing") is None


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda block: b"", DamagedPerfData),
        (lambda block: block[:31], DamagedPerfData),
        (lambda block: b"\x7fELF" + block[4:], DamagedPerfData),
        (lambda block: block[:4] + b"\x07" + block[5:], DamagedPerfData),
        (lambda block: block[:5] + b"\x03" + block[6:], NotSupported),
        (lambda block: block[:7] + b"\0" + block[8:], NotReadyPerfData),
        (lambda block: block[:8] + struct.pack("<i", -1) + block[12:], DamagedPerfData),
        (lambda block: block[:8] + struct.pack("<i", 1 << 30) + block[12:], DamagedPerfData),
        (lambda block: block[:12] + struct.pack("<i", -1) + block[16:], DamagedPerfData),
        (lambda block: block[:24] + struct.pack("<i", 8) + block[28:], DamagedPerfData),
        (lambda block: block[:28] + struct.pack("<i", -1) + block[32:], DamagedPerfData),
        (lambda block: block[:28] + struct.pack("<i", 1 << 20) + block[32:], DamagedPerfData),
        (lambda block: block[:28] + struct.pack("<i", 99) + block[32:], DamagedPerfData),
        (lambda block: block[:60], DamagedPerfData),
    ],
)
def test_a_block_that_cannot_be_is_refused(
    perf_block: MakeBlock, change: Callable[[bytes], bytes], error: type[RazorprofError]
) -> None:
    with pytest.raises(error):
        parse_layout(change(perf_block(SMALL)))


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, 0), (0, 19), (0, -5), (0, 1 << 30), (4, 0), (4, 1 << 20), (8, -1), (8, 1 << 30), (16, -1), (16, 1 << 20)],
    ids=lambda value: str(value),
)
def test_an_entry_that_reaches_outside_of_itself_is_refused(perf_block: MakeBlock, field: int, value: int) -> None:
    block = bytearray(perf_block(SMALL))
    struct.pack_into("<i", block, 32 + field, value)
    with pytest.raises(DamagedPerfData, match="counter 0"):
        parse_layout(bytes(block))


def test_a_name_without_an_end_is_refused(perf_block: MakeBlock) -> None:
    block = bytearray(perf_block({"abc": "x"}))
    length = struct.unpack_from("<i", block, 32)[0]
    block[52 : 32 + length] = b"a" * (length - 20)
    with pytest.raises(DamagedPerfData, match="without an end"):
        parse_layout(bytes(block))


@given(st.data())
def test_any_change_of_bytes_gives_counters_or_a_clear_error(data: st.DataObject) -> None:
    block = bytearray(_g1_like())
    for _ in range(data.draw(st.integers(1, 8))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    try:
        layout = parse_layout(bytes(block))
    except RazorprofError:
        return
    counters = Counters(layout, bytes(block))
    for name in layout.numbers:
        assert isinstance(counters.number(name), int)
    for name in layout.texts:
        assert isinstance(counters.text(name), str)


def _g1_like() -> bytes:
    name = b"sun.gc.collector.0.time\0" + bytes(4)
    entry = struct.pack("<iii", 20 + len(name) + 8, 20, 0) + b"J\0\0\0" + struct.pack("<i", 20 + len(name))
    body = (entry + name + struct.pack("<q", 77)) * 3
    head = b"\xca\xfe\xc0\xc0\x01\x02\x00\x01" + struct.pack("<iiqii", 32 + len(body), 0, 1, 32, 3)
    return head + body


def test_overflow_is_told_and_is_no_error(perf_block: MakeBlock) -> None:
    assert parse_header(perf_block(SMALL, overflow=120)).overflow == 120


def test_the_layout_is_parsed_anew_when_the_jvm_adds_counters(perf_block: MakeBlock) -> None:
    image = Bytes(perf_block(SMALL))
    perf_data = PerfData(image)
    assert perf_data.read().number("later") is None
    image.blocks = [perf_block({**SMALL, "later": 5})]
    assert perf_data.read().number("later") == 5
    perf_data.close()
    assert image.is_closed


def test_counters_that_belong_together_are_read_until_they_stay_the_same(perf_block: MakeBlock) -> None:
    def block(number: int, time: int) -> bytes:
        return perf_block({"n": number, "t": time})

    image = Bytes(block(1, 10))
    perf_data = PerfData(image)
    perf_data.read()
    image.blocks, image.reads = [block(2, 10), block(2, 20), block(2, 20)], 0
    counters = perf_data.read(("n", "t"))
    assert (counters.number("n"), counters.number("t")) == (2, 20)
    assert image.reads == 3


def test_counters_that_never_rest_are_read_three_times_at_most(perf_block: MakeBlock) -> None:
    image = Bytes(*(perf_block({"n": number}) for number in range(20)))
    perf_data = PerfData(image)
    perf_data.read()
    before = image.reads
    perf_data.read(("n",))
    assert image.reads - before == 3


def test_a_file_that_shrinks_under_the_reader_is_an_error_and_no_crash(perf_block: MakeBlock) -> None:
    image = Bytes(perf_block(SMALL))
    perf_data = PerfData(image)
    perf_data.read()
    image.blocks = [perf_block(SMALL)[:40]]
    with pytest.raises(DamagedPerfData):
        perf_data.read()


def test_texts_are_cut_at_their_end_mark_and_bounded(perf_block: MakeBlock, g1_counters: dict[str, Any]) -> None:
    block = perf_block({**g1_counters, "java.rt.vmArgs": "x" * 9000}, size=65_536)
    text = Counters(parse_layout(block), block).text("java.rt.vmArgs")
    assert text == "x" * 4096
