"""The examples do what they say, on a real process."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.demo import sample_program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """The pid of a program that works while the examples look at it."""
    with sample_program() as pid:
        yield str(pid)


@pytest.fixture
def nobody() -> str:
    """A pid that was somebody's a moment ago and is nobody's now."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(30)
    return str(process.pid)


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [EXAMPLES / name, *arguments],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


ELSEWHERE = ("ci", "budget.toml")  # test_run_in_ci.py


def test_every_example_is_tested_here() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if f'"{path.name}"' not in source] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_its_example() -> None:
    checked = ["promtool", "check", "config", str(EXAMPLES / "prometheus.yml")]
    done = subprocess.run(checked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "honor_labels: true" in (EXAMPLES / "prometheus.yml").read_text("utf-8")


def test_the_service_s_command_is_one_that_serve_understands(tmp_path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(EXAMPLES / "systemd" / "razorprof-serve.service", "utf-8")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "razorprof"
    arguments = [argument.replace("gunicorn", "nobody-s-name").replace("1d", "0.2s") for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3, done.stderr  # understood, and nobody of that name


def test_the_snapshot_is_one_whole_document_that_only_its_owner_may_read(target: str, tmp_path: Path) -> None:
    done = run_example("cron-snapshot.sh", target, str(tmp_path / "kept"))
    assert done.returncode == 0, done.stderr
    [file] = (tmp_path / "kept").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [seen["pid"] for seen in json.loads(file.read_text())["targets"]] == [int(target)]


def test_the_snapshot_removes_old_files_and_no_others(target: str, tmp_path: Path) -> None:
    for name, mtime in (("old.json", 0), ("old.txt", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (mtime, mtime))
    assert run_example("cron-snapshot.sh", target, str(tmp_path)).returncode == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert "old.json" not in names
    assert "old.txt" in names
    assert len(names) == 2


def test_the_snapshot_of_nothing_leaves_no_file_and_says_why(nobody: str, tmp_path: Path) -> None:
    done = run_example("cron-snapshot.sh", nobody, str(tmp_path))
    assert done.returncode == 3
    assert "no such process" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_memory_gate_passes_below_the_limit_and_fails_above_it(target: str) -> None:
    below = run_example("ci-memory-gate.py", target, "4000", "2")
    assert below.returncode == 0, below.stderr
    assert "limit 4000.0 MiB" in below.stdout
    above = run_example("ci-memory-gate.py", target, "1", "1")
    assert above.returncode == 1, above.stderr


def test_the_memory_gate_hands_on_why_razorprof_failed(nobody: str) -> None:
    gone = run_example("ci-memory-gate.py", nobody, "100", "1")
    assert gone.returncode == 3
    assert "no such process" in gone.stderr
    assert run_example("ci-memory-gate.py", "no pid", "100").returncode == 2


def test_the_hottest_worker_is_printed_with_its_hottest_function(target: str) -> None:
    done = run_example("hottest-worker.sh", target)
    assert done.returncode == 0, done.stderr
    pid, score, _, function = done.stdout.strip().split("\t")
    assert (pid, score) == (target, "-")
    assert function == "'price_lines'"
