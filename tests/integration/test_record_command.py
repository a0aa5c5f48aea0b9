"""`razorprof record` on real processes: what is recorded can be shown, asked and drawn."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from razorprof.model.gc import GcState
from razorprof.model.scrape import Scrape
from razorprof.model.threads import ThreadDump
from razorprof.recording.rzp_reader import RecordingReader
from tests.live_targets import Program, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
RAZORPROF = (sys.executable, "-m", "razorprof")
TIME_OUT = 120


@pytest.fixture
def target(start_program: StartProgram) -> Program:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")
    return program


def razorprof(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RAZORPROF, *map(str, arguments)], capture_output=True, text=True, timeout=TIME_OUT)


def test_what_was_recorded_can_be_shown_asked_and_drawn(target: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    done = razorprof("record", str(target.pid), "-o", path, "-d", "12", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ended"] == "duration"
    assert document["file"] == str(path)
    assert f"recording {target.pid} five_threads.py into {path}" in done.stderr
    with RecordingReader(path) as recording:
        assert recording.is_complete
        structures = {
            type(structure)
            for event in recording.events()
            if isinstance(event, Scrape)
            for structure in event.structures
        }
        assert {GcState, ThreadDump} <= structures
        assert [one.pid for one in recording.targets()] == [target.pid]
    shown = json.loads(razorprof("show", path, "--json").stdout)
    [one] = shown["targets"]
    assert (one["runtime"], one["version"]) == ("cpython", ".".join(map(str, sys.version_info[:3])))
    assert one["functions"][0]["function"] == "leaf"
    assert {"process_cpu_seconds_total", "python_gil_held_ratio", "up"} <= {peak["name"] for peak in one["peaks"]}
    assert razorprof("show", path, "-o", tmp_path / "a.svg").returncode == 0
    asked = razorprof(
        "query",
        "rate(process_cpu_seconds_total[10s])",
        "--recording",
        path,
        "--start",
        "+8s",
        "--step",
        "1",
        "--json",
    )
    [series] = json.loads(asked.stdout)["result"]
    assert series["metric"]["job"] == "five_threads.py"
    assert max(float(value) for _, value in series["values"]) > 0.02  # on however crowded a machine


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0(number: signal.Signals, target: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    with subprocess.Popen(
        [*RAZORPROF, "record", str(target.pid), "-o", path, "--interval", "0.2"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        wait_for_ticks(path)
        process.send_signal(number)
        words = process.stderr.read()
    assert process.returncode == 0, words
    assert f"wrote {path}: " in words
    with RecordingReader(path) as recording:
        assert recording.is_complete


def test_the_end_of_the_target_ends_it_with_0_and_is_recorded(target: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    with subprocess.Popen(
        [*RAZORPROF, "record", str(target.pid), "-o", path, "--interval", "0.2"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        wait_for_ticks(path)
        target.send(signal.SIGKILL)
        words = process.stderr.read()
    assert process.returncode == 0, words
    [one] = json.loads(razorprof("show", path, "--json").stdout)["targets"]
    assert one["ended"] is not None
    assert "SIGKILL" in one["how"] or "ended" in one["how"] or one["how"]


def test_a_flight_recorder_is_copied_by_signal_and_becomes_a_file_at_the_end(
    target: Program, tmp_path: Path
) -> None:
    path = tmp_path / "a.rzp"
    options = ("--last", "3s", "--interval", "0.2", "--json")
    with subprocess.Popen(
        [*RAZORPROF, "record", str(target.pid), "-o", path, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        wait_for_ticks(tmp_path / "a.rzp.ring")
        process.send_signal(signal.SIGUSR1)
        copy = json.loads(process.stdout.readline())
        process.terminate()
        final = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert (copy["ended"], final["ended"]) == (None, "signal")
    for document in (copy, final):
        with RecordingReader(Path(document["file"])) as recording:
            assert recording.is_complete
            assert len(recording.ticks()) >= 1
    assert not (tmp_path / "a.rzp.ring").exists()


def test_a_process_tree_is_in_one_file(start_program: StartProgram, tmp_path: Path) -> None:
    program = start_program(sys.executable, PROGRAMS / "worker_tree.py")
    program.wait_for("ready")
    path = tmp_path / "{name}-{pid}.rzp"
    done = razorprof(
        "record", str(program.pid), "--children", "-o", path, "-d", "3", "--interval", "0.5", "--json"
    )
    assert done.returncode == 0, done.stderr
    written = Path(json.loads(done.stdout)["file"])
    assert written.name == f"worker_tree.py-{program.pid}.rzp"
    with RecordingReader(written) as recording:
        targets = recording.targets()
        assert targets[0].pid == program.pid
        assert len(targets) > 1
        assert all(one.parent == program.pid for one in targets[1:])


def test_on_a_terminal_it_shows_how_it_grows(target: Program, tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [*RAZORPROF, "record", str(target.pid), "-o", tmp_path / "a.rzp", "--interval", "0.2"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(terminal)
        seen = b""
        deadline = time.monotonic() + TIME_OUT
        while b"KiB" not in seen and time.monotonic() < deadline:
            seen += os.read(controller, 4096)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                more = os.read(controller, 4096)
            except OSError:
                break
            seen += more
    os.close(controller)
    assert process.returncode == 0
    words = seen.decode()
    assert "recording five_threads.py: " in words
    assert "\r\x1b[K" in words
    assert words.rpartition("\r\x1b[K")[2].startswith("wrote ")  # the line is gone before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-d", "soon"], "not a duration"),
        (["-d", "0"], "the duration is out of range"),
        (["--last", "2s"], "--last is too short"),
        (["--max-bytes", "10kB"], "--max-bytes is too small"),
        (["--interval", "0"], "the interval is out of range"),
        (["--rate", "0"], "the sampling rate is out of range"),
        (["-o", "{pod}.rzp"], "no such placeholder"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(
    options: list[str], words: str, target: Program, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*RAZORPROF, "record", str(target.pid), *options], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert os.listdir(tmp_path) == ["program-0.out", "program-0.err"] or not list(tmp_path.glob("*.rzp*"))


def test_no_such_process_is_3_and_leaves_nothing(tmp_path: Path) -> None:
    done = razorprof("record", "name:there-is-no-such-program", "-o", tmp_path / "a.rzp")
    assert done.returncode == 3
    assert os.listdir(tmp_path) == []


def wait_for_ticks(path: Path, ticks: int = 3) -> None:
    """Until the recording holds some."""
    deadline = time.monotonic() + TIME_OUT
    while time.monotonic() < deadline:
        if path.exists() and (path.is_file() or any(path.iterdir())):
            with RecordingReader(path) as recording:
                if len(recording.ticks()) >= ticks:
                    return
        time.sleep(0.1)
    raise AssertionError("nothing is recorded")


def test_top_records_what_it_shows_and_the_alerts_that_it_tells(target: Program, tmp_path: Path) -> None:
    path, rules = tmp_path / "top-{pid}.rzp", tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: Up, expr: sum(up) == 1, labels: {severity: page}}]}]\n")
    rules.chmod(0o600)
    done = razorprof("top", str(target.pid), "-n", "4", "--json", "--rules", rules, "--record", path)
    assert done.returncode == 0, done.stderr
    written = tmp_path / f"top-{target.pid}.rzp"
    assert f"wrote {written}" in done.stderr
    assert written.stat().st_mode & 0o777 == 0o600
    with RecordingReader(written) as recording:
        assert recording.is_complete
        assert [one.pid for one in recording.targets()] == [target.pid]
        told = [(change.alert.name, change.after.value) for change in recording.changes()]
    assert told == [("Up", "firing")]
    again = razorprof("top", str(target.pid), "-n", "1", "--json", "--record", written)
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (2, 2)
    played = razorprof("replay", written, "--json")
    assert len(played.stdout.splitlines()) >= 4
