"""One-shot captures: which runtime takes them, that it may, and that the process is still the one that was chosen.

For the commands cpu, threads and heap, for bundles and for the captures of alerts. Runtimes come through their
entry points; where none of them can, an endpoint that the user named may.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

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
from razorprof.plugin.protocols import Capability, Detection, Runtime, Support
from razorprof.remote.process import ProcessView
from razorprof.targets.attach import Attach, attach_verdict
from razorprof.targets.endpoint import endpoint_of

if TYPE_CHECKING:  # for types alone: a command loads only what it captures
    from razorprof.model.heap import HeapRecord
    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump


SIGNALLING, INJECTING = 3, 4  # intrusiveness that needs consent, see plugin.protocols.Support
Request = TypeVar("Request", CpuRequest, ThreadsRequest, HeapRequest)


def record_cpu(target: Target, request: CpuRequest, watch: Watch) -> Profile:
    """A CPU profile; by the pprof endpoint that the user named, where no runtime takes one. Raises TargetGone,
    PermissionDenied, NotSupported, ToolFailed."""
    request = _with_endpoint(request, target)
    found = _runtime_or_endpoint(target, request.url)
    if found is not None and isinstance(found[0], RecordsCpu):
        return found[0].record_cpu(target, found[1], request, watch)
    if found is not None and not request.url:
        raise unsupported(*found, target, Capability.CPU, "CPU profiles")
    from razorprof.session.endpoint_profiles import cpu_profile

    return cpu_profile(target, request, watch)


def dump_threads(
    target: Target, request: ThreadsRequest, watch: Watch, found: tuple[Runtime, Detection] | None = None
) -> ThreadDump:
    """All threads at one moment. found: what `runtime_of` says of it. Raises as record_cpu does."""
    runtime, detection = found or runtime_of(target)
    if not isinstance(runtime, DumpsThreads):
        raise unsupported(runtime, detection, target, Capability.THREADS, "thread dumps")
    return runtime.dump_threads(target, detection, _with_endpoint(request, target), watch)


def record_heap(target: Target, request: HeapRequest, watch: Watch) -> HeapRecord:
    """Allocations by call site; by the pprof endpoint as record_cpu does. Raises as it does, NotSupported without
    the consent that it needs, and Unsafe."""
    request = _with_endpoint(request, target)
    found = _runtime_or_endpoint(target, request.url)
    if found is None or (request.url and not isinstance(found[0], RecordsHeap)):
        from razorprof.session.endpoint_profiles import heap_record

        return heap_record(target, request, watch)
    runtime, detection = found
    if not isinstance(runtime, RecordsHeap):
        raise unsupported(runtime, detection, target, Capability.HEAP, "recording of allocations")
    support = runtime.capabilities(detection).get(Capability.HEAP)
    if support is None or not support.available or support.intrusiveness >= SIGNALLING:
        need_permission(ProcessView(target.pid))  # it takes ptrace(2), and without even the version may be unknown
    return runtime.record_heap(target, detection, request, watch)


def heap_support(target: Target) -> Support:
    """What recording allocations takes there: intrusiveness of INJECTING needs the user's `attach`, SIGNALLING an
    `allow_signal`, less neither. Raises NotSupported with the reason where it cannot be done."""
    url = endpoint_of(target)
    found = _runtime_or_endpoint(target, url)
    if found is None or (url and not isinstance(found[0], RecordsHeap)):
        return Support(True, f"pprof endpoint {url}", intrusiveness=2)
    runtime, detection = found
    support = runtime.capabilities(detection).get(Capability.HEAP)
    if support is None or not support.available:
        need_permission(ProcessView(target.pid))
        raise unsupported(runtime, detection, target, Capability.HEAP, "recording of allocations")
    return support


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


def _with_endpoint(request: Request, target: Target) -> Request:
    return request if request.url else replace(request, url=endpoint_of(target))


def _runtime_or_endpoint(target: Target, url: str) -> tuple[Runtime, Detection] | None:
    """The runtime, or None where nobody knows one and there is an endpoint to ask. Raises as runtime_of does."""
    try:
        return runtime_of(target)
    except NotSupported:
        if not url:
            raise
        return None


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
