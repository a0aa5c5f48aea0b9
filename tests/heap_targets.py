"""Targets of `razorprof heap --attach`: started with a folder for temporary files of their own, and judged.

A target is unharmed when it lives, is neither stopped nor traced, makes progress and holds nothing of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.live_targets import Program, StartProgram

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 40.0


def need_gdb() -> None:
    if shutil.which("gdb") is None:
        pytest.skip("no gdb on this machine")


def start_target(start_program: StartProgram, folder: Path, program: str, *args: str) -> Program:
    """A target on our own Python, where memray is; its temporary files lie in `folder`."""
    need_gdb()
    folder.mkdir(exist_ok=True)
    target = start_program(sys.executable, PROGRAMS / program, *args, TMPDIR=str(folder))
    target.wait_for("ready")
    return target


def start_heap(
    target: Program, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """`razorprof heap TARGET --attach`, its output to be read once it has ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "razorprof", "heap", str(target.pid), "--attach", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def run_heap(target: Program | int, *options: str) -> subprocess.CompletedProcess[str]:
    """`razorprof heap TARGET`, waited for."""
    pid = target if isinstance(target, int) else target.pid
    return subprocess.run(
        [sys.executable, "-m", "razorprof", "heap", str(pid), *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def guards_of(pid: int) -> Sequence[int]:
    """Debuggers that were started on the target, whoever their parent is by now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if argv[0].endswith(b"gdb") and str(pid).encode() in argv:
            found.append(int(folder.name))
    return found


def guards_below(pid: int) -> list[int]:
    """The guard processes that a razorprof has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        children = (task / "children").read_text().split()
        found += [int(c) for c in children if b"memray_guard_process" in Path(f"/proc/{c}/cmdline").read_bytes()]
    assert found
    return found


def wait_for_recording(folder: Path) -> None:
    end = time.monotonic() + 30
    while not list(folder.glob("razorprof-*/allocations.bin")):
        assert time.monotonic() < end, "it does not record"
        time.sleep(0.02)


def assert_unharmed(target: Program, folder: Path, threads: int) -> None:
    """Wait until everything of ours is gone, then look for harm. threads: how many it has without us."""
    end = time.monotonic() + PATIENCE
    told = ""
    while time.monotonic() < end:
        assert target.process.poll() is None, f"the target died: {target.process.returncode}, {target.errors}"
        status = status_of(target.pid)
        left = [path.name for path in folder.iterdir()]
        told = f"{status['State']}, TracerPid {status['TracerPid']}, {status['Threads']} threads, {left}"
        is_free = status["TracerPid"] == "0" and status["State"][0] not in "Tt" and not guards_of(target.pid)
        if is_free and not left and int(status["Threads"]) == threads:
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"not let go of after {PATIENCE:g} s: {told}")
    before = target.output.count("step")
    while target.output.count("step") <= before + 1:
        assert target.process.poll() is None, f"the target died: {target.process.returncode}, {target.errors}"
        assert time.monotonic() < end + PATIENCE, "the target makes no progress"
        time.sleep(0.05)
    assert "KeyboardInterrupt" not in target.errors, target.errors
