"""What is loaded when: quick answers stay quick, and importing does nothing but define."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from razorprof import __version__
from razorprof.cli.app import build_app

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "textual",
    "numpy",
    "psutil",
    "memray",
    "plotext",
    "prometheus_client",
    "rich",
    "yaml",
    "promql_parser",
    "re2",
}


def commands_of(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words that name each command, those of commands with commands of their own too."""
    for name, one in getattr(command, "commands", {}).items():
        yield (*path, name)
        yield from commands_of(one, *path, name)


COMMANDS = sorted(commands_of(typer.main.get_command(build_app())))

_ANSWER = """
import json, sys
from razorprof.cli.edge import run
code = run({arguments!r})
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print("\\n" + json.dumps({{"code": code, "loaded": loaded}}), file=sys.stderr)
"""

_IMPORT_EVERYTHING = """
import importlib, json, os, pkgutil, signal, sys, threading
import razorprof
def state():
    return {
        "threads": threading.active_count(),
        "children": open("/proc/self/task/%d/children" % os.getpid()).read().split(),
        "handlers": [repr(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGWINCH)],
        "hooks": [sys.excepthook is sys.__excepthook__, threading.excepthook is threading.__excepthook__],
        "written": sorted(os.listdir(".")),
    }
before = state()
names = []
for module in pkgutil.walk_packages(razorprof.__path__, "razorprof."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        names.append(module.name)
print(json.dumps({"before": before, "after": state(), "names": names}))
"""


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # OpenBLAS starts native threads when numpy is imported, which is no doing of ours
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=90
    )


def loaded_by(arguments: list[str], folder: Path) -> tuple[str, set[str]]:
    """(stdout, top-level modules) after the program has answered `arguments`."""
    done = run_python(_ANSWER.format(arguments=arguments), folder)
    told = json.loads(done.stderr.splitlines()[-1])
    assert told["code"] == 0, done.stderr
    return done.stdout, set(told["loaded"])


def test_the_version_is_answered_before_typer_is_imported(tmp_path: Path) -> None:
    answer, loaded = loaded_by(["--version"], tmp_path)
    assert answer == f"razorprof {__version__}\n"
    assert not loaded & (HEAVY | {"typer", "pydantic", "asyncio", "concurrent"})


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    answer, loaded = loaded_by(["--help"], tmp_path)
    assert "Usage: razorprof" in answer
    assert not loaded & (HEAVY | {"pydantic"})


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_s_help_loads_nothing_heavy_but_what_typer_needs(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    answer, loaded = loaded_by([*command, "--help"], tmp_path)
    assert f"Usage: razorprof {' '.join(command)}" in answer
    assert not loaded & HEAVY  # typer itself loads pydantic to parse a command's options


def test_importing_every_module_starts_and_changes_nothing(tmp_path: Path) -> None:
    done = run_python(_IMPORT_EVERYTHING, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "a module printed something when it was imported"
    told = json.loads(done.stdout)
    assert told["after"] == told["before"]
    assert told["after"]["threads"] == 1
    assert {"razorprof.cli.app", "razorprof.model.frame", "razorprof.session.view"} <= set(told["names"])
