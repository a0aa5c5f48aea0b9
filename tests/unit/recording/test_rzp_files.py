"""The file of a recording: private, new, for one writer alone; what goes wrong with it is a clear error."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from razorprof.errors import NotSupported, RazorprofError, ToolFailed, UsageError
from razorprof.model.scrape import Tick
from razorprof.recording.rzp_file import NoRoom, RecordingFile
from razorprof.recording.rzp_open import looks_like_recording
from razorprof.recording.rzp_reader import RecordingReader
from tests.unit.recording import rzp_samples as made


def test_the_file_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = made.record(tmp_path / "a.rzp", made.events(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(1))
    with pytest.raises(UsageError, match="exists"):
        RecordingFile.create(path)
    with RecordingReader(path) as before:
        RecordingFile.create(path, force=True).close()
        assert len(before.ticks()) == 1  # who had it open still reads what it was
    assert path.stat().st_size == 0


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    link = tmp_path / "a.rzp"
    link.symlink_to(victim)
    with pytest.raises(UsageError, match="exists"):
        RecordingFile.create(link)
    RecordingFile.create(link, force=True).close()
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink()


def test_nobody_else_writes_into_it_not_even_by_force(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    for force in (False, True):
        with pytest.raises(UsageError, match=r"exists|another recording is being written"):
            RecordingFile.create(tmp_path / "a.rzp", force=force)
    for event in made.events(2):
        writer(event)
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert len(recording.ticks()) == 2
    RecordingFile.create(tmp_path / "a.rzp", force=True).close()


def test_a_reader_that_locks_the_file_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    with open(tmp_path / "a.rzp", "rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    for event in made.events(2):
        writer(event)
    writer.close()
    assert writer.error is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_what_a_failing_write_left_is_cut_off_and_recording_ends(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    for event in made.events(5):
        writer(event)
    size = (tmp_path / "a.rzp").stat().st_size
    real = os.pwrite

    def half_and_no_more(descriptor: int, content: bytes, at: int) -> int:
        if at > size:
            raise OSError(number, os.strerror(number))
        return real(descriptor, bytes(content)[: len(content) // 2], at)

    monkeypatch.setattr(os, "pwrite", half_and_no_more)
    writer(Tick(made.START + 6, 6))
    writer.commit()
    assert isinstance(writer.error, ToolFailed)
    assert isinstance(writer.error, NoRoom) is (number != errno.EIO)
    assert "a.rzp" in str(writer.error)
    monkeypatch.undo()
    assert not writer.is_recording
    writer(Tick(made.START + 7, 7))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert len(recording.ticks()) == 4  # nobody had committed the fifth
        assert not recording.is_complete
        assert recording.damage == []


def test_a_file_that_is_removed_ends_the_recording(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    for event in made.events(3):
        writer(event)
    (tmp_path / "a.rzp").unlink()
    writer.commit()
    assert writer.error is not None
    assert "removed" in str(writer.error)


def test_a_file_that_somebody_else_cuts_or_fills_ends_the_recording(tmp_path: Path) -> None:
    for change in (lambda path: os.truncate(path, 100), lambda path: path.open("ab").write(b"x")):
        path = tmp_path / "a.rzp"
        writer = made.a_writer(path)
        for event in made.events(3):
            writer(event)
        change(path)
        writer.commit()
        assert writer.error is not None
        assert "changed" in str(writer.error)
        writer.close()
        path.unlink()


def test_a_file_that_is_moved_is_recorded_on(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    for event in made.events(3):
        writer(event)
    (tmp_path / "a.rzp").rename(tmp_path / "b.rzp")
    writer.close()
    assert writer.error is None
    with RecordingReader(tmp_path / "b.rzp") as recording:
        assert len(recording.ticks()) == 3


def test_a_newer_version_is_refused_and_named(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(1))
    content = bytearray(path.read_bytes())
    content[8] = 7
    path.write_bytes(content)
    assert looks_like_recording(path)
    with pytest.raises(NotSupported, match="version 7"):
        RecordingReader(path)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\x89RZP\r\n\x1a\n", b"\x89RZP\r\n\x1a\r" + bytes(90), b"\x1f\x8b" * 90]
)
def test_what_is_no_recording_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    path.write_bytes(content)
    with pytest.raises(ToolFailed, match=r"a\.rzp"):
        RecordingReader(path)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.rzp")
    (tmp_path / "folder").mkdir()
    made.record(tmp_path / "folder" / "mine.rzp", made.events(1))  # a folder of recordings is none, nor a bundle
    for path in (tmp_path / "a.rzp", tmp_path / "folder", tmp_path / "none", Path("/dev/null"), Path("a\0b")):
        assert not looks_like_recording(path)
        with pytest.raises(RazorprofError):
            RecordingReader(path)
