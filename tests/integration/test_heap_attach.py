"""`razorprof heap --attach` on real targets: what it finds, what it refuses, and that no target is harmed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
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
from tests.live_targets import MINORS, PythonBuild, StartProgram, find_python


def test_a_leak_is_named_and_a_cache_that_fills_and_stops_is_not(
    start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py")
    threads = int(status_of(target.pid)["Threads"])
    out = tmp_path / "heap.pb.gz"
    heap = start_heap(target, "-d", "5", "--leaks", "--json", "-o", str(out))
    wait_for_recording(folder)
    target.send(signal.SIGUSR1)
    said, errors = heap.communicate(timeout=100)
    assert heap.returncode == 0, errors
    found = json.loads(said)
    live = {site["function"]: site["bytes"] for site in found["live"]}
    assert live["fill_cache"] >= 39 * 50_000  # it filled while it was watched
    growing = [site["function"] for site in found["growing"]]
    assert growing == ["leak"]
    assert found["growing"][0]["bytes_per_second"] == pytest.approx(
        live["leak"] / found["duration_seconds"], rel=0.5
    )
    assert out.stat().st_mode & 0o777 == 0o600
    assert_unharmed(target, folder, threads)


@pytest.mark.slow
def test_a_ctrl_c_keeps_what_was_recorded(start_program: StartProgram, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py", "2")
    threads = int(status_of(target.pid)["Threads"])
    out = tmp_path / "heap.json"
    heap = start_heap(target, "-d", "60", "-o", str(out))
    wait_for_recording(folder)
    time.sleep(1.0)
    heap.send_signal(signal.SIGINT)
    said, errors = heap.communicate(timeout=60)
    assert heap.returncode == 130, errors
    assert b"leak" in said
    assert b"leak" in out.read_bytes()
    assert_unharmed(target, folder, threads)


@pytest.mark.slow
def test_a_recording_ends_at_its_bytes(start_program: StartProgram, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py", "4")
    threads = int(status_of(target.pid)["Threads"])
    out = tmp_path / "heap.bin"
    done = run_heap(target, "--attach", "-d", "60", "--max-bytes", "64KiB", "-o", str(out), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ended"] == "bytes"
    assert found["duration_seconds"] < 40
    assert "--max-bytes" in done.stderr
    assert_unharmed(target, folder, threads)


@pytest.mark.parametrize(
    ("number", "program"),
    [
        pytest.param(signal.SIGKILL, ("heap_growing.py", "2"), id="KILL-busy"),
        pytest.param(signal.SIGKILL, ("heap_waiting.py", "2"), id="KILL-waiting", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, ("heap_growing.py", "2"), id="TERM-busy", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, ("heap_waiting.py", "2"), id="TERM-waiting", marks=pytest.mark.slow),
    ],
)
def test_a_target_is_unharmed_when_razorprof_is_ended_in_the_middle(
    program: tuple[str, ...], number: signal.Signals, start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, *program)
    threads = int(status_of(target.pid)["Threads"])
    heap = start_heap(target, "-d", "20", "--timeout", "10", "--force")
    end = time.monotonic() + 20
    while status_of(target.pid)["TracerPid"] == "0":  # right after gdb has come in
        assert time.monotonic() < end
        time.sleep(0.005)
    heap.send_signal(number)
    heap.communicate(timeout=60)
    assert_unharmed(target, folder, threads)


@pytest.mark.slow
@pytest.mark.parametrize("program", [("heap_growing.py",), ("heap_waiting.py", "3")], ids=["busy", "waiting"])
def test_a_target_is_unharmed_when_even_the_guard_is_killed(
    program: tuple[str, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, *program)
    threads = int(status_of(target.pid)["Threads"])
    heap = start_heap(target, "-d", "30", "--timeout", "20", "--force")
    if program[0] == "heap_growing.py":
        wait_for_recording(folder)
    else:
        end = time.monotonic() + 20
        while status_of(target.pid)["TracerPid"] == "0":
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(1.2)  # by now gdb waits for a breakpoint
    for guard in guards_below(heap.pid):
        subprocess.run(["kill", "-KILL", str(guard)], check=True)
    _, errors = heap.communicate(timeout=60)
    assert heap.returncode == 6
    assert b"guard" in errors
    assert_unharmed(target, folder, threads)


def test_a_target_in_which_no_thread_runs_is_refused(start_program: StartProgram, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_waiting.py", "30")
    time.sleep(0.3)
    done = run_heap(target, "--attach", "-d", "1")
    assert done.returncode == 6
    assert "no thread of the process was seen to run" in done.stderr
    assert status_of(target.pid)["TracerPid"] == "0"


def test_a_stopped_target_is_refused_and_stays_stopped(start_program: StartProgram, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py")
    target.send(signal.SIGSTOP)
    done = run_heap(target, "--attach", "-d", "1")
    assert done.returncode == 6
    assert "the process is stopped" in done.stderr
    assert status_of(target.pid)["State"][0] == "T"
    target.send(signal.SIGCONT)


@pytest.mark.slow
def test_a_target_that_somebody_else_traces_is_refused(start_program: StartProgram, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    target = start_target(start_program, folder, "heap_growing.py")
    argv = ["gdb", "-nx", "-batch", "-p", str(target.pid), "-ex", "shell sleep 5"]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as gdb:
        end = time.monotonic() + 20
        while status_of(target.pid)["TracerPid"] != str(gdb.pid):
            assert time.monotonic() < end
            time.sleep(0.01)
        done = run_heap(target, "--attach", "-d", "1")
        assert status_of(target.pid)["TracerPid"] == str(gdb.pid)  # untouched
    assert done.returncode == 6
    assert f"pid {gdb.pid}" in done.stderr


@pytest.mark.slow
def test_a_target_without_memray_is_told_how_to_get_it_and_is_unharmed(
    start_program: StartProgram, tmp_path: Path
) -> None:
    need_gdb()
    build = next((b for name in reversed(MINORS) if (b := find_python(name)) is not None), None)
    if build is None or build.version < (3, 9):
        pytest.skip("no other Python of 3.9 or later on this machine")
    folder = tmp_path / "target"
    folder.mkdir()
    # -I: were memray in the user's own site-packages, it would be found
    target = start_program(build, "-I", str(PROGRAMS / "heap_growing.py"), TMPDIR=str(folder))
    target.wait_for("step")
    threads = int(status_of(target.pid)["Threads"])
    done = run_heap(target, "--attach", "-d", "1")
    assert done.returncode == 5, done.stderr
    assert "the target cannot import memray" in done.stderr
    assert "pip install memray==" in done.stderr
    assert_unharmed(target, folder, threads)


def test_python_3_8_is_refused_before_anything_is_touched(start_program: StartProgram) -> None:
    build: PythonBuild | None = find_python("3.8")
    if build is None:
        pytest.skip("no Python 3.8 on this machine")
    target = start_program(build, str(PROGRAMS / "heap_growing.py"))
    target.wait_for("ready")
    done = run_heap(target, "--attach", "-d", "1")
    assert done.returncode == 5
    assert "memray needs Python 3.9" in done.stderr


def test_without_consent_it_is_refused_and_an_existing_file_is_found_before_the_work(
    start_program: StartProgram, tmp_path: Path
) -> None:
    target = start_program(sys.executable, PROGRAMS / "heap_growing.py")
    target.wait_for("ready")
    done = run_heap(target, "-d", "1", "-o", str(tmp_path / "heap.html"))
    assert done.returncode == 5
    assert "--attach" in done.stderr
    (tmp_path / "there.html").write_text("mine")
    done = run_heap(target, "--attach", "-d", "1", "-o", str(tmp_path / "there.html"))
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (tmp_path / "there.html").read_text() == "mine"


def test_from_outside_memory_is_told_by_kind_and_its_growth(start_program: StartProgram) -> None:
    target = start_program(sys.executable, PROGRAMS / "heap_growing.py")
    target.wait_for("ready")
    done = run_heap(target, "-d", "1.5", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rss = int(status_of(target.pid)["VmRSS"].split()[0]) * 1024
    assert found["total"]["resident_bytes"] == pytest.approx(rss, rel=0.2)
    assert sum(kind["resident_bytes"] for kind in found["kinds"].values()) == found["total"]["resident_bytes"]
    assert found["growth"]["unique_bytes"] > 10 * 30_000  # its leak, at the least
    assert any("--attach" in command for command in found["more"])
    assert status_of(target.pid)["TracerPid"] == "0"
