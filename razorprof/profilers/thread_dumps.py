"""Thread dumps at a pace that their own cost allows, without anybody waiting for them.

For the runtimes' threads sources: `poll` at each read gives the newest dump and starts the next when one is due.
"""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TimedOut
from razorprof.profilers.dumps import DumpedThread, parse_dump
from razorprof.profilers.pyspy import PySpy, explain
from razorprof.profilers.supervisor import STDERR, Child, Launcher

SHARE = 0.01  # of one core
_TIMEOUT = 5.0
_PATIENCE = 0.05  # a small target's dump takes 10-40 ms: then its frames fit the kernel's figures of the same read
_MOST_BYTES = 64 << 20
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Dump:
    """The threads with Python code, and when they were read (monotonic seconds)."""

    threads: tuple[DumpedThread, ...]
    taken: float


class DumpTaker:
    """Takes dumps of one process. Not for two threads at once; close it."""

    def __init__(self, pid: int, *, launcher: Launcher, py_spy: PySpy, clock: Clock, share: float = SHARE) -> None:
        self._pid = pid
        self._launcher = launcher
        self._py_spy = py_spy
        self._clock = clock
        self._share = share
        self._child: Child | None = None
        self._started = 0.0
        self._due = float("-inf")
        self.newest: Dump | None = None
        self.error: RazorprofError | None = None

    def poll(self) -> None:
        """Bring `newest` and `error` up to date; waits less than a tenth of a second."""
        now = self._clock.monotonic()
        if self._child is None and now >= self._due:
            try:
                self._child = self._launcher.start(self._py_spy.dump(self._pid), most_bytes=_MOST_BYTES)
            except RazorprofError as error:
                self._fail(error, now)
                return
            self._started = now
            self._collect(_PATIENCE)
        elif self._child is not None:
            self._collect(0.0)

    def close(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def _collect(self, patience: float) -> None:
        child = self._child
        if child is None:
            return
        try:
            ended = child.wait(patience)
            now = self._clock.monotonic()
            if ended is None:
                if now - self._started < _TIMEOUT:
                    return  # a later read finds it
                child.kill()
                raise TimedOut("py-spy did not dump the threads in time", value=f"{_TIMEOUT:g} s")
            error = explain(self._pid, ended.code, ended.signal, child.output(STDERR, 1 << 16))
            if error is not None:
                raise error
            # ended.ended is on the machine's monotonic clock; the injected one need not be that
            self.newest = Dump(tuple(parse_dump(child.output())), max(self._started, min(now, ended.ended)))
            self.error = None
            self._due = self._started + ended.cpu_seconds / self._share
        except RazorprofError as error:
            self._fail(error, self._clock.monotonic())
        self.close()

    def _fail(self, error: RazorprofError, now: float) -> None:
        self.error = error
        self._due = now + _RETRY_SECONDS
