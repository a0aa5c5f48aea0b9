"""Go programs, 1.19 and newer, for razorprof: a plug-in. Reached through its entry point only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from razorprof.plugin.protocols import Capability, Detection, Source, Support

if TYPE_CHECKING:
    from razorprof.analysis.advice_observation import Observation
    from razorprof.model.advice import Advice
    from razorprof.model.heap import HeapRecord
    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump
    from razorprof.plugin.captures import CpuRequest, HeapRequest, ThreadsRequest, Watch
    from razorprof.remote.process import ProcessView


class Go:
    """The Go runtime. Its modules are loaded when they are needed, not with it."""

    name: ClassVar[str] = "go"

    def detect(self, process: ProcessView) -> Detection | None:
        """The toolchain that built the executable, None for what is no Go program."""
        from razorprof_go.detect import detect_go

        return detect_go(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """What can be seen, and why not what cannot."""
        from razorprof_go.abilities import abilities

        return abilities(detection)

    def sources(self, detection: Detection) -> Sequence[Source]:
        """What can be opened on such a process."""
        from razorprof_go.endpoint_source import MemStatsSource
        from razorprof_go.gc_source import GcSource
        from razorprof_go.goroutines_source import GoroutinesSource
        from razorprof_go.stacks_source import StacksSource

        toolchain = detection.detail.get("toolchain", "")
        return [GcSource(toolchain), StacksSource(), GoroutinesSource(), MemStatsSource()]

    def advise(self, seen: Observation) -> Sequence[Advice]:
        """What the figures of the collector bear out."""
        from razorprof_go.advice import advise

        return advise(seen)

    def record_cpu(self, target: Target, detection: Detection, request: CpuRequest, watch: Watch) -> Profile:
        """By the program's own profiler where it may be asked, else by perf events."""
        from razorprof_go.cpu_profile import record_cpu

        return record_cpu(target, detection, request, watch)

    def dump_threads(
        self, target: Target, detection: Detection, request: ThreadsRequest, watch: Watch
    ) -> ThreadDump:
        """All goroutines, out of memory or told by the program."""
        from razorprof_go.thread_dump import dump_threads

        return dump_threads(target, request, watch)

    def record_heap(self, target: Target, detection: Detection, request: HeapRequest, watch: Watch) -> HeapRecord:
        """What is on the heap by call site, told by the program."""
        from razorprof_go.heap_profile import record_heap

        return record_heap(target, request, watch)
