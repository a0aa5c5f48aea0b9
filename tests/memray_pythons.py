"""Pythons with memray installed, for tests that inject it: an environment for each, kept in build/heap.

Made by pip from its configured index at the first use, which takes up to a minute each; where that fails, the
tests are skipped with pip's last words.
"""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.live_targets import PythonBuild, find_python

_KEPT = Path(__file__).parents[1] / "build" / "heap"


def python_with_memray(name: str, memray: str = "") -> Path:
    """The interpreter of an environment of Python `name` with memray in this version, ours if none is given."""
    build = find_python(name)
    if build is None:
        pytest.skip(f"no Python {name} on this machine")
    wanted = memray or version("memray")
    folder = _KEPT / f"python-{'.'.join(map(str, build.version))}-memray-{wanted}"
    python = folder / "bin" / "python"
    if not _has_memray(python, wanted):
        _make(build, folder, wanted)
    return python


def _has_memray(python: Path, wanted: str) -> bool:
    if not python.exists():
        return False
    code = f"import memray; assert memray.__version__ == {wanted!r}"
    return subprocess.run([python, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


def _make(build: PythonBuild, folder: Path, wanted: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # one that was left half made
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    for argv in ([str(build.executable), "-m", "venv", str(folder)], [*pip, f"memray=={wanted}"]):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            why = [line for line in done.stderr.splitlines() if line][-1:] or ["no reason given"]
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"memray {wanted} cannot be had for Python {build.name}: {why[0][:200]}")
