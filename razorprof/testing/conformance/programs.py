"""Small programs that checks look at: they live as long as the check, and end when it says so."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.remote.process import ProcessView

_CODE = "import sys, time; print('up', flush=True); time.sleep(3600)"
_LATEST = 10.0


@contextmanager
def python_program() -> Iterator[subprocess.Popen[str]]:
    """A Python that has started and sleeps."""
    command = [sys.executable, "-c", _CODE]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as program:
        try:
            if program.stdout is not None:
                program.stdout.readline()
            yield program
        finally:
            end(program)


@contextmanager
def plain_program() -> Iterator[subprocess.Popen[bytes]]:
    """A program of no runtime: sleep(1)."""
    with subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL) as program:
        try:
            deadline = time.monotonic() + _LATEST
            while ProcessView(program.pid).comm() != "sleep" and time.monotonic() < deadline:
                time.sleep(0.01)
            yield program
        finally:
            end(program)


def end(program: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End it, and see that it has."""
    program.kill()
    program.wait(_LATEST)


def target_of(pid: int) -> Target:
    """The process as a target. Raises TargetGone."""
    view = ProcessView(pid)
    try:
        name = view.comm()
    except RazorprofError:
        name = str(pid)
    return Target(view.identity, name, started=view.started(), selector=str(pid), job=name)
