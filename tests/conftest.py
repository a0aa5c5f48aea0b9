"""Fixtures that several rooms share, and the closing word on skips.

A folder's own fixtures stand in that folder's conftest.py.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.live_targets import MINORS, SYSTEM, Program, PythonBuild, StartProgram, find_python, start

# A machine that others use too is slow now and then: that says nothing of a strategy, or of what it tries.
settings.register_profile("razorprof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("razorprof")


def pytest_configure() -> None:
    """What a test starts inherits what the runner was given: signals that are ignored in the background (nohup, a
    shell's &), and the size of a terminal, which GNU readline, that pytest imports, writes past os.environ."""
    for name in ("COLUMNS", "LINES"):
        if name not in os.environ:
            os.unsetenv(name)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests marked `edges` are long per Python: the quick run has the oldest, the newest and the system's."""
    if item.get_closest_marker("edges") is None or not isinstance(item, pytest.Function):
        return
    if item.callspec.params["python_build"] not in (MINORS[0], MINORS[-1], SYSTEM):
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", params=[*MINORS, SYSTEM])
def python_build(request: pytest.FixtureRequest) -> PythonBuild:
    """Every supported Python of this machine, one after the other; skips those that are not there."""
    name: str = request.param
    found = _find(name)
    if found is None:
        pytest.skip(f"no Python {name} on this machine")
    if found.version < (3, 8):
        pytest.skip(f"the {name} Python is {found.version}, older than 3.8")
    return found


@pytest.fixture(scope="session")
def python_builds() -> tuple[PythonBuild, ...]:
    """All supported Pythons that are there, oldest first; skips when there is none."""
    found = tuple(build for name in (*MINORS, SYSTEM) if (build := _find(name)) is not None)
    if not found:
        pytest.skip("no Python for targets on this machine")
    return found


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[StartProgram]:
    """Start programs; each is ended by its pid when the test is over, however the test ends."""
    started: list[Program] = []
    folder = tmp_path / "programs"
    folder.mkdir()

    def start_one(
        python: PythonBuild | Path | str, program: Path | str, *args: str, **environment: str
    ) -> Program:
        started.append(start(python, program, *args, folder=folder, environment=environment))
        return started[-1]

    yield start_one
    for program in reversed(started):
        program.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped and why, so that a skip never passes for a success."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        where_and_why = report.longrepr
        reasons[str(where_and_why[2] if isinstance(where_and_why, tuple) else where_and_why)] += 1
    terminalreporter.section("skips")
    terminalreporter.write_line(f"{reasons.total()} skipped")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"  {count} x {reason.removeprefix('Skipped: ')}")


@cache
def _find(name: str) -> PythonBuild | None:
    return find_python(name)
