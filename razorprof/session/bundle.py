"""Collects everything about one process for a bundle: facts, metrics, threads, CPU, heap, findings and a report.

    collected = collect(target, DumpRequest(cpu_seconds=5.0), watch, checks=...)
    write_bundle(plan, collected.manifest, collected.pieces)            # recording.bundle_write

Each part stands by itself: one that fails is skipped with its reason, a target that ends leaves what was seen. For
the command dump and for the captures of alerts. It injects nothing without `heap_seconds`, which is a consent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from razorprof import __version__
from razorprof.errors import RazorprofError, TargetGone
from razorprof.model.heap import HeapRecord, MemoryMapView
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import CpuRequest, HeapRequest, ThreadsRequest, Watch
from razorprof.plugin.loading import Failure, guard
from razorprof.recording.bundle import REPORT, Manifest, Piece, Skipped
from razorprof.recording.profile_files import encode_profile, find_format, format_of
from razorprof.remote.memory_kinds import read_memory_kinds
from razorprof.remote.process import ProcessView
from razorprof.render.thread_report import thread_report
from razorprof.session import bundle_documents as documents
from razorprof.session.bundle_process import process_facts
from razorprof.session.bundle_report import make_report
from razorprof.session.bundle_watch import Seen, Watching
from razorprof.session.captures import (
    INJECTING,
    SIGNALLING,
    dump_threads,
    heap_support,
    record_cpu,
    record_heap,
    runtime_of,
)
from razorprof.session.pipeline import host_name
from razorprof.session.threads_document import threads_document

T = TypeVar("T")

INTERRUPTED = "interrupted before its turn came"
METRICS_SECONDS = 6.0  # advice needs five
_SLACK = 4.0  # for what takes no time of its own: facts, threads, memory, the report
_LATEST = 10.0  # seconds more than planned until figures are given up
_STEP = 0.1

Check = tuple[str, bool | None, str, str]  # name, ok, detail, fix


@dataclass(frozen=True, slots=True)
class DumpRequest:
    """cpu_seconds: length of the CPU profile, 0 for none; heap_seconds: of the recording of allocations, by code
    in the target: the user's consent; None for none; redact: secrets out of command lines, as far as known;
    allow_signal: the user's consent to a signal (a JVM dumps its threads and counts its heap then); probe: the
    target's own loopback ports may be asked for metrics and profiles."""

    cpu_seconds: float = 5.0
    heap_seconds: float | None = None
    redact: bool = True
    allow_signal: bool = False
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """The manifest lacks its files: recording.bundle_write lists them."""

    manifest: Manifest
    pieces: tuple[Piece, ...]


@dataclass(slots=True)
class Parts:
    """What is there by now. Filled by `collect` and handed to session.bundle_report."""

    target: Target
    request: DumpRequest
    created: float
    began: float  # monotonic
    pieces: list[Piece] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    dump: ThreadDump | None = None
    memory: MemoryMapView | None = None
    checks: Sequence[Check] = ()
    cpu: Profile | None = None
    heap: HeapRecord | None = None
    seen: Seen = field(default_factory=lambda: Seen(0.0))

    def add(self, path: str, kind: str, content: bytes) -> None:
        self.pieces.append(Piece(path, kind, content))

    def skip(self, kind: str, reason: str) -> None:
        self.skipped.setdefault(kind, reason)

    def attempt(self, kind: str, call: Callable[[], T]) -> T | None:
        """What `call` gives; None where it fails, and the reason is kept."""
        try:
            found = guard(kind, call)
        except RazorprofError as error:
            self.skip(kind, f"{error}; {error.hint}" if error.hint else str(error))
        except KeyboardInterrupt:  # a recording that was ended before it began
            self.skip(kind, "interrupted before anything was recorded")
        else:
            if not isinstance(found, Failure):
                return found
            self.skip(kind, f"unexpected error: {found.error}")
        return None


def collect(
    target: Target,
    request: DumpRequest,
    watch: Watch,
    *,
    checks: Callable[[], Sequence[Check]] | None = None,
    more: Sequence[Piece] = (),
    notes: tuple[str, ...] = (),
) -> Collected:
    """Look at the process until all is there or `watch.enough`. more: what is there already and goes in, too;
    notes: for the manifest. Raises TargetGone where not even the first look found it; all else is told in the
    manifest."""
    parts = Parts(target, request, time.time(), time.monotonic(), list(more))
    parts.facts = process_facts(target, redact=request.redact)
    runtime = _runtime(target, parts)
    parts.add("process.json", "process", documents.encode(parts.facts))
    whole = max(request.cpu_seconds, METRICS_SECONDS) + (request.heap_seconds or 0.0) + _SLACK

    def tell(words: str) -> None:
        watch.tell(min(time.monotonic() - parts.began, 0.99 * whole), whole, words)

    inner = Watch(lambda done, all, words: tell(words), watch.enough)
    watching = parts.attempt("metrics", lambda: Watching(target, probe=request.probe))
    try:
        _look(target, parts, inner, runtime)
        if checks is not None and not watch.enough.is_set():
            tell("checks")
            parts.checks = parts.attempt("doctor", checks) or ()
        _record_cpu(target, parts, inner)
        if watching is not None:
            _await(watching, inner, tell)
            tell("judging")
            parts.seen = parts.attempt("metrics", watching.finish) or parts.seen
    finally:
        if watching is not None:
            watching.stop()
    _record_heap(target, parts, inner)  # last: what it does to the target must not stand in the figures
    _write_seen(parts)
    return _close(parts, runtime, notes, interrupted=watch.enough.is_set())


def _runtime(target: Target, parts: Parts) -> tuple[str, str | None]:
    """Its runtime and version, as far as they can be told."""
    try:
        _, detection = runtime_of(target)
    except TargetGone:
        raise
    except RazorprofError as error:
        parts.skip("runtime", str(error))
        return "", None
    return detection.runtime, detection.version


def _look(target: Target, parts: Parts, watch: Watch, runtime: tuple[str, str | None]) -> None:
    """What takes a moment: threads and memory."""
    watch.tell(0.0, 0.0, "threads")
    threads = ThreadsRequest(allow_signal=parts.request.allow_signal, probe=parts.request.probe)
    parts.dump = parts.attempt("threads", lambda: dump_threads(target, threads, watch))
    if parts.dump is not None:
        document = threads_document(target, *runtime, parts.dump)
        text = "".join(f"{line.text}\n" for line in thread_report(parts.dump))
        parts.add("threads.json", "threads", documents.encode(document))
        parts.add("threads.txt", "threads", text.encode(errors="backslashreplace"))
    watch.tell(0.0, 0.0, "memory")
    parts.memory = parts.attempt("memory", lambda: read_memory_kinds(_same(target)))
    if parts.memory is not None:
        parts.add("memory.json", "memory", documents.encode(documents.memory_document(parts.memory)))


def _record_cpu(target: Target, parts: Parts, watch: Watch) -> None:
    request = parts.request
    if not request.cpu_seconds:
        parts.skip("cpu", "not asked for: --cpu 0")
    elif watch.enough.is_set():
        parts.skip("cpu", INTERRUPTED)
    else:
        wanted = CpuRequest(request.cpu_seconds, probe=request.probe)
        parts.cpu = parts.attempt("cpu", lambda: record_cpu(target, wanted, watch))
    if parts.cpu is not None:
        _add_profile(parts, "cpu", parts.cpu)


def _record_heap(target: Target, parts: Parts, watch: Watch) -> None:
    wanted = _wanted_of_heap(target, parts.request)
    if isinstance(wanted, str):
        parts.skip("heap", wanted)
    elif watch.enough.is_set():
        parts.skip("heap", INTERRUPTED)
    else:
        parts.heap = parts.attempt("heap", lambda: record_heap(target, wanted, watch))
    if parts.heap is not None:
        _add_profile(parts, "heap", parts.heap.peak)


def _wanted_of_heap(target: Target, request: DumpRequest) -> HeapRequest | str:
    """What to ask for, or why nothing is. Where no code in the process is needed, neither is a length: it is what
    is in use."""
    if request.heap_seconds is not None:
        return HeapRequest(
            request.heap_seconds, attach=True, allow_signal=request.allow_signal, probe=request.probe
        )
    try:
        takes = heap_support(target).intrusiveness
    except RazorprofError:
        takes = INJECTING
    if takes >= INJECTING:
        return "who allocated it takes code in the process: not allowed (--heap SECONDS --attach)"
    if takes >= SIGNALLING and not request.allow_signal:
        return "what lies in its heap takes a signal: not allowed (--allow signal)"
    return HeapRequest(0.0, allow_signal=request.allow_signal, windows=0, probe=request.probe)


def _add_profile(parts: Parts, kind: str, profile: Profile) -> None:
    """As our own JSON, as text for every tool, and as a flame graph where that format is there."""
    if not parts.request.redact and profile.origin is not None and isinstance(parts.facts.get("command"), str):
        profile = replace(profile, origin=replace(profile.origin, command=str(parts.facts["command"])))
    for name, format_name in ((f"{kind}.json", "razorprof"), (f"{kind}.collapsed", "collapsed")):
        content = parts.attempt(name, lambda n=format_name: encode_profile(find_format(n), profile))  # type: ignore[misc]
        if content is not None:
            parts.add(name, kind, content)
    try:
        flame = format_of(Path(f"{kind}.html"))
    except RazorprofError:
        return  # no installed format draws: the report has the still picture
    content = parts.attempt(f"{kind}.html", partial(encode_profile, flame, profile))
    if content is not None:
        parts.add(f"{kind}.html", kind, content)


def _await(watching: Watching, watch: Watch, tell: Callable[[str], None]) -> None:
    """Until the figures span long enough to be judged, the target ends, or it is enough."""
    deadline = time.monotonic() + METRICS_SECONDS + _LATEST
    while watching.is_alive() and time.monotonic() < deadline:
        if watching.seconds >= METRICS_SECONDS and watching.collector_seconds >= METRICS_SECONDS - 1.0:
            return
        if watching.seconds >= METRICS_SECONDS + 2.0 and not watching.collector_seconds:
            return  # no collector to be seen
        tell("metrics")
        if watch.enough.wait(_STEP):
            return


def _write_seen(parts: Parts) -> None:
    seen = parts.seen
    for kind in ("verdict", "advice", "gc"):
        if kind in seen.reasons:
            parts.skip(kind, seen.reasons[kind])
    if seen.series.get("series"):
        parts.add("metrics.json", "metrics", documents.encode(seen.series))
    else:
        parts.skip("metrics", "nothing was seen")
    if seen.gc is not None or seen.gil is not None:
        parts.add("gc.json", "gc", documents.encode(documents.collector_document(seen)))
    parts.add("findings.json", "findings", documents.encode(documents.findings_document(seen, parts.dump)))
    if parts.checks:
        found = [
            {"name": name, "ok": ok, "detail": detail, "fix": fix or None}
            for name, ok, detail, fix in parts.checks
        ]
        parts.add("doctor.json", "doctor", documents.encode({"checks": found}))


def _close(
    parts: Parts, runtime: tuple[str, str | None], notes: tuple[str, ...], *, interrupted: bool
) -> Collected:
    target = parts.target
    is_gone = not ProcessView(target.pid).is_same(target.identity)
    ended = parts.seen.ended or ("it ended" if is_gone else "")
    command = parts.facts.get("command")
    manifest = Manifest(
        created=parts.created,
        host=host_name(),
        target={
            "pid": target.pid,
            "name": target.name,
            "start_time": target.started,
            "command": command if isinstance(command, str) else None,
            "runtime": runtime[0] or None,
            "version": runtime[1],
        },
        interrupted=interrupted,
        ended=ended,
        redacted=parts.request.redact,
        program=f"razorprof {__version__}",
        seconds=time.monotonic() - parts.began,
        notes=notes,
    )
    page = parts.attempt("report", lambda: make_report(parts, manifest))
    if page is not None:
        parts.pieces.insert(0, Piece(REPORT, "report", page))
    skipped = tuple(Skipped(kind, reason) for kind, reason in parts.skipped.items())
    return Collected(replace(manifest, skipped=skipped), tuple(parts.pieces))


def _same(target: Target) -> ProcessView:
    process = ProcessView(target.pid)
    if not process.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    return process
