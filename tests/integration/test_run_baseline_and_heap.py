"""``razorprof run``: baselines over their life, and allocations recorded from the program's start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live_targets import PythonBuild

PROGRAMS = Path(__file__).parents[1] / "programs"
COMMAND = (sys.executable, "-m", "razorprof", "run")


def run(*arguments: object, given: str = "\n") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=110
    )


def razorprof(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND[:-1], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def growth(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told = json.loads(done.stdout.splitlines()[-1])
    (found,) = [entry for entry in told["budgets"] if entry["name"] == "growth"]
    entry: dict[str, Any] = found
    return entry


@pytest.fixture
def budget(tmp_path: Path) -> Path:
    path = tmp_path / "budget.toml"
    path.write_text('version = 1\n[baseline]\nprofile = "baseline.json"\nfail_above = "60%"\n')
    return path


def work(*dearer: object) -> tuple[object, ...]:
    return "--rate", 200, "--json", "--", sys.executable, PROGRAMS / "gate_work.py", 400, *dearer


@pytest.mark.slow
def test_a_baseline_is_made_kept_to_and_broken(tmp_path: Path, budget: Path) -> None:
    first = run("--budget", budget, "--write-baseline", tmp_path / "baseline.json", *work())
    assert first.returncode == 0, first.stderr
    assert growth_is_absent(first)
    same = run("--budget", budget, *work())
    assert (same.returncode, growth(same)["outcome"]) == (0, "pass"), same.stderr
    dearer = run("--budget", budget, *work("sixty", 3))
    assert (dearer.returncode, growth(dearer)["outcome"]) == (1, "fail"), dearer.stderr
    again = run("--budget", budget, "--write-baseline", tmp_path / "baseline.json", *work())
    assert again.returncode == 2
    anew = run("--budget", budget, "--write-baseline", tmp_path / "baseline.json", "--force", *work("sixty", 3))
    assert anew.returncode == 0, anew.stderr
    assert "made anew" in anew.stderr


def growth_is_absent(done: subprocess.CompletedProcess[str]) -> bool:
    return '"growth"' not in done.stdout


def test_a_baseline_of_another_machine_is_refused_and_said(tmp_path: Path, budget: Path) -> None:
    short = ("--rate", 200, "--json", "--", sys.executable, PROGRAMS / "gate_work.py", 40)
    made = run("--write-baseline", tmp_path / "baseline.json", *short)
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "baseline.json").read_text()
    (tmp_path / "baseline.json").write_text(
        text.replace("cpython 3.", "cpython 2.").replace("cpython 2.", "cpython 9.")
    )
    done = run("--budget", budget, *short)
    assert done.returncode == 6
    assert "cpython 9." in growth(done)["why"]
    accepted = run("--budget", budget, "--any-baseline", *short)
    assert growth(accepted)["measured"] != "not judged"


def test_a_baseline_keeps_every_run_and_they_are_compared(tmp_path: Path, budget: Path) -> None:
    short = ("--rate", 200, "--", sys.executable, PROGRAMS / "gate_work.py", 40)
    made = run("--repeat", 3, "--write-baseline", tmp_path / "baseline.json", *short)
    assert made.returncode == 0, made.stderr
    shown = razorprof("show", tmp_path / "baseline.json")
    assert "the middle one of 3 runs" in shown.stdout
    judged = run("--repeat", 2, "--budget", budget, "--markdown", tmp_path / "run.md", *short)
    assert "3 and 2 runs" in (tmp_path / "run.md").read_text(), judged.stderr
    told = json.loads(razorprof("diff", tmp_path / "baseline.json", tmp_path / "baseline.json", "--json").stdout)
    assert (told["base_runs"], told["new_runs"], told["verdict"]) == (3, 3, "pass")
    kept_one = run("--repeat", 2, "--write-baseline", tmp_path / "baseline.pb.gz", *short)
    assert "only a .json keeps them all" in kept_one.stderr


def test_a_first_run_without_a_baseline_says_so_unless_one_is_required(tmp_path: Path, budget: Path) -> None:
    done = run("--budget", budget, "--", "true")
    assert done.returncode == 0
    assert "there is no baseline yet" in done.stderr
    assert run("--budget", budget, "--require-baseline", "--", "touch", tmp_path / "started").returncode == 2
    assert not (tmp_path / "started").exists()


def test_a_program_that_fails_makes_no_baseline(tmp_path: Path) -> None:
    done = run("--write-baseline", tmp_path / "b.json", "--", sys.executable, "-c", "raise SystemExit(4)")
    assert done.returncode == 4
    assert not (tmp_path / "b.json").exists()


HOLDS = "def hold():\n    return bytearray(40 << 20)\nkept = hold()\nprint(len(kept))\n"


def test_allocations_are_recorded_from_the_start_in_the_process_that_holds_most(tmp_path: Path) -> None:
    program = tmp_path / "holds.py"
    program.write_text(f"import os\npid = os.fork()\nif pid:\n    os.wait()\n    os._exit(0)\n{HOLDS}")
    done = run("--heap", tmp_path / "h.json", "--json", "--", sys.executable, program)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["heap_peak_bytes"] >= 40 << 20
    held = json.loads((tmp_path / "h.json").read_text())
    assert held["unit"] == "bytes"
    assert any(frame[0] == "hold" for frame in held["frames"])


def test_a_console_script_is_recorded_as_html(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{sys.executable}\n{HOLDS}")
    script.chmod(0o755)
    done = run("--heap", tmp_path / "h.html", "--", script)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "h.html").read_bytes().lstrip().startswith(b"<!DOCTYPE html>")


def test_a_python_without_memray_runs_and_says_what_is_missing(
    python_builds: tuple[PythonBuild, ...], tmp_path: Path
) -> None:
    other = next((b for b in python_builds if b.version[:2] != sys.version_info[:2]), None)
    if other is None:
        pytest.skip("only one version of Python on this machine")
    done = run("--heap", tmp_path / "h.json", "--", other.executable, "-S", "-c", "print('ran')")
    assert (done.returncode, done.stdout) == (6, "ran\n")
    done = run("--heap", tmp_path / "h.json", "--", other.executable, "-c", "print('ran')")
    if done.returncode:  # it may have a memray of its own
        assert "No module named 'memray'" in done.stderr
    assert done.stdout == "ran\n"
