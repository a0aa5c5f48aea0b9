"""One-shot captures: which runtime takes them, that it may, and that the process is still the one that was chosen.

For the commands cpu, threads and heap, for bundles and for the captures of alerts. Runtimes come through their
entry points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone
from razorprof.plugin.captures import (
    CpuRequest,
    DumpsThreads,
    HeapRequest,
    RecordsCpu,
    RecordsHeap,
    ThreadsRequest,
    Watch,
)
from razorprof.plugin.loading import detect_runtime
from razorprof.plugin.protocols import Capability, Detection, Runtime
from razorprof.remote.process import ProcessView
from razorprof.targets.attach import Attach, attach_verdict

if TYPE_CHECKING:  # for types alone: a command loads only what it captures
    from razorprof.model.heap import HeapRecord
    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump


def record_cpu(target: Target, request: CpuRequest, watch: Watch) -> Profile:
    """A CPU profile. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
    runtime, detection = runtime_of(target)
    if not isinstance(runtime, RecordsCpu):
        raise unsupported(runtime, detection, target, Capability.CPU, "CPU profiles")
    return runtime.record_cpu(target, detection, request, watch)


def dump_threads(target: Target, request: ThreadsRequest, watch: Watch) -> ThreadDump:
    """All threads at one moment. Raises as record_cpu does."""
    runtime, detection = runtime_of(target)
    if not isinstance(runtime, DumpsThreads):
        raise unsupported(runtime, detection, target, Capability.THREADS, "thread dumps")
    return runtime.dump_threads(target, detection, request, watch)


def record_heap(target: Target, request: HeapRequest, watch: Watch) -> HeapRecord:
    """Allocations by call site, by code in the process. Raises as record_cpu does, and Unsafe."""
    runtime, detection = runtime_of(target)
    if not isinstance(runtime, RecordsHeap):
        raise unsupported(runtime, detection, target, Capability.HEAP, "recording of allocations")
    need_permission(ProcessView(target.pid))  # it takes ptrace(2), and without even the version may be unknown
    return runtime.record_heap(target, detection, request, watch)


def runtime_of(target: Target) -> tuple[Runtime, Detection]:
    """The runtime that knows this process. Raises TargetGone where it ended or its pid is another's by now,
    PermissionDenied where it may not be looked into, NotSupported where no runtime knows it."""
    process = ProcessView(target.pid)
    if not process.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    found = detect_runtime(process)
    if found is None:
        need_permission(process)
        raise NotSupported(
            "no runtime that is known here runs in this process", value=target.pid, hint="see: razorprof ps"
        )
    return found


def unsupported(
    runtime: Runtime, detection: Detection, target: Target, capability: Capability, what: str
) -> RazorprofError:
    """The error for something that a runtime cannot do, with the reason that it gives."""
    support = runtime.capabilities(detection).get(capability)
    reason = support.reason if support is not None else ""
    return NotSupported(reason or f"{runtime.name} has no {what}", value=target.pid)


def need_permission(process: ProcessView) -> None:
    """What could not be told of a process may just not have been allowed: raises PermissionDenied then."""
    verdict = attach_verdict(process, recognised=True)
    if verdict.attach is Attach.DENIED:
        hint = verdict.fix or f"see why and what mends it with: razorprof doctor {process.pid}"
        raise PermissionDenied(
            f"no permission to look into the process: {verdict.reason}", value=process.pid, hint=hint
        )
