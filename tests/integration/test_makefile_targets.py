"""The Makefile as a newcomer meets it: what a target needs, what a second run does, what it cannot do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # what an outer make hands down would change what this one does
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        [MAKE or "make", "-C", folder, "--no-print-directory", *arguments],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile and what decides about installing, and nothing installed."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def installed(clone: Path) -> Path:
    """The same folder as it is after an installation: an environment and its stamps, newer than pyproject.toml."""
    binaries = clone / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "razorprof"):
        (binaries / name).write_text(f'#!/bin/sh\necho "called: {name} $*"\n')
        (binaries / name).chmod(0o755)
    now = (clone / "pyproject.toml").stat().st_mtime + 10
    for stamp in (".installed", ".test-installed", ".lint-installed"):
        (clone / ".venv" / stamp).touch()
        os.utime(clone / ".venv" / stamp, (now, now))
    return clone


def test_without_a_target_make_says_what_there_is(clone: Path) -> None:
    done = make(clone)
    assert done.returncode == 0
    for target in ("demo", "test", "lint", "bench", "test-deps"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize("target", ["demo", "test"])
def test_what_a_newcomer_types_reaches_no_system_package(clone: Path, target: str) -> None:
    planned = make(clone, "--dry-run", target)
    assert planned.returncode == 0, planned.stderr
    assert "-m venv .venv" in planned.stdout
    assert "pip install" in planned.stdout
    for word in ("test-deps", "apt-get update", "apt-get install -", "sudo"):
        assert word not in planned.stdout


def test_a_second_demo_installs_nothing_and_passes_its_options_on(installed: Path) -> None:
    done = make(installed, "demo", "DEMO_ARGS=--once --json")
    assert done.stdout == "called: razorprof demo --once --json\n"


def test_a_second_test_run_installs_nothing_and_passes_its_options_on(installed: Path) -> None:
    done = make(installed, "test", "TEST_ARGS=-k shop")
    assert done.stdout == "called: python scripts/run_tests.py -k shop\n"


def test_a_change_of_pyproject_installs_again(installed: Path) -> None:
    later = (installed / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(installed / "pyproject.toml", (later, later))
    done = make(installed, "demo")
    assert "called: python -m pip install" in done.stdout
    assert done.stdout.endswith("called: razorprof demo\n")


def test_the_tests_installation_serves_the_demo(installed: Path) -> None:
    for stamp in (".installed", ".test-installed"):
        (installed / ".venv" / stamp).unlink()
    assert "pip install --quiet --disable-pip-version-check --editable .[test]" in make(installed, "test").stdout
    os.utime(installed / "pyproject.toml", (0, 0))
    assert "pip install" not in make(installed, "demo").stdout


def test_a_failed_installation_leaves_no_stamp(installed: Path) -> None:
    (installed / ".venv" / ".installed").unlink()
    (installed / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    assert make(installed, "demo").returncode != 0
    assert not (installed / ".venv" / ".installed").exists()


def test_without_a_new_enough_python_make_says_so_and_what_to_do(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "echo", "test"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")  # as one that is too old answers
    (tools / "python3").chmod(0o755)
    done = make(clone, "demo", PATH=str(tools))
    assert done.returncode == 2
    assert "razorprof: no Python 3.11 or newer" in done.stderr
    assert "hint: " in done.stderr


def test_the_python_that_is_found_is_new_enough_and_may_be_chosen(clone: Path) -> None:
    found = re.search(r"^(\S+) -m venv", make(clone, "--dry-run", "demo").stdout, re.MULTILINE)
    assert found is not None
    code = "import sys; print(sys.version_info >= (3, 11))"
    asked = subprocess.run([found[1], "-c", code], capture_output=True, text=True, timeout=30)
    assert asked.stdout == "True\n"
    chosen = make(clone, "--dry-run", "demo", f"PYTHON={sys.executable}")
    assert f"{sys.executable} -m venv .venv" in chosen.stdout


def test_clean_removes_the_environment_and_nothing_that_was_written_by_hand(installed: Path) -> None:
    (installed / "notes.txt").write_text("mine")
    (installed / "razorprof" / "__pycache__").mkdir(parents=True)
    assert make(installed, "clean").returncode == 0
    assert {path.name for path in installed.iterdir()} == {"Makefile", "pyproject.toml", "notes.txt", "razorprof"}
    assert list((installed / "razorprof").iterdir()) == []


def test_what_cannot_be_installed_is_told_and_is_no_failure(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "id"):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = subprocess.run(
        [shutil.which("sh") or "sh", ROOT / "scripts" / "test-deps.sh"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0
    assert "needs root and apt-get" in done.stderr
    assert "mandoc" in done.stderr


def test_the_test_runner_counts_both_runs_and_fails_with_either(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "run_tests.py", tmp_path / "scripts")
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_alone.py").write_text("def test_good():\n    assert True\n")
    slow = tmp_path / "tests" / "test_process.py"
    skipped = "@pytest.mark.skip(reason='no')\ndef test_not():\n    pass\n"
    slow.write_text(f"import pytest\ndef test_bad():\n    assert False\n{skipped}")

    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}

    def run() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, tmp_path / "scripts" / "run_tests.py", "-p", "no:cacheprovider"],
            env=bare,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return done.returncode, done.stdout.splitlines()[-1]

    assert run() == (1, "1 passed, 1 failed, 1 skipped")
    slow.write_text("def test_good():\n    pass\n")
    assert run() == (0, "2 passed, 0 failed, 0 skipped")
    assert (tmp_path / "build" / "tests" / "total.txt").read_text() == "2 passed, 0 failed, 0 skipped\n"
