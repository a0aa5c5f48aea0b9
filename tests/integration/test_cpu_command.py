"""``razorprof cpu`` against real targets, as its user runs it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from razorprof.remote.process import ProcessView
from tests.integration.pyspy_processes import StopWatch, is_alive, sampling, wait_until
from tests.known_split import FUNCTIONS, true_shares
from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
COMMAND = (sys.executable, "-m", "razorprof", "cpu")
ENVIRONMENT = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}


def run(*arguments: object, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=90, env=ENVIRONMENT
    )


def document(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def split(start_program: StartProgram, build: PythonBuild) -> Program:
    program = start_program(build, PROGRAMS / "split_60_30_10.py", "100")
    program.wait_for("ready")
    return program


def shares_of(told: dict[str, Any]) -> dict[str, float]:
    found = {entry["function"]: entry["total_ratio"] for entry in told["functions"]}
    return {name: found.get(name, 0.0) for name in FUNCTIONS}


def compare_shares(program: Program, *options: str) -> dict[str, Any]:
    """Three tries: chance alone has a deviation of 0.8 points at 400 Hz and 10 s, and the machine is shared."""
    told: dict[str, Any] = {}
    found: dict[str, float] = {}
    truth: dict[str, float] = {}
    for _ in range(3):
        before = time.time()
        told = document(program.pid, "-d", "10", "-r", "400", *options)
        truth = true_shares(program, before, time.time())
        found = shares_of(told)
        if found == pytest.approx(truth, abs=0.03):
            break
    assert found == pytest.approx(truth, abs=0.03)
    return told


def test_shares_of_a_known_split_are_right(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    told = compare_shares(split(start_program, python_builds[-1]))
    assert told["duration_seconds"] == pytest.approx(10.0, abs=1.5)
    assert told["total"] == pytest.approx(told["duration_seconds"], rel=0.1)
    assert told["covered_ratio"] > 0.8
    assert told["target_stopped_ratio"] == 0


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("options", [(), ("--blocking",), ("--gil",)], ids=["plain", "blocking", "gil"])
def test_shares_of_a_known_split_are_right_on_every_python(
    python_build: PythonBuild, start_program: StartProgram, options: tuple[str, ...]
) -> None:
    told = compare_shares(split(start_program, python_build), *options)
    assert (told["target_stopped_ratio"] > 0) == ("--blocking" in options)


def test_the_oldest_python_is_looked_at_by_its_gil_and_that_is_said(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    if python_builds[0].version >= (3, 11):
        pytest.skip("no Python below 3.11 on this machine")
    told = document(split(start_program, python_builds[0]).pid, "-d", "1.5")
    assert told["mode"] == "nonblocking-gil"
    assert any("--blocking sees it" in note for note in told["notes"])
    assert told["total"] == pytest.approx(told["duration_seconds"], rel=0.2)


def test_wall_shows_the_thread_that_sleeps_too_and_threads_are_kept_apart_on_request(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    program = split(start_program, python_builds[-1])
    apart, joined = tmp_path / "apart.json", tmp_path / "joined.json"
    told = document(program.pid, "-d", "2", "--wall", "--threads", "-o", apart)
    assert told["mode"] == "nonblocking-wall"
    assert told["total"] == pytest.approx(2 * told["duration_seconds"], rel=0.15)
    assert {entry["function"] for entry in told["functions"]} >= {"idle", "work"}
    run(program.pid, "-d", "1", "--wall", "-o", joined)
    assert b"idle-one" in apart.read_bytes()
    assert b"idle-one" not in joined.read_bytes()


def test_blocking_says_how_long_the_target_stood_still(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = split(start_program, python_builds[-1])
    done = None
    for _ in range(3):  # where others take the CPU, coming back from a stop takes a sleeper as long as work does
        done = run(program.pid, "-d", "2", "--blocking")
        assert done.returncode == 0
        assert "(estimated)" in done.stderr
        assert "burn" in done.stdout
        if " idle " not in done.stdout:
            break
    assert done is not None
    assert " idle " not in done.stdout
    assert ProcessView(program.pid).stat().state in "RS"
    assert ProcessView(program.pid).status()["TracerPid"] == "0"


def test_nothing_is_stopped_without_being_asked(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = split(start_program, python_builds[-1])
    with StopWatch(program.pid) as watch:
        document(program.pid, "-d", "2")
    assert watch.stopped == []
    assert watch.looks > 100


def test_the_file_is_private_and_an_existing_one_is_refused_before_the_sampling(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    program = split(start_program, python_builds[-1])
    file = tmp_path / "cpu.collapsed"
    assert run(program.pid, "-d", "1", "-o", file).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"sixty" in file.read_bytes()
    before = file.read_bytes()
    began = time.monotonic()
    for wrong in (file, tmp_path / "none" / "a.json", tmp_path / "a.unknown", tmp_path):
        refused = run(program.pid, "-d", "60", "-o", wrong)
        assert refused.returncode == 2, wrong
        assert refused.stderr.startswith("razorprof: ")
    assert time.monotonic() - began < 40  # none of the four minutes was sampled
    assert file.read_bytes() == before
    assert run(program.pid, "-d", "1", "-o", file, "--force").returncode == 0
    assert file.read_bytes() != before


def test_several_targets_are_taken_at_the_same_time_into_files_of_their_own(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    programs = [split(start_program, python_builds[-1]) for _ in range(2)]
    pids = [program.pid for program in programs]
    refused = run(*pids, "-d", "1", "-o", tmp_path / "one.json")
    assert refused.returncode == 2
    done = run(*pids, "-d", "1", "-o", tmp_path / "{pid}.json", "--json")
    assert done.returncode == 0, done.stderr
    assert [entry["target"]["pid"] for entry in json.loads(done.stdout)] == pids
    assert sorted(file.name for file in tmp_path.glob("*.json")) == sorted(f"{pid}.json" for pid in pids)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_was_sampled(
    number: signal.Signals,
    code: int,
    python_builds: tuple[PythonBuild, ...],
    start_program: StartProgram,
    tmp_path: Path,
) -> None:
    program = split(start_program, python_builds[-1])
    file = tmp_path / "cpu.json"
    process = start(program.pid, "-d", "60", "-o", file)
    assert wait_until(lambda: sampling(program.pid), 30)
    time.sleep(2.0)
    process.send_signal(number)
    _, words = process.communicate(timeout=20)
    assert process.returncode == code
    told = json.loads(file.read_bytes())
    assert 0 < told["duration_seconds"] < 30
    assert "interrupted after" in words
    assert wait_until(lambda: not sampling(program.pid), 10)
    assert is_alive(program.pid)


def test_a_target_that_ends_meanwhile_yields_what_was_seen(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = split(start_program, python_builds[-1])
    process = start(program.pid, "-d", "60", "--json")
    assert wait_until(lambda: sampling(program.pid), 30)
    time.sleep(2.0)
    program.send(signal.SIGKILL)
    program.process.wait(10)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    told = json.loads(out)
    assert told["samples"] > 0
    assert any("the process ended after" in note for note in told["notes"])


def test_a_target_that_becomes_another_program_ends_the_profile(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    file = tmp_path / "execs.py"
    file.write_text(
        "import os, sys, time\nprint('ready', flush=True)\nend = time.time() + 4\n"
        "while time.time() < end:\n    sum(range(1000))\nos.execv('/bin/sleep', ['sleep', '60'])\n"
    )
    program = start_program(python_builds[-1], file)
    program.wait_for("ready")
    told = document(program.pid, "-d", "40")
    assert any("became another program" in note for note in told["notes"])
    assert told["duration_seconds"] < 10


def test_what_cannot_be_sampled_has_its_code_and_its_hint(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = split(start_program, python_builds[-1])
    for arguments, code, words in (
        ((program.pid, "--native"), 2, "--blocking"),
        ((program.pid, "--gil", "--wall"), 2, "exclude"),
        ((program.pid, "-d", "0"), 2, "range"),
        ((program.pid, "-r", "0"), 2, "range"),
        ((program.pid, "--format", "pprof"), 2, "-o"),
        ((4_000_000,), 3, "razorprof ps"),
        ((start_program("/bin/sleep", "60").pid,), 5, "razorprof"),
    ):
        done = run(*arguments, "-d", "1") if "-d" not in arguments else run(*arguments)
        assert done.returncode == code, (arguments, done.stderr)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    program.send(signal.SIGSTOP)
    assert wait_until(lambda: ProcessView(program.pid).stat().state == "T", 5)
    stopped = run(program.pid, "-d", "1")
    assert stopped.returncode == 6
    assert "kill -CONT" in stopped.stderr


def test_another_users_process_is_refused_with_the_way_out(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    setpriv = shutil.which("setpriv")
    if os.getuid() != 0 or setpriv is None:
        pytest.skip("needs root and setpriv to run as another user")
    program = split(start_program, python_builds[-1])
    drop = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    done = run(program.pid, "-d", "1", prefix=drop)
    assert done.returncode == 4, done.stderr
    assert "hint: " in done.stderr


def test_child_processes_are_in_the_profile_and_cannot_forge_stacks(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    file = tmp_path / "parent.py"
    file.write_text(
        "import subprocess, sys, time\n"
        "def in_parent(end):\n    while time.time() < end: pass\n"
        'hostile = \'evil"\\nProcess 1 Thread 1 "forged";forged_function 5\'\n'
        "code = 'import time\\ndef in_child():\\n while 1: pass\\nin_child()'\n"
        "child = subprocess.Popen([sys.executable, '-c', code, hostile])\n"
        "time.sleep(0.5)\nprint('ready', child.pid, flush=True)\n"
        "try:\n    in_parent(time.time() + 40)\nfinally:\n    child.kill()\n"
    )
    program = start_program(python_builds[-1], file)
    program.wait_for("ready")
    child = int(program.output.split()[1])
    try:
        told = document(program.pid, "-d", "2", "--subprocesses", "-o", tmp_path / "tree.json")
    finally:
        os.kill(child, signal.SIGKILL)
    functions = {entry["function"] for entry in told["functions"]}
    assert functions >= {"in_parent", "in_child"}
    assert not any("forged" in function for function in functions)
    content = (tmp_path / "tree.json").read_text()
    assert f"[{child}]" in content
    assert f"parent.py[{program.pid}] MainThread" in content


def test_a_terminal_sees_the_time_left_and_a_pipe_does_not(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = split(start_program, python_builds[-1])
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(program.pid), "-d", "2"], stdout=subprocess.DEVNULL, stderr=theirs, env=ENVIRONMENT
    )
    os.close(theirs)
    seen = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                seen.extend(piece)
        except OSError:  # EIO: nobody holds the other side any more
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert process.wait(60) == 0
    reader.join(10)
    os.close(ours)
    assert b"s left" in seen
    assert b"never stopped" in seen
    silent = run(program.pid, "-d", "1")
    assert "left" not in silent.stderr
    assert "\x1b" not in silent.stderr + silent.stdout


def test_many_threads_are_taken_and_a_rate_that_cannot_be_kept_is_told(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "many_threads.py")
    program.wait_for("ready")
    told = document(program.pid, "-d", "3", "-r", "200")
    assert told["samples"] > 0
    assert told["rounds"] == pytest.approx(told["achieved_hz"] * told["duration_seconds"], rel=0.01)
    assert told["duration_seconds"] < 15
