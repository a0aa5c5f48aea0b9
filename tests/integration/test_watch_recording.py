"""What `razorprof watch` records of a real process: copied at an alert and by a signal, kept over a kill."""

from __future__ import annotations

import json
import signal
import stat
import sys
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.recording.rzp_reader import RecordingReader
from tests.integration.serve_targets import SPLIT
from tests.integration.watch_targets import until, watching
from tests.live_targets import StartProgram

RULES = """
groups:
  - name: worker
    interval: 1s
    rules:
      - {alert: Busy, expr: "process_cpu_seconds_total > 0", for: 1s}
"""
ACTIONS = """
version: 1
limits: {min_free_bytes: 1MiB}
captures:
  - name: busy
    matchers: ['alertname="Busy"']
    do:
      - recording: {last: 1m}
"""


def ticks(path: Path) -> list[float]:
    with RecordingReader(path) as recording:
        assert recording.damage == []
        found: list[float] = recording.ticks().tolist()
        return found


def test_the_minutes_before_an_alert_a_signal_and_a_kill_can_be_replayed(
    start_program: StartProgram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, actions, state = tmp_path / "rules.yml", tmp_path / "actions.yml", tmp_path / "state"
    rules.write_text(RULES)
    actions.write_text(ACTIONS)
    target = start_program(sys.executable, SPLIT, "300")
    target.wait_for("ready")
    options = [str(target.pid), "--rules", str(rules), "--interval", "0.5", "--state", str(state)]
    with watching(tmp_path, *options, "--actions", str(actions), "--last", "1m") as watch:
        started = watch.wait_for("started")
        assert (started["recording"], started["crash"]) == (str(state / "ring"), None)
        fired = watch.wait_for("alert", name="Busy", state="firing")
        capture = watch.wait_for("capture", name="busy", state="done")
        kept = Path(capture["folder"]) / "recording.rzp"
        before = ticks(kept)
        assert before[0] < fired["time"] <= before[-1]
        with RecordingReader(kept) as recording:
            assert [one.pid for one in recording.targets()] == [target.pid]
            assert "Busy" in {change.alert.name for change in recording.changes()}
        watch.send(signal.SIGUSR1)
        asked = Path(watch.wait_for("recording", error=None)["file"])
        assert set(before) <= set(ticks(asked))
        assert {stat.S_IMODE(path.stat().st_mode) for path in (kept, asked)} == {0o600}
        last = ticks(state / "ring")[-1]
        until(lambda: ticks(state / "ring")[-1] > last, "it goes on")
        assert watch.end(signal.SIGKILL) == -signal.SIGKILL
    left = ticks(state / "ring")
    with watching(tmp_path, *options) as watch:
        crash = Path(watch.wait_for("started")["crash"])
        assert ticks(crash) == left
        until(lambda: ticks(state / "ring")[-1] > left[-1], "it is gone on with")
        assert watch.end() == 0
    command = ["query", "count(count by (pid) (up))", "--json"]
    for path in (state / "ring", crash, asked):
        command += ["--recording", str(path)]
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["result"][0]["value"][1] == "1"
