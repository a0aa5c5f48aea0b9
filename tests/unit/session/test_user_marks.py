"""Marks that are set afterwards, and where they are kept."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.output_files import write_whole
from razorprof.recording.rzp_values import Mark
from razorprof.session.user_marks import LONGEST_NAME, MOST_MARKS, UserMarks

ID = bytes(range(16))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "razorprof" / "marks" / f"{ID.hex()}.json"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "rec").mkdir()
    path = tmp_path / "rec" / "a.rzp"
    path.write_bytes(b"recorded")
    return path


def opened(recording: Path, saved: float = 1.0, identity: bytes = ID) -> UserMarks:
    return UserMarks(recording, identity, now=lambda: saved)


def refuse_to_write_into(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root may write anywhere."""

    def refusing(path: Path, content: bytes, *, force: bool) -> None:
        if path.parent == folder:
            raise UsageError("the folder is not writable", value=folder)
        write_whole(path, content, force=force)

    monkeypatch.setattr("razorprof.session.user_marks.write_whole", refusing)


def test_marks_are_kept_beside_the_recording_which_is_not_touched(recording: Path, state: Path) -> None:
    marks = opened(recording)
    marks.add(20.5, "  deploy ")
    marks.add(10.0, "before")
    marks.add(20.5, "deploy")
    beside = recording.with_name("a.rzp.marks.json")
    assert marks.place == beside
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert opened(recording).marks == (Mark(10.0, "before"), Mark(20.5, "deploy"))
    marks.remove([Mark(10.0, "before")])
    assert opened(recording).marks == marks.marks == (Mark(20.5, "deploy"),)
    assert recording.read_bytes() == b"recorded"
    assert not state.exists()
    assert sorted(one.name for one in recording.parent.iterdir()) == ["a.rzp", "a.rzp.marks.json"]


def test_two_who_look_at_once_lose_none_of_each_others(recording: Path) -> None:
    one, other = opened(recording), opened(recording)
    one.add(1.0, "one")
    other.add(2.0, "other")
    assert [mark.text for mark in opened(recording).marks] == ["one", "other"]


def test_a_link_leads_to_the_recordings_own_folder(recording: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.rzp"
    link.symlink_to(recording)
    opened(link).add(1.0, "here")
    assert opened(recording).marks == (Mark(1.0, "here"),)


def test_where_the_folder_cannot_be_written_they_are_kept_elsewhere_and_found_again(
    recording: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(recording, 1.0).add(1.0, "while it could be written")
    refuse_to_write_into(recording.parent, monkeypatch)
    marks = opened(recording, 2.0)
    marks.add(2.0, "later")
    assert marks.place == state
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    again = opened(recording, 3.0)
    assert [mark.text for mark in again.marks] == ["while it could be written", "later"]
    again.remove(again.marks)
    assert opened(recording).marks == ()


def test_what_cannot_be_kept_is_not_set(recording: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marks = opened(recording)
    refuse_to_write_into(recording.parent, monkeypatch)
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(ToolFailed, match="cannot be kept"):
        marks.add(1.0, "lost")
    assert marks.marks == ()


def test_marks_of_another_recording_are_not_shown_and_set_aside(recording: Path) -> None:
    opened(recording, identity=bytes(16)).add(1.0, "of the old one")
    marks = opened(recording)
    assert marks.marks == ()
    assert marks.trouble == "a.rzp.marks.json: marks of another recording"
    marks.add(2.0, "new")
    assert "of the old one" in recording.with_name("a.rzp.marks.json.aside").read_text()
    assert opened(recording).marks == (Mark(2.0, "new"),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        b"[]",
        b'{"razorprof_marks": 2}',
        b"x" * ((1 << 20) + 1),
        json.dumps({"razorprof_marks": 1, "recording": ID.hex(), "saved": 1, "marks": [{}]}).encode(),
        json.dumps(
            {"razorprof_marks": 1, "recording": ID.hex(), "saved": 1, "marks": [{"time": 1e999, "name": "x"}]}
        ).encode(),
        json.dumps(
            {"razorprof_marks": 1, "recording": ID.hex(), "saved": 1, "marks": [{"time": 10**400, "name": "x"}]}
        ).encode(),
        json.dumps(
            {"razorprof_marks": 1, "recording": ID.hex(), "saved": True, "marks": []},
        ).encode(),
        json.dumps(
            {
                "razorprof_marks": 1,
                "recording": ID.hex(),
                "saved": 1,
                "marks": [{"time": 1, "name": "x"}] * (MOST_MARKS + 1),
            }
        ).encode(),
    ],
    ids=range(12),
)
def test_a_damaged_or_hostile_file_shows_nothing_and_is_not_lost(recording: Path, content: bytes) -> None:
    beside = recording.with_name("a.rzp.marks.json")
    beside.write_bytes(content)
    marks = opened(recording)
    assert marks.marks == ()
    assert marks.trouble.startswith("a.rzp.marks.json: ")
    marks.add(1.0, "mine")
    assert beside.with_name("a.rzp.marks.json.aside").read_bytes() == content
    assert opened(recording).marks == (Mark(1.0, "mine"),)


def test_a_link_or_pipe_in_its_place_is_not_followed(recording: Path, tmp_path: Path, state: Path) -> None:
    beside = recording.with_name("a.rzp.marks.json")
    (tmp_path / "secret").write_text("secret")
    beside.symlink_to(tmp_path / "secret")
    marks = opened(recording)
    assert marks.trouble
    marks.add(1.0, "mine")
    assert (tmp_path / "secret").read_text() == "secret"
    assert marks.place == state
    beside.unlink()
    os.mkfifo(beside)
    assert "no regular file" in opened(recording).trouble


def test_names_and_their_number_are_bounded(recording: Path) -> None:
    marks = opened(recording)
    for name in ("", "  ", "x" * (LONGEST_NAME + 1)):
        with pytest.raises(UsageError, match="no name"):
            marks.add(1.0, name)
    marks._keep([Mark(float(number), "x") for number in range(MOST_MARKS)])
    with pytest.raises(UsageError, match="too many"):
        marks.add(-1.0, "one more")
