"""Processes that do not let themselves be read, pids that change hands, and a reader that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from razorprof.remote.process import ProcessView
from tests.integration.cpython_targets import eventually, gc_reader, gc_state
from tests.live_targets import StartProgram

NOBODY = ("--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
NO_CAPABILITY = ("--inh-caps=-all", "--bounding-set=-all")

COUNTING = """
import ctypes, sys, time
if sys.argv[1] == "hidden":
    assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0  # PR_SET_DUMPABLE
print("ready", flush=True)
while True:
    time.sleep(0.05)
    print("alive", flush=True)
"""

READING = """
import sys, time
from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.gc_source import GcSource
pid, looks = int(sys.argv[1]), float(sys.argv[2])
try:
    reader = GcSource(looks).open(Target(ProcessView(pid).identity, "x"), SourceOptions())
    print("collections", reader.read()[0].interpreters[0].generations[0].collections, flush=True)
    while looks > 100:
        reader.read()
        time.sleep(0.01)
except RazorprofError as error:
    print(type(error).__name__, int(error.code), flush=True)
"""


@pytest.fixture
def setpriv() -> str:
    found = shutil.which("setpriv")
    if os.geteuid() != 0 or found is None:
        pytest.skip("needs root and setpriv to give up rights")
    return found


def reading(setpriv: str, rights: tuple[str, ...], pid: int) -> str:
    """What a reader with these rights says of the process."""
    answer = subprocess.run(
        [setpriv, *rights, "/usr/bin/python3", "-c", READING, str(pid), "50"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    if "ModuleNotFoundError" in answer.stderr:
        pytest.skip(f"another user cannot import razorprof from here: {answer.stderr.strip().splitlines()[-1]}")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def started_as(start_program: StartProgram, folder: Path, setpriv: str, rights: tuple[str, ...], mode: str) -> int:
    """A counting program with these rights."""
    launcher = folder / f"launcher-{mode}"
    launcher.write_text(f'#!/bin/sh\nexec {setpriv} {" ".join(rights)} /usr/bin/python3 -c "$(cat "$1")" "$2"\n')
    launcher.chmod(0o700)
    source = folder / "counting.py"
    source.write_text(COUNTING)
    program = start_program(launcher, source, mode)
    program.wait_for("ready")
    return program.pid


@pytest.mark.parametrize("rights", [NOBODY, NO_CAPABILITY], ids=["another user", "root without capabilities"])
def test_a_process_that_forbids_to_be_dumped_is_refused_to_its_own_user(
    rights: tuple[str, ...], setpriv: str, start_program: StartProgram, tmp_path: Path
) -> None:
    hidden = started_as(start_program, tmp_path, setpriv, rights, "hidden")
    assert reading(setpriv, rights, hidden) == "PermissionDenied 4"


def test_a_process_that_forbids_to_be_dumped_is_read_with_the_capability(
    setpriv: str, start_program: StartProgram, tmp_path: Path
) -> None:
    hidden = started_as(start_program, tmp_path, setpriv, NOBODY, "hidden")
    with gc_reader(hidden) as reader:
        (main,) = gc_state(list(reader.read())).interpreters
        assert main.generations is not None
        assert main.enabled is True


def test_a_user_reads_the_own_process_without_any_capability(
    setpriv: str, start_program: StartProgram, tmp_path: Path
) -> None:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() != "0":
        pytest.skip(f"Yama allows children only: ptrace_scope is {scope.read_text().strip()}")
    plain = started_as(start_program, tmp_path, setpriv, NOBODY, "plain")
    assert reading(setpriv, NOBODY, plain).startswith("collections ")


def test_a_reader_that_is_killed_leaves_its_target_untouched_and_nothing_behind(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "counting.py"
    source.write_text(COUNTING)
    program = start_program(sys.executable, source, "plain")
    program.wait_for("ready")
    home = tmp_path / "home"
    home.mkdir()
    for _ in range(5):
        reader = subprocess.Popen(
            [sys.executable, "-c", READING, str(program.pid), "1000"],
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(home), "TMPDIR": str(home)},
        )
        assert reader.stdout is not None
        assert reader.stdout.readline().startswith("collections ")
        time.sleep(0.1)
        reader.send_signal(signal.SIGKILL)
        reader.wait(10)
        reader.stdout.close()
        status = ProcessView(program.pid).status()
        assert status["TracerPid"] == "0"
        assert status["State"][0] in "RS"
    told = program.output.count("alive")
    eventually(lambda: True if program.output.count("alive") > told + 3 else None)
    assert list(home.iterdir()) == []


RECYCLING = """
import os, subprocess, sys, time
from razorprof.errors import TargetGone
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import RemoteMemory, AddressSpaceGone
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.gc_source import GcSource
SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
def started():
    process = subprocess.Popen(SLEEP, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process
first = started()
view = ProcessView(first.pid)
identity = view.identity
memory = RemoteMemory(view)
reader = GcSource().open(Target(identity, "first"), SourceOptions())
reader.read()
time.sleep(0.05)  # start times are told in hundredths of a second
first.kill()
first.wait()
with open("/proc/sys/kernel/ns_last_pid", "w") as last:
    last.write(str(first.pid - 1))
second = started()
try:
    assert second.pid == first.pid, (first.pid, second.pid)
    for attempt in (reader.read, lambda: GcSource().open(Target(identity, "first"), SourceOptions())):
        try:
            attempt()
            print("read a stranger")
        except TargetGone:
            print("gone")
    try:
        memory.read(int(open(f"/proc/{second.pid}/maps").read().split("-")[0], 16), 8)
        print("read a stranger")
    except AddressSpaceGone:
        print("gone")
finally:
    reader.close()
    second.kill()
    second.wait()
"""


def test_a_pid_that_was_given_to_another_python_meanwhile_is_never_read() -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        pytest.skip("needs root and unshare for a PID namespace of its own")
    command = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*command, "true"], capture_output=True, timeout=30, check=False).returncode != 0:
        pytest.skip("PID namespaces cannot be made here")
    answer = subprocess.run(
        [*command, sys.executable, "-c", RECYCLING], capture_output=True, text=True, timeout=90, check=False
    )
    if "ns_last_pid" in answer.stderr:
        pytest.skip("this kernel does not let the next pid be chosen")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == ["gone"] * 3
