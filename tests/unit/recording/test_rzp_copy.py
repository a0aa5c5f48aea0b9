"""Copies of a recording that is being written, made by somebody else; and a ring that is gone on with."""

from __future__ import annotations

import math
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.rzp_copy import copied_bytes, copy_recording, end_of
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_values import Forgotten
from razorprof.recording.rzp_writer import RecordingWriter
from tests.unit.recording import rzp_samples as made

SECONDS = 160.0  # in segments of twenty ticks
LATER = made.START + 1000.0


def a_ring(folder: Path) -> tuple[Ring, RecordingWriter]:
    ring = Ring.create(folder, made.HEADER, seconds=SECONDS, max_bytes=1 << 20)
    return ring, RecordingWriter(ring, made.HEADER, clock=ManualClock(), bounds=ring.bounds())


def again(folder: Path, *, now: float = LATER, header: Header = made.HEADER) -> tuple[Ring, RecordingWriter]:
    """What the next run does."""
    ring = Ring.go_on(folder, header, seconds=SECONDS, max_bytes=1 << 20, now=now)
    first = 1 if ring.left is None else ring.left.number + 1
    clock = ManualClock()
    return ring, RecordingWriter(ring, ring.header, clock=clock, bounds=ring.bounds(), first_segment=first)


def fill(writer: RecordingWriter, seconds: int, begin: int = 1) -> None:
    if begin == 1:
        writer(made.DETECTED)
    for second in range(begin, begin + seconds):
        for event in made.a_tick(second):
            writer(event)
        writer.commit()


def ticks(path: Path) -> list[int]:
    with RecordingReader(path) as recording:
        assert recording.damage == []
        return [round(time - made.START) for time in recording.ticks().tolist()]


def killed(folder: Path, ring: Ring, *, tail: bytes = b"") -> None:
    """The process is no more: its locks are gone, what it wrote stays, with half a frame at the end."""
    newest = max(folder.iterdir())
    with newest.open("ab") as file:
        file.write(tail)
    os.close(ring._lock)
    ring._lock = -1
    if ring._file is not None:
        os.close(ring._file._descriptor)
        ring._file._descriptor = -1


@pytest.mark.parametrize("seconds", [7, 20, 50, 333])
def test_a_copy_from_outside_is_the_one_that_the_writer_makes(tmp_path: Path, seconds: int) -> None:
    ring, writer = a_ring(tmp_path / "r")
    fill(writer, seconds)
    ring.dump(tmp_path / "inside.rzp", writer.current())
    size = copy_recording(tmp_path / "r", tmp_path / "outside.rzp")
    assert size == (tmp_path / "outside.rzp").stat().st_size
    with RecordingReader(tmp_path / "inside.rzp") as inside, RecordingReader(tmp_path / "outside.rzp") as outside:
        assert outside.is_complete
        assert outside.segments == inside.segments
        assert list(outside.events()) == list(inside.events())
        assert outside.header == made.HEADER
    assert (tmp_path / "outside.rzp").read_bytes() == (tmp_path / "inside.rzp").read_bytes()
    assert stat.S_IMODE((tmp_path / "outside.rzp").stat().st_mode) == 0o600
    fill(writer, 10, begin=seconds + 1)  # it was not held up
    assert writer.error is None


def test_a_plain_recording_is_copied_while_it_grows(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp", bounds=SegmentBounds(ticks=20))
    fill(writer, 50)
    assert copied_bytes(tmp_path / "a.rzp", most=1 << 20)
    copy_recording(tmp_path / "a.rzp", tmp_path / "b.rzp")
    assert ticks(tmp_path / "b.rzp") == list(range(1, 51))
    writer.close()
    copy_recording(tmp_path / "a.rzp", tmp_path / "c.rzp")
    with RecordingReader(tmp_path / "a.rzp") as whole, RecordingReader(tmp_path / "c.rzp") as copy:
        assert copy.segments == whole.segments


def test_a_copy_holds_what_was_asked_for_and_what_there_is_room_for(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    fill(writer, 150)
    copy_recording(tmp_path / "r", tmp_path / "late.rzp", since=made.START + 105)
    assert ticks(tmp_path / "late.rzp") == list(range(101, 151))  # whole segments
    content = copied_bytes(tmp_path / "r", most=12_000)
    assert 6_000 < len(content) <= 12_000
    (tmp_path / "small.rzp").write_bytes(content)
    kept = ticks(tmp_path / "small.rzp")
    assert kept == list(range(kept[0], 151))
    with pytest.raises(ToolFailed, match="no room"):
        copied_bytes(tmp_path / "r", most=100)
    with pytest.raises(ToolFailed, match="nothing was recorded"):
        copy_recording(tmp_path / "r", tmp_path / "none.rzp", since=made.START + 1000)
    with pytest.raises(UsageError, match="exists"):
        copy_recording(tmp_path / "r", tmp_path / "late.rzp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["late.rzp", "r", "small.rzp"]


def test_the_next_run_goes_on_where_a_kill_ended_the_last(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    ring, writer = a_ring(folder)
    fill(writer, 50)
    killed(folder, ring, tail=b"\x02\xff\x00\x00\x00half")
    ring, writer = again(folder)
    assert ring.left is not None
    assert (ring.left.crashed, ring.left.number, ring.left.last) == (True, 3, made.START + 50)
    assert ring.left.targets == (made.TARGET.identity,)
    for identity in ring.left.targets:
        writer.forget(identity)
    fill(writer, 40, begin=61)
    assert ticks(folder) == [*range(1, 51), *range(61, 101)]
    ring.dump(tmp_path / "copy.rzp", writer.current())
    assert ticks(tmp_path / "copy.rzp") == ticks(folder)
    with RecordingReader(tmp_path / "copy.rzp") as recording:
        assert [segment.number for segment in recording.segments] == [1, 2, 3, 4, 5]
        assert all(math.isfinite(segment.low) and segment.samples for segment in recording.segments)
        [(tick, forgotten)] = [
            (recorded.tick, item)
            for recorded in recording.recorded()
            for item in recorded.items
            if isinstance(item, Forgotten)
        ]
        assert tick is not None
        assert (tick.time, forgotten.identity) == (made.START + 61, made.TARGET.identity)
    fill(writer, 300, begin=101)  # and the oldest go
    assert ticks(folder)[0] > 150
    writer.close()
    ring, _ = again(folder)
    assert ring.left is not None
    assert not ring.left.crashed


def test_a_mended_segment_says_of_itself_what_its_writer_would_have(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    fill(writer, 30)
    wanted = writer.current()
    with RecordingReader(tmp_path / "r") as recording:
        assert end_of(recording, recording.pieces.all[-1]) == wanted


@pytest.mark.parametrize(
    ("header", "now"),
    [
        (replace(made.HEADER, host="elsewhere"), LATER),
        (replace(made.HEADER, interval=5.0), LATER),
        (replace(made.HEADER, program="razorprof 99"), LATER),
        (made.HEADER, made.START + 10.0),  # a clock that went back: what is there is of times to come
    ],
)
def test_what_cannot_be_gone_on_with_is_set_aside(tmp_path: Path, header: Header, now: float) -> None:
    folder = tmp_path / "r"
    for _ in range(2):
        ring, writer = a_ring(folder)
        fill(writer, 50)
        writer.close()
        ring, writer = again(folder, now=now, header=header)
        assert ring.left is None
        assert ring.header == header
        assert ticks(tmp_path / "r-before") == list(range(1, 51))
        writer.close()
        shutil.rmtree(folder)


def test_a_damaged_ring_is_gone_on_with_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    ring, writer = a_ring(folder)
    fill(writer, 70)
    killed(folder, ring)
    first, second, *_ = sorted(folder.iterdir())
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 255
    second.write_bytes(content)
    first.write_bytes(b"garbage")
    (folder / "00000009.rzp").write_bytes(b"")
    ring, writer = again(folder)
    assert ring.left is not None
    fill(writer, 20, begin=101)
    found = ticks(folder)
    assert found[-30:] == [*range(61, 71), *range(101, 121)]
    assert found[0] == 21
    assert not (folder / "00000009.rzp").exists()


def test_an_empty_folder_and_one_that_is_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    ring, writer = again(folder)
    assert ring.left is None
    assert not (tmp_path / "r-before").exists()
    with pytest.raises(UsageError, match="being written there"):
        again(folder)
    writer.close()
    (tmp_path / "file").write_text("x")
    with pytest.raises(ToolFailed, match="cannot be used"):
        again(tmp_path / "file")
    os.symlink(folder, tmp_path / "link")
    with pytest.raises(ToolFailed, match="cannot be used"):
        again(tmp_path / "link")
