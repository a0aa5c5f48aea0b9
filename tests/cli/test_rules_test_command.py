"""``razorprof rules test`` as a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run as run_in_process

RULES = """\
groups:
- name: g
  rules:
  - alert: High
    expr: x > 5
    for: 1m
    annotations: {summary: 'pid {{ $labels.pid }}'}
"""
HEAD = "rule_files: [rules.yml]\ntests:\n"
SERIES = "  input_series: [{series: 'x{pid=\"1\"}', values: 9x9}]\n"
FIRING = "{exp_labels: {pid: '1'}, exp_annotations: {summary: pid 1}}"


def one_test(name: str, expected: str) -> str:
    return (
        f"- name: {name}\n{SERIES}"
        f"  alert_rule_test:\n  - {{eval_time: 2m, alertname: High, exp_alerts: [{expected}]}}\n"
    )


GOOD = HEAD + one_test("memory", FIRING) + one_test("gc", FIRING)
FAILING = HEAD + one_test("memory", FIRING) + one_test("gc", FIRING.replace("pid 1", "pid 2"))
UNSUPPORTED = HEAD + one_test("memory", FIRING) + "- {input_series: [{series: y, values: '{{count:1}}'}]}\n"
BAD = HEAD + "- {name: memory, serie: []}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    texts = {"rules": RULES, "good": GOOD, "failing": FAILING, "unsupported": UNSUPPORTED, "bad": BAD}
    for name, text in texts.items():
        (tmp_path / f"{name}.yml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rules_test(*arguments: str) -> int:
    return run_in_process(["rules", "test", *arguments])


def test_a_good_file_is_a_line(folder: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "razorprof", "rules", "test", "good.yml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "good.yml: pass: 2 tests\n", "")


def test_a_failing_test_is_told_with_its_place_moment_and_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rules_test("failing.yml", "good.yml") == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "failing.yml:7: FAILED: gc",
        "  failing.yml:10: alert High at 2m: 1 alert expected, 1 fires",
        '    differs: {alertname="High", pid="1"}',
        '      annotation summary: expected "pid 2", got "pid 1"',
        "failing.yml: fail: 2 tests, 1 failed",
        "good.yml: pass: 2 tests",
    ]
    assert told.err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.yml"], 0),
        (["good.yml", "failing.yml"], 1),
        (["bad.yml"], 1),
        (["unsupported.yml"], 5),
        (["unsupported.yml", "failing.yml"], 1),
        (["failing.yml", "none.yml"], 6),
        (["failing.yml", "--run", "mem"], 0),
        (["failing.yml", "--run", "mem", "--run", "^gc$"], 1),
        (["failing.yml", "--run", "none"], 0),
        (["good.yml", "--run", "("], 2),
        (["good.yml", "--junit", "no/such/folder.xml"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_tells_the_worst(
    folder: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rules_test(*arguments) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_bad_file_is_told_with_its_lines_and_no_test_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules_test("bad.yml")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "bad.yml:3: a test has no field 'serie'"
    assert lines[1].startswith("  hint: there are: interval, input_series")
    assert lines[-1] == "bad.yml: bad: no test was run"


def test_what_a_bad_rule_file_does_to_all_tests_is_told_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rules.yml").write_text(RULES.replace("x > 5", "x >"))
    assert rules_test("good.yml") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "good.yml:3: FAILED: memory"
    assert lines[1].startswith("  rules.yml:5: expr: bad expression")
    assert lines[2:] == ["good.yml:7: FAILED: gc", "  as above", "good.yml: fail: 2 tests, 2 failed"]


def test_the_document_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_test("failing.yml", "unsupported.yml", "bad.yml", "none.yml", "--json") == 6
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["passed"], document["failed"]) == ("unreadable", 2, 1)
    assert document["unsupported"] == 1
    failing, unsupported, bad, none = document["files"]
    assert [one["verdict"] for one in document["files"]] == ["fail", "unsupported", "bad", "unreadable"]
    assert [test["verdict"] for test in failing["tests"]] == ["pass", "fail"]
    (failure,) = failing["tests"][1]["failures"]
    assert (failure["kind"], failure["line"], failure["subject"], failure["time"]) == ("alerts", 10, "High", 120.0)
    assert failure["expected"] == [
        {"labels": {"pid": "1", "alertname": "High"}, "annotations": {"summary": "pid 2"}}
    ]
    assert failure["got"] == [{"labels": {"alertname": "High", "pid": "1"}, "annotations": {"summary": "pid 1"}}]
    assert unsupported["tests"][1]["verdict"] == "unsupported"
    assert bad["problems"][0]["line"] == 3
    assert "none.yml" in none["error"]


def test_a_junit_report_has_a_suite_for_each_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_test("failing.yml", "unsupported.yml", "bad.yml", "none.yml", "--junit", "report.xml") == 6
    root = ET.parse("report.xml").getroot()
    assert [suite.get("name") for suite in root] == ["failing.yml", "unsupported.yml", "bad.yml", "none.yml"]
    assert root.attrib == {
        "name": "razorprof rules test", "tests": "6", "failures": "2", "errors": "1", "skipped": "1",
    }  # fmt: skip
    failure = root.find("./testsuite[@name='failing.yml']/testcase[@name='gc']/failure")
    assert failure is not None
    assert "alert High at 2m" in (failure.get("message") or "")
    assert 'expected "pid 2", got "pid 1"' in (failure.text or "")
    assert rules_test("good.yml", "--junit", "report.xml") == 2
    assert rules_test("good.yml", "--junit", "report.xml", "--force") == 0
    assert ET.parse("report.xml").getroot().get("failures") == "0"


def test_nothing_that_a_file_says_reaches_the_terminal_unescaped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = '"\\e[31m\\n\\u202E"'
    (folder / "rules.yml").write_text(RULES.replace("'pid {{ $labels.pid }}'", '"\\e[31m{{ $labels.pid }}"'))
    text = HEAD + one_test(evil, f"{{exp_labels: {{pid: {evil}}}}}")
    (folder / "evil.yml").write_text(text + f"  promql_expr_test: [{{expr: {evil}, eval_time: 1m}}]\n")
    assert rules_test("evil.yml", "--junit", "report.xml") == 1
    told = capsys.readouterr().out + (folder / "report.xml").read_text()
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\\x1b[31m" in told
