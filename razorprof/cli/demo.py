"""``razorprof demo``: starts the sample program and opens `top` on it; the program ends with it, however it ends.

The sample program itself is cli/demo_program/shop.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from razorprof.errors import TimedOut, ToolFailed

EPILOG = """\
\b
Examples:
  razorprof demo                    the dashboard on a program that is interesting to look at
  razorprof demo --once             its figures as text, once
  razorprof demo -n 3 --json        three documents, one a line
"""

_FOLDER = Path(__file__).parent / "demo_program"
_OPENING = 20.0  # seconds that the program may take to start on a loaded machine
_LOOKS = 5  # printed without a terminal when nobody says how many: a demonstration has an end
_CLOSING = 5.0  # seconds that it may take to end before it is killed


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once and end.")] = False,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", min=1, help="Print the figures N times and end.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of text.")] = False,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="SECONDS", help="Seconds between two looks.")
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="HZ", help="Stacks sampled a second.")] = None,
) -> int | None:
    """Start a sample program and open `top` on it: named threads, a hot function, garbage, a contended lock.

    Without a terminal the figures are printed five times, or as often as -n says.
    """
    from razorprof.cli.top import is_interactive

    if count is None and not once and (json or not is_interactive()):
        count = _LOOKS
    arguments = ["--once"] if once else []
    arguments += ["-n", str(count)] if count is not None else []
    arguments += ["--json"] if json else []
    arguments += ["--interval", interval] if interval is not None else []
    arguments += ["--rate", str(rate)] if rate is not None else []
    with sample_program() as pid:
        return _top(context, [*arguments, str(pid)])


@contextmanager
def sample_program(*arguments: str) -> Iterator[int]:
    """Run the shop for the length of a with block; its pid. ToolFailed or TimedOut when it does not start."""
    with subprocess.Popen(
        [sys.executable, "-m", "shop", "--parent", str(os.getpid()), *arguments],
        cwd=_FOLDER,  # -m puts this folder at the head of the path, and nothing that a user could slip in
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C and Ctrl-Z are for us: it goes on and is ended below
    ) as process:
        try:
            _wait_until_open(process)
            yield process.pid
        finally:
            _end(process)


def _environment() -> dict[str, str]:
    """Ours less what would change how Python runs it; PYTHONHOME says where Python lies, and stays."""
    return {k: v for k, v in os.environ.items() if k == "PYTHONHOME" or not k.startswith("PYTHON")}


def _top(context: typer.Context, arguments: list[str]) -> int | None:
    """Answer ``razorprof top ARGUMENTS`` in this process."""
    group = context.find_root()
    command = group.command.commands["top"]  # type: ignore[attr-defined]  # the root is a group of commands
    with command.make_context("top", arguments, parent=group) as called:
        answer = command.invoke(called)
    return answer if isinstance(answer, int) else None


def _wait_until_open(process: subprocess.Popen[bytes]) -> None:
    """Wait for its first line. Neither pipe is read later: it writes nothing else unless it fails."""
    assert process.stdout is not None  # noqa: S101  (we asked for pipes)
    assert process.stderr is not None  # noqa: S101
    until = time.monotonic() + _OPENING
    if _readable(process.stdout, until - time.monotonic()) and process.stdout.readline():
        return
    if process.poll() is None and time.monotonic() >= until:
        raise TimedOut("the sample program did not start in time", value=f"{_OPENING:g} s")
    _end(process)
    lines = process.stderr.read().decode(errors="replace").strip().splitlines()
    raise ToolFailed(
        "the sample program did not start", value=lines[-1] if lines else f"exit status {process.returncode}"
    )


def _readable(pipe: IO[bytes], seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return bool(selector.select(max(0.0, seconds)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL. The pid is still its own: nobody else reaps it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)  # somebody may have stopped it: only now does it hear the SIGTERM
        try:
            process.wait(_CLOSING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_CLOSING)
