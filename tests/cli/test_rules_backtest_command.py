"""``razorprof rules backtest`` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.model.alert import AlertState
from tests.unit.session.recorded_house import RULES, START, House, live


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("tried")
    (folder / "rules.yml").write_text(RULES)
    return live(folder / "a.rzp", 100)


def backtest(house: House, *more: str) -> int:
    return run(["rules", "backtest", str(house.recording.parent / "rules.yml"), str(house.recording), *more])


def test_the_document_tells_when_each_alert_changed_as_it_did_live(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(house, "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["met"] is True
    (tried,) = document["recordings"]
    told = [(c["time"], c["name"], c["before"], c["after"], c["value"]) for c in tried["changes"]]
    assert told == [(c.time, c.alert.name, c.before, c.after, c.alert.value) for c in house.changes]
    (hot,) = [one for one in tried["alerts"] if one["name"] == "Hot"]
    times = {c.after: c.time for c in house.changes if c.alert.name == "Hot"}
    assert hot["pending"] == times[AlertState.PENDING]
    assert hot["firing"] == times[AlertState.FIRING] == hot["pending"] + 5
    assert hot["ended"] == times[AlertState.INACTIVE]
    assert (hot["state"], hot["labels"]["severity"]) == ("resolved", "page")
    assert hot["highest"] >= hot["value"] > 1.1


def test_people_get_a_strip_as_wide_as_the_terminal_and_a_table(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert backtest(house) == 0
    lines = capsys.readouterr().out.splitlines()
    strip = next(line for line in lines if line.startswith("Hot "))
    assert len(strip) == 59
    assert strip.split()[1].strip("▁").replace("▄", "p").replace("█", "f") == "pp" + "f" * 8
    assert next(line for line in lines if line.startswith("Never")).split()[1].strip("▁") == ""
    assert any(line.startswith("Hot ") and "resolved" in line and "page" in line for line in lines)

    monkeypatch.setenv("LC_ALL", "C")
    assert backtest(house) == 0
    assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize(
    ("expectation", "code"),
    [
        ("Hot firing", 0),
        ("Hot firing within +44s..+60s", 0),
        ("Hot firing within ..+30s", 1),
        ('Hot{severity="page"} resolved', 0),
        ('Hot{severity="ticket"} resolved', 1),
        ("Hot pending within +46s..+50s", 0),
        ("Hot resolved within +10s..+50s", 1),
        ("Hot silent within +0s..+40s", 0),
        ("Hot silent", 1),
        ("Gone resolved", 1),
        ("Gone firing within -5s..", 0),
        ("Never silent", 0),
    ],
)
def test_what_is_expected_decides_the_exit_code(
    house: House, capsys: pytest.CaptureFixture[str], expectation: str, code: int
) -> None:
    assert backtest(house, "--expect", expectation) == code
    shown = capsys.readouterr().out
    assert f"{'NOT MET' if code else 'met'}: {expectation}" in shown


def test_an_alert_that_must_not_fire(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(house, "--expect-none", "Never", "--expect-none", 'Hot{severity="x"}', "--json") == 0
    assert backtest(house, "--expect-none", "Gone") == 1
    assert "it was firing" in capsys.readouterr().out


def test_a_part_of_the_recording_is_tried_with_what_lay_before(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(house, "--from", "+50s", "--to", "+58s", "--json") == 0
    (tried,) = json.loads(capsys.readouterr().out)["recordings"]
    assert (tried["start"], tried["end"], tried["ticks"]) == (START + 51, START + 59, 9)
    (hot,) = [one for one in tried["alerts"] if one["name"] == "Hot"]
    assert hot["pending"] == START + 51  # its rate needs the seconds before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--expect", "Hott firing"), "no rule has this alert (Hott)"),
        (("--expect", "Hot burning"), "this is no expectation"),
        (("--expect", "Hot firing within 12"), "this is no span of time"),
        (("--expect", "Hot firing within +9s..+8s"), "the end lies before the start"),
        (("--expect", 'Hot{job=~"("} firing'), "("),
        (("--expect-none", "a b"), "this names no alert"),
        (("--evaluation-interval", "0"), "the evaluation interval is out of range"),
        (("--from", "+2h"), "the end lies before the start"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(
    house: House, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert backtest(house, *options) == 2
    assert words in capsys.readouterr().err


def test_bad_rules_end_with_2_and_a_bad_recording_with_6(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("groups: [{name: g, rules: [{alert: A, expr: 'up +'}]}]\n")
    assert run(["rules", "backtest", str(bad), str(house.recording)]) == 2
    assert "bad.yml:1" in capsys.readouterr().err
    assert run(["rules", "backtest", str(house.recording.parent / "rules.yml"), str(bad)]) == 6
