"""``razorprof replay`` in a pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.user_marks import UserMarks
from tests.unit.session.recorded_house import RULES, START, House, live


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
