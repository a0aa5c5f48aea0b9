"""The ready rules and their tests, judged by promtool and by razorprof: both must find them good."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RULES = Path(__file__).resolve().parents[2] / "examples" / "rules"
NAMES = sorted(path.name for path in RULES.glob("*.yml"))
RAZORPROF = (sys.executable, "-m", "razorprof", "rules")

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def run(*command: str, folder: Path = RULES) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


@needs_promtool
def test_promtool_finds_every_file_good() -> None:
    done = run("promtool", "check", "rules", *NAMES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(NAMES)


@needs_promtool
@pytest.mark.parametrize("name", NAMES)
def test_promtool_sees_the_rules_do_what_their_tests_say(name: str) -> None:
    done = run("promtool", "test", "rules", name, folder=RULES / "tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [(), ("--target-version", "2.42")], ids=["newest", "2.42"])
def test_razorprof_finds_every_file_good(version: tuple[str, ...]) -> None:
    done = run(*RAZORPROF, "check", *NAMES, *version, "--lint-fatal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(NAMES), done.stdout


def test_an_older_prometheus_would_refuse_them_and_it_is_said_why() -> None:
    done = run(*RAZORPROF, "check", "python.yml", "--target-version", "2.41")
    assert done.returncode == 1
    assert "keep_firing_for" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_razorprof_sees_the_rules_do_what_their_tests_say(name: str) -> None:
    done = run(*RAZORPROF, "test", name, folder=RULES / "tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_notice_a_rule_that_fires_at_another_time(name: str, tmp_path: Path) -> None:
    """A copy whose alerts wait a minute longer, or whose thresholds are gone, fails its tests."""
    (tmp_path / "tests").mkdir()
    shutil.copy(RULES / "tests" / name, tmp_path / "tests" / name)
    text = (RULES / name).read_text()
    changed = text.replace("for: 5m", "for: 9m").replace("> 0.8\n", "> 0.99\n").replace("for: 10m", "for: 14m")
    assert changed != text
    (tmp_path / name).write_text(changed)
    assert run(*RAZORPROF, "test", name, folder=tmp_path / "tests").returncode == 1
