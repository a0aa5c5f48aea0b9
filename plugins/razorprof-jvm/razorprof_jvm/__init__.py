"""The JVM (HotSpot) for razorprof: a runtime in the shape of a third party's, reached by its entry point only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from razorprof.plugin.protocols import Capability, Detection, Source, Support

if TYPE_CHECKING:
    from razorprof.analysis.advice_observation import Observation
    from razorprof.model.advice import Advice
    from razorprof.model.heap import HeapRecord
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump
    from razorprof.plugin.captures import HeapRequest, ThreadsRequest, Watch
    from razorprof.remote.process import ProcessView


class Jvm:
    """HotSpot JVMs. Modules are loaded when they are needed, not with it."""

    name: ClassVar[str] = "jvm"

    def detect(self, process: ProcessView) -> Detection | None:
        """The JVM and its version, None for what is none."""
        from razorprof_jvm.detect import detect_jvm

        return detect_jvm(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """Counters without touching the JVM; stacks and the class histogram take a signal."""
        from razorprof_jvm.support import capabilities

        return capabilities(detection)

    def sources(self, detection: Detection) -> Sequence[Source]:
        """What can be opened on such a process."""
        from razorprof_jvm.gc_source import GcSource
        from razorprof_jvm.threads_source import ThreadsSource

        return [GcSource(), ThreadsSource()]

    def dump_threads(
        self, target: Target, detection: Detection, request: ThreadsRequest, watch: Watch
    ) -> ThreadDump:
        """All threads at one moment: by the JVM's own dump where a signal is allowed, else as the kernel sees
        them."""
        from razorprof_jvm.thread_dump import dump_threads

        return dump_threads(target, detection, request, watch)

    def record_heap(self, target: Target, detection: Detection, request: HeapRequest, watch: Watch) -> HeapRecord:
        """Instances and bytes by class; see plugin.captures.RecordsHeap."""
        from razorprof_jvm.heap import record_heap

        return record_heap(target, detection, request, watch)

    def advise(self, seen: Observation) -> Sequence[Advice]:
        """See plugin.protocols.Advises."""
        from razorprof_jvm.advice import advise

        return advise(seen)
