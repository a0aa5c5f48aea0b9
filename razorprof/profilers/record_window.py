"""One window of a one-shot recording: one run of py-spy, how long it really sampled and what it saw.

For profilers.record only. A window ends by itself after a known number of rounds; it is interrupted (SIGINT, never
anything harder while a target may be stopped) when its asker has enough or when it takes far too long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TargetGone, TimedOut
from razorprof.profilers.pace import Plan
from razorprof.profilers.pyspy import PySpy, explain
from razorprof.profilers.speedscope import (
    SeenThread,
    StackTable,
    count_torn,
    parse_speedscope,
    without_process_frames,
)
from razorprof.profilers.supervisor import FIRST_EXTRA, STDERR, STDOUT, Child, Exit, Launcher
from razorprof.profilers.window_words import count_errors, count_rounds, has_begun
from razorprof.remote.process import PROC, ProcessView

_MOST_BYTES = 64 << 20
_MOST_WORDS = 1 << 16
# A tracer that is killed may leave its target stopped: one that blocks gets more time to let go of it.
_GRACE, _BLOCKING_GRACE = 0.5, 5.0
_SLOW_START = 5.0  # on a machine that is overloaded, or with large symbol tables to read
_BEGIN_POLL, _POLL = 0.004, 0.1
_ATTACH_SECONDS = 0.012  # where it was not seen to begin
_SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class Looks:
    """How the target is looked at. only_gil: the GIL's holder only; wall: idle threads too; native: native frames
    too; blocking: it is stopped for each look; children: its child processes too."""

    only_gil: bool = False
    wall: bool = False
    native: bool = False
    blocking: bool = False
    children: bool = False

    @property
    def mode(self) -> str:
        """As reports and files name it: nonblocking, nonblocking-gil, blocking-wall-native, ..."""
        words = ["blocking" if self.blocking else "nonblocking"]
        words += ["gil"] if self.only_gil else []
        words += ["wall"] if self.wall else []
        words += ["native"] if self.native else []
        return "-".join(words)


@dataclass(frozen=True, slots=True)
class Window:
    """What one window saw. start: Unix seconds; is_cut: its rounds are estimated; stopped_seconds: an estimate,
    the CPU time that py-spy used after it had begun."""

    start: float
    seconds: float
    rounds: int
    threads: tuple[SeenThread, ...] = ()
    errors: int = 0
    is_cut: bool = False
    stopped_seconds: float = 0.0

    @property
    def samples(self) -> int:
        return sum(sum(thread.stacks.values()) for thread in self.threads)


class WindowRunner:
    """Runs windows of one target, one after the other, in the thread that calls."""

    def __init__(self, launcher: Launcher, py_spy: PySpy, table: StackTable, clock: Clock) -> None:
        self._launcher = launcher
        self._py_spy = py_spy
        self._table = table
        self._clock = clock

    def run(self, pid: int, plan: Plan, looks: Looks, enough: threading.Event, tick: Callable[[], None]) -> Window:
        """One window; `tick` is called about ten times a second. Raises what py-spy's failure means."""
        argv = self._py_spy.record(
            pid,
            rate_hz=plan.rate_hz,
            seconds=plan.seconds,
            output=f"/dev/fd/{FIRST_EXTRA}",
            gil_only=looks.only_gil,
            idle=looks.wall,
            blocking=looks.blocking,
            native=looks.native,
            children=looks.children,
        )
        grace = _BLOCKING_GRACE if looks.blocking else _GRACE
        child = self._launcher.start(argv, extra=1, grace=grace, most_bytes=_MOST_BYTES)
        try:
            begun, start, spent, ended = self._begin(child, enough, tick)
            if ended is None:
                ended = self._finish(child, plan, begun, grace, enough, tick)
            error = explain(pid, ended.code, ended.signal, child.output(STDERR, _MOST_WORDS))
            if error is not None:
                raise self._of_interrupt(error, ended, enough)
            output, words = child.output(FIRST_EXTRA), child.output(STDOUT, _MOST_WORDS)
        finally:
            child.close()
        threads = tuple(parse_speedscope(output, self._table)) if output else ()
        if looks.children:
            threads = tuple(map(without_process_frames, threads))
        seconds = max(_SHORTEST, ended.ended - begun)
        most_seen = max((sum(thread.stacks.values()) for thread in threads), default=0)
        return Window(
            start=start,
            seconds=seconds,
            rounds=max(count_rounds(plan, seconds, words), most_seen),  # a thread is seen once a round
            threads=threads,
            errors=count_errors(words) + sum(map(count_torn, threads)),
            is_cut=b"Stopped sampling because" in words,
            stopped_seconds=max(0.0, ended.cpu_seconds - spent) if looks.blocking else 0.0,
        )

    def _begin(
        self, child: Child, enough: threading.Event, tick: Callable[[], None]
    ) -> tuple[float, float, float, Exit | None]:
        """Wait until it samples: when that was (monotonic, Unix), the CPU time used until then, and how it ended
        where it has. From there on its time counts: reading the symbols of a large program takes 0.2 s."""
        began = self._clock.monotonic()
        while True:
            if has_begun(child.output(STDOUT, _MOST_WORDS)):
                return self._clock.monotonic(), self._clock.time(), _cpu_used(child), None
            ended = child.wait(_BEGIN_POLL)
            now = self._clock.monotonic()
            if ended is not None:
                begun = min(ended.ended, ended.started + _ATTACH_SECONDS)
                return begun, self._clock.time() - (now - begun), _ATTACH_SECONDS, ended
            if enough.is_set() or now - began > _SLOW_START:
                return now, self._clock.time(), _ATTACH_SECONDS, child.stop(_BLOCKING_GRACE + _GRACE)
            tick()

    def _finish(
        self,
        child: Child,
        plan: Plan,
        begun: float,
        grace: float,
        enough: threading.Event,
        tick: Callable[[], None],
    ) -> Exit:
        while True:
            left = begun + plan.stop_after - self._clock.monotonic()
            if enough.is_set() or left <= 0:
                return child.stop(grace + 2.0)
            ended = child.wait(min(_POLL, left))
            if ended is not None:
                return ended
            tick()

    def _of_interrupt(self, error: RazorprofError, ended: Exit, enough: threading.Event) -> RazorprofError:
        """A py-spy that was interrupted before it sampled dies of the signal: that is no failure of its own."""
        if ended.signal is not None and not enough.is_set() and not isinstance(error, TargetGone):
            return TimedOut("py-spy did not answer", value=f"{ended.ended - ended.started:.1f} s")
        return error


def _cpu_used(child: Child) -> float:
    """CPU seconds of the tool so far, to the nanosecond (proc(5) has ticks only: schedstat's first field)."""
    pid = getattr(child, "pid", None)
    if pid is None:
        return _ATTACH_SECONDS
    try:
        return int(ProcessView(pid, proc=PROC).read("schedstat", 256).split()[0]) / 1e9
    except (RazorprofError, ValueError, IndexError):
        return _ATTACH_SECONDS
