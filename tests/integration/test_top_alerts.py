"""`razorprof top --rules` on a real target: alerts in JSON, in text and in the dashboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live_targets import StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
RAZORPROF = [sys.executable, "-m", "razorprof"]
PATIENCE = 240.0  # seconds: a crowded machine is slow
TMUX = shutil.which("tmux")
RULES = """
groups:
  - name: worker
    rules:
      - alert: ManyThreads
        expr: process_threads > 3
        labels: {severity: page}
        annotations: {summary: "{{ $value }} threads", runbook: threads.md}
      - alert: NoThreads
        expr: process_threads < 1
      - alert: Alive
        expr: count(up == 1) > 0
        for: 1h
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yml"
    file.write_text(RULES)
    file.chmod(0o600)
    (tmp_path / "threads.md").write_text("# Too many threads\n\nFind who starts them.\n")
    return file


def ended(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`top` with these arguments, run to its end."""
    command = [*RAZORPROF, "top", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


def until(wanted: Callable[[str], bool], *arguments: object, state: Path | None = None) -> tuple[str, str]:
    """The first line of what `top` prints that is as wanted, and what it says on stderr until it is ended then."""
    environment = os.environ if state is None else {**os.environ, "XDG_STATE_HOME": str(state)}
    command = [*RAZORPROF, "top", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    )
    late = threading.Timer(PATIENCE, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if wanted(line):
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=PATIENCE)
                return line, said
        raise AssertionError("".join(lines[-60:]) + process.communicate()[1])
    finally:
        late.cancel()
        process.kill()
        process.communicate()


def alerts(line: str) -> dict[str, Any]:
    """The alerts of the only target of a document, by their names."""
    [target] = json.loads(line)["targets"]
    return {alert["name"]: alert for alert in target["alerts"]}


def test_alerts_are_in_every_document(start_program: StartProgram, rules: Path) -> None:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")
    line, _ = until(lambda text: "ManyThreads" in alerts(text), program.pid, "--rules", rules, "--json")
    found, document = alerts(line), json.loads(line)
    assert {name: alert["state"] for name, alert in found.items()} == {"ManyThreads": "firing", "Alive": "pending"}
    fires = found["ManyThreads"]
    assert fires["labels"]["pid"] == str(program.pid)
    assert fires["value"] > fires["threshold"]["value"] == 3
    assert fires["annotations"]["summary"] == f"{fires['value']:g} threads"
    assert fires["fired_at"] <= fires["evaluated"] <= document["time"]
    assert document["rules"] == {"loaded": 3, "evaluated": 3, "failing": [], "error": None}


def test_alerts_are_a_section_of_the_text(start_program: StartProgram, rules: Path) -> None:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")
    line, _ = until(lambda text: "!!firing" in text, program.pid, "--rules", rules)
    assert re.search(r"!!firing +ManyThreads +\d+ > 3 ", line)


def test_an_alert_has_captures_taken_as_an_action_file_says(
    start_program: StartProgram, rules: Path, tmp_path: Path
) -> None:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")
    actions = tmp_path / "captures.yml"
    look = "{name: look, matchers: ['severity=page'], limits: {min_free_bytes: 0B}, do: [gc: {}]}"
    actions.write_text(f"version: 1\ncaptures: [{look}]\n")
    actions.chmod(0o600)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)

    def is_done(line: str) -> bool:
        return any(note["state"] == "done" for note in json.loads(line)["captures"])

    options = ("--rules", rules, "--actions", actions, "--json")
    line, said = until(is_done, program.pid, *options, state=state)
    [capture] = json.loads(line)["captures"]
    assert (capture["name"], capture["alert"], capture["pid"]) == ("look", "ManyThreads", program.pid)
    folder = Path(capture["folder"])
    assert folder.is_relative_to(state)
    assert list(folder.glob("gc*"))
    assert alerts(line)["ManyThreads"]["annotations"]["razorprof_capture"] == str(folder)
    assert f"capture done: {folder}" in said


def test_bad_rules_end_it_before_it_looks_for_the_target(rules: Path) -> None:
    rules.write_text("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up ==\n")
    for more in ((), ("--json",)):
        done = ended(os.getpid(), "--rules", rules, "-n", 1, *more)
        assert done.returncode == 2
        assert f"{rules}:5" in done.stdout + done.stderr


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed")
def test_the_dashboard_shows_what_fires_and_its_runbook(
    start_program: StartProgram, rules: Path, tmp_path: Path
) -> None:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")

    def tmux(*arguments: str) -> str:
        command = [str(TMUX), "-S", str(tmp_path / "tmux"), "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, timeout=30).stdout.decode("utf-8", "replace")

    def wait(ready: Callable[[str], bool]) -> str:
        end = time.monotonic() + PATIENCE
        while not ready(screen := tmux("capture-pane", "-p")):
            assert time.monotonic() < end, screen
            time.sleep(0.2)
        return screen

    command = [*RAZORPROF, "top", str(program.pid), "--rules", str(rules)]
    unset = [word for name in ("COLUMNS", "LINES", "NO_COLOR", "LC_ALL") for word in ("-u", name)]
    settings = ["TERM=screen-256color", "LANG=C.UTF-8"]
    tmux("new-session", "-d", "-x", "110", "-y", "32", "env", *unset, *settings, *command)
    try:
        wait(lambda text: "▲ ManyThreads firing" in text and "6 alerts (1)" in text)
        tmux("send-keys", "6")
        screen = wait(lambda text: "── ManyThreads of " in text)
        assert "!pending   Alive" in screen
        assert "ok         NoThreads" in screen
        tmux("send-keys", "r")
        wait(lambda text: "Find who starts them." in text)
        tmux("send-keys", "q")
    finally:
        tmux("kill-server")
