"""An incident (a leak, a storm of collections): recorded, tried with a rule, replayed in a terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "programs" / "leak_and_storm.py"
RAZORPROF = (sys.executable, "-m", "razorprof")
TMUX = shutil.which("tmux")
PATIENCE = 40.0  # less than the time a test may take, so that the screen is told
RULES = """
groups:
- name: incident
  rules:
  - alert: Leak
    expr: deriv(process_resident_memory_bytes[5s]) > 1e6
    for: 1s
  - alert: Quiet
    expr: process_resident_memory_bytes < 0
"""


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incident")
    (folder / "rules.yml").write_text(RULES)
    with subprocess.Popen([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            command = [
                *RAZORPROF,
                "record",
                str(program.pid),
                "-o",
                str(folder / "a.rzp"),
                "-d",
                "18s",
                "--rate",
                "50",
            ]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as record:
                assert record.stderr is not None
                assert "recording" in record.stderr.readline()
                time.sleep(6)
                program.send_signal(signal.SIGUSR1)
                _, errors = record.communicate(timeout=PATIENCE)
            assert record.returncode == 0, errors
        finally:
            program.kill()
    return folder


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RAZORPROF, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_rule_would_have_told_the_leak_and_nothing_else(incident: Path) -> None:
    files = str(incident / "rules.yml"), str(incident / "a.rzp")
    tried = run("rules", "backtest", *files, "--expect", "Leak firing", "--expect-none", "Quiet", "--json")
    assert tried.returncode == 0, tried.stdout
    (leak,) = {one["name"] for one in json.loads(tried.stdout)["recordings"][0]["alerts"]}
    assert leak == "Leak"
    assert run("rules", "backtest", *files, "--expect", "Leak silent").returncode == 1


def test_the_moment_of_the_alert_shows_what_ran_and_what_was_collected(incident: Path) -> None:
    files = str(incident / "rules.yml"), str(incident / "a.rzp")
    tried = json.loads(run("rules", "backtest", *files, "--json").stdout)
    fired = next(one["firing"] for one in tried["recordings"][0]["alerts"] if one["firing"] is not None)
    shown = run("replay", files[1], "--at", f"{fired + 2}", "--once", "--json", "--rules", files[0])
    document = json.loads(shown.stdout)
    (target,) = document["targets"]
    assert {"storm", "leak"} <= {function["function"] for function in target["functions"] or ()}, target
    assert "Leak" in json.dumps([document["alerts"], target["alerts"]])
    collections = [one for one in target["metrics"] if one["name"] == "python_gc_collections_total"]
    assert collections
    assert sum(one["value"] for one in collections) > 10


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed")
def test_it_is_scrubbed_to_the_alert_in_a_real_terminal(incident: Path, tmp_path: Path) -> None:
    assert TMUX is not None
    tmux = [TMUX, "-S", str(tmp_path / "tmux"), "-f", os.devnull]
    command = [
        *RAZORPROF,
        "replay",
        str(incident / "a.rzp"),
        "--at",
        "+1s",
        "--rules",
        str(incident / "rules.yml"),
    ]

    def do(*arguments: str) -> str:
        done = subprocess.run([*tmux, *arguments], capture_output=True, timeout=30, check=False)
        return done.stdout.decode("utf-8", "replace")

    def wait(*words: str) -> str:
        end = time.monotonic() + PATIENCE
        while not all(word in (screen := do("capture-pane", "-p")) for word in words):
            assert time.monotonic() < end, screen
            time.sleep(0.3)
        return screen

    environment = ["env", "LC_ALL=C.UTF-8", "TERM=screen-256color", f"PYTHONPATH={PROGRAM.parents[2]}"]
    do("new-session", "-d", "-x", "100", "-y", "32", *environment, *command)
    try:
        wait("PAUSED", "7 time")
        do("send-keys", "}")
        do("send-keys", "}")
        wait("Leak firing", "storm")
        do("send-keys", "4")
        wait("garbage collector", "of the time goes into collecting")
        do("send-keys", "@", "+4s")
        wait("enter goes there", "+4s")
        do("send-keys", "Enter")
        while "enter goes there" in do("capture-pane", "-p"):
            time.sleep(0.1)
        do("send-keys", "A")
        wait("now B at the other moment")
        do("send-keys", ")")
        wait("time in GC", "%, from 0")  # the look says "%, estimated", before the jump too
        do("send-keys", "m", "spike", "Enter")
        wait("marked: spike")
        do("send-keys", "B")
        wait("changed for certain", "time in GC", "storm")
        do("send-keys", "q")
    finally:
        do("kill-server")
    compared = run("replay", str(incident / "a.rzp"), "--diff", "+4s,spike", "--json")
    (target,) = json.loads(compared.stdout)["targets"]
    collecting = next(one for one in target["figures"] if one["name"] == "gc_time")
    assert collecting["delta"] > 0.02  # of the ten seconds before the peak one or two were the storm's, at 0.3
    assert any(one["matters"] for one in target["figures"])
    assert any(one["function"] == "storm" and one["delta"] > 0 for one in target["functions"])
