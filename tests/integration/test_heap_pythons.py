"""`razorprof heap --attach` on every Python that memray is made for, and on a target with another memray."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.heap_targets import PROGRAMS, assert_unharmed, need_gdb, run_heap, status_of
from tests.live_targets import Program, StartProgram
from tests.memray_pythons import python_with_memray

MEMRAYS_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def start_on(start_program: StartProgram, python: Path, folder: Path) -> Program:
    need_gdb()
    folder.mkdir()
    target = start_program(python, PROGRAMS / "heap_growing.py", "2", TMPDIR=str(folder))
    target.wait_for("ready")
    return target


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", MEMRAYS_PYTHONS)
def test_a_leak_is_found_in_every_python_of_memrays_and_written_to_every_kind_of_file(
    name: str, start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_on(start_program, python_with_memray(name), folder)
    threads = int(status_of(target.pid)["Threads"])
    for ending in ("html", "bin", "pb.gz"):
        out = tmp_path / f"heap.{ending}"
        seconds = "5" if ending == "html" else "1"
        done = run_heap(target, "--attach", "-d", seconds, "--leaks", "--json", "-o", str(out))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        live = {site["function"]: site["bytes"] for site in found["live"]}
        assert live["leak"] > 10 * 30_000
        assert live["leak"] > 0.8 * found["live_bytes"]
        assert out.stat().st_size > 100
        if ending == "html":
            assert [site["function"] for site in found["growing"]] == ["leak"]
        assert_unharmed(target, folder, threads)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_another_version_of_memray_in_the_target_is_refused_with_the_one_that_is_needed(
    start_program: StartProgram, tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    target = start_on(start_program, python_with_memray("3.12", "1.19.1"), folder)
    threads = int(status_of(target.pid)["Threads"])
    done = run_heap(target, "--attach", "-d", "1")
    assert done.returncode == 5, done.stderr
    assert f"another version of memray (1.19.1, here {version('memray')})" in done.stderr
    assert f"pip install memray=={version('memray')}" in done.stderr
    assert_unharmed(target, folder, threads)
