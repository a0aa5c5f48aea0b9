"""The flight recorder on the disk: it keeps the last while, within its bytes; copies are whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.rzp_file import NoRoom, RecordingFile
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_ring import Ring, remove_ring
from razorprof.recording.rzp_writer import RecordingWriter
from tests.unit.recording import rzp_samples as made

SECONDS = 160.0  # in segments of twenty ticks


def a_ring(folder: Path, *, seconds: float = SECONDS, max_bytes: int = 1 << 20) -> tuple[Ring, RecordingWriter]:
    ring = Ring.create(folder, made.HEADER, seconds=seconds, max_bytes=max_bytes)
    return ring, RecordingWriter(ring, made.HEADER, clock=ManualClock(), bounds=ring.bounds())


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


def test_it_keeps_the_last_while_and_little_more(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    for last in range(1, 600, 50):
        fill(writer, 50, begin=last)
        kept = ticks(tmp_path / "r")
        assert kept[-1] == last + 49
        assert kept == list(range(kept[0], last + 50))
        assert min(SECONDS, last + 49) <= len(kept) <= SECONDS + 45
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "r").iterdir()} == {0o600}


def test_what_was_known_before_the_ring_reaches_back_is_still_known(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    fill(writer, 400)
    with RecordingReader(tmp_path / "r") as recording:
        span = recording.span
        assert span is not None
        assert span[0] > made.START + 100
        assert made.DETECTED in recording.context(span[0] + 1)
        assert recording.targets() == [made.TARGET]


def test_its_bytes_are_bounded(tmp_path: Path) -> None:
    ring, writer = a_ring(tmp_path / "r", seconds=1e6, max_bytes=60_000)
    fill(writer, 2000)
    assert writer.is_recording
    whole = sum(path.stat().st_size for path in (tmp_path / "r").iterdir())
    assert 30_000 < whole <= 60_000
    assert whole == ring.size
    kept = ticks(tmp_path / "r")
    assert kept == list(range(kept[0], 2001))


def test_a_copy_is_one_recording_and_the_ring_goes_on(tmp_path: Path) -> None:
    ring, writer = a_ring(tmp_path / "r")
    fill(writer, 30)
    size = ring.dump(tmp_path / "copy.rzp", writer.current())
    assert (tmp_path / "copy.rzp").stat().st_size == size
    fill(writer, 30, begin=31)
    assert ticks(tmp_path / "copy.rzp") == list(range(1, 31))
    with RecordingReader(tmp_path / "copy.rzp") as recording:
        assert recording.is_complete
        assert list(recording.events()) == list(made.events(30))
        assert recording.header == made.HEADER
    assert ticks(tmp_path / "r") == list(range(1, 61))
    with pytest.raises(UsageError, match="exists"):
        ring.dump(tmp_path / "copy.rzp", writer.current())


def test_at_the_end_it_becomes_one_file_and_the_folder_is_gone(tmp_path: Path) -> None:
    ring, writer = a_ring(tmp_path / "r")
    fill(writer, 50)
    writer.close()
    ring.dump(tmp_path / "last.rzp", writer.current())
    ring.remove()
    assert ticks(tmp_path / "last.rzp") == list(range(1, 51))
    assert os.listdir(tmp_path) == ["last.rzp"]


def test_what_a_crash_left_is_told_and_replaced_only_by_force(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    fill(writer, 50)
    with pytest.raises(UsageError, match="being written there"):
        Ring.create(tmp_path / "r", made.HEADER, seconds=60, max_bytes=1 << 20, force=True)
    writer.close()
    with pytest.raises(UsageError, match="earlier recording"):
        Ring.create(tmp_path / "r", made.HEADER, seconds=60, max_bytes=1 << 20)
    assert ticks(tmp_path / "r")
    Ring.create(tmp_path / "r", made.HEADER, seconds=60, max_bytes=1 << 20, force=True).close()
    assert os.listdir(tmp_path / "r") == []


def test_nothing_but_its_own_files_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "00000001.rzp").write_bytes(b"")
    (folder / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match="something else"):
        remove_ring(folder)
    assert sorted(os.listdir(folder)) == ["00000001.rzp", "thesis.tex"]


def test_on_a_full_disk_older_segments_give_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, writer = a_ring(tmp_path / "r")
    real = RecordingFile.append

    def bounded(file: RecordingFile, content: bytes) -> None:
        if sum(path.stat().st_size for path in file.path.parent.iterdir()) + len(content) > 8_000:
            raise NoRoom("no room is left on the disk", value=file.path)
        real(file, content)

    monkeypatch.setattr(RecordingFile, "append", bounded)
    fill(writer, 1000)
    assert writer.error is None
    kept = ticks(tmp_path / "r")
    assert kept == list(range(kept[0], 1001))
    assert len(kept) < SECONDS


def test_a_folder_that_vanishes_ends_the_recording(tmp_path: Path) -> None:
    ring, writer = a_ring(tmp_path / "r")
    fill(writer, 5)
    for path in (tmp_path / "r").iterdir():
        path.unlink()
    (tmp_path / "r").rmdir()
    fill(writer, 30, begin=6)
    assert isinstance(writer.error, ToolFailed)
    ring.close()


def test_a_file_of_another_recording_among_them_is_told_and_left_out(tmp_path: Path) -> None:
    _, writer = a_ring(tmp_path / "r")
    fill(writer, 50)
    other = made.record(tmp_path / "b.rzp", made.events(3)).read_bytes()
    (tmp_path / "r" / "00000099.rzp").write_bytes(other.replace(made.HEADER.id.hex().encode(), b"f" * 32))
    (tmp_path / "r" / "00000098.rzp").write_bytes(b"nothing")
    (tmp_path / "r" / "00000097.rzp").write_bytes(b"")  # whoever records was killed as it began it: no damage
    with RecordingReader(tmp_path / "r") as recording:
        assert len(recording.ticks()) == 50
        assert len(recording.damage) == 2
