"""Allocations of a running CPython by call site, with memray: what CPython.record_heap does.

Consent, version, tools and the state of the target are checked first; profilers.memray_guard does what touches it.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.errors import NotSupported
from razorprof.model.heap import HeapRecord
from razorprof.model.target import Target
from razorprof.plugin.captures import HeapRequest, Watch
from razorprof.plugin.protocols import Detection
from razorprof.profilers.memray_checks import check_target, check_version
from razorprof.profilers.memray_guard import record_allocations
from razorprof.profilers.memray_reader import read_heap_file
from razorprof.profilers.memray_tools import find_memray_tools
from razorprof.profilers.origin import origin_of
from razorprof.profilers.private_folder import private_folder

CONSENT = (
    "--attach allows it: gdb stops the process for about half a second, and memray's library is loaded into it "
    "and stays there; while recording it runs slower, more so with --leaks or --objects"
)
_EARLY = {
    "bytes": "ended early: as many bytes were written as --max-bytes allows",
    "disk": "ended early: the disk of the target's temporary files was filling up",
    "exit": "ended early: the target ended",
    "gone": "ended early: the target was killed",
    "alone": "ended early: the target lost its connection",
    "detached": "ended early: somebody detached memray",
    "unconfirmed": "the target did not say that it let go; it does by itself, at the latest when the time is over",
    "failed": "ended early: the recording failed in the target",
}


def record_heap(target: Target, detection: Detection, request: HeapRequest, watch: Watch) -> HeapRecord:
    """See plugin.captures.RecordsHeap."""
    if not request.attach:
        raise NotSupported("allocations can only be seen by code in the process", value=target.pid, hint=CONSENT)
    check_version(detection.version, free_threaded=bool(detection.detail.get("free_threaded")))
    tools = find_memray_tools()
    check_target(target.identity, force=request.force, enough=watch.enough)
    origin = origin_of(target, detection)
    with private_folder() as folder:
        into = request.keep or folder / "allocations.bin"
        recording = record_allocations(target.identity, request, watch, tools, into)
        watch.tell(request.seconds, request.seconds, "reading the recording")
        record = read_heap_file(recording.path, windows=request.windows, origin=origin, ended=recording.why)
    notes = [_EARLY[recording.why]] if recording.why in _EARLY else []
    if not recording.released:
        notes.append("the target is still traced: see who does that with: razorprof doctor")
    return replace(record, notes=(*record.notes, *notes))
