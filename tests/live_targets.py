"""The Pythons of this machine and the programs that tests start on them.

For integration tests: the fixtures of tests/conftest.py hand these values out. Nothing here knows razorprof, so
that what a test compares with is independent of what it tests.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MINORS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
SYSTEM = "system"  # /usr/bin/python3: a distribution's build (other flags, libpython or static)
_PATCH_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class PythonBuild:
    """One CPython on this machine. `executable` is the real binary, never a shim."""

    name: str
    executable: Path
    version: tuple[int, int, int]


def find_python(name: str) -> PythonBuild | None:
    """The build called `name`, one of MINORS or SYSTEM: the newest patch release; None if there is none."""
    if name == SYSTEM:
        return _look_at(name, Path("/usr/bin/python3"))
    for root in _pyenv_roots():
        folders = [f for f in (root / "versions").glob(f"{name}.*") if _PATCH_VERSION.fullmatch(f.name)]
        for folder in sorted(folders, key=lambda f: int(f.name.rpartition(".")[2]), reverse=True):
            if found := _look_at(name, folder / "bin" / f"python{name}"):
                return found
    on_path = shutil.which(f"python{name}")
    return _look_at(name, Path(on_path)) if on_path else None


class Program:
    """A program that a test started. Its output goes to files, so that it never blocks on a full pipe."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, errors: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._output = output
        self._errors = errors

    @property
    def output(self) -> str:
        """What it has written to stdout so far."""
        return self._output.read_text(errors="replace")

    @property
    def errors(self) -> str:
        """What it has written to stderr so far."""
        return self._errors.read_text(errors="replace")

    def wait_for(self, text: str, timeout: float = 30.0) -> str:
        """Wait until `text` stands in the output and return the output. AssertionError if it never comes."""
        deadline = time.monotonic() + timeout
        while text not in self.output:
            ended = self.process.poll()
            if ended is not None and text not in self.output:
                raise AssertionError(f"ended with {ended} before it wrote {text!r}: {self.errors}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} within {timeout:g} s; wrote {self.output!r}, {self.errors!r}")
            time.sleep(0.01)
        return self.output

    def send(self, number: signal.Signals) -> None:
        """Send it a signal. Its pid cannot be another's: it is only reaped through `process`."""
        self.process.send_signal(number)

    def end(self, timeout: float = 5.0) -> int:
        """End it: SIGTERM, then SIGKILL after `timeout`. Also when it is stopped. Returns the exit status."""
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            self.send(signal.SIGCONT)  # a stopped process gets the SIGTERM only now
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout)
            self.process.kill()
        return self.process.wait(timeout)


class StartProgram(Protocol):
    """The fixture `start_program`: `start`, and the program is ended with the test."""

    def __call__(
        self, python: PythonBuild | Path | str, program: Path | str, *args: str, **environment: str
    ) -> Program: ...


def start(
    python: PythonBuild | Path | str,
    program: Path | str,
    *args: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Program:
    """Start `program` on `python`, its output in new files of `folder`; `environment` is added to our own."""
    executable = python.executable if isinstance(python, PythonBuild) else Path(python)
    number = len(list(folder.glob("program-*.out")))
    output, errors = folder / f"program-{number}.out", folder / f"program-{number}.err"
    # PYTHONUNBUFFERED: a line that the program prints is a line that the test sees
    env = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [executable, program, *args], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env
        )
    return Program(process, output, errors)


def _pyenv_roots() -> list[Path]:
    """Where pyenv may live: as it says, at home, and beside its shims on PATH (HOME may be fresh)."""
    roots = [Path(os.environ["PYENV_ROOT"])] if "PYENV_ROOT" in os.environ else []
    roots.append(Path.home() / ".pyenv")
    path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    roots.extend(entry.parent for entry in path if entry.name == "shims")
    return list(dict.fromkeys(root for root in roots if (root / "versions").is_dir()))


def _look_at(name: str, executable: Path) -> PythonBuild | None:
    """Ask it what it is: a shim answers with the path of the real one, or fails."""
    question = "import sys; print(sys.executable, *sys.version_info[:3], sep='\\n')"
    try:
        answer = subprocess.run(
            [executable, "-c", question], capture_output=True, text=True, timeout=20, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, patch = (int(part) for part in answer[1:4])
    if name != SYSTEM and name != f"{major}.{minor}":
        return None
    return PythonBuild(name, Path(answer[0]), (major, minor, patch))
