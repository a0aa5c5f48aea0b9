"""`razorprof demo` in a terminal: the dashboard opens, and however it is left, the sample program is gone."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OPENED = b"price_lines"  # the hot function is on the screen
LONGEST = 60.0


def shop_of(razorprof: int) -> int | None:
    """The pid of the sample program that was started for a razorprof process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"shop" in arguments and str(razorprof).encode() in arguments:
            return int(folder.name)
    return None


class Terminal:
    """A pseudo terminal of 120 columns and 40 rows with `razorprof demo` in it."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_TERMINAL, "demo"], stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)

    def read_until(self, wanted: bytes) -> bytes:
        """What it has drawn, once `wanted` is in it."""
        drawn, until = b"", time.monotonic() + LONGEST
        while wanted not in drawn and time.monotonic() < until:
            if select.select([self.master], [], [], 0.2)[0]:
                drawn += os.read(self.master, 65536)
        assert wanted in drawn, drawn[-2000:]
        return drawn

    def wait(self) -> int:
        """Its exit code; what it still draws is read away meanwhile."""
        until = time.monotonic() + LONGEST
        while self.process.poll() is None and time.monotonic() < until:
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    os.read(self.master, 65536)
                except OSError:  # EIO: nobody has the other end open
                    time.sleep(0.05)
        assert self.process.returncode is not None, "still running"
        return self.process.returncode


# A session of its own with the terminal as its controlling one, as a shell in a terminal window has.
_IN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "razorprof", *sys.argv[1:]])
"""


@contextmanager
def open_terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    try:
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait(10)


def wait_until_no_shop(razorprof: int) -> bool:
    until = time.monotonic() + 20
    while shop_of(razorprof) is not None and time.monotonic() < until:
        time.sleep(0.05)
    return shop_of(razorprof) is None


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_the_dashboard_opens_on_the_shop_and_a_key_closes_both(key: bytes) -> None:
    with open_terminal() as terminal:
        terminal.read_until(OPENED)
        assert shop_of(terminal.process.pid) is not None
        os.write(terminal.master, key)
        assert terminal.wait() == (0 if key == b"q" else 130)
        assert shop_of(terminal.process.pid) is None
        os.close(terminal.master)


def test_the_shop_closes_when_the_terminal_does() -> None:
    with open_terminal() as terminal:
        terminal.read_until(OPENED)
        assert shop_of(terminal.process.pid) is not None
        os.close(terminal.master)
        terminal.process.wait(LONGEST)
        assert wait_until_no_shop(terminal.process.pid)
