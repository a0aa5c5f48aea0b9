"""``razorprof replay`` in a pipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.user_marks import UserMarks
from tests.unit.session.recorded_house import OTHER_HEADER, RULES, START, House, live


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "rules.yml").write_text(RULES)
    return live(folder / "a.rzp", 80, tell=True)


def replay(house: House, *more: str) -> int:
    return run(["replay", str(house.recording), *more])


def test_json_is_a_line_for_each_tick_of_the_time(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    rules = str(house.recording.parent / "rules.yml")
    assert replay(house, "--from", "+50s", "--to", "+53s", "--rules", rules, "--json") == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["time"] for document in documents] == [START + second for second in (51, 52, 53, 54)]
    for document in documents:
        web, _ = document["targets"]
        assert (web["pid"], web["runtime"], web["command"]) == (7, "cpython", "python web.py")
        assert web["functions"][0]["function"] == "f2"
        assert document["rules"]["loaded"] == 7
    assert "Hot" in json.dumps(documents[-1])
    assert "HotHere" not in json.dumps(documents[-1])


def test_a_moment_is_told_as_text(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(house, "--at", f"{START + 53}", "--once") == 0
    shown = capsys.readouterr().out
    assert " razorprof 7 web  cpython 3.11" in shown
    assert "f2" in shown
    assert "Hot: web takes 130%" in shown, "as it was told while it was recorded"
    assert replay(house, "--once") == 0
    assert "f4" in capsys.readouterr().out, "without a moment, the last one"


def test_everything_is_printed_where_no_time_is_named(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(house, "--json") == 0
    assert len(capsys.readouterr().out.splitlines()) == 80


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--at", "noon"), "the moment is no time"),
        (("--from", "+9s", "--at", "+9s"), "these options exclude each other"),
        (("--from", "+9s", "--to", "+8s"), "the end lies before the start"),
        (("--evaluation-interval", "5s"), "there is nothing to evaluate"),
        (("--moments", "--at", "+9s"), "these options exclude each other"),
        (("--moments", "--diff", "+1s,+9s"), "these options exclude each other"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(
    house: House, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert replay(house, *options) == 2
    assert words in capsys.readouterr().err


def test_what_is_no_recording_ends_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.rzp").write_text("not one")
    assert run(["replay", str(tmp_path / "a.rzp")]) == 6
    assert run(["replay", str(tmp_path / "b.rzp")]) == 6
    assert "there is no such file" in capsys.readouterr().err


def test_a_damaged_recording_is_played_up_to_the_damage(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.rzp"
    content = house.recording.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    assert replay(House(cut, house.store, house.view, [], []), "--json") in (0, 6)
    found = capsys.readouterr()
    assert 10 < len(found.out.splitlines()) < 80
    assert "damaged: " in found.err


def test_marks_are_told_with_their_ticks_and_by_show(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "b.rzp"
    path.write_bytes(house.recording.read_bytes())
    with RecordingReader(path) as recording:
        UserMarks(path, recording.header.id).add(START + 51.5, "de\x1bploy")
    told = {"time": START + 51.5, "kind": "mark", "text": "de\x1bploy", "recorded": False}
    assert run(["replay", str(path), "--from", "+50s", "--to", "+52s", "--json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["marks"] for document in documents] == [[], [told], []]
    assert run(["replay", str(path), "--at", f"{START + 52}", "--once"]) == 0
    assert "\nmark: de\\x1bploy\n" in capsys.readouterr().out
    assert run(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["marks"] == [told]
    assert run(["show", str(path)]) == 0
    assert "mark: de\\x1bploy" in capsys.readouterr().out
    assert run(["show", str(path), "--to", "+10s", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["marks"] == []


def test_marks_that_cannot_be_read_are_said_and_no_more(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "b.rzp"
    path.write_bytes(house.recording.read_bytes())
    path.with_name("b.rzp.marks.json").write_text("{")
    for command in (["replay", str(path), "--once"], ["show", str(path)]):
        assert run(command) == 0
        assert "marks cannot be shown: b.rzp.marks.json: " in capsys.readouterr().err


def test_two_moments_windows_and_marks_are_compared_in_json(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "b.rzp"
    path.write_bytes(house.recording.read_bytes())
    with RecordingReader(path) as recording:
        marks = UserMarks(path, recording.header.id)
        marks.add(START + 19, "calm, at first")
        marks.add(START + 56, "hot")

    def compared(text: str) -> dict[str, Any]:
        assert run(["replay", str(path), "--diff", text, "--json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    def windows(document: dict[str, Any]) -> list[float]:
        return [document[side][end] - START for side in ("base", "new") for end in ("start", "end")]

    by_time = compared(f"{START + 19},{START + 56}")
    assert windows(by_time) == [9, 19, 46, 56]
    assert compared("calm, at first,hot") == by_time
    assert windows(compared("+0s..+20s,-30s..")) == [1, 21, 50, 80]
    assert windows(compared("..calm, at first,hot..-1s")) == [1, 19, 56, 79]
    cpu = next(one for one in by_time["targets"][0]["figures"] if one["name"] == "cpu")
    assert cpu["base"] == pytest.approx(0.7, abs=0.01)
    assert cpu["delta"] == pytest.approx(0.6, abs=0.02)
    assert cpu["matters"] is True


def test_the_moments_of_a_recording_are_listed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    rules = str(house.recording.parent / "rules.yml")
    assert replay(house, "--moments", "--rules", rules, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["reason"] is None
    moments = told["moments"]
    assert [one["time"] for one in moments] == sorted(one["time"] for one in moments)
    (spike, *_) = (one for one in moments if one["kind"] == "spike")
    assert (spike["figure"], spike["unit"], spike["pid"]) == ("cpu", "ratio", 7)
    assert spike["after_start_seconds"] == pytest.approx(24)
    assert spike["value"] == pytest.approx(1.3)
    assert spike["usual"] == pytest.approx(0.7)
    hot = [one for one in moments if one["kind"] == "alert" and one["alert"] == "Hot"]
    assert {one["state"] for one in hot} >= {"firing"}, "rules are tried up to the end"
    assert all(one["end"] is None or one["end"] > one["time"] for one in hot)

    assert replay(house, "--moments", "--from", "+20s", "--to", "+30s") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [word for word in ("TIME", "WHAT") if word not in lines[0]] == []
    assert any("CPU 130 %, 1.9 x its median" in line and "+24.0 s" in line for line in lines), lines
    assert replay(house, "--moments", "--from", "+1s", "--to", "+2s") == 0
    assert "no mark, no alert and no spike" in capsys.readouterr().err


def test_a_difference_is_told_as_text(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(house, "--diff", f"{START + 19},{START + 56}") == 0
    shown = capsys.readouterr().out
    cpu = next(line for line in shown.splitlines() if line.startswith(" CPU "))
    assert cpu.split() == ["CPU", "70", "%", "130", "%", "+60", "%", "1.9", "x", "*"]
    assert "2 changed for certain" in shown
    assert "8 db: the same process" in shown
    assert "\x1b" not in shown


def test_two_recordings_are_compared_as_a_whole(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = live(tmp_path / "before.rzp", 35, header=OTHER_HEADER)
    assert replay(house, "--against", str(other.recording), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["base"] == {"recording": "before.rzp", "start": START + 1, "end": START + 35}
    assert document["new"] == {"recording": "a.rzp", "start": START + 1, "end": START + 80}
    assert [one["matched"] for one in document["targets"]] == ["identity", "identity"]
    assert replay(house, "--against", str(other.recording), "--diff", "+30s,+50s") == 0
    assert "A before.rzp 2023-11-14 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--diff", "+1s"], 2, "these are not two sides (+1s)"),
        (["--diff", "+1s,"], 2, "these are not two sides"),
        (["--diff", "+1s,+2s,+3s"], 2, "these are not two sides"),
        (["--diff", "+1s,noon"], 2, "the moment is no time (noon)"),
        (["--diff", "+1s,+9s..+2s"], 2, "the window's end is not after its start"),
        (["--diff", "+1s,+9s..+10s..+11s"], 2, "this is no window"),
        (["--diff", "+1s,+900s"], 2, "nothing was recorded in this window"),
        (["--diff", "+1s,+2s", "--from", "+1s"], 2, "these options exclude each other"),
        (["--against", "/nowhere.rzp"], 6, "there is no such file"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    house: House, capsys: pytest.CaptureFixture[str], options: list[str], code: int, words: str
) -> None:
    assert replay(house, *options) == code
    assert words in capsys.readouterr().err
