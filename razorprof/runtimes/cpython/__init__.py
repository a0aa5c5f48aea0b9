"""CPython, 3.8 and newer: the built-in runtime. Reached through its entry point only.

Each source stands in a module of its own and is opened by itself: one that cannot be had (no py-spy, an unknown
build) takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from razorprof.errors import NotSupported, RazorprofError
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


class CPython:
    """The CPython runtime. Its modules are loaded when they are needed, not with it."""

    name: ClassVar[str] = "cpython"

    def detect(self, process: ProcessView) -> Detection | None:
        """The interpreter and its version, None for what is no CPython."""
        from razorprof.runtimes.cpython.detect import detect_python

        return detect_python(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """Stacks and threads need py-spy for their frames; threads without it still have the kernel's figures.
        Allocations need code in the process, and so the user's consent."""
        from razorprof.profilers.pyspy import find_py_spy

        try:
            py_spy = f"py-spy {find_py_spy().version}"
            stacks = Support(True, py_spy, intrusiveness=1)
        except RazorprofError as error:
            py_spy = ""
            stacks = Support(False, reason=f"{error}; {error.hint}")
        return {
            Capability.STACKS: stacks,
            Capability.CPU: stacks,
            Capability.THREADS: Support(True, f"/proc, {py_spy}" if py_spy else "/proc", intrusiveness=1),
            Capability.HEAP: heap_support(detection),
            **memory_support(detection),
        }

    def sources(self, detection: Detection) -> Sequence[Source]:
        """What can be opened on such a process."""
        from razorprof.runtimes.cpython.gc_source import GcSource
        from razorprof.runtimes.cpython.locks_source import LocksSource
        from razorprof.runtimes.cpython.stacks import StacksSource
        from razorprof.runtimes.cpython.threads import ThreadsSource

        version = minor_version(detection)
        return [StacksSource(version), ThreadsSource(), GcSource(), LocksSource(version)]

    def record_cpu(self, target: Target, detection: Detection, request: CpuRequest, watch: Watch) -> Profile:
        """See plugin.captures.RecordsCpu."""
        from razorprof.runtimes.cpython.cpu_profile import record_cpu

        return record_cpu(target, request, watch, detection=detection, version=minor_version(detection))

    def dump_threads(
        self, target: Target, detection: Detection, request: ThreadsRequest, watch: Watch
    ) -> ThreadDump:
        """All threads at one moment, with the owners of locks where the target's memory tells them."""
        from razorprof.runtimes.cpython.thread_dump import dump_threads

        return dump_threads(target, minor_version(detection), request, watch)

    def record_heap(self, target: Target, detection: Detection, request: HeapRequest, watch: Watch) -> HeapRecord:
        """Allocations by call site, by memray that is injected; see plugin.captures.RecordsHeap."""
        from razorprof.runtimes.cpython.heap_record import record_heap

        return record_heap(target, detection, request, watch)

    def advise(self, seen: Observation) -> Sequence[Advice]:
        """See plugin.protocols.Advises."""
        from razorprof.analysis.advice import advise

        return advise(seen)


def memory_support(detection: Detection) -> dict[Capability, Support]:
    """What reading its memory can tell, going by its version; the proof in the target comes with opening."""
    from razorprof.runtimes.cpython.layout import layout_for

    try:
        if detection.detail.get("free_threaded"):
            raise NotSupported("a free-threaded build of Python", value=detection.version)
        layout = layout_for(detection.version)
    except NotSupported as error:
        unknown = Support(False, reason=str(error))
        return {Capability.GC: unknown, Capability.GIL: unknown, Capability.ALLOCATOR: unknown}
    memory = Support(True, "process memory", intrusiveness=1)
    allocator = memory if layout.allocator is not None else Support(False, reason="told from Python 3.12 on")
    return {Capability.GC: memory, Capability.GIL: memory, Capability.ALLOCATOR: allocator}


def heap_support(detection: Detection) -> Support:
    """Whether allocations can be recorded, as far as its version and what is installed here tell: that the
    target can import memray is seen inside only."""
    from razorprof.profilers.memray_checks import check_version
    from razorprof.profilers.memray_tools import find_memray_tools

    try:
        check_version(detection.version, free_threaded=bool(detection.detail.get("free_threaded")))
        tools = find_memray_tools()
    except RazorprofError as error:
        return Support(False, reason=f"{error}; {error.hint}" if error.hint else str(error))
    return Support(True, f"memray {tools.version}, injected by gdb (--attach)", intrusiveness=4)


def minor_version(detection: Detection) -> tuple[int, int] | None:
    """(3, 11) of a detection, None where it is not known that well."""
    parts = (detection.version or "").split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])
