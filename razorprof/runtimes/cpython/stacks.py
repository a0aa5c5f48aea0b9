"""The stacks source of CPython: where the threads of a process spend their time, sampled without stopping it.

A thin reader around profilers.feed. read() never waits: it hands over the windows that ended since the last
read, joined into one: its stacks and one SamplingReport.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from razorprof.errors import TargetGone
from razorprof.model.metric import Metric
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.profilers.feed import StackFeed, join_windows
from razorprof.profilers.pace import Pace
from razorprof.profilers.pyspy import find_py_spy
from razorprof.profilers.supervisor import SharedSupervisor, shared_supervisor
from razorprof.remote.process import ProcessView

_FIRST_WITH_NATIVE_IDS = (3, 11)


class StacksSource:
    """Sampled stacks. version: (major, minor) of the interpreter where known."""

    name: ClassVar[str] = "stacks"
    focused_only: ClassVar[bool] = True  # py-spy costs: see benchmarks/stack_feed.py
    metrics: ClassVar[tuple[Metric, ...]] = ()

    def __init__(
        self, version: tuple[int, int] | None = None, *, supervisor: SharedSupervisor = shared_supervisor
    ) -> None:
        self._version = version
        self._supervisor = supervisor

    def open(self, target: Target, options: SourceOptions) -> StacksReader:
        """Start the feed. Raises NotSupported where py-spy is missing, TargetGone, PermissionDenied."""
        view = ProcessView(target.pid)
        if not view.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid, hint="list what is there with: razorprof ps")
        py_spy = find_py_spy()
        pace = Pace(budget=options.budget, threads=len(view.task_ids()), rate_hz=options.rate_hz)
        launcher = self._supervisor.acquire()
        try:
            feed = StackFeed(
                identity=target.identity,
                view=view,
                launcher=launcher,
                py_spy=py_spy,
                pace=pace,
                clock=options.clock,
                gil_only=self._version is not None and self._version < _FIRST_WITH_NATIVE_IDS,
            )
            feed.start()
        except BaseException:
            self._supervisor.release()
            raise
        return StacksReader(feed, self._supervisor)


class StacksReader:
    """Hands over what the feed saw. An error of the feed is raised once there is nothing left to hand over."""

    def __init__(self, feed: StackFeed, supervisor: SharedSupervisor) -> None:
        self._feed = feed
        self._supervisor = supervisor
        self._is_open = True

    def read(self) -> Iterable[Reading]:
        windows = self._feed.drain()
        if not windows:
            return ()
        window = join_windows(windows)
        return (window.report, *window.samples)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._feed.close()
            self._supervisor.release()
