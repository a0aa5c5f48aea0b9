"""``razorprof run`` on a real terminal: its keys reach the program, once, and the shell hears what happens."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

RUN = f"{sys.executable} -m razorprof run --"
# one signal is one line; the loop is no `while 1: pass`, of which CPython forgets the handler
PROGRAM = (
    "import sys, time\nprint('up', flush=True)\ncount = 0\nend = time.time() + 60\n"
    "while time.time() < end:\n"
    "    try:\n        time.sleep(0.4 if count else 60)\n        if count: break\n"
    "    except KeyboardInterrupt:\n        count += 1\n"
    "print('heard', count, flush=True)\nsys.exit(3)\n"
)


class Terminal:
    """A shell or program on a pseudo terminal of its own."""

    def __init__(self, argv: list[str]) -> None:
        self.pid, self._master = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "dumb"
            os.execv(argv[0], argv)
        self.seen = ""

    def write(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, fits: str | Callable[[str], bool], seconds: float = 40.0) -> str:
        """All that was seen until a text comes; AssertionError where it does not."""
        end = time.monotonic() + seconds
        found = fits if callable(fits) else lambda seen: fits in seen
        while not found(self.seen):
            assert time.monotonic() < end, (fits, self.seen)
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if ready:
                try:
                    self.seen += os.read(self._master, 4096).decode(errors="replace")
                except OSError:
                    assert found(self.seen), (fits, self.seen)
        return self.seen

    def code(self, seconds: float = 40.0) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError(f"it does not end: {self.seen}")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)


@pytest.fixture
def open_terminal() -> Iterator[Callable[[list[str]], Terminal]]:
    opened: list[Terminal] = []

    def open_one(argv: list[str]) -> Terminal:
        opened.append(Terminal(argv))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


def test_ctrl_c_reaches_the_program_once_and_it_decides(open_terminal: Callable[[list[str]], Terminal]) -> None:
    terminal = open_terminal([*RUN.split(), sys.executable, "-c", PROGRAM])
    terminal.wait_for("up")
    time.sleep(0.3)
    terminal.write("\x03")
    terminal.wait_for("heard 1")
    assert terminal.code() == 3


@pytest.mark.parametrize(("key", "number"), [("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)])
def test_a_program_that_dies_of_the_key_gives_its_code(
    open_terminal: Callable[[list[str]], Terminal], key: str, number: signal.Signals
) -> None:
    terminal = open_terminal([*RUN.split(), "sh", "-c", "echo up; exec sleep 60"])
    terminal.wait_for("up")
    time.sleep(0.3)
    terminal.write(key)
    terminal.wait_for(f"ended by signal {int(number)}")
    assert terminal.code() == 128 + number


@pytest.mark.parametrize("how", ["the key", "the program itself"])
def test_a_stop_gives_the_terminal_back_to_the_shell_and_fg_goes_on(
    open_terminal: Callable[[list[str]], Terminal], how: str
) -> None:
    shell = open_terminal(["/bin/bash", "--norc", "--noprofile", "-i"])
    stop = "kill -STOP $$;" if how == "the program itself" else ""
    shell.write(f"{RUN} sh -c 'echo u''p; {stop} read line; echo got-$line'\n")
    shell.wait_for("\nup")
    if not stop:
        time.sleep(0.3)
        shell.write("\x1a")
    # the prompt too: bash takes the terminal back before it, and what is typed meanwhile may be lost
    shell.wait_for(lambda seen: any(sign in seen.partition("Stopped")[2] for sign in ("# ", "$ ")))
    shell.write("echo in-''shell\n")
    shell.wait_for("in-shell")
    shell.write("fg\n")
    time.sleep(0.5)
    shell.write("hello\n")
    shell.wait_for("got-hello")
    shell.wait_for("exit code 0")
