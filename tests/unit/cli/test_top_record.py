"""What `top --record` writes: a file, or a ring that becomes one; copies and marks by SIGUSR1."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.cli.top_record import TopRecording
from razorprof.errors import UsageError
from razorprof.recording.rzp_file import NoRoom, RecordingFile
from razorprof.recording.rzp_reader import RecordingReader
from tests.unit.recording import rzp_samples as made


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Whatever a test does, SIGUSR1 is as it was."""
    before = signal.getsignal(signal.SIGUSR1)
    yield
    assert signal.getsignal(signal.SIGUSR1) is before
    signal.signal(signal.SIGUSR1, before)


def recording(folder: Path, *, last: float | None = None, force: bool = False) -> TopRecording:
    return TopRecording(str(folder / "a-{pid}.rzp"), [made.TARGET], 1.0, force=force, last=last)


def feed(recording: TopRecording, first: int, last: int) -> None:
    for second in range(first, last + 1):
        for event in made.a_tick(second):
            recording.writer(event)
        recording.writer.commit()


def ask(recording: TopRecording) -> None:
    """As `kill -USR1` does; the copy is awaited."""
    os.kill(os.getpid(), signal.SIGUSR1)
    if isinstance(recording._copying, threading.Thread):
        recording._copying.join(30.0)


def ticks(path: Path) -> list[int]:
    with RecordingReader(path) as found:
        return [round(time - made.START) for time in found.ticks().tolist()]


def test_a_ring_is_copied_by_a_signal_and_becomes_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    top = recording(tmp_path, last=80.0)
    feed(top, 1, 20)
    ask(top)
    feed(top, 21, 200)
    assert "wrote" not in capsys.readouterr().err  # the dashboard owns the terminal
    top.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert names[-1] == "a-7.rzp"
    assert ticks(tmp_path / names[0]) == list(range(1, 21))
    kept = ticks(tmp_path / "a-7.rzp")
    assert kept == list(range(kept[0], 201))
    assert 80 <= len(kept) < 120
    told = capsys.readouterr().err
    assert told.count("wrote") == 2
    assert names[0] in told


def test_without_a_ring_a_signal_is_a_mark(tmp_path: Path) -> None:
    top = recording(tmp_path)
    feed(top, 1, 2)
    ask(top)
    feed(top, 3, 4)
    top.close()
    with RecordingReader(tmp_path / "a-7.rzp") as found:
        assert [mark.text for mark in found.marks()] == ["SIGUSR1"]


def test_captures_read_it_while_it_is_written(tmp_path: Path) -> None:
    for last in (80.0, None):
        top = recording(tmp_path, last=last, force=True)
        feed(top, 1, 30)
        before = top.before.before(made.TARGET, made.START + 25, threading.Event())
        assert before is not None
        assert before.time == made.START + 25
        assert top.before.copy(tmp_path / f"copy-{last}.rzp", since=0.0, most=1 << 20) > 0
        assert ticks(tmp_path / f"copy-{last}.rzp") == list(range(1, 31))
        top.close()


def test_nothing_recorded_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for last in (80.0, None):
        top = recording(tmp_path, last=last)
        ask(top)
        top.close()
        assert list(tmp_path.iterdir()) == []
    assert "no copy of the recording" in capsys.readouterr().err


def test_a_disk_that_fails_leaves_the_ring_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = recording(tmp_path, last=80.0)
    feed(top, 1, 5)

    def full(self: RecordingFile, content: bytes) -> None:
        raise NoRoom("no room is left on the disk")

    monkeypatch.setattr(RecordingFile, "append", full)
    feed(top, 6, 6)
    with pytest.raises(NoRoom):
        top.close()
    assert "a-7.rzp.ring" in capsys.readouterr().err
    assert ticks(tmp_path / "a-7.rzp.ring") == [1, 2, 3, 4, 5]
    monkeypatch.undo()
    with pytest.raises(UsageError, match="earlier recording"):
        recording(tmp_path, last=80.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--last", "15m"], "there is nothing to keep"),
        (["--last", "5s", "--record", "a.rzp"], "--last is too short"),
        (["--last", "soon", "--record", "a.rzp"], "soon"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["top", "1", "--once", *arguments]) == 2
    assert words in capsys.readouterr().err
