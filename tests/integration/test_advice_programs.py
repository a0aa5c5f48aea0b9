"""Advice on real programs: it fires on the sick one, is silent on the mended one, and the figure is better.

The programs tell a figure of their own (gc.callbacks, their memory, their rounds), so that what got better is not
only what razorprof says.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
RAZORPROF = (sys.executable, "-m", "razorprof")
OTHER_USER = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
SECONDS = "8"
TIME_OUT = 90.0

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True, slots=True)
class Case:
    """program: tests/programs/advice_NAME.py; advice: what is to be said; better: how many times better the
    mended program's own figure must be at least (below 1: it must be lower)."""

    program: str
    advice: str
    better: float | None


CASES = (
    Case("young_collections", "young-collections", 0.5),
    Case("full_collections", "full-collections", 0.5),
    Case("collect_calls", "gc-collect-calls", 0.2),
    Case("uncollectable", "uncollectable", 0.01),
    Case("gc_disabled", "gc-disabled", 0.5),
    Case("leak_of_objects", "leak-of-objects", 0.5),
    Case("leak_of_native_memory", "leak-of-native-memory", 0.2),
    Case("gil_bound", "gil-bound", None),
    Case("waits_alone", "waits-alone", 2.0),
)


def begin(start_program: StartProgram, build: PythonBuild, name: str, *arguments: str) -> Program:
    program = start_program(build, PROGRAMS / f"advice_{name}.py", *arguments, LIFETIME="120")
    program.wait_for("ready", timeout=60)
    return program


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, "gc", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        check=False,
    )


def advised(program: Program, *, seconds: str = SECONDS) -> dict[str, Any]:
    """The document of `gc --advise`."""
    answer = run(str(program.pid), "--advise", "--json", "-d", seconds)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    document: dict[str, Any] = json.loads(answer.stdout)
    assert document["target"]["pid"] == program.pid
    assert document["advice_seconds"] >= float(seconds)
    return document


def names(document: dict[str, Any]) -> list[str]:
    return [advice["name"] for advice in document["advice"]]


def own_figure(program: Program) -> float:
    """What the program said of itself, lately."""
    figures = [float(line.split()[1]) for line in program.output.splitlines() if line.startswith("figure ")]
    assert len(figures) >= 3, program.output
    return median(figures[-5:])


def suggested(advice: dict[str, Any]) -> list[str]:
    """The arguments of gc.set_threshold that it asks for, as a mended program takes them."""
    found = re.search(r"gc\.set_threshold\(([\d, ]+)\)", advice["change"])
    return [found[1].replace(" ", "")] if found else []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.program)
def test_advice_fires_on_the_sick_program_and_following_it_mends_the_figure(
    case: Case, start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    build = next(b for b in reversed(python_builds) if b.name != "system")
    sick = begin(start_program, build, case.program)
    document = advised(sick)
    assert case.advice in names(document), document
    (advice,) = (one for one in document["advice"] if one["name"] == case.advice)
    sick_own = own_figure(sick) if case.better is not None else 0.0
    sick.end()

    mended = begin(start_program, build, case.program, "--mended", *suggested(advice))
    after = advised(mended)
    assert names(after) == [], after
    if case.better is not None:
        mended_own = own_figure(mended)
        better = mended_own <= case.better * sick_own if case.better < 1 else mended_own >= case.better * sick_own
        assert better, (sick_own, mended_own)
    else:
        assert advice["check"]["figure"] == "python_gil_waiters"
        assert after["gil"]["locks"][0]["mean_waiters"] < 0.5 <= advice["check"]["now"]


def unique_bytes_of_children(parent: int) -> list[int]:
    """Straight from the kernel: what each child shares with nobody."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                ppid = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
                if ppid == parent:
                    rollup = (entry / "smaps_rollup").read_text()
                    found.append(1024 * sum(int(kib) for kib in re.findall(r"Private_\w+: +(\d+) kB", rollup)))
            except OSError:
                continue
    return found


@pytest.mark.slow
def test_freezing_before_the_fork_lets_the_workers_share_their_parents_heap(
    start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    build = next(b for b in reversed(python_builds) if b.name != "system")
    sick = begin(start_program, build, "freeze_before_fork")
    document = advised(sick)
    assert names(document) == ["freeze-before-fork"], document
    before = unique_bytes_of_children(sick.pid)
    sick.end()
    mended = begin(start_program, build, "freeze_before_fork", "--mended")
    assert names(advised(mended)) == []
    after = unique_bytes_of_children(mended.pid)
    assert len(before) == len(after) == 2
    assert max(after) < 0.7 * min(before), (before, after)


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["", "--no-gc"], ids=["with-gc", "without-gc"])
def test_a_calm_program_gets_no_advice(
    argument: str, start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    calm = begin(start_program, python_builds[-1], "calm", *([argument] if argument else []))
    assert names(advised(calm)) == []


@pytest.mark.slow
@pytest.mark.parametrize("program", ["young_collections", "leak_of_objects", "uncollectable"])
def test_advice_is_the_same_on_the_oldest_python(
    program: str, start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    sick = begin(start_program, python_builds[0], program)
    assert names(advised(sick)) == [program.replace("_", "-")]


@pytest.fixture
def calm(start_program: StartProgram, python_builds: tuple[PythonBuild, ...]) -> Program:
    return begin(start_program, python_builds[-1], "calm")


@pytest.fixture
def sick(start_program: StartProgram, python_builds: tuple[PythonBuild, ...]) -> Program:
    return begin(start_program, python_builds[-1], "collect_calls")


def start_advising(program: Program, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*RAZORPROF, "gc", str(program.pid), "--advise", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_text_has_the_figure_the_reason_the_change_and_the_check(sick: Program) -> None:
    answer = run(str(sick.pid), "--advise", "-d", "6")
    assert (answer.returncode, answer.stderr) == (0, "")
    for word in ("Figures:", "Why:", "Change:", "Check:", "Confidence:", f"razorprof gc {sick.pid} --watch"):
        assert word in answer.stdout
    assert "gc.collect()" in answer.stdout
    assert "\x1b" not in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 110


def test_ctrl_c_judges_what_was_seen_and_ends_with_130(sick: Program) -> None:
    with start_advising(sick, "--json", "-d", "60") as advising:
        time.sleep(12)
        advising.send_signal(signal.SIGINT)
        output, _ = advising.communicate(timeout=TIME_OUT)
        assert advising.returncode == 130
    document = json.loads(output)
    assert names(document) == ["gc-collect-calls"]
    assert 5 <= document["advice_seconds"] < 30


def test_ctrl_c_before_enough_was_seen_says_so_and_gives_no_advice(sick: Program) -> None:
    with start_advising(sick, "--json", "-d", "60") as advising:
        time.sleep(3.5)
        advising.send_signal(signal.SIGINT)
        output, errors = advising.communicate(timeout=TIME_OUT)
        assert advising.returncode == 130, errors
    if output:  # interrupted while it looked, not while it started
        document = json.loads(output)
        assert document["advice"] is None
        assert "at least" in document["advice_reason"] or "not read" in document["advice_reason"]


def test_a_target_that_dies_keeps_what_was_seen_and_is_exit_3(sick: Program) -> None:
    with start_advising(sick, "--json", "-d", "60") as advising:
        time.sleep(12)
        sick.process.kill()
        sick.process.wait(10)
        output, _ = advising.communicate(timeout=TIME_OUT)
        assert advising.returncode == 3
    document = json.loads(output)
    assert document["state"] == "gone"
    assert names(document) == ["gc-collect-calls"]


def test_a_process_that_is_no_python_is_exit_5() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        time.sleep(0.3)
        answer = run(str(sleeping.pid), "--advise", "--json")
        sleeping.kill()
    assert answer.returncode == 5
    assert json.loads(answer.stdout)["error"]["name"] == "not_supported"


def test_another_users_process_is_exit_4_with_a_hint(calm: Program) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    answer = subprocess.run(
        [*OTHER_USER, *RAZORPROF, "gc", str(calm.pid), "--advise"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        check=False,
        env={**os.environ, "HOME": "/nonexistent"},
    )
    assert answer.returncode == 4, answer.stdout + answer.stderr
    assert "hint: " in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("arguments", [("-d", "1"), ("-d", "x"), ("-d", "0"), ("--watch",)])
def test_a_duration_too_short_to_judge_or_a_contradiction_is_bad_usage(
    arguments: tuple[str, ...], calm: Program
) -> None:
    answer = run(str(calm.pid), "--advise", *arguments)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
