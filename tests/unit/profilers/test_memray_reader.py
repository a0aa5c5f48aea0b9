"""Reading memray's files: what a real one says, and that a damaged one harms nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed
from razorprof.profilers import memray_reader
from razorprof.profilers.memray_reader import read_heap_file, write_report

PROGRAM = """
import memray, sys
kept = []
def keep():
    kept.append(bytearray(300_000))
def drop():
    bytearray(700_000)
with memray.Tracker(destination=memray.FileDestination(sys.argv[1], compress_on_exit=False)):
    keep(); drop(); keep()
"""

STEADY = """
import memray, sys
kept = []
def keep():
    kept.append(bytearray(3_000))
with memray.Tracker(destination=memray.FileDestination(sys.argv[1], compress_on_exit=False)):
    for _ in range(3000):
        keep()
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memray") / "allocations.bin"
    subprocess.run([sys.executable, "-c", PROGRAM, str(path)], check=True, timeout=60)
    return path


def test_what_was_held_at_the_peak_and_what_is_still_held_are_told_apart(recording: Path) -> None:
    record = read_heap_file(recording)
    peak = {key.stack[-1].function: weight for key, weight in record.peak.weights.items()}
    live = {key.stack[-1].function: weight for key, weight in record.live.weights.items()}
    assert peak["drop"] == pytest.approx(700_000, rel=0.01)
    assert live["keep"] == pytest.approx(600_000, rel=0.01)
    assert "drop" not in live
    assert record.peak_bytes == pytest.approx(1_000_000, rel=0.05)
    assert record.peak.also[0].name == "allocations"
    assert record.growing is None  # over in a moment: nothing to judge by


@pytest.mark.parametrize("content", [b"", b"memray", b"\xff" * 5000], ids=["empty", "head only", "garbage"])
def test_a_file_that_memray_did_not_write_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    with pytest.raises(ToolFailed, match="cannot read the memray file"):
        read_heap_file(path)


def test_a_recording_that_was_cut_in_the_middle_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "allocations.bin"
    subprocess.run([sys.executable, "-c", STEADY, str(path)], check=True, timeout=60)
    os.truncate(path, int(path.stat().st_size * 0.6))
    record = read_heap_file(path)
    assert record.live.total == pytest.approx(9_000_000 * 0.6, rel=0.3)
    assert {key.stack[-1].function for key in record.live.weights} == {"keep"}


def test_memrays_report_is_written_within_its_memory(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "report.html"
    write_report(recording, made, leaks=True)
    assert "keep" in made.read_text()
    assert made.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(memray_reader, "MOST_MEMORY", 48 << 20)
    with pytest.raises(ToolFailed, match="memray could not write its report"):
        write_report(recording, tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_a_folder_or_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ToolFailed):
            read_heap_file(path)
