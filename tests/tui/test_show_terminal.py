"""`show` and `diff` in a real terminal, by tmux: the viewer where there is one, lines where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.recording.profile_files import plan_output, write_profile
from tests.unit.formats.sample_profiles import FULL

PATIENCE = 60.0
TMUX = shutil.which("tmux")


class Terminal:
    """A tmux server of its own; each command line runs in a window, and its exit status is shown after it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        command = [TMUX, "-S", str(self._socket), "-f", os.devnull, *arguments]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        return done.stdout.decode("utf-8", "replace")

    def start(self, *arguments: str | Path, **environment: str) -> None:
        settings = [f"{name}={value}" for name, value in {"LANG": "C.UTF-8", **environment}.items()]
        program = ["env", "-u", "LC_ALL", "-u", "NO_COLOR", *settings, sys.executable, "-m", "razorprof"]
        kept = ["sh", "-c", '"$@"; echo "exit status $?"; sleep 60', "sh"]
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", *kept, *program, *map(str, arguments))

    def wait(self, ready: Callable[[str], bool]) -> str:
        end = time.monotonic() + PATIENCE
        while not ready(screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < end, screen
            time.sleep(0.1)
        return screen

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if TMUX is None:
        pytest.skip("tmux is not installed")
    found = Terminal(tmp_path / "tmux")
    yield found
    found.tmux("kill-server")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = write_profile(plan_output(str(tmp_path / "p.json")), FULL)
    assert path is not None
    return path


def test_show_opens_the_viewer_and_gives_the_terminal_back(terminal: Terminal, profile: Path) -> None:
    terminal.start("show", profile)
    terminal.wait(lambda text: "[1 table]" in text and "shop/pricing.py" in text)
    terminal.keys("3")
    terminal.wait(lambda text: "[3 flame]" in text and "│<module>" in text)
    terminal.keys("/", "pricing", "Enter")
    terminal.wait(lambda text: "stacks with pricing: 62.5 %" in text)
    terminal.keys("q")
    terminal.wait(lambda text: "exit status 0" in text and "[3 flame]" not in text)


def test_ctrl_c_leaves_with_130(terminal: Terminal, profile: Path) -> None:
    terminal.start("show", profile, "--flame", NO_COLOR="1")
    terminal.wait(lambda text: "[3 flame]" in text)
    terminal.keys("C-c")
    terminal.wait(lambda text: "exit status 130" in text)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--plain"], {}), (["--top", "3"], {}), (["--tree"], {"TERM": "dumb"})],
    ids=["plain", "top", "dumb"],
)
def test_lines_are_printed_where_they_are_asked_for(
    terminal: Terminal, profile: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    terminal.start("show", profile, *arguments, **environment)
    screen = terminal.wait(lambda text: "exit status" in text)
    assert "exit status 0" in screen
    assert "TOTAL %" in screen


def test_a_comparison_is_looked_at_and_its_gate_still_counts(
    terminal: Terminal, profile: Path, tmp_path: Path
) -> None:
    slower = replace(FULL, weights={key: 3 * weight for key, weight in FULL.weights.items()}, blocks=())
    new = write_profile(plan_output(str(tmp_path / "new.json")), slower)
    assert new is not None
    expected = run(["diff", str(profile), str(new), "--fail-above", "20%"])
    terminal.start("diff", profile, new, "-i", "--fail-above", "20%")
    terminal.wait(lambda text: "[1 changes]" in text and "Day.run" in text)
    terminal.keys("2")
    terminal.wait(lambda text: "call tree of both sides" in text and "+8.00 s" in text)
    terminal.keys("q")
    terminal.wait(lambda text: f"exit status {expected}" in text)


def test_without_a_terminal_it_is_told_before_any_work(profile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(profile), "--flame"]) == 2
    assert "-o FILE.html" in capfd.readouterr().err
    assert run(["diff", str(profile), str(profile), "-i"]) == 2
    assert "needs a terminal" in capfd.readouterr().err
