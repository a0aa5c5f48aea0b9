"""Captures of alerts on real programs: evidence that is readable, limits, ends, refusals, a full disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from razorprof.alerting.actions import read_actions
from razorprof.cli.edge import run
from razorprof.model.profile import top
from razorprof.plugin import loading
from razorprof.recording.bundle_read import open_bundle
from razorprof.recording.profile_files import decode_profile, read_profile
from razorprof.session.alert_captures import AlertCaptures
from razorprof.session.ring import Ring
from razorprof.session.session import Session, SessionOptions
from tests.integration.capture_driver import LABELS, fires, target_of
from tests.live_targets import Program, PythonBuild, StartProgram

SPLIT = Path(__file__).parents[1] / "programs" / "split_60_30_10.py"
DRIVER = [sys.executable, "-m", "tests.integration.capture_driver"]
ROOT = Path(__file__).parents[2]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
NO_FLOOR = "limits: {min_free_bytes: 0}"


@pytest.fixture
def program(python_builds: tuple[PythonBuild, ...], start_program: StartProgram) -> Program:
    build = next((build for build in python_builds if build.version[:2] == (3, 12)), python_builds[-1])
    found = start_program(build, SPLIT, "100")
    found.wait_for("ready")
    return found


def write_actions(path: Path, do: str, limits: str = NO_FLOOR, name: str = "slow") -> Path:
    path.write_text(
        f"version: 1\n{limits}\ncaptures:\n  - name: {name}\n    matchers: ['severity=~\"page|critical\"']\n"
        f"    do: {do}\n"
    )
    path.chmod(0o600)
    return path


def told(folder: Path) -> Any:
    return json.loads((folder / "capture.json").read_text())


def steps(folder: Path) -> dict[str, tuple[str, str | None]]:
    return {one["action"]: (one["state"], one["reason"]) for one in told(folder)["actions"]}


def drive(
    state: Path, actions: Path, pid: int, prefix: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*(prefix or []), *DRIVER, str(state), str(actions), str(pid)]
    return subprocess.run(command, capture_output=True, text=True, timeout=115, check=False, cwd=ROOT)


def test_an_alert_leaves_readable_evidence_that_begins_before_it(
    program: Program, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = target_of(program.pid)
    code = "import os; print(os.environ['RAZORPROF_LABEL_path'], os.environ['RAZORPROF_PID'])"
    command = f'[{sys.executable}, "-c", "{code}"]'
    do = (
        "[threads: {}, cpu: {duration: 2s, format: json}, heap: {}, gc: {}, bundle: {cpu: 1s}, "
        f"command: {{argv: {command}}}]"
    )
    ring = Ring()
    session = Session(SessionOptions(), sources=loading.sources, runtimes=loading.runtimes, taps=(ring.see,))
    captures = AlertCaptures(
        read_actions(write_actions(tmp_path / "a.yml", do)),
        tmp_path / "state",
        find_target=lambda labels: target,
        allow_commands=True,
        before=ring,
        view=session.view,
    )
    session.watch(target)
    session.start()
    try:
        deadline = time.monotonic() + 60.0
        while time.monotonic() < deadline:
            before = ring.take(target.identity)
            if before is not None and len(before.batches) >= 3 and before.dump is not None:
                break
            time.sleep(0.1)
        fired = time.time()
        folders = captures.order([fires()], fired)
        folder = Path(folders[LABELS])
        assert told(folder)["state"] in ("waiting", "running")
        assert captures.wait(100.0)
    finally:
        captures.stop(10.0)
        session.stop()

    document = told(folder)
    assert document["state"] == "done", document
    assert program.process.poll() is None
    profile = read_profile(folder / "cpu.json")
    assert top(profile)[0].function == "burn"
    assert any(one.function == "sixty" and one.total_ratio > 0.4 for one in top(profile))
    threads = json.loads((folder / "threads.json").read_text())["threads"]
    assert any(thread["name"] == "MainThread" for thread in threads)
    assert json.loads((folder / "gc.json").read_text())["interpreters"][0]["generations"]
    assert json.loads((folder / "memory.json").read_text())["total"]["resident_bytes"] > 1 << 20
    assert (folder / "command.txt").read_text() == f"/a b;$(id) {program.pid}\n"

    bundle = open_bundle(folder / "bundle.tar.gz")
    assert (bundle.problems, bundle.damage) == ({}, "")
    wanted = {"report.html", "cpu.json", "before-cpu.json", "before-metrics.json", "alert.json"}
    assert wanted <= set(bundle.contents)
    earlier = decode_profile(bundle.read("before-cpu.json"), "before-cpu.json")
    assert earlier.start is not None
    assert earlier.start < fired
    assert any(one.function == "sixty" for one in top(earlier))
    series = json.loads(bundle.read("before-metrics.json"))["series"]
    cpu = next(one for one in series if one["name"] == "process_cpu_seconds_total")
    assert cpu["times"][-1] <= fired
    assert b"before-cpu.json" in bundle.read("report.html")
    capfd.readouterr()
    assert run(["show", str(folder / "bundle.tar.gz"), "--file", "before-cpu.json"]) == 0
    assert "sixty" in capfd.readouterr().out
    assert run(["show", str(folder / "bundle.tar.gz")]) == 0
    assert "captured at the alert Slow" in capfd.readouterr().out


def test_limits_hold_over_runs_of_razorprof(program: Program, tmp_path: Path) -> None:
    actions = write_actions(tmp_path / "a.yml", "[gc: {}]", "limits: {count: 1, window: 1h, min_free_bytes: 0}")
    first = drive(tmp_path / "state", actions, program.pid)
    assert first.returncode == 0, first.stderr
    again = drive(tmp_path / "state", actions, program.pid)
    assert again.returncode == 3, again.stderr
    assert "1 of 1 within 3600 s" in again.stderr
    assert len(os.listdir(tmp_path / "state" / "captures")) == 1


def test_a_target_that_dies_in_the_middle_leaves_what_was_seen(program: Program, tmp_path: Path) -> None:
    actions = write_actions(tmp_path / "a.yml", "[threads: {}, cpu: {duration: 50s, format: json}, gc: {}]")
    target = target_of(program.pid)
    captures = AlertCaptures(read_actions(actions), tmp_path / "state", find_target=lambda labels: target)
    (path,) = captures.order([fires()], time.time()).values()
    folder = Path(path)
    deadline = time.monotonic() + 60.0
    while steps(folder)["cpu"][0] != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(4.0)  # some windows of py-spy
    program.send(signal.SIGKILL)
    program.process.wait()
    assert captures.wait(60.0)
    captures.stop(1.0)
    assert steps(folder)["threads"] == ("done", None)
    state, reason = steps(folder)["gc"]
    assert state == "failed"
    assert "ended" in str(reason)
    cpu, why = steps(folder)["cpu"]
    if cpu == "done":
        assert read_profile(folder / "cpu.json").seconds < 50
    else:
        assert "ended" in str(why)


@pytest.mark.slow
def test_allocations_are_recorded_with_consent_and_the_target_lives_on(
    start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program(sys.executable, SPLIT, "100")  # has memray
    program.wait_for("ready")
    actions = write_actions(tmp_path / "a.yml", "[heap: {duration: 2s, attach: true}]")
    done = drive(tmp_path / "state", actions, program.pid)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert steps(folder)["heap"] == ("done", None), told(folder)
    assert read_profile(folder / "heap.json").unit == "bytes"
    assert (folder / "heap.html").read_bytes().lstrip().startswith(b"<")
    assert program.process.poll() is None


def test_razorprof_that_ends_keeps_what_it_has(program: Program, tmp_path: Path) -> None:
    actions = write_actions(tmp_path / "a.yml", "[threads: {}, cpu: {duration: 90s, format: json}, gc: {}]")
    target = target_of(program.pid)
    captures = AlertCaptures(read_actions(actions), tmp_path / "state", find_target=lambda labels: target)
    (path,) = captures.order([fires()], time.time()).values()
    folder = Path(path)
    deadline = time.monotonic() + 60.0
    while steps(folder)["cpu"][0] != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(4.0)
    captures.stop(60.0)
    assert captures.wait(0.0)
    assert steps(folder)["gc"][0] == "skipped"
    assert told(folder)["ended"] is not None
    if steps(folder)["cpu"][0] == "done":
        assert read_profile(folder / "cpu.json").seconds < 85
    assert program.process.poll() is None


def test_without_permission_each_action_says_so_and_the_command_runs(program: Program) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chmod(place, 0o777)
        actions = write_actions(
            Path(place) / "a.yml", "[threads: {}, cpu: {duration: 1s}, gc: {}, command: {argv: [/usr/bin/id, -u]}]"
        )
        actions.chmod(0o644)
        done = drive(Path(place) / "state", actions, program.pid, NOBODY)
        assert done.returncode == 0, done.stdout + done.stderr
        folder = Path(done.stdout.strip())
        found = steps(folder)
        for name in ("threads", "cpu", "gc"):
            assert found[name][0] == "failed"
            assert "ermission" in str(found[name][1])
            assert "razorprof" in str(found[name][1])  # what to do about it
        assert found["command"] == ("done", None)
        assert (folder / "command.txt").read_text() == "65534\n"
        assert told(folder)["state"] == "partial"


def test_a_full_disk_is_told_in_the_folder_that_is_there(program: Program, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to mount a small disk")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    # the command fills the disk, so that what follows finds it full; what is left of it is copied out
    fill = f"command: {{argv: [/bin/dd, if=/dev/zero, of={disk}/noise, bs=4k]}}"
    actions = write_actions(tmp_path / "a.yml", f"[gc: {{}}, {fill}, threads: {{}}, bundle: {{cpu: 0}}]")
    inside = 'mount -t tmpfs -o size=600k,mode=700 tmpfs "$1" && shift && keep=$1 && disk=$2 && shift 2 && "$@"; '
    inside += 'code=$?; cp -r "$disk/state" "$keep"; exit $code'
    prefix = ["unshare", "-m", "sh", "-c", inside, "sh", str(disk), str(kept), str(disk)]
    done = drive(disk / "state", actions, program.pid, prefix)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (kept / "captures").iterdir()
    found = steps(folder)
    assert found["gc"] == ("done", None)
    assert found["command"][0] == "failed"  # dd found the disk full
    assert found["threads"][0] == "failed"
    assert "no room on the disk" in str(found["threads"][1])
    assert found["bundle"][0] == "failed"
    assert told(folder)["state"] == "partial"
    assert {"capture.json", "gc.json"} <= set(os.listdir(folder)) <= {"capture.json", "gc.json", "command.txt"}
    assert program.process.poll() is None
