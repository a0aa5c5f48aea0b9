"""The fixtures that start targets do what the tests that use them rely on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_targets import PythonBuild, StartProgram, start


def test_a_build_is_the_version_that_it_claims(python_build: PythonBuild) -> None:
    code = "import sys; print(sys.version_info[:3])"
    answer = subprocess.run(
        [python_build.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert answer.stdout.strip() == str(python_build.version)
    assert Path(python_build.executable).read_bytes()[:4] == b"\x7fELF", "a shim, not the real binary"


def test_a_program_is_waited_for_and_ended_even_when_it_is_stopped(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "waits.py"
    source.write_text("import os, sys, time\nprint('ready', sys.argv[1], os.environ['COLOUR'])\ntime.sleep(60)\n")
    program = start_program(sys.executable, source, "now", COLOUR="red")
    assert program.wait_for("ready") == "ready now red\n"
    program.send(signal.SIGSTOP)
    assert program.end() == -signal.SIGTERM


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    source = tmp_path / "stubborn.py"
    source.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ntime.sleep(60)\n"
    )
    program = start(sys.executable, source, folder=tmp_path)
    program.wait_for("ready")
    assert program.end(timeout=0.2) == -signal.SIGKILL


def test_waiting_for_a_program_that_failed_says_what_it_wrote(start_program: StartProgram, tmp_path: Path) -> None:
    source = tmp_path / "fails.py"
    source.write_text("import sys\nsys.exit('out of luck')\n")
    with pytest.raises(AssertionError, match="ended with 1 before it wrote 'ready': out of luck"):
        start_program(sys.executable, source).wait_for("ready")
