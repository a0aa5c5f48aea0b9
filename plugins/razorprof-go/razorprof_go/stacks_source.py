"""The source "stacks" of Go programs: where their threads spend CPU time, by perf events, stripped or not.

Opened by the session through the go runtime. Each read hands over what was sampled since the one before; the rate
is low enough that the kernel's buffers hold it meanwhile. Flat shares hold; see cpu_profile for those of callers.
"""

from __future__ import annotations

import time
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import TargetGone
from razorprof.model.frame import SamplingReport, Stack, StackSample, ThreadId
from razorprof.model.metric import Metric
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.profilers.perf_events import PerfSampler
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof_go.binary import open_image
from razorprof_go.functions import Functions

RATE_HZ = 49.0  # in a second a thread leaves 49 chains: 32 KiB hold them, but for very deep ones
MODE = "perf events"
_MOST_CHAINS = 100_000


class StacksSource:
    """Source "stacks"."""

    name: ClassVar[str] = "stacks"
    metrics: ClassVar[tuple[Metric, ...]] = ()
    focused_only: ClassVar[bool] = True

    def open(self, target: Target, options: SourceOptions) -> StacksReader:
        """Begin to sample. Raises TargetGone, PermissionDenied, NotSupported."""
        return StacksReader(target, min(options.rate_hz or RATE_HZ, RATE_HZ), options.clock)


class StacksReader:
    """Samples one process from its opening on."""

    def __init__(self, target: Target, rate_hz: float, clock: Clock) -> None:
        self._target = target
        self._rate = rate_hz
        self._clock = clock
        self._view = ProcessView(target.pid)
        self._stacks: dict[tuple[int, ...], Stack] = {}
        if not self._view.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid)
        self._image = self._view.image()
        self._memory = RemoteMemory(self._view)
        try:
            with open_image(self._view) as image:
                self._functions = Functions(image, self._memory)
            self._sampler = PerfSampler(self._view, rate_hz)
        except BaseException:
            self._memory.close()
            raise
        self._since, self._began = clock.time(), clock.monotonic()

    def read(self) -> list[Reading]:
        """A report and the stacks. Raises TargetGone, where another program runs there too."""
        if not self._view.is_same(self._target.identity) or self._view.image() != self._image:
            raise TargetGone("the program has ended", value=self._target.pid)
        began = time.thread_time()
        lost_before = self._sampler.lost
        samples = self._sampler.take()
        self._sampler.follow_threads()
        now = self._clock.monotonic()
        seconds = max(1e-6, now - self._began)
        period = self._sampler.period
        readings: list[Reading] = [
            StackSample(self._stack(sample.chain), period, ThreadId(sample.thread)) for sample in samples
        ]
        report = SamplingReport(
            start=self._since,
            seconds=seconds,
            rounds=max(1, round(seconds * self._rate)),
            samples=len(samples),
            errors=self._sampler.lost - lost_before,
            rate_hz=self._rate,
            mode=MODE,
            cost_seconds=time.thread_time() - began,
        )
        self._since, self._began = self._clock.time(), now
        return [report, *readings]

    def close(self) -> None:
        self._sampler.close()
        self._memory.close()

    def _stack(self, chain: tuple[int, ...]) -> Stack:
        found = self._stacks.get(chain)
        if found is None:
            if len(self._stacks) >= _MOST_CHAINS:
                self._stacks.clear()
            found = self._stacks[chain] = self._functions.stack(chain)
        return found
