"""The CI files of examples/ do what they say: their shell steps are taken out of them and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

from razorprof.config.budget import read_budget

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# what only the CI's own machine can do
_NOT_HERE = ("pip install", "sudo ")
PROGRAM = "python -c sum(i*i%7*(len(str(i)))for(i)in(range(1200000)))"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLES / "budget.toml", tmp_path)
    return tmp_path


def shell(script: str, room: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=room,
        env={**os.environ, "PATH": path, "PROGRAM": PROGRAM, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def scripts(lines: list[str], mark: re.Pattern[str]) -> list[str]:
    """What stands behind each `mark`: the rest of its line, or the block below it that ``|`` announces."""
    found = []
    for number, line in enumerate(lines):
        begun = mark.match(line)
        if begun is None:
            continue
        if begun["rest"] != "|":
            found.append(begun["rest"])
            continue
        block = []
        for inner in lines[number + 1 :]:
            if inner.strip() and len(inner) - len(inner.lstrip()) <= len(begun["indent"]):
                break
            block.append(inner)
        found.append(textwrap.dedent("\n".join(block)))
    return found


def github_steps(event: str) -> list[str]:
    other = {"push": "pull_request", "pull_request": "push"}[event]
    text = (EXAMPLES / "ci" / "github-actions.yml").read_text()
    steps = re.split(r"^      - ", text, flags=re.MULTILINE)[1:]
    run = re.compile(r"(?P<indent> *)run: (?P<rest>.*)")
    found = [script for step in steps if f"'{other}'" not in step for script in scripts(step.splitlines(), run)]
    assert len(found) >= 5
    return [script for script in found if not script.startswith(_NOT_HERE)]


def gitlab_steps() -> list[str]:
    text = (EXAMPLES / "ci" / "gitlab-ci.yml").read_text()
    part = text[text.index("  script:") : text.index("  artifacts:")]
    found = scripts(part.splitlines(), re.compile(r"(?P<indent> *)- (?P<rest>.*)"))
    assert len(found) == 2
    return found


def test_the_example_budget_is_one(room: Path) -> None:
    budget = read_budget(room / "budget.toml")
    assert budget.baseline is not None
    assert [limit.pattern for limit in budget.functions] == ["json.dumps", "app/*.py:render"]


def test_the_github_steps_make_a_baseline_and_judge_a_pull_request(room: Path) -> None:
    files = {"GITHUB_ENV": str(room / "env"), "GITHUB_STEP_SUMMARY": str(room / "summary")}
    for step in github_steps("push"):
        done = shell(step, room, **files)
        assert done.returncode == 0, (step, done.stderr)
    assert (room / "baseline.json").is_file()
    assert (room / "env").read_text().startswith("MACHINE=")
    budget = room / "budget.toml"  # on a crowded machine equal work was seen to take half as much CPU time again
    budget.write_text(budget.read_text().replace('fail_above = "20%"', 'fail_above = "400%"'))
    for step in github_steps("pull_request"):
        done = shell(step, room, **files)
        # so short a run on so busy a machine may show too little to judge growth: said, and 6
        assert done.returncode in (0, 6), (step, done.stderr)
        if done.returncode:
            assert "too little was seen" in done.stderr
    assert "razorprof run" in (room / "summary").read_text()
    assert (room / "cpu.pb.gz").is_file()


def test_the_gitlab_steps_judge_a_run_that_has_no_baseline_yet(room: Path) -> None:
    for step in gitlab_steps():
        done = shell(step, room, CI_COMMIT_BRANCH="topic", CI_DEFAULT_BRANCH="main")
        assert done.returncode == 0, (step, done.stderr)
        if "razorprof.xml" in step:
            assert "there is no baseline yet" in done.stderr
    report = ElementTree.parse(room / "razorprof.xml").getroot()
    assert report.get("failures") == "0"
    assert len(list(report.iter("testcase"))) >= 7
