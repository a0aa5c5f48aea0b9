"""What was seen of a target before its alert, as files of a bundle: stacks, series, threads, collector, the alert.

A bundle is flat, so their names begin with `before-`. For session.capture_steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from razorprof.analysis.stack_groups import group_threads
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.recording.bundle import Piece
from razorprof.recording.profile_files import encode_profile, format_of
from razorprof.render.figures import duration
from razorprof.session.bundle_documents import encode
from razorprof.session.capture_job import CaptureJob, alert_document
from razorprof.session.document import gc_document
from razorprof.session.ring import SECONDS, Before
from razorprof.session.series_document import series_document
from razorprof.session.threads_document import threads_document
from razorprof.store.view import SeriesView


@dataclass(frozen=True, slots=True)
class BeforeFiles:
    """notes: for the bundle's manifest."""

    pieces: tuple[Piece, ...]
    notes: tuple[str, ...]


def before_files(job: CaptureJob, view: SeriesView | None, recording: bytes = b"") -> BeforeFiles:
    """All that is there, maybe nothing. view: whose series there are, None for none; recording: the content of one
    of those minutes."""
    pieces: list[Piece] = []
    notes: list[str] = []
    if job.alert is not None:
        pieces.append(Piece("alert.json", "alert", encode(alert_document(job.alert))))
        notes.append(f"captured at the alert {job.alert.name}: alert.json")
    if job.target is not None and job.before is not None:
        pieces += _stacks(job.before, notes)
        pieces += _threads(job.target, job.before)
    if job.target is not None and view is not None:
        pieces += _series(job.target, view, job.ordered, notes)
    if recording:
        notes.append("a recording of the minutes before it, for razorprof replay: before.rzp")
        pieces.append(Piece("before.rzp", "before", recording))
    return BeforeFiles(tuple(pieces), tuple(notes))


def _stacks(before: Before, notes: list[str]) -> Iterator[Piece]:
    profile = before.profile()
    if profile is None or profile.start is None:
        return
    notes.append(f"stacks of the {duration(before.time - profile.start)} before it: before-cpu.json")
    yield Piece("before-cpu.json", "before", _encoded("json", profile))
    # without blocks, which make it ten times as large: pprof's own tools do not know them
    yield Piece("before-cpu.pb.gz", "before", _encoded("pb.gz", replace(profile, blocks=())))


def _threads(target: Target, before: Before) -> Iterator[Piece]:
    found = before.detected
    runtime, version = (found.runtime, found.version) if found is not None else ("", None)
    if before.dump is not None:
        dump = replace(before.dump, groups=group_threads(before.dump.threads))
        document = threads_document(target, runtime, version, dump)
        document |= {"deadlocks": None, "deadlocks_reason": "a running session does not look for them"}
        yield Piece("before-threads.json", "before", encode(document))
    if before.gc is not None:
        yield Piece("before-gc.json", "before", encode(gc_document(before.gc)))


def _series(target: Target, view: SeriesView, time: float, notes: list[str]) -> Iterator[Piece]:
    start = max(time - SECONDS, target.started - 1.0)
    document: dict[str, Any] = series_document(view, target.pid, start=start, end=time)
    if document["series"]:
        notes.append("figures of the minutes before it: before-metrics.json")
        yield Piece("before-metrics.json", "before", encode(document))


def _encoded(ending: str, profile: Profile) -> bytes:
    return encode_profile(format_of(Path(f"before-cpu.{ending}")), profile)
