"""Recordings of several hosts given to `query`, `show`, `replay` and `rules backtest`, as a shell sees it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.model.profile import top
from razorprof.recording.profile_files import read_profile
from tests.unit.session.recorded_hosts import START, record_host

CPU = "process_cpu_seconds_total"


@pytest.fixture
def hosts(tmp_path: Path) -> list[str]:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 61))
    two = record_host(tmp_path / "two.rzp", "two", range(31, 91), late=0.3, rate=2.0)
    return [str(one), str(two)]


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_query_sees_all_hosts(hosts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    one, two = hosts
    request = ["query", CPU, "--recording", one, "--recording", two, "--json", "--time"]
    assert run([*request, "+50s"]) == 0
    found = {entry["metric"]["instance"]: entry["value"][1] for entry in document(capsys)["result"]}
    assert found == {"one/7": "25.5", "two/7": "100"}
    assert run([*request, str(START + 80)]) == 0  # the first one's recording has ended
    assert [entry["metric"]["instance"] for entry in document(capsys)["result"]] == ["two/7"]


def test_the_same_recording_twice_is_bad_usage(
    hosts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.symlink(hosts[0], tmp_path / "link.rzp")
    for command in (
        ["query", "up", "--recording", hosts[0], "--recording", hosts[0]],
        ["show", hosts[0], str(tmp_path / "link.rzp"), "-o", str(tmp_path / "x.om")],
        ["replay", hosts[0], hosts[0], "--once"],
        ["rules", "backtest", str(rules(tmp_path)), hosts[0], str(tmp_path / "link.rzp"), "--together"],
    ):
        assert run(command) == 2
        assert "named twice" in capsys.readouterr().err
    assert not (tmp_path / "x.om").exists()


def test_they_are_converted_as_one(hosts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", *hosts, "-o", str(tmp_path / "both.csv")]) == 0
    rows = [line for line in (tmp_path / "both.csv").read_text().splitlines() if f",{CPU}," in line]
    assert len([row for row in rows if "one/7" in row]) == 60
    assert len([row for row in rows if "two/7" in row]) == 60
    assert run(["show", *hosts, "-o", str(tmp_path / "both.json")]) == 0
    weights = {one.function: one.self_weight for one in top(read_profile(tmp_path / "both.json"))}
    assert weights == {"on_one": pytest.approx(30.0), "on_two": pytest.approx(120.0)}
    assert run(["show", *hosts, "--pid", "7", "--from", "+70s", "-o", str(tmp_path / "late.json")]) == 0
    assert {one.function for one in top(read_profile(tmp_path / "late.json"))} == {"on_two"}


def test_they_are_summarised_one_by_one(hosts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", *hosts, "--json"]) == 0
    assert [one["host"] for one in document(capsys)["recordings"]] == ["one", "two"]
    assert run(["show", *hosts]) == 0
    told = capsys.readouterr().out
    assert "one.rzp: 1 target on one" in told
    assert "two.rzp: 1 target on two" in told


def test_a_profile_among_them_is_bad_usage(
    hosts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.collapsed").write_text("f 1\n")
    assert run(["show", hosts[0], str(tmp_path / "a.collapsed")]) == 2
    assert "only recordings are shown together" in capsys.readouterr().err


def test_they_are_played_as_one(hosts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", *hosts, "--json", "--from", "+28s", "--to", "+32s"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["targets"]) for line in lines] == [1, 1, 2, 2]
    both = {
        metric["value"] for target in lines[-1]["targets"] for metric in target["metrics"] if metric["name"] == CPU
    }
    assert both == {16.0, 64.0}
    assert run(["replay", *hosts, "--once", "--at", "+40s"]) == 0
    told = capsys.readouterr().out
    assert "on_one" in told or "on_two" in told


def test_rules_are_tried_on_all_together_or_on_each(
    hosts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["rules", "backtest", str(rules(tmp_path)), *hosts, "--json"]
    assert run([*command, "--together", "--expect", "Fleet firing within +30s..+45s"]) == 0
    (tried,) = document(capsys)["recordings"]
    assert tried["recording"] == "one.rzp + two.rzp"
    assert [change["name"] for change in tried["changes"] if change["after"] == "firing"] == ["Fleet"]
    assert run([*command, "--expect", "Fleet silent"]) == 0
    assert len(document(capsys)["recordings"]) == 2


def rules(folder: Path) -> Path:
    path = folder / "rules.yml"
    path.write_text(f"groups: [{{name: g, rules: [{{alert: Fleet, expr: 'sum(rate({CPU}[10s])) > 2.2'}}]}}]\n")
    return path


def test_a_clock_is_corrected_by_an_option(
    hosts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = hosts
    request = ["query", CPU, "--recording", one, "--recording", two, "--json", "--time", str(START + 50)]
    assert run([*request, "--shift", "two.rzp=-10s"]) == 0
    found = {entry["metric"]["instance"]: entry["value"][1] for entry in document(capsys)["result"]}
    assert found == {"one/7": "25", "two/7": "118"}  # of the second 59.3, which two's clock called 50
    assert run(["replay", *hosts, "--once", "--json", "--at", str(START + 25), "--shift", f"{two}=-10s"]) == 0
    assert len(document(capsys)["targets"]) == 2
    assert run(["show", *hosts, "--shift", "two.rzp=-10s", "-o", str(tmp_path / "x.csv")]) == 0
    rows = [
        line for line in (tmp_path / "x.csv").read_text().splitlines() if f",{CPU}," in line and "two/7" in line
    ]
    assert float(rows[0].split(",")[0]) == pytest.approx(START + 21.29)
    backtest = ["rules", "backtest", str(rules(tmp_path)), *hosts, "--together", "--shift", "two.rzp=+1h"]
    assert run([*backtest, "--expect", "Fleet silent"]) == 0


@pytest.mark.parametrize("shift", ["two.rzp", "three.rzp=+1s", "two.rzp=soon", "=+1s", "two.rzp=+100000d"])
def test_a_shift_that_cannot_be_meant_is_bad_usage(
    hosts: list[str], shift: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["query", "up", "--recording", hosts[0], "--recording", hosts[1], "--shift", shift]) == 2
    assert capsys.readouterr().err.startswith("razorprof: ")
    assert run(["show", *hosts, "--shift", "two.rzp=+1s"]) == 2
    assert "one by one" in capsys.readouterr().err
