"""What lies in a JVM's heap, by class: Jvm.record_heap. HotSpot counts it, asked by its attach protocol.

Counting walks the whole heap while all Java threads stand still: some milliseconds for a small heap, about a
second for some gigabytes. Without `windows` nothing is collected for it, so that garbage is counted too; to tell
what grows, garbage must be gone, and each count begins with a full collection. Both is said in the record's notes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, TargetGone, ToolFailed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.heap import GrowingSite, HeapRecord, HeapSnapshot
from razorprof.model.profile import Measure, Origin, Profile, StackKey
from razorprof.model.target import Target
from razorprof.plugin.captures import HeapRequest, Watch
from razorprof.plugin.protocols import Detection
from razorprof.profilers.heap_growth import growing_sites
from razorprof.profilers.origin import origin_of
from razorprof.remote.process import ProcessView
from razorprof_jvm.attach import Answer, ask
from razorprof_jvm.detect import OPENJ9
from razorprof_jvm.histogram_text import Histogram, parse_histogram
from razorprof_jvm.support import NO_OPENJ9

CONSENT = (
    "--allow signal lets the JVM count them: all Java threads stand still while it walks its heap; with "
    "--leaks each "
    "count begins with a full collection"
)
ALL = "garbage that was not collected yet is counted too; all Java threads stood still for {seconds:.3f} s or less"
LIVE = "each of {counts} counts began with a full collection; the longest took {seconds:.3f} s"
_LEAK_COUNTS = 4  # full collections: three rises are the least that say something

_PAGE = os.sysconf("SC_PAGE_SIZE")

Look = Callable[[bool], tuple[Answer, int]]


def record_heap(
    target: Target, detection: Detection, request: HeapRequest, watch: Watch, *, clock: Clock | None = None
) -> HeapRecord:
    """See plugin.captures.RecordsHeap. Raises NotSupported without consent."""
    clock = clock or SystemClock()
    if detection.implementation == OPENJ9:
        raise NotSupported(NO_OPENJ9, value=target.pid)
    if not request.allow_signal:
        raise NotSupported("what its heap holds only the JVM itself can tell", value=target.pid, hint=CONSENT)
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)

    def count(live: bool) -> Answer:
        how = "-live" if live else "-all"
        return ask(
            view, target.identity, "inspectheap", how, patience=request.timeout, enough=watch.enough, clock=clock
        )

    origin = origin_of(target, detection)

    def look(live: bool) -> tuple[Answer, int]:
        return count(live), view.stat().resident_pages * _PAGE

    return counted(look, request, watch, clock, origin)


def counted(look: Look, request: HeapRequest, watch: Watch, clock: Clock, origin: Origin) -> HeapRecord:
    """One count, or several over `request.seconds` to see what grows. look: is told whether to collect before, and
    hands back the JVM's answer and its resident bytes."""
    leaks = request.windows > 0 and request.seconds > 0
    wanted = _LEAK_COUNTS if leaks else 1
    histograms: list[Histogram] = []
    times: list[float] = []
    snapshots: list[HeapSnapshot] = []
    longest = 0.0
    began, start = clock.monotonic(), clock.time()
    for number in range(wanted):
        due = began + request.seconds * number / max(1, wanted - 1)
        if number and clock.wait(watch.enough, max(0.0, due - clock.monotonic())):
            break
        words = f"the JVM counts its heap, {number + 1} of {wanted}"
        watch.tell(clock.monotonic() - began, request.seconds, words)
        try:
            answer, resident = look(leaks)
        except KeyboardInterrupt:
            if histograms:
                break
            raise
        histogram = parse_histogram(answer.text)
        histograms.append(histogram)
        times.append(clock.time())
        snapshots.append(HeapSnapshot(times[-1], resident, sum(one.bytes for one in histogram.classes)))
        longest = max(longest, answer.seconds)
    last = histograms[-1]
    if not last.classes:
        raise ToolFailed("the JVM's answer holds no class histogram", value=origin.pid)
    notes = [LIVE.format(counts=len(histograms), seconds=longest) if leaks else ALL.format(seconds=longest)]
    if not last.is_complete:
        notes.append("the histogram is incomplete: its classes do not add up to the JVM's own total")
    profile = _profile(last, origin, start)
    total = int(profile.total)
    return HeapRecord(
        peak=profile,
        live=profile,
        seconds=clock.monotonic() - began,
        start=start,
        peak_bytes=total,
        allocations=sum(one.instances for one in last.classes),
        snapshots=tuple(snapshots),
        growing=_growing(histograms, times) if leaks else None,
        windows=max(0, len(histograms) - 1) if leaks else 0,
        ended="time" if len(histograms) == wanted else "asked",
        notes=tuple(notes),
        what="in use, by class" if leaks else "in the heap, by class",
    )


def _profile(histogram: Histogram, origin: Origin, start: float) -> Profile:
    """A stack of one frame for each class: its name and the module that it comes from."""
    weights: dict[StackKey, float] = {}
    instances: dict[StackKey, float] = {}
    for one in histogram.classes:
        key = StackKey(ThreadId(0), (Frame(one.name, one.module),))
        weights[key] = weights.get(key, 0.0) + one.bytes
        instances[key] = instances.get(key, 0.0) + one.instances
    return Profile(
        weights=weights,
        unit="bytes",
        value="in_use",
        also=(Measure("instances", "count", instances),),
        start=start,
        origin=origin,
        notes=("classes of a JVM's heap; they are no call sites",),
    )


def _growing(histograms: Sequence[Histogram], times: Sequence[float]) -> tuple[GrowingSite, ...] | None:
    """Classes that take more after every count, fastest first; None where there were too few counts."""
    if len(histograms) < 2:
        return None
    held: dict[tuple[str, str], list[int]] = {}
    for number, histogram in enumerate(histograms):
        for one in histogram.classes:
            found = held.setdefault((one.name, one.module), [0] * len(histograms))
            found[number] += one.bytes
    instances = {(one.name, one.module): one.instances for one in histograms[-1].classes}
    window = (times[-1] - times[0]) / (len(histograms) - 1)
    rows = [((Frame(*key),), sizes, instances.get(key, 0)) for key, sizes in held.items()]
    return growing_sites(rows, window)
