"""The picker and colours on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live_targets import Program, StartProgram

TIME_OUT = 60.0


class Terminal:
    """Our end of a pseudo-terminal with razorprof at the other."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.master = master
        self.process = process
        self.seen = ""

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + TIME_OUT
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if not self._read(0.5):
                assert self.process.poll() is None or text in self.seen, self.seen

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        deadline = time.monotonic() + TIME_OUT
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            self._read(0.2)
        while self._read(0.1):
            pass
        return self.process.returncode

    def _read(self, timeout: float) -> bool:
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += piece.decode(errors="replace")
        return bool(piece)


@contextmanager
def terminal(
    *arguments: str, command: Sequence[str] = (sys.executable, "-m", "razorprof"), **environment: str
) -> Iterator[Terminal]:
    """Run a command on a pseudo-terminal of 100x30; it is killed at the end."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", **environment}
    env = {name: value for name, value in env.items() if name != "NO_COLOR" or "NO_COLOR" in environment}
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(TIME_OUT)
        os.close(master)


@pytest.fixture
def pair(start_program: StartProgram, tmp_path: Path) -> tuple[Program, Program]:
    """Two processes of one unusual name that sleep."""
    source = tmp_path / "twin_for_picker.py"
    source.write_text("import time\nprint('ready')\ntime.sleep(120)\n")
    programs = start_program(sys.executable, source), start_program(sys.executable, source, "\x1b[31m\nred")
    for program in programs:
        program.wait_for("ready")
    return programs


def test_a_person_picks_one_of_several(pair: tuple[Program, Program]) -> None:
    with terminal("doctor", "twin_for_picker.py") as screen:
        screen.wait_for("q to quit: ")
        assert "2 processes match twin_for_picker.py" in screen.seen
        assert "\x1b[31m\n" not in screen.seen
        assert r"\x1b[31m\x0ared" in screen.seen
        screen.type("7\n")
        screen.wait_for("q to quit: ")
        screen.type("1\n")
        assert screen.end() == 0
        assert any(f"pid {program.pid}, twin_for_picker.py" in screen.seen for program in pair)


@pytest.mark.parametrize("answer", ["q\n", "\x04", "\x03"])
def test_q_end_of_input_and_ctrl_c_leave_with_130(pair: tuple[Program, Program], answer: str) -> None:
    with terminal("doctor", "twin_for_picker.py") as screen:
        screen.wait_for("q to quit: ")
        if answer == "\x03":  # no controlling terminal in this test: send what Ctrl-C would
            screen.process.send_signal(signal.SIGINT)
        else:
            screen.type(answer)
        assert screen.end() == 130
        assert "Traceback" not in screen.seen


def test_with_json_nobody_is_asked(pair: tuple[Program, Program]) -> None:
    with terminal("doctor", "twin_for_picker.py", "--json") as screen:
        assert screen.end() == 3
        assert '"candidates"' in screen.seen


def test_a_terminal_gets_colours_unless_they_are_not_wanted() -> None:
    with terminal("plugins") as screen:
        assert screen.end() == 0
        assert "\x1b[1mGROUP" in screen.seen
    for arguments, environment in ((("--no-color",), {}), ((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"})):
        with terminal("plugins", *arguments, **environment) as screen:
            assert screen.end() == 0
            assert "\x1b[" not in screen.seen


def test_waiting_for_a_target_is_told_and_ends_when_it_appears(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / f"late_{uuid.uuid4().hex[:12]}.py"
    source.write_text("import time\nprint('ready')\ntime.sleep(120)\n")
    waiter = (
        "import sys\nfrom razorprof.cli.select import Choice, select_targets\n"
        "print('found', select_targets([sys.argv[1]], Choice(wait=60))[0].pid, 'end')"
    )
    with terminal(command=[sys.executable, "-c", waiter, f"name:{source.name}"]) as screen:
        screen.wait_for("waiting for name:late_")
        program = start_program(sys.executable, source)
        screen.wait_for(f"found {program.pid} end")
        assert screen.end() == 0
