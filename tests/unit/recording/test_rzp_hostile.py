"""Recordings made to harm: bombs, absurd lengths and counts, references that lead nowhere. Bounded, and told."""

from __future__ import annotations

import json
import random
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from razorprof.errors import RazorprofError
from razorprof.model.scrape import Event, Scrape, Tick
from razorprof.recording import rzp_format as form
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_format import FrameType, frame
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_records import RecordType, StructureType
from razorprof.recording.rzp_values import Damage
from razorprof.recording.rzp_zstd import Packer
from tests.unit.recording import rzp_forged as forged
from tests.unit.recording import rzp_samples as made

MOST_SECONDS = 60.0
MOST_MEMORY = 400 << 20


def read(tmp_path: Path, content: bytes) -> tuple[list[Event], list[Damage]]:
    """All that can be had of it, every way."""
    path = tmp_path / "a.rzp"
    path.write_bytes(content)
    tracemalloc.start()
    began = time.monotonic()
    try:
        with RecordingReader(path) as recording:
            found = list(recording.events())
            recording.ticks()
            recording.series()
            recording.profile()
            recording.targets()
            recording.context(made.START + 10)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < MOST_SECONDS
    return found, recording.damage


GOOD = forged.BEGIN + forged.tick()
BAD_RECORDS = {
    "a target that is not there": forged.scrape(target=9),
    "target 0": forged.scrape(target=0),
    "a layout that is not there": forged.scrape(layout=4_000_000_000),
    "a string that is not there": forged.record(RecordType.ENDED, rec.ENDED.pack(1, 0.0, 77)),
    "a frame of itself": forged.record(RecordType.STACK, forged.numbers(1)),
    "labels of strings that come later": forged.record(RecordType.LABELS, forged.numbers(50, 51)),
    "half a pair of labels": forged.record(RecordType.LABELS, forged.numbers(1, 2, 1)),
    "a layout whose metric is 0": forged.record(RecordType.LAYOUT, forged.numbers(0, 0, 0)),
    "a kind of metric that is none": forged.record(RecordType.METRIC, rec.METRIC.pack(1, 200, 0, 0)),
    "four billion stacks": forged.scrape(counts=(2**32 - 1, 0, 0)),
    "four billion structures": forged.scrape(counts=(0, 2**32 - 1, 0)),
    "four billion missing ones": forged.scrape(counts=(0, 0, 2**32 - 1)),
    "a structure longer than its scrape": forged.scrape(
        rec.STRUCTURE.pack(StructureType.GC, 2**32 - 1), counts=(0, 1, 0)
    ),
    "four billion interpreters": forged.scrape(
        rec.STRUCTURE.pack(StructureType.GC, rec.GC.size) + rec.GC.pack(0.0, 2**32 - 1), counts=(0, 1, 0)
    ),
    "four billion waiters": forged.scrape(
        rec.STRUCTURE.pack(StructureType.GIL, rec.GIL.size + rec.LOCK.size)
        + rec.GIL.pack(0.0, 0.0, 0, 0, 0, 0.0, 1)
        + rec.LOCK.pack(31, 0.0, 0, 0.0, 0, 0, 0, 2**32 - 1),
        counts=(0, 1, 0),
    ),
    "a row of other width": forged.record(RecordType.ROW, rec.ROW.pack(0, 0, 1.0) + bytes(8)),
    "a row of series that are not there": forged.record(RecordType.ROW, rec.ROW.pack(5, 0, 1.0)),
    "text that is none": forged.record(RecordType.STRING, b"\xff\xfe"),
    "a state of an alert that is none": forged.record(
        RecordType.CHANGE, rec.CHANGE.pack(0.0, 9, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0)
    ),
    "a body that is too short": forged.record(RecordType.TICK, b"x"),
    "a record longer than its block": rec.HEAD.pack(RecordType.MARK, 2**32 - 1),
    "a record's half head": b"\x10\x00",
}


@pytest.mark.parametrize("bad", BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_what_cannot_be_is_damage_with_its_place_and_what_came_before_is_read(bad: bytes, tmp_path: Path) -> None:
    found, damage = read(tmp_path, forged.recording([GOOD, bad + forged.tick(2), forged.tick(3)]))
    assert [event.number for event in found if isinstance(event, Tick)] in ([1], [1, 2, 3])
    if bad is BAD_RECORDS["a row of other width"] or bad is BAD_RECORDS["a row of series that are not there"]:
        assert damage  # seen by whoever asks for series
    else:
        assert len(found) == 1
        assert damage
    assert damage[0].offset > len(made.HEADER.encode())
    assert "cannot be" in damage[0].what


def test_what_a_later_version_may_add_is_passed_over(tmp_path: Path) -> None:
    """Types of records, structures and frames that are not known, and longer bodies."""
    unknown = forged.record(15, b"new") + forged.record(99, b"newer")
    structure = rec.STRUCTURE.pack(77, 3) + b"???"
    longer = forged.record(RecordType.TICK, rec.TICK.pack(made.START + 2, 2) + b"more")
    raws = [forged.BEGIN + unknown + forged.tick(), forged.scrape(structure, counts=(0, 1, 0)) + longer]
    content = (
        forged.recording(raws)
        + frame(FrameType(1), b"short")
        + struct.pack("<BII", 200, 0, zlib.crc32(b"\xc8\0\0\0\0"))
    )
    found, damage = read(tmp_path, content)
    assert [type(event) for event in found] == [Tick, Scrape, Tick]
    assert damage == []


@pytest.mark.parametrize("claims", [2**32 - 1, form.LARGEST_RAW + 1, form.LARGEST_RAW, 10_000])
def test_a_block_that_claims_more_than_it_holds_is_damage(claims: int, tmp_path: Path) -> None:
    packer = Packer()
    blocks = [forged.block(GOOD, packer), forged.block(b"x", packer, claims=claims)]
    found, damage = read(tmp_path, made.HEADER.encode() + forged.segment(*blocks))
    assert len(found) == 1
    assert damage


def test_a_bomb_is_unpacked_up_to_the_bound_of_a_segment(tmp_path: Path) -> None:
    """Three segments that would unpack to half a gigabyte each."""
    bomb = Packer().pack(bytes(form.LARGEST_RAW))
    assert len(bomb) < 10_000
    head = form.BLOCK_HEAD.pack(form.LARGEST_RAW - 100, 1, made.START + 5)
    segments = [
        forged.segment(frame(FrameType.BLOCK, head + bomb), *[frame(FrameType.BLOCK, head + bomb)] * 16, number=n)
        for n in (1, 2, 3)
    ]
    _, damage = read(tmp_path, made.HEADER.encode() + b"".join(segments))
    assert len(damage) >= 3


def test_more_records_than_bytes_can_mean_are_damage(tmp_path: Path) -> None:
    """Empty ones of no type, five bytes each, which pack to nothing."""
    found, damage = read(tmp_path, forged.recording([GOOD, bytes(5 * 190_000) + forged.tick(2)]))
    assert len(found) == 1
    assert "too many records" in damage[0].what


def test_a_stream_that_wants_a_huge_window_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=3)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    piece = packed.compress(GOOD) + packed.flush()
    block = frame(FrameType.BLOCK, form.BLOCK_HEAD.pack(len(GOOD), 1, made.START) + piece)
    found, damage = read(tmp_path, made.HEADER.encode() + forged.segment(block))
    assert found == []
    assert damage


def test_tables_that_grow_beyond_all_bounds_are_damage(tmp_path: Path) -> None:
    """Five million references in twenty megabytes, which pack to nothing."""
    stack = forged.record(RecordType.STACK, bytes(4 * 100_000))
    noise = forged.record(99, random.Random(1).randbytes(10_000))  # so that it does not pack too well
    found, damage = read(tmp_path, forged.recording([GOOD, noise + stack * 50 + forged.tick(2)]))
    assert len(found) == 1
    assert "too large" in damage[0].what


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 100_000,
        b"{}",
        b"[]",
        b'{"segments": 5}',
        json.dumps({"segments": [{}]}).encode(),
        json.dumps({"segments": [{"offset": 0}]}).encode(),
        json.dumps({"segments": [{"offset": True}]}).encode(),
        b'{"segments": [' + b"0," * 300_000 + b"0]}",
        b" " * (form.LARGEST_INDEX + 5) + b"{}",
    ],
    ids=lambda document: str(document[:20]),
)
def test_an_index_that_cannot_be_is_done_without(document: bytes, tmp_path: Path) -> None:
    content = forged.recording([GOOD])
    packer = Packer()
    index = frame(FrameType.INDEX, packer.pack(document) + packer.end())
    trailer = frame(FrameType.TRAILER, form.TRAILER_BODY.pack(len(content), form.MAGIC))
    found, damage = read(tmp_path, content + index + trailer)
    assert len(found) == 1
    assert damage == []


def test_an_index_that_declares_terabytes_is_not_allocated(tmp_path: Path) -> None:
    content = forged.recording([GOOD])
    head = b"\x28\xb5\x2f\xfd" + b"\xe0" + struct.pack("<Q", 1 << 42)  # RFC 8878: single segment, size of 8 bytes
    index = frame(FrameType.INDEX, head + b"\x01\x00\x00")
    trailer = frame(FrameType.TRAILER, form.TRAILER_BODY.pack(len(content), form.MAGIC))
    found, _ = read(tmp_path, content + index + trailer)
    assert len(found) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 60_000,
        b"{}",
        b"[]",
        b'{"id": "00", "created": 1, "interval": 1}',
        b'{"id": "' + b"00" * 16 + b'", "created": 1e999, "interval": 1}',
        b'{"id": "' + b"00" * 16 + b'", "created": 1, "interval": 0}',
        b'{"id": "' + b"00" * 16 + b'", "created": 1, "interval": 1, "host": 5}',
        b'{"id": 7, "created": [], "interval": {}}',
        b"\xff",
    ],
    ids=lambda text: str(text[:20]),
)
def test_a_header_that_cannot_be_is_refused(text: bytes, tmp_path: Path) -> None:
    start = struct.pack("<8sII", form.MAGIC, form.VERSION, len(text)) + text
    with pytest.raises(RazorprofError):
        read(tmp_path, start + struct.pack("<I", zlib.crc32(start)) + forged.segment())


def test_a_header_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RazorprofError):
        read(tmp_path, struct.pack("<8sII", form.MAGIC, form.VERSION, 2**32 - 1) + b"{}" * 100)


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), made.START - 1e6])
def test_a_block_whose_time_cannot_be_is_damage(moment: float, tmp_path: Path) -> None:
    packer = Packer()
    blocks = [forged.block(GOOD, packer), forged.block(forged.tick(2), packer, time=moment)]
    found, damage = read(tmp_path, made.HEADER.encode() + forged.segment(*blocks))
    assert len(found) == 1
    assert "time" in damage[0].what


def test_many_empty_frames_and_segments_take_time_in_proportion(tmp_path: Path) -> None:
    many = forged.segment() * 2_000 + frame(FrameType.END, b"") * 20_000 + made.HEADER.id * 20_000
    found, _ = read(tmp_path, made.HEADER.encode() + many)
    assert found == []
