"""What the tests of targets, ps and doctor share: the program run as a user runs it, and as another user.

Not for other rooms: tests/live_targets.py starts programs on every Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

AS_NOBODY = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all"),
)
# Root without any capability: what a container without SYS_PTRACE has.
AS_POOR_ROOT = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
TIME_OUT = 90.0


def razorprof(*arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the program, through `prefix`."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "razorprof", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_OUT, check=False, cwd="/",
    )  # fmt: skip


def document(*arguments: str, prefix: Sequence[str] = ()) -> Any:
    """The JSON document that a command prints."""
    return json.loads(razorprof(*arguments, "--json", prefix=prefix).stdout)


def select(*arguments: str, take_all: bool = False, children: bool = False) -> list[dict[str, Any]]:
    """What the arguments select, asked for in another process: what a test starts is our own family, which never
    matches. AssertionError with the error's document when nothing is selected."""
    code = (
        "import json, sys\n"
        "from razorprof.cli.select import Choice, select_targets\n"
        "from razorprof.errors import RazorprofError\n"
        "try:\n"
        f"    found = select_targets(sys.argv[1:], Choice(take_all={take_all}, children={children}))\n"
        "    print(json.dumps([{'pid': t.pid, 'name': t.name, 'job': t.job, 'started': t.started,"
        " 'parent': t.parent} for t in found]))\n"
        "except RazorprofError as error:\n"
        "    print(json.dumps(error.as_json()))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_OUT, check=True,
    )  # fmt: skip
    found = json.loads(answer.stdout)
    assert isinstance(found, list), found
    return found


def pids(text: str) -> list[int]:
    """The pids that a selector means, several matches allowed."""
    return [target["pid"] for target in select(text, take_all=True)]


def require_root() -> None:
    """Skip unless we may become another user and make namespaces."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for program in ("setpriv", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")


def require_prefix(prefix: Sequence[str]) -> None:
    """Skip unless our Python can be run through `prefix`: another user may not reach it."""
    require_root()
    probe = [*prefix, sys.executable, "-c", "import razorprof.cli.edge, typer, psutil"]
    answer = subprocess.run(probe, capture_output=True, text=True, timeout=TIME_OUT, check=False, cwd="/")
    if answer.returncode != 0:
        pytest.skip(f"this Python does not run as {' '.join(prefix[:3])}: {answer.stderr[-100:]}")


def has_control_characters(text: str) -> bool:
    """Whether anything in it could move a terminal's cursor or colours."""
    return any(not character.isprintable() for character in text.replace("\n", ""))
