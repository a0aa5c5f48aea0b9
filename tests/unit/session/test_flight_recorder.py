"""The last minutes on the disk: over a kill and a restart, for captures, on demand, and on a disk that fails."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.show_bundle import print_file
from razorprof.cli.top_alerting import TopCaptures, Wishes
from razorprof.clock import ManualClock
from razorprof.errors import ToolFailed, UsageError
from razorprof.model.scrape import Detected, Event, Scrape, Tick
from razorprof.model.series import is_stale
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_file import NoRoom, RecordingFile
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_ring import Ring as DiskRing
from razorprof.session import flight_recorder
from razorprof.session.flight_recorder import RETRY_SECONDS, FlightRecorder
from razorprof.session.player import Player
from razorprof.session.ring import Ring
from razorprof.store.view import equal
from tests.unit.recording import rzp_samples as made
from tests.unit.session.capture_room import NOW, WEB, Room, actions, fires
from tests.unit.session.recorded_hosts import feed_host

START = made.START
ENOUGH = threading.Event()  # nobody waits for a tick that does not come
ENOUGH.set()


def a_recorder(state: Path, now: float = START, *, seconds: float = 160.0) -> FlightRecorder:
    return FlightRecorder(state, interval=1.0, seconds=seconds, max_bytes=1 << 20, clock=ManualClock(now))


def life(target: Target, first: int, last: int) -> Iterator[Event]:
    if first == 1:
        detected = Detected(target, START, "cpython", "3.11.7", name=target.name, command="python web.py")
        yield Scrape(target, "runtime", START, 0.001, structures=(detected,))
    for second in range(first, last + 1):
        process, stacks, tick = made.a_tick(second)
        assert isinstance(process, Scrape)
        assert isinstance(stacks, Scrape)
        for scrape in (process, stacks):
            yield Scrape(
                target,
                scrape.source,
                scrape.time,
                scrape.duration,
                scrape.samples,
                scrape.stacks,
                scrape.structures,
            )
        yield tick


def feed(recorder: FlightRecorder, first: int, last: int, target: Target = WEB) -> None:
    for event in life(target, first, last):
        recorder.writer(event)
        if isinstance(event, Tick):
            recorder.writer.commit()


def kill(recorder: FlightRecorder) -> None:
    """As kill -9 does: descriptors and locks go, nothing more is written."""
    ring = recorder.writer._sink
    assert isinstance(ring, DiskRing)
    assert ring._file is not None
    os.close(ring._lock)
    os.close(ring._file._descriptor)
    ring._lock = ring._file._descriptor = -1


def ticks(path: Path) -> list[int]:
    with RecordingReader(path) as recording:
        return [round(time - START) for time in recording.ticks().tolist()]


def test_what_a_killed_run_left_is_kept_and_the_next_goes_on(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path)
    assert recorder.crash is None
    feed(recorder, 1, 50)
    kill(recorder)
    recorder = a_recorder(tmp_path, START + 60)
    assert recorder.crash is not None
    assert ticks(recorder.crash) == list(range(1, 51))
    assert stat.S_IMODE(recorder.crash.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.crash.parent.stat().st_mode) == 0o700
    feed(recorder, 61, 70)
    recorder.close()
    assert ticks(tmp_path / "ring") == [*range(1, 51), *range(61, 71)]
    with RecordingReader(tmp_path / "ring") as recording:
        assert [mark.text for mark in recording.marks()] == ["razorprof was started again"]
    ended = a_recorder(tmp_path, START + 80)
    assert ended.crash is None  # it was ended in order
    ended.close()


def test_what_nobody_looked_at_meanwhile_is_stale_from_then_on(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path)
    feed_host(recorder.writer, "box", range(1, 31))
    kill(recorder)
    recorder = a_recorder(tmp_path, START + 60)
    other = Target(Identity(8, 5), "worker")
    feed_host(recorder.writer, "box", range(61, 71), target=other)
    recorder.close()
    with RecordingReader(tmp_path / "ring") as recording:
        view = recording.series().view
        for series in view.select([equal("pid", "7")], -math.inf, math.inf):
            assert is_stale(series.values[-1:])[0]
            assert series.times[-1] == START + 31
        [lives] = view.select([equal("pid", "8"), equal("__name__", "up")], -math.inf, math.inf)
        assert lives.last() == 1.0
    player = Player(RecordingReader(tmp_path / "ring"))
    assert [status.target.pid for status in player.seek(START + 30).targets] == [7]
    assert [status.target.pid for status in player.seek(START + 70).targets] == [8]


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_kill_cut_it_the_next_run_goes_on(tmp_path: Path, part: int) -> None:
    (tmp_path / "0").mkdir(mode=0o700)
    recorder = a_recorder(tmp_path / "0")
    feed(recorder, 1, 25)
    kill(recorder)
    newest = max((tmp_path / "0" / "ring").iterdir())
    content = newest.read_bytes()
    for cut in range(part * 53, len(content), 211):
        state = tmp_path / str(cut + 1)
        shutil.copytree(tmp_path / "0", state)
        (state / "ring" / newest.name).write_bytes(content[:cut])
        again = a_recorder(state, START + 60)
        feed(again, 61, 62)
        again.close()
        found = ticks(state / "ring")
        assert found == [*range(1, found[-3] + 1), 61, 62]
        assert 20 <= found[-3] <= 25
        shutil.rmtree(state)


def test_of_many_crashes_and_wishes_the_newest_are_kept(tmp_path: Path) -> None:
    for life in range(5):
        recorder = a_recorder(tmp_path, START + 100 * life)
        feed(recorder, 100 * life + 1, 100 * life + 5)
        kill(recorder)
    crashes = sorted((tmp_path / "recordings").glob("*-crash.rzp"))
    assert len(crashes) == flight_recorder.MOST_CRASHES
    assert ticks(crashes[-1])[-1] == 305
    clock = ManualClock(START + 1000)
    recorder = FlightRecorder(tmp_path, interval=1.0, seconds=160.0, max_bytes=1 << 20, clock=clock)
    feed(recorder, 1001, 1005)
    asked = []
    for _ in range(8):
        clock.advance(0.25)
        asked.append(recorder.dump())
    kept = sorted((tmp_path / "recordings").glob("*-asked.rzp"))
    assert kept == asked[-flight_recorder.MOST_ASKED :]
    recorder.close()


def test_before_any_tick_a_copy_is_refused(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path)
    with pytest.raises(ToolFailed, match="no recording"):
        recorder.dump()
    recorder.close()


def test_what_was_seen_before_an_alert_is_read_from_the_disk_over_a_restart(tmp_path: Path) -> None:
    recorder, memory = a_recorder(tmp_path), Ring()
    other = Target(Identity(8, 1), "other")
    for event in life(WEB, 1, 40):
        memory.see(event)
    feed(recorder, 1, 40)
    for event in life(other, 41, 42):
        recorder.writer(event)
    kill(recorder)
    recorder = a_recorder(tmp_path, START + 50)
    wanted = memory.take(WEB.identity)
    found = recorder.before.before(WEB, START + 40, ENOUGH)
    assert wanted is not None
    assert found is not None
    assert found.profile() == wanted.profile()
    assert found.detected == wanted.detected
    early = recorder.before.before(WEB, START + 20, ENOUGH)
    assert early is not None
    assert early.time == START + 20
    assert recorder.before.before(Target(Identity(9, 9), "x"), START + 40, ENOUGH) is None
    recorder.close()


def test_a_bundle_begins_with_what_lies_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    recorder = a_recorder(tmp_path / "state", NOW - 100)
    feed(recorder, 1, 100)
    room = Room(tmp_path / "state", actions("[bundle: {}]"), recorded=recorder.before)
    room.clock.advance(100.0)
    folder = room.take(fires(START + 100))
    with tarfile.open(next(folder.glob("bundle*"))) as bundle:
        names = bundle.getnames()
        content = bundle.extractfile(next(name for name in names if name.endswith("before.rzp")))
        assert content is not None
        (tmp_path / "x.rzp").write_bytes(content.read())
        profile = bundle.extractfile(next(name for name in names if name.endswith("before-cpu.json")))
        assert profile is not None
        assert json.load(io.BytesIO(profile.read()))["duration_seconds"] == pytest.approx(100.0)
    assert ticks(tmp_path / "x.rzp") == list(range(1, 101))
    document = json.loads((folder / "capture.json").read_text())
    assert document["before_seconds"] == pytest.approx(100.0)
    recorder.close()


def test_an_action_keeps_a_copy_as_long_as_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    recorder = a_recorder(tmp_path / "state", NOW - 100)
    feed(recorder, 1, 100)
    assert START == NOW
    room = Room(tmp_path / "state", actions("[recording: {last: 1m}]"), recorded=recorder.before)
    room.clock.advance(100.0)
    folder = room.take(fires(START + 100))
    assert ticks(folder / "recording.rzp") == list(range(21, 101))  # whole segments of twenty
    (step,) = json.loads((folder / "capture.json").read_text())["actions"]
    assert step["state"] == "done"
    assert step["files"] == [{"path": "recording.rzp", "bytes": (folder / "recording.rzp").stat().st_size}]
    assert step["options"] == {"last": 60.0}
    recorder.close()


def test_without_a_recording_the_action_fails_and_says_what_to_do(tmp_path: Path) -> None:
    room = Room(tmp_path / "state", actions("[recording: {}, threads: {}]"))
    folder = room.take(fires())
    recording, threads = json.loads((folder / "capture.json").read_text())["actions"]
    assert recording["state"] == "failed"
    assert "nothing is recorded on the disk" in recording["reason"]
    assert threads["state"] == "done"


def test_a_recording_that_cannot_be_read_leaves_what_memory_holds(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    recorder, memory = a_recorder(tmp_path / "state", NOW - 100), Ring()
    for event in life(WEB, 1, 40):
        memory.see(event)
    feed(recorder, 1, 40)
    shutil.rmtree(recorder.folder)
    room = Room(tmp_path / "state", actions("[bundle: {}]"), recorded=recorder.before, before=memory)
    folder = room.take(fires(START))
    with tarfile.open(next(folder.glob("bundle*"))) as bundle:
        names = {Path(name).name for name in bundle.getnames()}
    assert "before-cpu.json" in names
    assert "before.rzp" not in names
    (step,) = json.loads((folder / "capture.json").read_text())["actions"]
    assert any("of the recording on the disk" in note for note in step["notes"])
    recorder.close()


def test_a_disk_that_fails_ends_the_recording_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = a_recorder(tmp_path)
    feed(recorder, 1, 5)
    assert recorder.trouble() == ""

    def full(self: RecordingFile, content: bytes) -> None:
        raise NoRoom("no room is left on the disk")

    monkeypatch.setattr(RecordingFile, "append", full)
    feed(recorder, 6, 7)
    assert not recorder.writer.is_recording
    assert recorder.trouble() == "no room is left on the disk"
    assert recorder.trouble() == ""
    monkeypatch.undo()
    recorder.close()
    assert ticks(tmp_path / "ring") == [1, 2, 3, 4, 5]


def test_a_disk_that_has_room_again_is_recorded_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(START)
    recorder = FlightRecorder(tmp_path, interval=1.0, seconds=160.0, max_bytes=1 << 20, clock=clock)
    feed(recorder, 1, 5)

    def full(self: RecordingFile, content: bytes) -> None:
        raise NoRoom("no room is left on the disk")

    with monkeypatch.context() as broken:
        broken.setattr(RecordingFile, "append", full)
        feed(recorder, 6, 7)
        assert recorder.trouble() == "no room is left on the disk"
        clock.advance(RETRY_SECONDS)
        feed(recorder, 67, 68)
        assert not recorder.writer.is_recording, "it was tried, in vain"
        assert not recorder.recovered()
        assert recorder.trouble() == "", "told once"
    clock.advance(RETRY_SECONDS - 1)
    feed(recorder, 69, 69)
    assert not recorder.writer.is_recording
    clock.advance(1)
    feed(recorder, 128, 131)
    assert recorder.writer.is_recording
    assert recorder.recovered()
    assert not recorder.recovered()
    recorder.dump()
    recorder.close()
    (copy,) = (tmp_path / "recordings").glob("*-asked.rzp")
    for place in (tmp_path / "ring", copy):
        assert ticks(place) == [1, 2, 3, 4, 5, 129, 130, 131]
        with RecordingReader(place) as read:
            assert not read.damage
            assert [target.identity for target in read.targets()] == [WEB.identity]
            (mark,) = read.marks()
            assert "nothing for 120 s: no room is left on the disk" in mark.text
            known = read.context(START + 130)
        assert any(isinstance(one, Scrape) and one.structures for one in known), "what runs there is not forgotten"


def test_a_segment_that_cannot_begin_is_tried_under_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(START)
    recorder = FlightRecorder(tmp_path, interval=1.0, seconds=160.0, max_bytes=1 << 20, clock=clock)

    def full(self: RecordingFile, content: bytes) -> None:
        raise NoRoom("no room is left on the disk")

    with monkeypatch.context() as broken:
        broken.setattr(RecordingFile, "append", full)
        feed(recorder, 1, 2)
        assert not recorder.writer.is_recording
    clock.advance(RETRY_SECONDS)
    feed(recorder, 61, 63)
    recorder.close()
    assert ticks(tmp_path / "ring") == [62, 63]
    assert len(list((tmp_path / "ring").iterdir())) == 1


def test_a_recording_in_a_bundle_is_not_printed(tmp_path: Path) -> None:
    content = made.record(tmp_path / "a.rzp", made.events(3)).read_bytes()
    with pytest.raises(UsageError, match="not shown out of a bundle"):
        print_file("before.rzp", content)


def test_what_a_person_captures_in_top_begins_with_what_is_recorded(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path)
    assert TopCaptures(Wishes(), recorder.before)._make()._shop.recorded is recorder.before
    recorder.close()


def test_a_ring_that_is_too_small_for_one_tick_is_told(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path, interval=1.0, seconds=160.0, max_bytes=200, clock=ManualClock(START))
    feed(recorder, 1, 2)
    assert not recorder.writer.is_recording
    assert "more than there is room for" in recorder.trouble()
    recorder.close()
