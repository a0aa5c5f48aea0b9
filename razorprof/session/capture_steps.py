"""Carries out the actions of a capture, one at a time, into its folder. For session.alert_captures.

The process is checked before each action to be the one that was meant. What goes wrong is raised, and is the
step's business only. What takes captures is handed in as Tools, so that tests need no process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from razorprof import __version__
from razorprof.alerting.capture_rules import (
    RunCommand,
    TakeBundle,
    TakeCpu,
    TakeGc,
    TakeHeap,
    TakeRecording,
    TakeThreads,
)
from razorprof.errors import RazorprofError, TargetGone, ToolFailed
from razorprof.model.heap import HeapRecord, MemoryMapView
from razorprof.model.profile import Profile, join_threads
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import CpuRequest, HeapRequest, ThreadsRequest, Watch, block_length
from razorprof.profilers.user_command import CommandEnd, command_environment, run_command
from razorprof.recording.bundle import Manifest, Piece, Skipped
from razorprof.recording.bundle_write import BundlePlan, write_bundle
from razorprof.recording.profile_files import encode_profile, format_of
from razorprof.remote.memory_kinds import read_memory_kinds
from razorprof.remote.process import ProcessView
from razorprof.render.thread_report import thread_report
from razorprof.session import captures
from razorprof.session.bundle import Check, Collected, DumpRequest, collect
from razorprof.session.bundle_documents import encode, memory_document
from razorprof.session.capture_before import BeforeFiles, before_files
from razorprof.session.capture_job import CaptureJob, Step
from razorprof.session.gc_looks import collector_document, looks_at, open_collector
from razorprof.session.pipeline import host_name
from razorprof.session.recorded_before import RecordedBefore
from razorprof.session.ring import SECONDS
from razorprof.session.threads_document import threads_document
from razorprof.store.view import SeriesView

SMALLEST_RECORDING = 64 << 10
_COLLECTOR_SECONDS = 1.0
_MOST_BEFORE = 32 << 20  # of a bundle, which holds its files in memory


class Collects(Protocol):
    """See session.bundle.collect."""

    def __call__(
        self,
        target: Target,
        request: DumpRequest,
        watch: Watch,
        *,
        checks: Callable[[], Sequence[Check]] | None = None,
        more: Sequence[Piece] = (),
        notes: tuple[str, ...] = (),
    ) -> Collected: ...


class Runs(Protocol):
    """See profilers.user_command.run_command."""

    def __call__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        *,
        enough: threading.Event | None = None,
    ) -> CommandEnd: ...


def _is_alive(identity: Identity) -> bool:
    return ProcessView(identity.pid).is_same(identity)


def _runtime(target: Target) -> tuple[str, str | None]:
    _, detection = captures.runtime_of(target)
    return detection.runtime, detection.version


def _memory(target: Target) -> MemoryMapView:
    return read_memory_kinds(ProcessView(target.pid))


def _collector(target: Target, enough: threading.Event) -> dict[str, Any]:
    detection, reader = open_collector(target, _COLLECTOR_SECONDS)
    try:
        (look,) = looks_at(reader, _COLLECTOR_SECONDS, once=True, enough=enough)
    finally:
        reader.close()
    return collector_document(target, detection, look)


@dataclass(frozen=True, slots=True)
class Tools:
    """What takes captures of a process."""

    is_alive: Callable[[Identity], bool] = _is_alive
    runtime: Callable[[Target], tuple[str, str | None]] = _runtime
    dump_threads: Callable[[Target, ThreadsRequest, Watch], ThreadDump] = captures.dump_threads
    record_cpu: Callable[[Target, CpuRequest, Watch], Profile] = captures.record_cpu
    record_heap: Callable[[Target, HeapRequest, Watch], HeapRecord] = captures.record_heap
    memory: Callable[[Target], MemoryMapView] = _memory
    collector: Callable[[Target, threading.Event], dict[str, Any]] = _collector
    collect: Collects = collect
    run: Runs = run_command


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all captures share. view: of the running session; checks: doctor's, for bundles; enough: set when
    captures should end now; recorded: what is recorded on the disk, None where nothing is."""

    tools: Tools
    enough: threading.Event
    view: SeriesView | None = None
    checks: Callable[[Target], Sequence[Check]] | None = None
    recorded: RecordedBefore | None = None


def carry_out(job: CaptureJob, step: Step, shop: Workshop) -> None:
    """Do it, and note the files in the step. Raises RazorprofError, or KeyboardInterrupt where a recording was
    ended before it began."""
    work = _Work(job, step, shop)
    match step.action:
        case TakeThreads():
            work.threads()
        case TakeCpu():
            work.cpu(step.action)
        case TakeHeap():
            work.heap(step.action)
        case TakeGc():
            work.write("gc", "json", encode(shop.tools.collector(work.target(), shop.enough)))
        case TakeBundle():
            work.bundle(step.action)
        case TakeRecording():
            work.recording(step.action)
        case RunCommand():
            work.command(step.action)


class _Work:
    """One step."""

    def __init__(self, job: CaptureJob, step: Step, shop: Workshop) -> None:
        self._job = job
        self._step = step
        self._shop = shop
        self._tools = shop.tools
        self._watch = Watch(enough=shop.enough)

    def target(self) -> Target:
        """The process that is meant. Raises TargetGone where it is no more."""
        found = self._job.target
        if found is None:
            raise TargetGone("the alert names no process that is watched")
        if not self._tools.is_alive(found.identity):
            raise TargetGone("the process has ended", value=found.pid)
        return found

    def write(self, stem: str, ending: str, content: bytes) -> None:
        name = self._job.folder.free_name(stem, ending)
        self._step.files.append((name, self._job.folder.write(name, content)))

    def threads(self) -> None:
        target = self.target()
        dump = self._tools.dump_threads(target, ThreadsRequest(), self._watch)
        document = threads_document(target, *self._tools.runtime(target), dump)
        text = "".join(f"{line.text}\n" for line in thread_report(dump))
        self.write("threads", "json", encode(document))
        self.write("threads", "txt", text.encode(errors="backslashreplace"))

    def cpu(self, action: TakeCpu) -> None:
        request = CpuRequest(
            action.duration,
            rate_hz=action.rate,
            only_gil=action.gil,
            wall=action.wall,
            native=action.native,
            blocking=action.blocking,
            block_seconds=block_length(action.duration),
        )
        profile = self._tools.record_cpu(self.target(), request, self._watch)
        self._step.notes = profile.notes
        if not profile.rounds and not profile.samples:
            raise ToolFailed("nothing was sampled")
        self._profile("cpu", action.ending, profile if action.threads else join_threads(profile))

    def heap(self, action: TakeHeap) -> None:
        target = self.target()
        self.write("memory", "json", encode(memory_document(self._tools.memory(target))))
        if not action.attach:
            self._step.notes = ("who allocated it takes code in the process: attach: true",)
            return
        room = self._job.folder.room.left
        if room < SMALLEST_RECORDING:
            raise ToolFailed("there is no room for a recording of allocations", value=f"{room} bytes")
        request = HeapRequest(action.duration, attach=True, max_bytes=room)
        record = self._tools.record_heap(self.target(), request, self._watch)
        self._step.notes = record.notes
        self._profile("heap", "json", record.peak)
        self._profile("heap", "html", record.peak)

    def bundle(self, action: TakeBundle) -> None:
        before = self._before()
        try:
            target = self.target()
            checks = self._shop.checks
            found = self._tools.collect(
                target,
                DumpRequest(action.cpu, action.heap),
                self._watch,
                checks=None if checks is None else lambda: checks(target),
                more=before.pieces,
                notes=before.notes,
            )
        except TargetGone as error:
            if self._job.target is None or not any(piece.kind == "before" for piece in before.pieces):
                raise
            found = _only_before(self._job, self._job.target, before, str(error))
            self._step.notes += (f"{error}: only what was seen before is in it",)
        folder = self._job.folder
        name = folder.free_name("bundle", "tar.gz")
        manifest = write_bundle(
            BundlePlan(folder.path / name, is_archive=True), found.manifest, found.pieces, most=folder.room.left
        )
        self._step.files.append((name, folder.adopt(name)))
        self._step.notes += tuple(f"no {one.kind}: {one.reason}" for one in manifest.skipped)

    def recording(self, action: TakeRecording) -> None:
        job, recorded = self._job, self._shop.recorded
        if recorded is None:
            raise ToolFailed(
                "nothing is recorded on the disk",
                hint="razorprof watch does unless --last is 0; razorprof top with --record FILE",
            )
        name = job.folder.free_name("recording", "rzp")
        recorded.copy(job.folder.path / name, since=job.ordered - action.last, most=job.folder.room.left)
        self._step.files.append((name, job.folder.adopt(name)))

    def command(self, action: RunCommand) -> None:
        job, alert = self._job, self._job.alert
        is_alive = job.target is not None and self._tools.is_alive(job.target.identity)
        told = {
            "ALERT": job.alert_name,
            "STATE": job.rule.occasion.value if alert is not None else "",
            "VALUE": str(alert.value) if alert is not None else "",
            "CAPTURE": str(job.folder.path),
            "CAPTURE_NAME": job.rule.name,
            # never the pid of another process, which may have it by now
            "PID": str(job.target.pid) if is_alive and job.target is not None else "",
        }
        environment = command_environment(told, job.labels)
        ended = self._tools.run(action.argv, environment, action.timeout, enough=self._shop.enough)
        if ended.output:
            self.write("command", "txt", ended.output)
        if ended.is_cut:
            self._step.notes = ("its output was cut",)
        if ended.words:
            raise ToolFailed("the command failed", value=ended.words)

    def _before(self) -> BeforeFiles:
        """What was seen before: of the disk, where it can be read; else what memory held when the alert fired."""
        job, recorded = self._job, self._shop.recorded
        content = b""
        if recorded is not None and job.target is not None:
            try:
                job.before = recorded.before(job.target, job.ordered, self._shop.enough) or job.before
                content = recorded.copied(
                    since=job.ordered - SECONDS, most=min(_MOST_BEFORE, job.folder.room.left // 4)
                )
            except RazorprofError as error:
                self._step.notes = (f"of the recording on the disk: {told(error)}",)
        return before_files(job, self._shop.view, content)

    def _profile(self, stem: str, ending: str, profile: Profile) -> None:
        self.write(stem, ending, encode_profile(format_of(Path(f"{stem}.{ending}")), profile))


def _only_before(job: CaptureJob, target: Target, before: BeforeFiles, why: str) -> Collected:
    """A bundle of a process that is no more."""
    seen = job.before.detected if job.before is not None else None
    manifest = Manifest(
        created=job.ordered,
        host=host_name(),
        target={
            "pid": target.pid,
            "name": target.name,
            "start_time": target.started,
            "command": seen.command if seen is not None else None,
            "runtime": (seen.runtime if seen is not None else "") or None,
            "version": seen.version if seen is not None else None,
        },
        skipped=tuple(Skipped(kind, why) for kind in ("process", "threads", "cpu", "memory", "metrics", "gc")),
        ended=why,
        program=f"razorprof {__version__}",
    )
    return Collected(replace(manifest, notes=before.notes), before.pieces)


def told(error: RazorprofError) -> str:
    """An error in one line, with what to do about it."""
    return f"{error}; {error.hint}" if error.hint else str(error)
