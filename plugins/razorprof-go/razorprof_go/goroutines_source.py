"""The source "goroutines" of Go programs: how many there are, in which states, and what the scheduler has to do.

Opened by the session through the go runtime. Needs symbols. A program of many goroutines is looked at less often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import TargetGone
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import AddressSpaceGone, RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof_go import metrics
from razorprof_go.binary import open_image
from razorprof_go.dump import to_dump
from razorprof_go.goroutines import MOST_GOROUTINES, GoroutineReader, Scheduler, Status, Walk, open_goroutines

SHARE = 0.01  # of one core
MOST_SHOWN = 300  # goroutines whose stacks are read with each look
_STATES = {
    Status.RUNNABLE: "runnable",
    Status.RUNNING: "running",
    Status.SYSCALL: "syscall",
    Status.WAITING: "waiting",
}
_LABELS = {name: Labels(state=name) for name in _STATES.values()}
_CUT = f"more than {MOST_GOROUTINES:,} goroutines: they are not counted by state; an endpoint tells their number"


class GoroutinesSource:
    """Source "goroutines"."""

    name: ClassVar[str] = "goroutines"
    metrics: ClassVar[tuple[Metric, ...]] = metrics.SCHEDULER_METRICS
    focused_only: ClassVar[bool] = True

    def open(self, target: Target, options: SourceOptions) -> GoroutinesReader:
        """Attach. Raises TargetGone, PermissionDenied; NotSupported without symbols or for an unknown version."""
        return GoroutinesReader(target, options.clock)


class GoroutinesReader:
    """Reads one process. rest: seconds until another read is worth its cost."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._process = ProcessView(target.pid)
        self._memory: RemoteMemory | None = None
        self._reader: GoroutineReader | None = None
        self._alive = 0
        self.rest = 0.0
        self.reasons: dict[str, str] = {}
        self._attached()

    def read(self) -> list[Reading]:
        """A dump while there are few, and the samples. Raises TargetGone, NotSupported, PermissionDenied."""
        try:
            return self._read(self._attached())
        except AddressSpaceGone:
            self.close()
        return self._read(self._attached())

    def close(self) -> None:
        memory, self._memory, self._reader = self._memory, None, None
        if memory is not None:
            memory.close()

    def _read(self, reader: GoroutineReader) -> list[Reading]:
        walk = reader.walk(stacks=self._alive <= MOST_SHOWN)
        self._alive = len(walk.goroutines)
        self.rest = walk.seconds / SHARE
        counted = (metrics.GOROUTINES, metrics.STATES)
        self.reasons = {metric.name: _CUT for metric in counted} if walk.is_cut else {}
        readings: list[Reading] = [] if walk.is_cut else list(_counts(walk))
        scheduler = reader.scheduler()
        if scheduler is not None:
            readings += _scheduler_samples(scheduler)
        if self._alive <= MOST_SHOWN:
            readings.append(to_dump(walk.goroutines, self._clock.time(), mode="nonblocking"))
        return readings

    def _attached(self) -> GoroutineReader:
        if self._reader is not None:
            return self._reader
        if not self._process.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)
        memory = RemoteMemory(self._process)
        try:
            with open_image(self._process) as image:
                self._reader = open_goroutines(image, memory)
            if not self._process.is_same(self._target.identity):
                raise TargetGone("the process has ended", value=self._target.pid)
        except BaseException:
            self._reader = None
            memory.close()
            raise
        self._memory = memory
        return self._reader


def _counts(walk: Walk) -> Iterator[Sample]:
    own = [one for one in walk.goroutines if not one.system]
    yield Sample(metrics.GOROUTINES, float(len(own)))
    states = Counter(_STATES.get(one.status, "waiting") for one in own)
    for name, labels in _LABELS.items():
        yield Sample(metrics.STATES, float(states[name]), labels)


def _scheduler_samples(scheduler: Scheduler) -> Iterator[Sample]:
    yield Sample(metrics.IDLE_PROCESSORS, float(scheduler.idle_processors))
    yield Sample(metrics.THREADS, float(scheduler.threads))
    yield Sample(metrics.IDLE_THREADS, float(scheduler.idle_threads))
    yield Sample(metrics.SPINNING_THREADS, float(scheduler.spinning_threads))
