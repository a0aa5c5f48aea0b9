"""``razorprof rules check`` as a shell sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.cli.edge import run as run_in_process

RAZORPROF = (sys.executable, "-m", "razorprof", "rules")
GOOD = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0}\n  - {record: a, expr: sum(up)}\n"
BAD = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up +\n    for: 5\n"
UNSUPPORTED = "groups: [{name: g, rules: [{alert: A, expr: histogram_sum(x)}]}]\n"
TWICE = "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up}]}]\n"


def run(*arguments: str | Path, stdin: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, *map(str, arguments)],
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"good": GOOD, "bad": BAD, "unsupported": UNSUPPORTED, "twice": TWICE}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return tmp_path


def test_a_good_file_is_said_to_be_good_in_a_line(folder: Path) -> None:
    found = run("check", "good.yml", folder=folder)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "good.yml: good: 2 rules in 1 group\n"


def test_a_bad_file_is_told_with_file_line_and_what_to_do(folder: Path) -> None:
    found = run("check", "bad.yml", "good.yml", folder=folder)
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "bad.yml:5: expr: bad expression: it ends too early (up +)",
        "  hint: see prometheus.io/docs/prometheus/latest/querying/basics",
        "bad.yml:6: for: not a valid duration (5)",
        "  hint: write a unit: 5s",
        "bad.yml: bad: 2 errors",
        "good.yml: good: 2 rules in 1 group",
    ]
    assert "\x1b" not in found.stdout


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (["good.yml"], 0),
        (["good.yml", "unsupported.yml"], 5),
        (["unsupported.yml", "bad.yml"], 1),
        (["bad.yml", "none.yml"], 6),
        (["."], 6),
        (["twice.yml"], 0),
        (["twice.yml", "--lint-fatal"], 1),
        (["good.yml", "--lint-fatal"], 0),
        (["good.yml", "--target-version", "1.8"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_tells_the_worst(folder: Path, files: list[str], code: int) -> None:
    assert run("check", *files, folder=folder).returncode == code


def test_a_file_that_cannot_be_read_is_an_error_and_the_others_are_judged(folder: Path) -> None:
    found = run("check", "none.yml", "good.yml", folder=folder)
    assert found.stderr.startswith("razorprof: cannot read the file (none.yml: No such file or directory)")
    assert found.stdout == "good.yml: good: 2 rules in 1 group\n"


def test_a_warning_is_marked_and_does_not_make_a_file_bad(folder: Path) -> None:
    found = run("check", "twice.yml", folder=folder)
    assert found.stdout.startswith("twice.yml:1: warning: 'a' has the name and labels of the rule in line 1\n")
    assert found.stdout.endswith("twice.yml: good: 2 rules in 1 group, 1 warning\n")


def test_the_target_version_counts(folder: Path) -> None:
    (folder / "new.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up, keep_firing_for: 5m}]}]\n")
    assert run("check", "new.yml", folder=folder).returncode == 0
    found = run("check", "new.yml", "--target-version", "2.40", folder=folder)
    assert found.returncode == 1
    assert "new.yml:1: keep_firing_for came with Prometheus 2.42" in found.stdout


def test_standard_input_is_a_file_too() -> None:
    found = run("check", "-", stdin=BAD)
    assert found.returncode == 1
    assert found.stdout.startswith("(standard input):5: expr: ")


def test_json_tells_all(folder: Path) -> None:
    found = run("check", "bad.yml", "good.yml", "none.yml", "--json", folder=folder)
    assert found.returncode == 6
    document = json.loads(found.stdout)
    assert (document["verdict"], document["target_version"]) == ("unreadable", None)
    bad, good, none = document["files"]
    assert bad == {
        "file": "bad.yml",
        "kind": "rules",
        "verdict": "bad",
        "groups": 1,
        "rules": 0,
        "alerts": 0,
        "problems": [
            {
                "line": 5,
                "kind": "error",
                "message": "expr: bad expression: it ends too early (up +)",
                "hint": "see prometheus.io/docs/prometheus/latest/querying/basics",
            },
            {"line": 6, "kind": "error", "message": "for: not a valid duration (5)", "hint": "write a unit: 5s"},
        ],
    }
    assert (good["verdict"], good["rules"], good["alerts"], good["problems"]) == ("good", 2, 1, [])
    assert (none["verdict"], none["error"]) == ("unreadable", "none.yml: No such file or directory")
    assert json.loads(run("check", "good.yml", "--json", "--target-version", "2.45", folder=folder).stdout)[
        "target_version"
    ] == "2.45"  # fmt: skip


def test_what_a_file_says_cannot_steer_the_terminal(folder: Path) -> None:
    (folder / "odd\x1b[31m.yml").write_text('groups: [{name: g, rules: [{alert: A, expr: "up \\e[31m"}]}]\n')
    found = run("check", "odd\x1b[31m.yml", folder=folder)
    assert found.returncode == 1
    assert "\x1b" not in found.stdout + found.stderr


def test_without_a_command_its_commands_are_listed() -> None:
    found = run()
    assert (found.returncode, found.stdout) == (2, "")
    assert "Usage: razorprof rules" in found.stderr
    assert "check" in found.stderr
    assert run("nosuch").returncode == 2


def actions_module(problems: list[Problem]) -> Any:
    module = types.ModuleType("razorprof.alerting.actions")
    vars(module)["problems_of_actions"] = lambda text, path: problems
    return module


@pytest.mark.parametrize(
    ("problems", "code", "words"),
    [
        ([], 0, "captures.yml: good\n"),
        ([Problem(3, "no such key", "leave it out")], 1, "captures.yml:3: no such key\n  hint: leave it out\n"),
        ([Problem(1, "odd", kind=ProblemKind.WARNING)], 0, "captures.yml: good: 1 warning\n"),
    ],
)
def test_a_file_of_captures_is_judged_too(
    folder: Path, problems: list[Problem], code: int, words: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, "razorprof.alerting.actions", actions_module(problems))
    (folder / "captures.yml").write_text("version: 1\n")
    assert run_in_process(["rules", "check", "good.yml", "--actions", "captures.yml"]) == code
    assert words in capsys.readouterr().out
