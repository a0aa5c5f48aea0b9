"""How a recording ends, and what is told of it: with a session that is played here."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from razorprof.cli.record_run import Plan, run
from razorprof.errors import TargetGone, ToolFailed, UsageError
from razorprof.model.scrape import Event, Tick
from razorprof.model.target import Life
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.session import Session
from razorprof.session.view import SessionState, TargetStatus
from tests.unit.recording import rzp_samples as made


class PlayedSession:
    """Feeds a recorder with ticks as fast as it can, from a thread of its own, as a session does."""

    def __init__(
        self, writer: RecordingWriter, *, ticks: int | None = None, on_tick: Callable[[int], None]
    ) -> None:
        self.view = self
        self._writer = writer
        self._ticks = ticks
        self._on_tick = on_tick
        self._gone = False
        self._stopping = threading.Event()
        self._listener: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def state(self) -> SessionState:
        life = Life.GONE if self._gone else Life.ALIVE
        ended = made.START if self._gone else None
        return SessionState(0.0, 0, (TargetStatus(made.TARGET, life, ended=ended, how="exit code 3"),))

    def listen(self, listener: Callable[[], None]) -> None:
        self._listener = listener

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def alive(self) -> bool:
        return not self._gone

    def _run(self) -> None:
        second = 0
        while not self._stopping.is_set():
            if self._ticks is not None and second >= self._ticks:
                self._gone = True
                self._listener()
                self._stopping.wait(10)
                return
            second += 1
            events: list[Event] = made.a_tick(second)
            for event in events:
                self._writer(event)
            self._writer.commit()
            self._listener()
            self._on_tick(second)
            self._stopping.wait(0.002)


def play(
    path: Path,
    *,
    seconds: float | None = None,
    last: float | None = None,
    max_bytes: int = 1 << 20,
    ticks: int | None = None,
    on_tick: Callable[[int], None] = lambda second: None,
    force: bool = False,
) -> None:
    plan = Plan(1.0, seconds, last, max_bytes, force, follows=False)

    def make(writer: RecordingWriter) -> Session:
        return cast("Session", PlayedSession(writer, ticks=ticks, on_tick=on_tick))

    run(path, plan, make, as_json=True)


def told(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def ticks_in(path: Path) -> int:
    with RecordingReader(path) as recording:
        assert recording.is_complete
        assert recording.damage == []
        return len(recording.ticks())


def test_it_ends_with_the_duration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(tmp_path / "a.rzp", seconds=20.0)
    [document] = told(capfd)
    assert document["ended"] == "duration"
    assert document["seconds"] >= 20.0
    assert document["ticks"] == ticks_in(tmp_path / "a.rzp")
    assert document["bytes"] == (tmp_path / "a.rzp").stat().st_size


def test_it_ends_with_its_targets_and_keeps_what_it_has(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(tmp_path / "a.rzp", ticks=5)
    assert [document["ended"] for document in told(capfd)] == ["gone"]
    assert ticks_in(tmp_path / "a.rzp") == 5


def test_without_one_tick_it_leaves_nothing_and_says_that_the_target_is_gone(tmp_path: Path) -> None:
    for last in (None, 60.0):
        with pytest.raises(TargetGone, match="exit code 3"):
            play(tmp_path / "a.rzp", ticks=0, last=last)
        assert os.listdir(tmp_path) == []


def test_it_ends_at_its_bound_of_bytes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(tmp_path / "a.rzp", max_bytes=10_000)
    [document] = told(capfd)
    assert document["ended"] == "max_bytes"
    assert document["bytes"] <= 10_000
    assert ticks_in(tmp_path / "a.rzp") == document["ticks"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(
    number: signal.Signals, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt(second: int) -> None:
        if second == 7:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    play(tmp_path / "a.rzp", on_tick=interrupt)
    assert signal.getsignal(number) is before
    assert [document["ended"] for document in told(capfd)] == ["signal"]
    assert ticks_in(tmp_path / "a.rzp") >= 7


def test_sigusr1_notes_a_mark(tmp_path: Path) -> None:
    def ask(second: int) -> None:
        if second == 3:
            os.kill(os.getpid(), signal.SIGUSR1)

    play(tmp_path / "a.rzp", seconds=400.0, on_tick=ask)
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert [mark.text for mark in recording.marks()] == ["SIGUSR1"]


def test_sigusr1_copies_the_ring_and_at_the_end_the_ring_becomes_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def ask(second: int) -> None:
        if second == 30:
            os.kill(os.getpid(), signal.SIGUSR1)

    play(tmp_path / "a.rzp", seconds=600.0, last=100.0, on_tick=ask)
    copy, final = told(capfd)
    assert (copy["ended"], final["ended"]) == (None, "duration")
    assert final["file"] == str(tmp_path / "a.rzp")
    assert ticks_in(Path(copy["file"])) >= 30
    assert 100 <= ticks_in(tmp_path / "a.rzp") <= 130
    assert sorted(os.listdir(tmp_path)) == sorted([Path(copy["file"]).name, "a.rzp"])


def test_an_error_of_the_writer_ends_it_and_says_what_there_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def remove(second: int) -> None:
        if second == 5:
            (tmp_path / "a.rzp").unlink()

    with pytest.raises(ToolFailed, match="removed"):
        play(tmp_path / "a.rzp", on_tick=remove)
    assert [document["ended"] for document in told(capfd)] == ["error"]


def test_a_session_that_fails_leaves_a_sound_recording(tmp_path: Path) -> None:
    class Broken(PlayedSession):
        def _run(self) -> None:
            self._writer(Tick(made.START, 1))

    plan = Plan(1.0, None, None, 1 << 20, False, follows=False)
    with pytest.raises(ToolFailed, match="ended by an error"):
        run(
            tmp_path / "a.rzp",
            plan,
            lambda writer: cast("Session", Broken(writer, on_tick=lambda second: None)),
            as_json=False,
        )
    assert ticks_in(tmp_path / "a.rzp") == 1


def test_what_exists_is_kept_without_force(tmp_path: Path) -> None:
    (tmp_path / "a.rzp").write_text("precious")
    for last in (None, 60.0):
        with pytest.raises(UsageError, match="exists"):
            play(tmp_path / "a.rzp", seconds=5.0, last=last)
    assert os.listdir(tmp_path) == ["a.rzp"]
    assert (tmp_path / "a.rzp").read_text() == "precious"
    play(tmp_path / "a.rzp", seconds=5.0, force=True)
    assert ticks_in(tmp_path / "a.rzp") >= 5
