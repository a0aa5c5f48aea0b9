"""The example plug-ins, installed beside the razorprof under test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PACKAGES = ("source_in_30_lines", "panel_of_pauses")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The packages as an editable installation leaves them: their folders, each with its metadata. Offline."""
    pytest.importorskip("setuptools")
    folders = []
    for name in PACKAGES:
        folder = shutil.copytree(EXAMPLES / name, tmp_path_factory.mktemp("packages") / name)
        command = [sys.executable, "-c", "from setuptools import setup; setup()", "--quiet", "egg_info"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        folders.append(str(folder))
    return os.pathsep.join(folders)


def razorprof(installed: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", *arguments, "--json"],
        env={**os.environ, "PYTHONPATH": installed},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if arguments[0] == "top" else json.loads(done.stdout)


def test_they_are_listed_with_their_distribution(installed: str) -> None:
    found = {(one["group"], one["name"]): one for one in razorprof(installed, "plugins")}
    source = found["razorprof.sources", "oom_score"]
    assert source["distribution"] == "razorprof-oom-score"
    assert source["error"] is None


def test_the_source_of_about_30_lines_gives_its_figure_of_any_process(installed: str) -> None:
    assert len((EXAMPLES / "source_in_30_lines" / "oom_score.py").read_text("utf-8").splitlines()) <= 36
    with subprocess.Popen(["sleep", "60"]) as program:
        try:
            document = razorprof(installed, "top", str(program.pid), "-n", "2", "--interval", "0.3")
            expected = float(Path(f"/proc/{program.pid}/oom_score").read_text())
        finally:
            program.kill()
    values = {metric["name"]: metric["value"] for metric in document["targets"][0]["metrics"]}
    assert values["process_oom_score"] == expected
