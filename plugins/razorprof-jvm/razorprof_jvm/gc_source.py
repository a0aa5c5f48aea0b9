"""The source "gc": collectors, memory pools, threads, classes and safepoints of a JVM, by its own counters.

Nothing is asked of the JVM and nothing is stopped: its counters lie in a file that it keeps for such tools. This
is the life of a reader: a JVM that is only starting is tried again, a process that runs another program now (exec)
is opened anew, and one that ended ends it for good. Opened by the session through the jvm runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TargetGone, ToolFailed
from razorprof.model.gc import GcState
from razorprof.model.metric import Metric
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import AddressSpaceGone
from razorprof.remote.process import ProcessView
from razorprof_jvm.figures import TELLS_NOTHING, gc_state, watched
from razorprof_jvm.metrics import METRICS, jvm_samples
from razorprof_jvm.perf_image import PerfData, open_perf_data
from razorprof_jvm.perfdata import Counters, DamagedPerfData


class GcSource:
    """Source "gc"."""

    name: ClassVar[str] = "gc"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS

    def open(self, target: Target, options: SourceOptions) -> GcReader:
        """Attach. Raises TargetGone, PermissionDenied, NotSupported; a JVM that is only starting is tried again
        with each read."""
        return GcReader(target, options.clock)


class GcReader:
    """Reads one JVM. Not for two threads at once. `reasons`: the metrics that the last read lacks, and why."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._process = ProcessView(target.pid)
        self._perf_data: PerfData | None = None
        self._image = ""
        self._watched: tuple[str, ...] = ()
        self._before: Mapping[str, int] = {}
        self._collections: Mapping[str, int] = {}
        self.reasons: Mapping[str, str] = {}
        self._check()
        self._open()

    def read(self) -> Iterable[Reading]:
        """A GcState and the metrics. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
        self._check()
        if self._perf_data is not None and self._image != self._process.image():
            self.close()  # another program runs there now
        perf_data = self._perf_data or self._open()
        try:
            counters = perf_data.read(self._watched)
        except (AddressSpaceGone, OSError):
            self.close()
            counters = self._open().read(self._watched)
        except DamagedPerfData:
            self.close()
            raise
        if not self._watched:
            self._watched = watched(counters)
        state = gc_state(counters, self._clock.time(), self._collections)
        self._check_order(counters)
        self._collections = {one.name: one.collections for one in state.collectors if one.collections is not None}
        self.reasons = _reasons(counters, state)
        return (state, *jvm_samples(counters, state))

    def close(self) -> None:
        """Let go of the target."""
        perf_data, self._perf_data = self._perf_data, None
        self._watched, self._before, self._collections = (), {}, {}
        if perf_data is not None:
            perf_data.close()

    def _open(self) -> PerfData:
        self._image = self._process.image()
        self._perf_data = open_perf_data(self._process)
        try:
            self._check()  # still the same after it was opened
        except RazorprofError:
            self.close()
            raise
        return self._perf_data

    def _check(self) -> None:
        if not self._process.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)

    def _check_order(self, counters: Counters) -> None:
        """Counters never fall: one that does was read half-written, or by whoever writes into the file."""
        now = {name: value for name in self._watched if (value := counters.number(name)) is not None}
        before, self._before = self._before, now
        for name, value in now.items():
            if value < before.get(name, 0):
                raise ToolFailed(
                    "a counter of the JVM went back", value=f"{name}: {before.get(name, 0)} to {value}"
                )


def _reasons(counters: Counters, state: GcState) -> dict[str, str]:
    """What is missing though the rest is there."""
    found = {}
    if not state.collectors:
        found["jvm_gc_collection_seconds"] = TELLS_NOTHING
    overflow = counters.layout.header.overflow
    if overflow:
        words = (
            f"{overflow} bytes of counters found no room in it: start the JVM with a larger -XX:PerfDataMemorySize"
        )
        found["jvm_info"] = words
    return found
