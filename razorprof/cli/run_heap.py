"""What ``razorprof run --heap`` writes: memray's file, its HTML report or a profile of the program's allocations.

For cli.run. Each Python of the run has a recording of its own: the one with the highest peak is written, the
others are told of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.errors import RazorprofError, ToolFailed
from razorprof.render.figures import size

if TYPE_CHECKING:
    from razorprof.model.heap import HeapRecord
    from razorprof.profilers.launch_inject import Told
    from razorprof.recording.profile_files import OutputPlan

_MOST_READ = 64


@dataclass(frozen=True, slots=True)
class HeapPlan:
    """Where it goes. kind: bin, html or profile."""

    path: Path
    kind: str
    profile: OutputPlan | None
    force: bool


def plan_heap(out: str, *, force: bool) -> HeapPlan:
    """All that can be wrong about the output, before the run. Raises UsageError."""
    import time

    from razorprof.recording.output_files import check_output, fill_name
    from razorprof.recording.profile_files import plan_output

    path = fill_name(out, time=time.time())
    kind = path.suffix.lstrip(".").lower()
    if kind in ("bin", "html"):
        check_output(path, force=force)
        return HeapPlan(path, kind, None, force)
    return HeapPlan(path, "profile", plan_output(out, force=force), force)


def write_heap(plan: HeapPlan, told: Told) -> tuple[HeapRecord, list[str]]:
    """Write what was recorded; the record, and what to know about it. Raises ToolFailed where there is none."""
    failures = [why for kind, _, why in told.failures if kind == "heap"]
    if not told.heap_files:
        raise _nothing(failures)
    found, notes = _largest(told.heap_files)
    notes += [f"a Python could not record its allocations: {why}" for why in failures[:3]]
    pid, path, record = found
    if len(told.heap_files) > 1:
        notes.append(
            f"{len(told.heap_files)} Python processes recorded; the file is of process {pid}, which held most "
            f"({size(record.peak_bytes)})"
        )
    _write(plan, path, record)
    return record, notes


def _largest(files: Sequence[tuple[int, Path]]) -> tuple[tuple[int, Path, HeapRecord], list[str]]:
    from razorprof.profilers.memray_reader import read_heap_file

    notes: list[str] = []
    best: tuple[int, Path, HeapRecord] | None = None
    # the largest files first: reading one takes a moment
    for pid, path in sorted(files, key=lambda entry: -entry[1].stat().st_size)[:_MOST_READ]:
        try:
            record = read_heap_file(path)
        except ToolFailed as error:
            notes.append(f"process {pid}: {error}")
            continue
        if best is None or record.peak_bytes > best[2].peak_bytes:
            best = (pid, path, record)
    if best is None:
        raise ToolFailed("the allocations cannot be read", value="; ".join(notes)[:300])
    return best, notes


def _nothing(failures: Sequence[str]) -> RazorprofError:
    why = failures[0] if failures else "no Python started, or it ignores PYTHONPATH (-I, -E or -S)"
    hint = "see: razorprof run --help"
    if "memray" in why:
        hint = "install memray, the version that razorprof has, where the program's own Python finds it"
    return ToolFailed("no allocations were recorded", value=why, hint=hint)


def _write(plan: HeapPlan, source: Path, record: HeapRecord) -> None:
    from razorprof.profilers.memray_reader import write_report
    from razorprof.recording.profile_files import write_profile

    if plan.profile is not None:
        write_profile(plan.profile, record.peak)
        return
    if plan.kind == "html":
        report = source.with_name("report.html")
        write_report(source, report)
        source = report
    _copy(source, plan)


def _copy(source: Path, plan: HeapPlan) -> None:
    import shutil

    from razorprof.recording.output_files import write_with

    def fill(descriptor: int) -> None:
        with source.open("rb") as held, open(descriptor, "wb", closefd=False) as file:
            shutil.copyfileobj(held, file, 1 << 20)

    write_with(plan.path, fill, force=plan.force)
