"""How many threads of real programs are deadlocked, told while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.locks_source import DEADLOCKED, LocksReader, LocksSource
from tests.live_targets import Program, PythonBuild, StartProgram

DEADLOCKS = Path(__file__).parents[1] / "programs" / "deadlocks.py"
CIRCLES = {"rlock2": (2.0, 0.0), "rlock3": (3.0, 0.0), "join": (2.0, 0.0), "lock2": (0.0, 2.0)}
HEALTHY = ("timeout", "idle", "condition", "contended-rlock", "contended-lock")
Open = Callable[[Program, tuple[int, int]], LocksReader]


@pytest.fixture
def open_reader() -> Iterator[Open]:
    readers: list[LocksReader] = []

    def open_one(program: Program, version: tuple[int, int]) -> LocksReader:
        target = Target(ProcessView(program.pid).identity, "target")
        readers.append(LocksSource(version, patience=0.2).open(target, SourceOptions()))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()


@pytest.fixture(scope="module")
def quick_build(python_builds: tuple[PythonBuild, ...]) -> PythonBuild:
    return next((build for build in python_builds if build.version[:2] == (3, 12)), python_builds[-1])


def figures(reader: LocksReader) -> tuple[float, float] | None:
    """(confirmed, suspected) of one read, None where nothing is told."""
    samples = [reading for reading in reader.read() if isinstance(reading, Sample)]
    values = {sample.labels["confidence"]: sample.value for sample in samples}
    assert {sample.metric for sample in samples} <= {DEADLOCKED}
    return (values["confirmed"], values["suspected"]) if values else None


def assert_comes_to(reader: LocksReader, wanted: tuple[float, float]) -> None:
    deadline = time.monotonic() + 40
    while (seen := figures(reader)) != wanted:
        assert time.monotonic() < deadline, (seen, reader.reasons)
        time.sleep(0.1)


def assert_stays_zero(reader: LocksReader, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    told = 0
    while time.monotonic() < deadline or not told:
        seen = figures(reader)
        assert seen in ((0.0, 0.0), None), reader.reasons
        told += seen is not None
        time.sleep(0.1)


@pytest.mark.parametrize("kind", CIRCLES)
def test_threads_in_a_circle_are_counted(
    kind: str, quick_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(quick_build, DEADLOCKS, kind)
    program.wait_for("ready")
    assert_comes_to(open_reader(program, quick_build.version[:2]), CIRCLES[kind])


@pytest.mark.parametrize("kind", HEALTHY)
def test_healthy_waits_count_nothing(
    kind: str, quick_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(quick_build, DEADLOCKS, kind)
    program.wait_for("ready")
    assert_stays_zero(open_reader(program, quick_build.version[:2]), 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*CIRCLES, *HEALTHY])
def test_every_version_tells_the_same(
    kind: str, python_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    if python_build.version >= (3, 14):
        pytest.skip("owners of locks are told up to 3.13")
    program = start_program(python_build, DEADLOCKS, kind)
    program.wait_for("ready")
    reader = open_reader(program, python_build.version[:2])
    if kind in CIRCLES:
        assert_comes_to(reader, CIRCLES[kind])
    else:
        assert_stays_zero(reader, 5.0)


def test_a_version_whose_locks_are_not_known_gives_no_figure_and_says_so(
    quick_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(quick_build, DEADLOCKS, "rlock2")
    program.wait_for("ready")
    reader = open_reader(program, (3, 14))
    assert figures(reader) is None
    assert "not for 3.14" in reader.reasons[DEADLOCKED.name]


def test_a_target_that_ended_is_gone(
    quick_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(quick_build, DEADLOCKS, "idle")
    program.wait_for("ready")
    reader = open_reader(program, quick_build.version[:2])
    figures(reader)
    program.end()
    with pytest.raises(TargetGone):
        figures(reader)
