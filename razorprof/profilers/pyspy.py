"""py-spy: where it is, how it is called, and what its words of failure mean for a user.

For the stack feed and for thread dumps. It starts nothing: that is the supervisor's business. The texts are those
of py-spy 0.4.3; what is not known is reported with its first line, never with its backtrace.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.plugin.installed import Distribution, find_distribution

_LONGEST_WORD = 300


@dataclass(frozen=True, slots=True)
class PySpy:
    """An installed py-spy."""

    path: str
    version: str

    def record(
        self,
        pid: int,
        *,
        rate_hz: int,
        seconds: int,
        output: str,
        gil_only: bool,
        idle: bool = False,
        blocking: bool = False,
        native: bool = False,
        children: bool = False,
    ) -> list[str]:
        """Arguments of one window, which stops nothing unless `blocking`. It ends by itself after `rounds_of`
        rounds.

        speedscope and not raw: names are quoted there, so that a name with a newline cannot forge a stack.
        """
        options = [
            *(["--gil"] if gil_only else []),
            *(["--idle"] if idle else []),
            *(["--native"] if native else []),
            *(["--subprocesses"] if children else []),
            *([] if blocking else ["--nonblocking"]),
        ]
        return [
            self.path, "record", "--pid", str(pid), "--rate", str(rate_hz), "--duration", str(seconds),
            "--format", "speedscope", "--output", output, *options,
        ]  # fmt: skip

    def dump(
        self, pid: int, *, with_locals: bool = False, native: bool = False, blocking: bool = False
    ) -> list[str]:
        """Arguments of one look at all threads; JSON on standard output. It stops nothing unless it is told to be
        blocking, or to read native frames, which need it."""
        wanted = ["--locals"] if with_locals else []
        wanted += ["--native"] if native else []
        wanted += [] if native or blocking else ["--nonblocking"]
        return [self.path, "dump", "--pid", str(pid), "--json", *wanted]


def rounds_of(rate_hz: int, seconds: int) -> int:
    """Rounds that `record` makes before it ends by itself: its duration counts rounds, the last is not taken."""
    return max(1, rate_hz * seconds - 1)


def find_py_spy() -> PySpy:
    """The py-spy of this very installation, never one that happens to be on PATH. Raises NotSupported."""
    hint = f"install it beside razorprof: {sys.executable} -m pip install 'py-spy>=0.4.3,<0.5'"
    distribution = find_distribution("py-spy")
    if distribution is None:
        raise NotSupported("py-spy is not installed", hint=hint)
    for path in _programs(distribution):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return PySpy(os.path.abspath(path), distribution.version)
    raise NotSupported("the program of the installed py-spy package is missing", hint=hint)


def _programs(distribution: Distribution) -> Iterator[str]:
    yield from distribution.files_called("py-spy")
    import sysconfig  # where no list of files was kept; it takes some ms

    yield os.path.join(sysconfig.get_path("scripts"), "py-spy")


def explain(pid: int, code: int | None, signal: int | None, stderr: bytes) -> RazorprofError | None:
    """What went wrong, None if nothing did."""
    text = stderr[:65536].decode(errors="replace")
    if code == 0:
        return None
    if signal is not None:
        return ToolFailed("py-spy was ended by a signal", value=signal)
    if "Permission Denied" in text or "os error 13" in text or "os error 1)" in text:
        return PermissionDenied(
            "no permission to read the stacks of the process",
            value=pid,
            hint=f"see why and what mends it with: razorprof doctor {pid}",
        )
    if "Failed to find python version" in text:
        return NotSupported("py-spy finds no Python in the process", value=pid)
    if "Unsupported version of Python" in text:
        return NotSupported("py-spy does not know this version of Python", value=_first_line(text))
    if "Failed to get process executable name" in text or "No such process" in text:
        return TargetGone("no such process", value=pid, hint="list what is there with: razorprof ps")
    if "Failed to suspend process" in text:
        return ToolFailed(
            "the process is stopped or traced by another program", value=pid, hint="sample it without --blocking"
        )
    if code == 101:
        return ToolFailed("py-spy crashed", value=_first_line(text))
    return ToolFailed("py-spy failed", value=_first_line(text))


def _first_line(text: str) -> str:
    for line in text.splitlines():
        words = line.strip().removeprefix("Error: ")
        if words and not words.startswith("py-spy>"):
            return words[:_LONGEST_WORD]
    return "it said nothing"
