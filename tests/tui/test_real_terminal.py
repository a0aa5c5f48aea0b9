"""The dashboard in a real terminal, driven by tmux: keys in, screen out, for terminals of several kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("fake_dashboard.py")
ROOT = RUNNER.parents[2]
PATIENCE = 60.0
_OURS = ("LC_ALL", "LANG", "LC_CTYPE", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES")
TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, socket: Path, size: tuple[int, int]) -> None:
        self.socket, self.size = socket, size
        self.status = socket.with_suffix(".status")

    def tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        command = [TMUX, "-S", str(self.socket), "-f", os.devnull, *arguments]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        return done.stdout.decode("utf-8", "replace")

    def start(self, scene: str, environment: dict[str, str]) -> None:
        settings = [f"{name}={value}" for name, value in environment.items()]
        unset = [word for name in _OURS for word in ("-u", name)]
        kept = ["sh", "-c", 'status="$1"; shift; "$@"; echo $? >"$status"; sleep 60', "sh", str(self.status)]
        command = [*kept, "env", *unset, f"PYTHONPATH={ROOT}", *settings, sys.executable]
        width, height = map(str, self.size)
        self.tmux("new-session", "-d", "-x", width, "-y", height, *command, str(RUNNER), scene)

    def wait(self, ready: Callable[[str], bool]) -> str:
        """The screen, as soon as it is as wanted."""
        end = time.monotonic() + PATIENCE
        while not ready(screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < end, screen
            time.sleep(0.2)
        return screen

    def wait_for_end(self) -> int:
        """The exit status of the program. tmux itself may know of the end before it knows the status."""
        end = time.monotonic() + PATIENCE
        while not (self.status.exists() and (status := self.status.read_text("utf-8").strip())):
            assert time.monotonic() < end, self.tmux("capture-pane", "-p")
            time.sleep(0.1)
        return int(status)

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path / "tmux", (100, 32))
    yield found
    found.tmux("kill-server")


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, False),
        ({"TERM": "screen-256color", "LANG": "C.UTF-8"}, False),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, True),
        ({"TERM": "vt100", "LANG": "C.UTF-8"}, True),
        ({"TERM": "xterm", "LC_ALL": "C"}, True),
        ({"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"}, False),
    ],
    ids=["xterm", "screen", "linux", "vt100", "LC_ALL=C", "NO_COLOR"],
)
def test_every_kind_of_terminal_shows_the_dashboard_and_obeys_its_keys(
    terminal: Terminal, environment: dict[str, str], plain: bool
) -> None:
    terminal.start("worker", environment)
    screen = terminal.wait(lambda text: "limited by the GIL" in text and "gthread-0" in text)
    assert screen.isascii() is plain
    terminal.keys("2")
    terminal.wait(lambda text: "[2 functions]" in text and "iterencode" in text)
    terminal.keys("Enter")
    terminal.wait(lambda text: "called by" in text)
    terminal.keys("7")
    screen = terminal.wait(lambda text: "process_resident_memory_bytes" in text)
    assert screen.isascii() is plain
    terminal.keys("Space")
    terminal.wait(lambda text: "PAUSED" in text)
    terminal.keys("q")
    assert terminal.wait_for_end() == 0


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"}, False),
        ({"TERM": "vt100", "LANG": "C.UTF-8"}, True),
    ],
    ids=["NO_COLOR", "vt100"],
)
def test_alerts_are_told_without_colour_and_without_unicode(
    terminal: Terminal, environment: dict[str, str], plain: bool
) -> None:
    terminal.start("alerts", environment)
    terminal.wait(lambda text: "MemoryGrowth firing" in text)
    terminal.keys("6")
    screen = terminal.wait(lambda text: "!!firing" in text and "812 MiB > 768 MiB" in text)
    assert screen.isascii() is plain
    assert ("####" if plain else "████") in screen
    terminal.keys("r")
    terminal.wait(lambda text: "systemctl reload app.service" in text)
    terminal.keys("c")
    terminal.wait(lambda text: "capturing 1234" in text)
    terminal.keys("q")
    assert terminal.wait_for_end() == 0


def test_the_screen_follows_a_terminal_that_changes_its_size(terminal: Terminal) -> None:
    terminal.start("worker", {"TERM": "xterm", "LANG": "C.UTF-8"})
    terminal.wait(lambda text: "╭─ CPU" in text)
    terminal.tmux("resize-window", "-x", "80", "-y", "24")
    terminal.wait(lambda text: "╭─ CPU" not in text and "hot functions" in text and "age" in text.splitlines()[-1])
    terminal.tmux("resize-window", "-x", "50", "-y", "10")
    terminal.wait(lambda text: "50x10: needs 60x15" in text)
    terminal.tmux("resize-window", "-x", "120", "-y", "40")
    terminal.wait(lambda text: "╭─ CPU" in text)
    terminal.keys("q")
    assert terminal.wait_for_end() == 0
