"""``razorprof gc`` as a shell sees it, on a real target."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live_targets import Program, PythonBuild, StartProgram

RAZORPROF = (sys.executable, "-m", "razorprof")
TIME_OUT = 60.0
CHURN = """
import gc, time
gc.set_threshold(701, 11, 12)
print("ready")
while True:
    for _ in range(2000):
        cycle = []; cycle.append(cycle)
    time.sleep(0.01)
"""


@pytest.fixture
def churning(start_program: StartProgram, python_builds: tuple[PythonBuild, ...], tmp_path: Path) -> Program:
    source = tmp_path / "churn.py"
    source.write_text(CHURN)
    program = start_program(python_builds[-1], source)
    program.wait_for("ready")
    return program


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        check=False,
    )


def check_document(document: dict[str, Any], pid: int) -> None:
    assert document["target"]["pid"] == pid
    assert document["target"]["runtime"] == "cpython"
    assert document["source"] == "gc"
    (main,) = document["interpreters"]
    assert (main["id"], main["enabled"], main["gc_seconds_exact"]) == (0, True, False)
    assert [g["threshold"] for g in main["generations"]] == [701, 11, 12]
    assert main["generations"][0]["collections"] > 0
    (lock,) = document["gil"]["locks"]
    assert 0 <= lock["held_ratio"] <= 1
    assert document["gil"]["looks"] > 0


def test_one_look_is_a_table_for_people(churning: Program) -> None:
    answer = run("gc", str(churning.pid))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "THRESHOLD" in answer.stdout
    assert "701" in answer.stdout
    assert "of the time in GC, estimated" in answer.stdout
    assert "GIL held" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_one_look_is_one_json_document(churning: Program) -> None:
    answer = run("gc", str(churning.pid), "--json", "--interval", "0.5")
    assert answer.returncode == 0
    check_document(json.loads(answer.stdout), churning.pid)


def test_watching_gives_json_lines_until_it_is_interrupted(churning: Program) -> None:
    command = [*RAZORPROF, "gc", str(churning.pid), "--watch", "--json", "--interval", "0.2"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        documents = [json.loads(watching.stdout.readline()) for _ in range(3)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(TIME_OUT) == 130
    for document in documents:
        check_document(document, churning.pid)
    assert documents[0]["time"] < documents[1]["time"] < documents[2]["time"]


def test_a_target_that_ends_while_it_is_watched_is_exit_3(churning: Program) -> None:
    command = [*RAZORPROF, "gc", str(churning.pid), "--watch", "--interval", "0.2"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert str(churning.pid) in watching.stdout.readline()
        churning.process.kill()
        churning.process.wait(10)
        watching.communicate(timeout=TIME_OUT)
        assert watching.returncode == 3


def test_a_process_without_a_known_runtime_is_exit_5_with_the_reason() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        time.sleep(0.2)
        answer = run("gc", str(sleeping.pid), "--json")
        sleeping.kill()
    assert answer.returncode == 5
    assert json.loads(answer.stdout)["error"]["name"] == "not_supported"


@pytest.mark.parametrize("interval", ["0", "-1", "x", "1000000"])
def test_an_interval_that_cannot_be_meant_is_bad_usage(interval: str) -> None:
    answer = run("gc", str(os.getpid()), f"--interval={interval}")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
