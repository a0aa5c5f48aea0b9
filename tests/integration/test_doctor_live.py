"""ps and doctor as a user runs them: on every Python, as another user, on hostile and on ended processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.targets_room import (
    AS_NOBODY,
    AS_POOR_ROOT,
    TIME_OUT,
    document,
    has_control_characters,
    razorprof,
    require_prefix,
)
from tests.live_targets import Program, PythonBuild, StartProgram

SLEEPER = "import time\nprint('ready')\ntime.sleep(120)\n"
UNDUMPABLE = "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n" + SLEEPER  # PR_SET_DUMPABLE
RENAMED = "import ctypes\nctypes.CDLL(None).prctl(15, b'\\xff\\x1b[31m\\n)', 0, 0, 0)\n" + SLEEPER  # PR_SET_NAME


def start(start_program: StartProgram, folder: Path, source: str = SLEEPER, *arguments: str) -> Program:
    path = folder / "target_of_doctor.py"
    path.write_text(source)
    program = start_program(sys.executable, path, *arguments)
    program.wait_for("ready")
    return program


def listed(pid: int, *arguments: str, **keywords: Any) -> dict[str, Any]:
    found = [line for line in document("ps", *arguments, **keywords) if line["pid"] == pid]
    assert len(found) == 1, f"{pid} is not listed once"
    line: dict[str, Any] = found[0]
    return line


def checks(pid: int, **keywords: Any) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in document("doctor", str(pid), **keywords)["checks"]}


def test_every_python_is_listed_with_its_version_and_may_be_looked_into(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    path = tmp_path / "listed.py"
    path.write_text(SLEEPER)
    program = start_program(python_build, path, "--token", "hunter2")
    program.wait_for("ready")
    line = listed(program.pid)
    assert line["runtime"] == "cpython"
    assert line["version"] == ".".join(map(str, python_build.version))
    assert (line["name"], line["attach"], line["reason"]) == ("listed.py", "ok", None)
    assert line["command"].endswith("listed.py --token [redacted]")
    assert line["rss_bytes"] > 1 << 20
    seen = checks(program.pid)
    assert seen["attach"]["ok"] is True
    assert seen["runtime"]["ok"] is True
    assert line["version"] in seen["runtime"]["detail"]


def test_the_busiest_comes_first_and_a_filter_leaves_out_the_rest(
    start_program: StartProgram, tmp_path: Path
) -> None:
    word = f"word{uuid.uuid4().hex}"
    idle = start(start_program, tmp_path, SLEEPER, word)
    busy = start(start_program, tmp_path, "print('ready')\nwhile True: pass\n", word)
    lines = document("ps", word)
    assert [line["pid"] for line in lines] == [busy.pid, idle.pid]
    assert 0.04 < lines[0]["cpu_ratio"] < 1.3
    assert lines[1]["cpu_ratio"] < lines[0]["cpu_ratio"]
    assert [line["pid"] for line in document("ps", str(idle.pid))] == [idle.pid]
    assert document("ps", "name:no-such-program") == []


def test_only_recognised_processes_are_listed_unless_all_are_asked_for() -> None:
    with subprocess.Popen(["sleep", "100"]) as sleeper:
        try:
            assert sleeper.pid not in [line["pid"] for line in document("ps")]
            line = listed(sleeper.pid, "--all")
            assert (line["runtime"], line["version"], line["attach"]) == (None, None, "unsupported")
            assert "runtime" in line["reason"]
            found = document("doctor", str(sleeper.pid))
            assert found["verdict"] == "limited"
        finally:
            sleeper.kill()


def test_razorprof_and_its_ancestors_are_not_listed() -> None:
    assert os.getpid() not in [line["pid"] for line in document("ps", "--all")]


def test_another_users_process_is_denied_with_the_command_that_mends_it(
    start_program: StartProgram, tmp_path: Path
) -> None:
    require_prefix(AS_NOBODY)
    program = start(start_program, tmp_path)
    line = listed(program.pid, prefix=AS_NOBODY)
    assert line["attach"] == "denied"
    assert "another user (uid 0)" in line["reason"]
    answer = razorprof("doctor", str(program.pid), prefix=AS_NOBODY)
    assert answer.returncode == 4
    assert "sudo razorprof" in answer.stdout
    assert answer.stdout.endswith("verdict: blocked\n")


def test_root_without_the_capability_is_told_the_container_option(
    start_program: StartProgram, tmp_path: Path
) -> None:
    require_prefix(AS_POOR_ROOT)
    program = start(start_program, tmp_path)
    answer = razorprof("doctor", str(program.pid), prefix=AS_POOR_ROOT)
    assert answer.returncode == 4
    assert "docker run --cap-add SYS_PTRACE" in answer.stdout
    assert checks(program.pid, prefix=AS_POOR_ROOT)["capabilities"]["ok"] is False


@pytest.fixture
def of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start a program as nobody; ended with the test."""
    require_prefix(AS_NOBODY)
    started: list[subprocess.Popen[str]] = []

    def start_one(source: str) -> subprocess.Popen[str]:
        command = [*AS_NOBODY, sys.executable, "-u", "-c", source]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/")
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate(timeout=TIME_OUT)


def test_a_process_that_protects_itself_from_its_own_user_is_told(of_nobody: Any) -> None:
    plain, protected = of_nobody(SLEEPER), of_nobody(UNDUMPABLE)
    assert checks(plain.pid, prefix=AS_NOBODY)["attach"]["ok"] is True
    seen = checks(protected.pid, prefix=AS_NOBODY)["attach"]
    assert seen["ok"] is False
    assert "not dumpable" in seen["detail"]
    assert "sudo" in seen["fix"]


@pytest.mark.parametrize(
    "argument", ["\x1b]0;pwned\x07\x1b[2J", "line\nbreak\ttab", "x" * 10_000, "\u202ereversed", "\x9b31m"]
)
def test_hostile_arguments_are_escaped_in_every_output(
    argument: str, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start(start_program, tmp_path, SLEEPER, argument)
    for answer in (razorprof("ps", str(program.pid)), razorprof("doctor", str(program.pid))):
        assert answer.returncode == 0, answer.stderr
        assert not has_control_characters(answer.stdout)
        assert max(map(len, answer.stdout.splitlines())) < 8192
    assert argument in listed(program.pid)["command"]


def test_names_of_broken_bytes_are_shown_escaped(start_program: StartProgram, tmp_path: Path) -> None:
    program = start(start_program, tmp_path, RENAMED)
    with subprocess.Popen([b"\xff\xfe\x1b[31m", "100"], executable=shutil.which("sleep")) as sleeper:
        try:
            answer = razorprof("ps", "--all")
            assert answer.returncode == 0, answer.stderr
            assert not has_control_characters(answer.stdout)
            assert listed(sleeper.pid, "--all")["name"] == "\ufffd\ufffd\x1b[31m"
            assert listed(program.pid)["attach"] == "ok"
        finally:
            sleeper.kill()


def test_a_stopped_process_is_told_with_the_command_that_continues_it(
    start_program: StartProgram, tmp_path: Path
) -> None:
    program = start(start_program, tmp_path)
    program.send(signal.SIGSTOP)
    state = checks(program.pid)["state"]
    assert state["ok"] is False
    assert state["fix"] == f"kill -CONT {program.pid}"


def test_a_traced_process_names_its_tracer(start_program: StartProgram, tmp_path: Path) -> None:
    program = start(start_program, tmp_path)
    seize = (
        "import ctypes, sys, time\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"assert libc.ptrace(0x4206, {program.pid}, None, None) == 0, ctypes.get_errno()\n"  # PTRACE_SEIZE
        "print('ready', flush=True)\ntime.sleep(120)\n"
    )
    with subprocess.Popen([sys.executable, "-c", seize], stdout=subprocess.PIPE, text=True) as tracer:
        try:
            assert tracer.stdout is not None
            if tracer.stdout.readline() != "ready\n":
                pytest.skip("tracing is not allowed here")
            check = checks(program.pid)["tracer"]
            assert check["ok"] is False
            assert f"pid {tracer.pid}" in check["detail"]
        finally:
            tracer.kill()


def test_a_replaced_executable_is_told(tmp_path: Path) -> None:
    source = shutil.which("sleep")
    assert source is not None
    binary = tmp_path / "sleep"
    shutil.copy(source, binary)
    with subprocess.Popen([binary, "100"]) as sleeper:
        try:
            deadline = time.monotonic() + 10
            while os.readlink(f"/proc/{sleeper.pid}/exe") != str(binary) and time.monotonic() < deadline:
                time.sleep(0.01)
            binary.unlink()
            check = checks(sleeper.pid)["executable"]
            assert check["ok"] is False
            assert "restart" in check["fix"]
        finally:
            sleeper.kill()


def test_a_zombie_is_a_finding_with_exit_3() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        answer = razorprof("doctor", str(child))
        assert answer.returncode == 3
        assert "zombie" in answer.stdout
        assert f"pid {os.getpid()}" in answer.stdout
        assert child not in [line["pid"] for line in document("ps", "--all")]
    finally:
        os.waitpid(child, 0)


def test_every_failure_of_doctor_names_what_mends_it() -> None:
    for check in document("doctor")["checks"]:
        assert check["ok"] is not False or check["fix"], check
        assert set(check) >= {"name", "ok", "detail", "fix"}


def test_looking_leaves_the_target_untouched(start_program: StartProgram, tmp_path: Path) -> None:
    program = start(start_program, tmp_path)
    before = Path(f"/proc/{program.pid}/status").read_text().split()
    razorprof("ps", str(program.pid))
    razorprof("doctor", str(program.pid))
    after = Path(f"/proc/{program.pid}/status").read_text().split()
    switches = ("voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")
    for name in switches:
        assert after[after.index(name) + 1] == before[before.index(name) + 1], "it slept on undisturbed"


def test_root_of_a_user_namespace_is_told_that_its_capabilities_do_not_count_outside(
    start_program: StartProgram, tmp_path: Path
) -> None:
    prefix = ("unshare", "--user", "--map-root-user")
    require_prefix(prefix)
    program = start(start_program, tmp_path)
    check = checks(program.pid, prefix=prefix)["attach"]
    assert check["ok"] is False
    assert "another user namespace" in check["detail"]
