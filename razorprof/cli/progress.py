"""Captures that take a while, as their user sees them: the time left, and a Ctrl-C that keeps what is there.

For cpu, heap, threads, dump and whoever else runs something that takes a plugin.captures.Watch:

    with Progress("cpu") as progress:
        outcomes = progress.take([(label, lambda watch: record_cpu(target, request, watch)), ...])
        ...                                  # write what came of it: still a second Ctrl-C gives up at once
    return progress.code                     # None, 130 after SIGINT, 143 after SIGTERM

The captures run in threads of their own, so that the main one hears signals whatever they wait for. The line is on
stderr, on a terminal only, and is gone when they are done.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Generic, TypeVar

from razorprof.cli import output
from razorprof.errors import ExitCode, RazorprofError
from razorprof.plugin.captures import Watch

T = TypeVar("T")

_AT_ONCE = 16  # captures; more wait for their turn
_SIGNALS = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}
_LOOK, _REDRAW = 0.05, 0.2
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of one capture: a value, or the error that its user can mend."""

    value: T | None = None
    error: RazorprofError | None = None


@dataclass(slots=True)
class _Job(Generic[T]):
    label: str
    run: Callable[[Watch], T]
    done: float = 0.0
    whole: float = 0.0
    words: str = ""
    is_finished: bool = False
    outcome: Outcome[T] | None = None
    bug: BaseException | None = None


class Progress:
    """See above. Use it once, in the main thread, as a context."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._enough = threading.Event()
        self._before: dict[int, object] = {}
        self._drawn = 0.0
        self._draws = output.is_tty(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"
        self.code: ExitCode | None = None

    def __enter__(self) -> Progress:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's stays
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._clear()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def take(self, captures: Sequence[tuple[str, Callable[[Watch], T]]]) -> list[Outcome[T]]:
        """Run captures at the same time and wait for all; an outcome each, in their order. label: printable.

        Raises KeyboardInterrupt at the second signal, and what is no RazorprofError at once."""
        jobs = [_Job[T](label, run) for label, run in captures]
        waiting: queue.SimpleQueue[_Job[T]] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        for number in range(min(_AT_ONCE, len(jobs))):
            # Daemons: who gives up does not wait for them; the supervisor of tools ends what they have started.
            threading.Thread(target=self._work, args=(waiting,), name=f"capture-{number}", daemon=True).start()
        while not all(job.is_finished for job in jobs):
            self._draw(jobs)
            time.sleep(_LOOK)
        self._clear()
        for job in jobs:
            if job.bug is not None:
                raise job.bug
        return [job.outcome or Outcome() for job in jobs]

    def _work(self, waiting: queue.SimpleQueue[_Job[T]]) -> None:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return

            def tell(done: float, whole: float, words: str, job: _Job[T] = job) -> None:
                job.done, job.whole, job.words = done, whole, words

            try:
                job.outcome = Outcome(job.run(Watch(tell, self._enough)))
            except RazorprofError as error:
                job.outcome = Outcome(error=error)
            except BaseException as error:  # raised again where the user's command is
                job.bug = error
            finally:
                job.is_finished = True

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._enough.is_set():
            raise KeyboardInterrupt
        self.code = _SIGNALS[signal.Signals(number)]
        self._enough.set()
        if number == signal.SIGINT:
            words = "interrupted: what was seen is kept (Ctrl-C again gives up)\n"
            with contextlib.suppress(OSError):  # the terminal may be gone
                # not through the stream: the signal may have come while it was being written to
                os.write(2, ((_CLEAR if self._draws else "") + words).encode())

    def _draw(self, jobs: Sequence[_Job[T]]) -> None:
        now = time.monotonic()
        if not self._draws or self._enough.is_set() or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        line = progress_line(self._title, [(job.label, job.done, job.whole, job.words) for job in jobs])
        from razorprof.render.text import cut_end

        self._write(_CLEAR + cut_end(line, max(10, output.terminal_width() - 1)))

    def _clear(self) -> None:
        if self._draws and self._drawn:
            self._drawn = 0.0
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._draws = False


def progress_line(title: str, jobs: Sequence[tuple[str, float, float, str]]) -> str:
    """The line for jobs of (label, seconds done, seconds in all, words): the one with most before it counts."""
    label, done, whole, words = max(jobs, key=lambda job: job[2] - job[1])
    who = label if len(jobs) == 1 else f"{len(jobs)} targets"
    parts = [f"{title} {who}:"]
    if whole > 0:
        parts.append(f"{done / whole * 100:3.0f} %, {max(0.0, whole - done):.0f} s left")
    if words and len(jobs) == 1:
        parts.append(f"({words})" if whole > 0 else words)
    return " ".join(parts)
