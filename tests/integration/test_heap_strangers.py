"""`razorprof heap --attach` among strangers: other users' processes, and callers of the guard's port."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.heap_targets import (
    PROGRAMS,
    assert_unharmed,
    guards_below,
    need_gdb,
    run_heap,
    start_heap,
    start_target,
    status_of,
    wait_for_recording,
)
from tests.live_targets import StartProgram

AS_NOBODY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all"),
)
ROOT = Path(__file__).parents[2]


def need_root() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to run as another user")


def ports_of(pid: int) -> set[tuple[str, int]]:
    """Where a process listens on loopback."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(os.readlink(descriptor))
        except OSError:
            continue
    found = set()
    for table, address in (("tcp", "127.0.0.1"), ("tcp6", "::1")):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in held:
                found.add((address, int(fields[1].rpartition(":")[2], 16)))
    return found


@pytest.mark.slow
def test_strangers_who_call_the_guard_get_nothing_and_do_not_end_the_recording(
    start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py", "2")
    threads = int(status_of(target.pid)["Threads"])
    out = tmp_path / "heap.html"
    heap = start_heap(target, "-d", "3", "-o", str(out))
    end = time.monotonic() + 30
    while status_of(target.pid)["TracerPid"] == "0":
        assert time.monotonic() < end
        time.sleep(0.005)
    (guard,) = guards_below(heap.pid)
    calls = []
    for address in ports_of(guard):
        for _ in range(20):
            calls.append(socket.create_connection(address, timeout=30))
            calls[-1].sendall(b"a token\nstarted /tmp\n")
    assert len(calls) >= 20
    wait_for_recording(folder)
    for call in calls:
        heard = b""
        with contextlib.suppress(ConnectionResetError):  # hung up on before what we said was read
            heard = call.recv(4096)
        assert heard == b""
        call.close()
    said, errors = heap.communicate(timeout=60)
    assert heap.returncode == 0, errors
    assert b"leak" in said
    assert out.is_file()
    assert_unharmed(target, folder, threads)


@pytest.mark.slow
def test_when_razorprof_is_killed_its_own_recording_is_removed_too(
    start_program: StartProgram, tmp_path: Path
) -> None:
    folder, own = tmp_path / "target", tmp_path / "own"
    own.mkdir()
    target = start_target(start_program, folder, "heap_growing.py")
    threads = int(status_of(target.pid)["Threads"])
    heap = start_heap(target, "-d", "30", environment={"TMPDIR": str(own)})
    wait_for_recording(folder)
    assert list(own.iterdir())
    heap.send_signal(signal.SIGQUIT)
    heap.communicate(timeout=60)
    assert_unharmed(target, folder, threads)
    end = time.monotonic() + 20
    while list(own.iterdir()):
        assert time.monotonic() < end, [path.name for path in own.iterdir()]
        time.sleep(0.05)


def test_another_users_process_is_refused_with_the_way_out(start_program: StartProgram, tmp_path: Path) -> None:
    need_root()
    target = start_target(start_program, tmp_path / "target", "heap_growing.py")
    argv = [*AS_NOBODY, sys.executable, "-m", "razorprof", "heap", str(target.pid), "--attach", "-d", "1"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 4, done.stderr
    assert "no permission to look into the process" in done.stderr
    assert "hint: " in done.stderr
    assert status_of(target.pid)["TracerPid"] == "0"


@pytest.mark.slow
@pytest.mark.parametrize("as_owner", [True, False], ids=["its owner", "root"])
def test_the_process_of_an_ordinary_user_is_recorded_by_its_owner_and_by_root(
    as_owner: bool, start_program: StartProgram
) -> None:
    need_root()
    need_gdb()
    system = Path("/usr/bin/python3")
    if not system.exists() or sys.version_info[:2] != version_of(system):
        pytest.skip("the system's Python is not of our version: it cannot load our memray")
    room = Path(tempfile.mkdtemp())  # other than tmp_path, open to others
    try:
        python = environment_for_everybody(system, room)
        folder = room / "target"
        folder.mkdir()
        folder.chmod(0o777)
        target = start_program(
            AS_NOBODY[0],
            AS_NOBODY[1],
            *AS_NOBODY[2:],
            str(python),
            str(PROGRAMS / "heap_growing.py"),
            TMPDIR=str(folder),
            HOME=str(folder),
        )
        target.wait_for("step")
        assert status_of(target.pid)["Uid"].split()[0] == "65534"
        threads = int(status_of(target.pid)["Threads"])
        if as_owner:
            argv = [*AS_NOBODY, str(python), "-m", "razorprof", "heap", str(target.pid), "--attach", "-d", "1"]
            told = subprocess.run(
                argv,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
                cwd="/",
                env={**os.environ, "HOME": str(folder), "TMPDIR": "/tmp"},
            )
        else:
            told = run_heap(target, "--attach", "-d", "1")
        assert told.returncode == 0, told.stderr
        assert "leak" in told.stdout
        assert_unharmed(target, folder, threads)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def version_of(python: Path) -> tuple[int, int]:
    said = subprocess.check_output([python, "-c", "import sys; print(*sys.version_info[:2])"], text=True)
    major, minor = said.split()
    return int(major), int(minor)


def environment_for_everybody(system: Path, room: Path) -> Path:
    """An environment outside of our home, which sees what we have installed."""
    room.chmod(0o755)
    subprocess.run([system, "-m", "venv", "--without-pip", room / "python"], check=True, timeout=60)
    (packages,) = (room / "python").glob("lib/python*/site-packages")
    import memray

    (packages / "ours.pth").write_text(f"{ROOT}\n{Path(memray.__file__).parents[1]}\n")
    return room / "python" / "bin" / "python"
