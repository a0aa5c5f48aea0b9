"""A one-shot recording of one process: windows of py-spy, one after the other, until the time is up.

For the runtimes' record_cpu; record_profile makes a Profile of what it returns. The process is proven to be the
same, and to run the same program, before each window. Between two windows about 2 % of the time is not covered:
windows carry their real start and length, so that the gap is known. A rate that the sampler cannot keep is
lowered rather than letting it take a whole core, or keep the target stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.model.profile import Block
from razorprof.model.target import Identity
from razorprof.plugin.captures import Watch
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.pace import Plan
from razorprof.profilers.pyspy import rounds_of
from razorprof.profilers.record_activity import active_seconds, without_sleepers
from razorprof.profilers.record_window import Looks, Window, WindowRunner
from razorprof.remote.process import ProcessView

SHORTEST_SECONDS = 0.1
_LEAST_ROUNDS = 10  # of a block: with fewer, its weight says little
_NATIVE_BLOCK_SECONDS = 5  # each window reads the symbols anew, 0.2 s
_TAIL = 0.25  # a rest of a block shorter than this part of it is left out
_TRIES = 3  # a process that has only just started may have no interpreter yet
_RETRY_SECONDS = 0.3
_STOPPED_PAUSE = 0.25  # between looks at a process that is stopped
_LONGEST_STRETCH, _SLOWEST_STARTS = 2.0, 20.0  # a recording ends at that many times its seconds, and seconds more
_LAGS = 1.5  # a window that takes this much longer than planned: the rate cannot be kept


class Ending(StrEnum):
    """Why a recording ended."""

    DONE = "done"
    ENOUGH = "enough"  # whoever asked had enough
    GONE = "gone"  # the process ended
    REPLACED = "replaced"  # it runs another program now
    FAILED = "failed"  # see Recording.error


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    seconds: float
    rate_hz: int
    looks: Looks
    block_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded. rate_hz: the rate at the end, lower than asked where it could not be kept; looks: how it
    was looked at in the end; elapsed: seconds from the first look to the last; stood_still: seconds for which
    others had stopped the process; failures: windows that gave nothing."""

    windows: tuple[Window, ...]
    looks: Looks
    rate_hz: int
    elapsed: float
    ending: Ending
    stood_still: float = 0.0
    failures: int = 0
    error: RazorprofError | None = None
    cpu_seconds: float | None = None  # what the kernel counted for the process meanwhile, where that compares

    @property
    def samples(self) -> int:
        return sum(window.samples for window in self.windows)


class Recorder:
    """Records once. `run` blocks for the time of the plan, or until watch.enough is set.

    to_block: makes a block of each window at its end; `blocks` holds them."""

    def __init__(
        self,
        plan: RecordingPlan,
        *,
        identity: Identity,
        view: ProcessView,
        runner: WindowRunner,
        ids: NativeIds,
        watch: Watch,
        clock: Clock,
        to_block: Callable[[Window], Block],
    ) -> None:
        self._plan = plan
        self._identity = identity
        self._view = view
        self._runner = runner
        self._ids = ids
        self._watch = watch
        self._clock = clock
        self._to_block = to_block
        self.blocks: list[Block] = []
        self._looks = plan.looks
        self._rate = plan.rate_hz
        self._windows: list[Window] = []
        self._failures = self._in_a_row = 0
        self._stood_still = 0.0
        self._began = 0.0
        self._image = ""

    def run(self) -> Recording:
        """Raises what kept it from seeing anything: TargetGone, PermissionDenied, NotSupported, ToolFailed."""
        self._began = self._clock.monotonic()
        used = self._cpu_seconds()
        error: RazorprofError | None = None
        try:
            ending = self._record()
        except RazorprofError as failed:
            ending, error = self._judge(failed)
        except OSError as failed:  # no descriptors or no memory left
            ending, error = self._judge(ToolFailed("cannot sample the process", value=failed))
        elapsed = self._clock.monotonic() - self._began
        used_later = self._cpu_seconds()
        recording = Recording(
            tuple(self._windows),
            self._looks,
            self._rate,
            elapsed,
            ending,
            self._stood_still,
            self._failures,
            error,
            None if used is None or used_later is None else used_later - used,
        )
        if ending in (Ending.GONE, Ending.REPLACED) and not recording.samples:
            what = "ended" if ending is Ending.GONE else "became another program"
            raise TargetGone(f"the process {what} before anything was seen", value=self._identity.pid)
        if error is not None and not recording.samples:
            raise error
        return recording

    def _record(self) -> Ending:
        if not self._view.is_same(self._identity):
            raise TargetGone("the process has ended", value=self._identity.pid)
        self._image = self._view.image()
        if not self._looks.blocking and not self._looks.wall and self._ids.is_foreign_namespace():
            self._look_at_gil()
        while True:
            self._tell()
            if self._watch.enough.is_set():
                return Ending.ENOUGH
            plan = next_window(
                self._rate,
                self._plan.block_seconds if not self._looks.native else _NATIVE_BLOCK_SECONDS,
                self._left(),
                is_first=not self._windows,
            )
            if plan is None:
                return Ending.DONE
            if not self._view.is_same(self._identity):
                return Ending.GONE
            if self._view.image() != self._image:
                return Ending.REPLACED
            if self._view.stat().state in "Tt" and not self._looks.wall:
                self._stand_by(plan)
                continue
            self._look(plan)

    def _left(self) -> float:
        """Seconds still to be sampled: what slow starts took is made up for, within bounds."""
        passed = self._clock.monotonic() - self._began
        if passed > _LONGEST_STRETCH * self._plan.seconds + _SLOWEST_STARTS:
            return 0.0
        return self._plan.seconds - sum(window.seconds for window in self._windows)

    def _cpu_seconds(self) -> float | None:
        """CPU seconds of the process so far, as the kernel counts; None where what is seen is something else."""
        if self._looks.wall or self._looks.only_gil or self._looks.children:
            return None
        try:
            stat = self._view.stat()
        except (RazorprofError, OSError):
            return None
        return stat.user_seconds + stat.system_seconds

    def _look(self, plan: Plan) -> None:
        tells_sleepers = self._looks.blocking and not (self._looks.wall or self._looks.only_gil)
        before = active_seconds(self._view) if tells_sleepers else {}
        try:
            window = self._runner.run(self._identity.pid, plan, self._looks, self._watch.enough, self._tell)
        except (PermissionDenied, TargetGone):
            raise
        except RazorprofError as error:
            if self._watch.enough.is_set():
                return  # interrupted before it sampled
            self._failures += 1
            self._in_a_row += 1
            if self._in_a_row >= _TRIES or (not isinstance(error, NotSupported) and self._is_final(error)):
                raise
            self._clock.wait(self._watch.enough, _RETRY_SECONDS)
            return
        if not (self._looks.blocking or self._looks.wall or self._looks.only_gil) and any(
            thread.reference.startswith("0x") for thread in window.threads
        ):
            self._look_at_gil()  # below 3.11: this window holds idle threads, and is dropped
            return
        self._in_a_row = 0
        self._add(window, before)
        self._keep_pace(plan, window)

    def _add(self, window: Window, before: Mapping[int, float] | None = None) -> None:
        """Keep it, and its block: threads are named while they are still there, and not after the last window."""
        block = self._to_block(window)
        if before:
            block = without_sleepers(block, window.rounds, before, active_seconds(self._view))
        self.blocks.append(block)
        self._windows.append(window)

    def _is_final(self, error: RazorprofError) -> bool:
        """Whether nothing will change by trying again: a tracer that is there stays there."""
        return "traced" in error.message

    def _look_at_gil(self) -> None:
        looks = self._looks
        self._looks = Looks(only_gil=True, children=looks.children)

    def _keep_pace(self, plan: Plan, window: Window) -> None:
        planned = rounds_of(plan.rate_hz, plan.seconds) / plan.rate_hz
        lagged = window.seconds > _LAGS * planned if not window.is_cut else False
        achieved = window.rounds / window.seconds
        if lagged or (window.is_cut and window.seconds > planned and achieved < self._rate / _LAGS):
            self._rate = max(1, min(self._rate - 1, int(achieved / 2)))

    def _stand_by(self, plan: Plan) -> None:
        """It is stopped, by somebody else, and runs nothing: that is time too, in which nothing was on a CPU."""
        if not self._windows and not self._stood_still:
            raise ToolFailed(
                "the process is stopped",
                value=self._identity.pid,
                hint=f"let it go on with: kill -CONT {self._identity.pid}, or see where it stands with --wall",
            )
        start, began = self._clock.time(), self._clock.monotonic()
        self._clock.wait(self._watch.enough, min(_STOPPED_PAUSE, plan.stop_after))
        seconds = self._clock.monotonic() - began
        self._stood_still += seconds
        if seconds > 0:
            self._add(Window(start, seconds, 0))

    def _judge(self, error: RazorprofError) -> tuple[Ending, RazorprofError | None]:
        """What a failure means: a process that is no more makes every look fail, in many words."""
        if isinstance(error, TargetGone) or not self._view.is_same(self._identity):
            return Ending.GONE, None
        if self._image and self._view.image() != self._image:
            return Ending.REPLACED, None
        return Ending.FAILED, error

    def _tell(self) -> None:
        done = min(self._plan.seconds, self._clock.monotonic() - self._began)
        seen = sum(window.samples for window in self._windows)
        self._watch.tell(done, self._plan.seconds, f"{seen} samples")


def next_window(rate_hz: int, block_seconds: float, left: float, *, is_first: bool = False) -> Plan | None:
    """The next window when `left` seconds remain, None when it is time to end.

    py-spy takes whole seconds. A window that ends by itself has exact rounds, so half a window over the time is
    better than one that is cut; only what is shorter than that is cut, its rounds estimated."""
    block = max(1, round(block_seconds), math.ceil(_LEAST_ROUNDS / rate_hz))
    length = max(1, min(block, round(left)), math.ceil(_LEAST_ROUNDS / rate_hz))
    if left >= length / 2:
        spread = math.sqrt(length / rate_hz)  # the sampler spaces its looks at random
        return Plan(rate_hz, length, 3 * length + 4 * spread + 1.0)
    if left <= 0 or (left < _TAIL * length and not is_first):
        return None
    return Plan(rate_hz, length, max(SHORTEST_SECONDS, left), is_cut=True)
