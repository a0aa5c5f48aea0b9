"""The live stack feed of one process: py-spy in windows, one after the other, with nothing stopped.

For the runtimes' stack sources, which drain it at each read. A window is one run of py-spy that ends by itself
after a known number of rounds: its weight per stack is then exact (window / rounds), it needs no signal, and it
is its own fuse. The next starts at once: about 2 % of the time is not covered. The feed's one thread waits
for py-spy's end and does nothing else meanwhile.

Below Python 3.11, and in a foreign PID namespace, py-spy cannot tell which threads run without stopping them
(it takes all but well-known waits for running): there only the holder of the GIL is sampled, and the report's mode
says so. Code that runs without the GIL is not seen then. The same where there are so many threads that ten rounds
a second break the budget: 150 threads cost 14 ms a round, the holder alone 1 ms.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, TimedOut, ToolFailed
from razorprof.model.frame import SamplingReport, Stack, StackSample, ThreadId
from razorprof.model.target import Identity
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.pace import Pace, Plan
from razorprof.profilers.pyspy import PySpy, explain
from razorprof.profilers.source_paths import SourcePaths
from razorprof.profilers.speedscope import UNREADABLE, SeenThread, StackTable, count_torn, parse_speedscope
from razorprof.profilers.supervisor import FIRST_EXTRA, STDERR, STDOUT, Child, Exit, Launcher
from razorprof.profilers.window_words import count_errors, count_rounds, has_begun
from razorprof.remote.process import ProcessView

log = logging.getLogger(__name__)

_MOST_BYTES = 16 << 20  # of one window's output
_MOST_WORDS = 1 << 16
_MOST_WINDOWS = 32  # kept for a reader that does not come; the oldest goes first
_GRACE = 0.5
_STOP_TIMEOUT = 2.0
_ATTACH_SECONDS = 0.012  # from py-spy's start to its timer's start
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 30.0
_SLOW_START = 2.0  # on a machine that is overloaded, before it is given up
_STOPPED_PAUSE = 1.0  # between looks at a target that is stopped
_FINAL_AFTER = 3  # "no Python in it" may be said of a process that has only just started


class Mode(StrEnum):
    """How a window looked: at all threads on a CPU, or at the holder of the GIL only."""

    ALL = "nonblocking"
    GIL = "nonblocking-gil"


@dataclass(frozen=True, slots=True)
class Window:
    """What one window saw: equal stacks of a thread are one sample with their weight added up."""

    samples: tuple[StackSample, ...]
    report: SamplingReport


def join_windows(windows: Sequence[Window]) -> Window:
    """Neighbouring windows as one, for a reader that comes less often than windows end. At least one."""
    if len(windows) == 1:
        return windows[0]
    weights: dict[tuple[ThreadId, Stack], float] = {}
    for window in windows:
        for sample in window.samples:
            key = (sample.thread, sample.stack)
            weights[key] = weights.get(key, 0.0) + sample.weight
    reports = [window.report for window in windows]
    whole = replace(
        reports[-1],
        start=reports[0].start,
        seconds=sum(report.seconds for report in reports),
        rounds=sum(report.rounds for report in reports),
        samples=sum(report.samples for report in reports),
        errors=sum(report.errors for report in reports),
        cost_seconds=sum(report.cost_seconds for report in reports),
    )
    return Window(tuple(StackSample(stack, weight, thread) for (thread, stack), weight in weights.items()), whole)


class StackFeed:
    """Samples one process until it is closed. start and close once; drain from one thread."""

    def __init__(
        self,
        *,
        identity: Identity,
        view: ProcessView,
        launcher: Launcher,
        py_spy: PySpy,
        pace: Pace,
        clock: Clock,
        gil_only: bool = False,
        ids: NativeIds | None = None,
    ) -> None:
        self._identity = identity
        self._view = view
        self._launcher = launcher
        self._py_spy = py_spy
        self._pace = pace
        self._clock = clock
        self._mode = Mode.GIL if gil_only else Mode.ALL
        self._crowd: int | None = None  # threads at the time when there were too many to look at all of them
        self._ids = ids or NativeIds(view)
        self._table = StackTable(SourcePaths(view.path / "root").shorten)
        self._lock = threading.Lock()
        self._windows: deque[Window] = deque(maxlen=_MOST_WINDOWS)
        self._error: RazorprofError | None = None
        self._failures = 0
        self._child: Child | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to sample, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"stack-feed-{self._identity.pid}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sampling; py-spy is told to end and the thread is waited for, a second at most."""
        self._closing.set()
        with self._lock:
            if self._child is not None:
                self._child.request_stop()
        if self._thread is not None:
            self._thread.join(1.0)

    def drain(self) -> list[Window]:
        """The windows that ended since the last call, oldest first; never waits.

        Raises the feed's error when there are none and the last attempt failed.
        """
        with self._lock:
            windows = list(self._windows)
            self._windows.clear()
            if not windows and self._error is not None:
                raise self._error
        return windows

    def step(self) -> float | None:
        """One window. Seconds to wait before the next, None when there is no sense in another one."""
        try:
            pause = self._sample()
        except RazorprofError as error:
            return self._fail(error)
        except OSError as error:  # no descriptors or no memory left
            return self._fail(ToolFailed("cannot sample the process", value=error))
        self._failures = 0
        return pause

    def _run(self) -> None:
        while not self._closing.is_set():
            pause = self.step()
            if pause is None or (pause > 0 and self._clock.wait(self._closing, pause)):
                return

    def _sample(self) -> float:
        started_at = self._clock.time()
        if not self._view.is_same(self._identity):
            raise TargetGone("no such process", value=self._identity.pid)
        stat = self._view.stat()
        if stat.state in "Tt":
            # It runs nothing. The holder of the GIL would be taken for running, so nobody asks.
            report = SamplingReport(started_at, _STOPPED_PAUSE, 0, 0, 0, 0.0, self._mode.value)
            self._publish(Window((), report))
            return _STOPPED_PAUSE
        self._choose_mode(stat.threads)
        plan = self._pace.plan()
        run = self._run_window(plan)
        if run is None:
            return 0.0
        ended, output, words = run
        threads = parse_speedscope(output, self._table) if output else []
        if self._mode is Mode.ALL and any(thread.reference.startswith("0x") for thread in threads):
            self._mode = Mode.GIL  # below 3.11 after all: this window holds idle threads, and is dropped
            return 0.0
        seconds = max(0.001, ended.ended - ended.started - _ATTACH_SECONDS)
        rounds = count_rounds(plan, seconds, words)
        seen = sum(sum(thread.stacks.values()) for thread in threads)
        self._pace.learn(rounds=rounds, cost_seconds=ended.cpu_seconds, seen=seen)
        samples = self._weigh(threads, seconds / rounds)
        report = SamplingReport(
            start=started_at,
            seconds=seconds,
            rounds=rounds,
            samples=seen,
            errors=count_errors(words) + sum(map(count_torn, threads)),
            rate_hz=float(plan.rate_hz),
            mode=self._mode.value,
            cost_seconds=ended.cpu_seconds,
        )
        self._publish(Window(samples, report))
        return 0.0

    def _choose_mode(self, threads: int) -> None:
        if self._mode is Mode.ALL and self._ids.is_foreign_namespace():
            self._mode = Mode.GIL
        elif self._mode is Mode.ALL and self._pace.is_too_dear:
            log.info(
                "stacks of %d: %d threads are dear, only the GIL's holder is sampled", self._view.pid, threads
            )
            self._mode, self._crowd = Mode.GIL, threads
            self._pace.forget()
        elif self._crowd is not None and threads < self._crowd / 2:
            self._mode, self._crowd = Mode.ALL, None
            self._pace.forget()

    def _run_window(self, plan: Plan) -> tuple[Exit, bytes, bytes] | None:
        """Run py-spy once: how it ended, its profile and its words. None when the feed is being closed."""
        argv = self._py_spy.record(
            self._identity.pid,
            rate_hz=plan.rate_hz,
            seconds=plan.seconds,
            output=f"/dev/fd/{FIRST_EXTRA}",
            gil_only=self._mode is Mode.GIL,
        )
        child = self._launcher.start(argv, extra=1, grace=_GRACE, most_bytes=_MOST_BYTES)
        with self._lock:
            self._child = child
        try:
            if self._closing.is_set():
                return None
            ended = child.wait(plan.stop_after)
            if ended is None and not has_begun(child.output(STDOUT, _MOST_WORDS)):
                ended = child.wait(_SLOW_START)  # interrupted before it samples, it would die with nothing to show
            if ended is None:
                ended = child.stop(_STOP_TIMEOUT)
                if ended.signal is not None and not self._closing.is_set():
                    raise TimedOut("py-spy did not answer", value=f"{ended.ended - ended.started:.1f} s")
            if self._closing.is_set():
                return None
            error = explain(self._identity.pid, ended.code, ended.signal, child.output(STDERR, _MOST_WORDS))
            if error is not None:
                raise error
            return ended, child.output(FIRST_EXTRA), child.output(STDOUT, _MOST_WORDS)
        finally:
            with self._lock:
                self._child = None
            child.close()

    def _weigh(self, threads: list[SeenThread], weight: float) -> tuple[StackSample, ...]:
        ids = self._ids.resolve(thread.reference for thread in threads) if threads else {}
        return tuple(
            StackSample(stack or UNREADABLE, count * weight, ThreadId(ids[thread.reference], thread.name))
            for thread in threads
            for stack, count in thread.stacks.items()
        )

    def _publish(self, window: Window) -> None:
        with self._lock:
            self._windows.append(window)
            self._error = None

    def _fail(self, error: RazorprofError) -> float | None:
        self._failures += 1
        if not isinstance(error, TargetGone) and not self._view.is_same(self._identity):
            error = TargetGone("no such process", value=self._identity.pid)
        if isinstance(error, NotSupported) and self._failures < _FINAL_AFTER:
            error = ToolFailed(error.message, value=error.value, hint=error.hint)
        with self._lock:
            if self._error is None or self._error.message != error.message:
                log.info("stacks of %d: %s", self._identity.pid, error)
            self._error = error
        if isinstance(error, TargetGone | PermissionDenied | NotSupported):
            return None
        return float(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (self._failures - 1)))
