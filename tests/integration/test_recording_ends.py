"""Recordings that end badly, on real files: killed, without room, under a limit of a file's size, read-only."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from razorprof.recording.rzp_reader import RecordingReader
from tests.live_targets import Program, StartProgram
from tests.recording_kills import kill_while_it_records

PROGRAM = Path(__file__).parents[1] / "programs" / "five_threads.py"
RECORD = (sys.executable, "-m", "razorprof", "record")
TIME_OUT = 90


@pytest.fixture
def target(start_program: StartProgram) -> Program:
    program = start_program(sys.executable, PROGRAM)
    program.wait_for("ready")
    return program


@pytest.mark.parametrize("round_", range(5))
def test_a_kill_loses_the_last_tick_at_most(round_: int, tmp_path: Path) -> None:
    """A few rounds; `make faults` has many."""
    kill_while_it_records(tmp_path, random.Random(round_), ring=round_ == 4)


def test_a_limit_of_a_file_s_size_ends_it_with_6_and_what_was_written_is_read(
    target: Program, tmp_path: Path
) -> None:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("prlimit is not installed")
    path = tmp_path / "a.rzp"
    done = subprocess.run(
        [prlimit, "--fsize=6000", *RECORD, str(target.pid), "-o", path, "--interval", "0.2", "-d", "60"],
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
    )
    assert done.returncode == 6, done.stderr
    assert "razorprof: no room is left on the disk" in done.stderr
    assert "hint: what was written until then can be read" in done.stderr
    with RecordingReader(path) as recording:
        assert len(recording.ticks()) >= 1
        assert recording.damage == []
        assert path.stat().st_size <= 6000


def test_a_full_disk_ends_it_with_6_and_what_was_written_is_read(target: Program, tmp_path: Path) -> None:
    """A tmpfs of its own, in a namespace of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("a tmpfs needs root")
    room, kept = tmp_path / "room", tmp_path / "kept.rzp"
    room.mkdir()
    script = (
        f"mount -t tmpfs -o size=24k none '{room}' || exit 99; "
        f"'{sys.executable}' -m razorprof record {target.pid} -o '{room}/a.rzp' --interval 0.2 -d 60; "
        f"code=$?; cp '{room}/a.rzp' '{kept}'; exit $code"
    )
    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=TIME_OUT
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("no tmpfs may be mounted here")
    assert done.returncode == 6, done.stderr
    assert "no room is left on the disk" in done.stderr
    with RecordingReader(kept) as recording:
        assert len(recording.ticks()) >= 1
        assert recording.damage == []


def test_a_folder_that_takes_no_files_is_bad_usage_before_anything_is_looked_at(tmp_path: Path) -> None:
    for path in ("/proc/a.rzp", str(tmp_path / "none" / "a.rzp")):
        done = subprocess.run(
            [*RECORD, "name:there-is-no-such-program", "-o", path],
            capture_output=True,
            text=True,
            timeout=TIME_OUT,
        )
        assert done.returncode == 2, done.stderr


def test_a_file_that_is_removed_meanwhile_ends_it_with_6(target: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    with subprocess.Popen(
        [*RECORD, str(target.pid), "-o", path, "--interval", "0.2", "-d", "60"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "recording" in process.stderr.readline()
        path.unlink()
        words = process.stderr.read()
    assert process.returncode == 6, words
    assert "the file was removed while it was recorded" in words


def test_two_recordings_into_one_file_are_refused_also_by_force(target: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    with subprocess.Popen(
        [*RECORD, str(target.pid), "-o", path, "--interval", "0.2", "-d", "60"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        for force, words in (([], "the file exists"), (["--force"], "another recording is being written")):
            done = subprocess.run(
                [*RECORD, str(target.pid), "-o", path, *force], capture_output=True, text=True, timeout=TIME_OUT
            )
            assert done.returncode == 2
            assert words in done.stderr
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0
    with RecordingReader(path) as recording:
        assert recording.is_complete
        assert recording.damage == []
