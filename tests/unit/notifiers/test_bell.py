"""The bell: rings a terminal once for all that is new, says a line for each, and nothing that a target made up."""

from __future__ import annotations

import io
import os
import pty
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest

from razorprof.clock import ManualClock, SystemClock
from razorprof.errors import NotSupported, TimedOut
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.notifiers.bell import Bell, line_of

HOSTILE = "\x1b[2J\x07\r\n\u202eevil " + "y" * 5000


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A terminal's own end to write to, and the end of who looks at it."""
    looking, own = pty.openpty()
    with os.fdopen(own, "w", encoding="utf-8") as stream:
        yield stream, looking
    os.close(looking)


def notice(name: str = "Slow", summary: str = "", **labels: str) -> Notice:
    return Notice(Labels(labels, alertname=name), {"summary": summary} if summary else {})


def test_it_rings_once_and_says_a_line_for_each(terminal: tuple[TextIO, int]) -> None:
    stream, looking = terminal
    sender = Bell(stream).open({}, ManualClock())
    over = Notice(Labels(alertname="Leak"), is_resolved=True)
    sender.send([notice("Slow", "too slow", pid="1234"), over], 5.0)
    seen = os.read(looking, 65_536).decode()
    assert seen.count("\a") == 1
    lines = seen.replace("\a", "").splitlines()
    assert [line[9:] for line in lines if line] == ["FIRING Slow (pid=1234) - too slow", "RESOLVED Leak"]
    sender.close()
    assert not stream.closed


def test_what_is_no_terminal_is_refused() -> None:
    with pytest.raises(NotSupported, match="no terminal"):
        Bell(io.StringIO()).open({}, ManualClock())


def test_nothing_that_a_target_made_up_reaches_the_terminal() -> None:
    line = line_of(notice(HOSTILE, HOSTILE, text=HOSTILE))
    assert line.isprintable()
    assert len(line) < 600


def test_a_terminal_that_was_stopped_is_waited_for_and_given_up_in_time(terminal: tuple[TextIO, int]) -> None:
    stream, looking = terminal
    sender = Bell(stream).open({}, SystemClock())
    termios.tcflow(stream.fileno(), termios.TCOOFF)  # Ctrl-S
    with pytest.raises(TimedOut):
        sender.send([notice()], 0.05)
    termios.tcflow(stream.fileno(), termios.TCOON)
    sender.send([notice()], 5.0)
    assert b"FIRING Slow" in os.read(looking, 65_536)
    sender.close()


def test_it_blocks_nobody_who_shares_the_terminal(terminal: tuple[TextIO, int]) -> None:
    stream, _ = terminal
    Bell(stream).open({}, ManualClock()).close()
    assert os.get_blocking(stream.fileno())


def test_a_terminal_that_is_gone_is_said() -> None:
    looking, own = pty.openpty()
    with os.fdopen(own, "w", encoding="utf-8") as stream:
        sender = Bell(stream).open({}, ManualClock())
        os.close(looking)
        with pytest.raises(NotSupported, match="the terminal is gone"):
            sender.send([notice()], 5.0)
        sender.close()
