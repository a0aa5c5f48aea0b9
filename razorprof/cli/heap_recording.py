"""``razorprof heap -o`` and ``--attach``: has allocations recorded, writes the file and prints the sites.

For cli.heap only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from razorprof.cli import output
from razorprof.cli.output import Column
from razorprof.model.frame import Frame, Stack
from razorprof.model.heap import GrowingSite, HeapRecord
from razorprof.model.profile import Profile, StackKey
from razorprof.plugin.captures import HeapRequest
from razorprof.render.figures import count, duration, percent_bare, size, size_rate
from razorprof.render.text import printable

if TYPE_CHECKING:
    from razorprof.model.target import Target
    from razorprof.recording.profile_files import OutputPlan

SMALLEST_BYTES, LONGEST_TIMEOUT = 64 << 10, 600.0
_LEAK_WINDOWS = 6  # five rises; three are the least
_SHOWN_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the result goes: memray's own file or report at `path`, or a profile; neither: only the table."""

    path: Path | None = None
    kind: str = ""  # bin, html or profile
    report: str = "flamegraph"
    profile: OutputPlan | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A place that allocates: all stacks that end in it."""

    frame: Frame
    bytes: float
    allocations: float
    stack: Stack  # the one of them with most bytes


def request(
    seconds: float, attach: bool, leaks: bool, objects: bool, max_bytes: str, timeout: str, force: bool
) -> HeapRequest:
    """The request that the options mean. Raises UsageError."""
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration, parse_size

    most, patience = parse_size(max_bytes), parse_duration(timeout)
    if most < SMALLEST_BYTES:
        raise UsageError("--max-bytes is too small", value=max_bytes, hint="at least 64KiB")
    if not 1.0 <= patience <= LONGEST_TIMEOUT:
        raise UsageError("the time-out is out of range", value=timeout, hint="between 1 and 600 seconds")
    windows = _LEAK_WINDOWS if leaks else 0  # to judge growth takes one more reading of the recording
    return HeapRequest(
        seconds,
        attach=attach,
        max_bytes=most,
        timeout=patience,
        windows=windows,
        force=force,
        objects=objects or leaks,
    )


def injects(target: Target) -> bool:
    """Whether its runtime can only tell by code in the process. Raises as session.captures.heap_support does."""
    from razorprof.session.captures import INJECTING, heap_support

    return heap_support(target).intrusiveness >= INJECTING


def plan(
    out: str | None,
    target: Target,
    report: str,
    format_name: str | None,
    *,
    force: bool,
    by_memray: bool = True,
) -> Plan:
    """Everything about the output that can be wrong, before the work. by_memray: .bin and .html are memray's own.
    Raises UsageError."""
    from razorprof.errors import UsageError
    from razorprof.profilers.memray_reader import REPORTS
    from razorprof.recording.output_files import check_output, fill_name
    from razorprof.recording.profile_files import plan_output

    if report not in REPORTS:
        raise UsageError("no such report", value=report, hint="one of: " + ", ".join(REPORTS))
    if out is None:
        return Plan()
    kind = (format_name or Path(out).suffix.lstrip(".")).lower()
    if kind not in ("bin", "html") or not by_memray:
        profile = plan_output(out, [target], force=force, format_name=format_name)
        return Plan(profile.outputs[0].path, "profile", profile=profile, force=force)
    import time

    path = fill_name(out, pid=target.pid, name=target.name, time=time.time())
    check_output(path, force=force)
    return Plan(path, kind, report=report, force=force)


def record(target: Target, asked: HeapRequest, plan: Plan, *, leaks: bool, top: int, as_json: bool) -> int | None:
    """Record, write and print. The exit code."""
    from dataclasses import replace

    from razorprof.cli.progress import Progress
    from razorprof.errors import ExitCode
    from razorprof.profilers.private_folder import private_folder
    from razorprof.session.captures import record_heap

    with private_folder() as folder:
        asked = replace(asked, keep=folder / "allocations.bin")
        label = f"{target.pid} {printable(target.name)}"
        with Progress("heap") as progress:
            try:
                (outcome,) = progress.take([(label, lambda watch: record_heap(target, asked, watch))])
                if outcome.value is not None:
                    _write(outcome.value, folder, plan, leaks)
            except KeyboardInterrupt:
                output.say("given up: nothing was written; the target is let go of")
                return progress.code or ExitCode.INTERRUPTED
        if outcome.error is not None or outcome.value is None:
            if plan.kind == "bin" and asked.keep is not None and asked.keep.is_file():
                _write_copy(asked.keep, plan)  # memray's file is there although it could not be read
            assert outcome.error is not None  # noqa: S101 - a capture yields one of the two
            raise outcome.error
        if as_json:
            output.print_json(document(target, outcome.value, plan, leaks, top))
        else:
            _print(outcome.value, leaks, top)
        _say(outcome.value, plan)
        return progress.code


def sites(profile: Profile) -> list[Site]:
    """Where memory was allocated, heaviest first: stacks by their innermost frame."""
    counts = profile.also[0].weights if profile.also else {}
    found: dict[Frame, tuple[float, float, StackKey]] = {}
    for key, weight in profile.weights.items():
        frame = key.stack[-1] if key.stack else Frame("(no frame)", "")
        held, number, heaviest = found.get(frame, (0.0, 0.0, key))
        if weight > profile.weights[heaviest]:
            heaviest = key
        found[frame] = (held + weight, number + counts.get(key, 0.0), heaviest)
    ordered = sorted(found.items(), key=lambda item: -item[1][0])
    return [Site(frame, held, number, key.stack) for frame, (held, number, key) in ordered]


def document(target: Target, record: HeapRecord, plan: Plan, leaks: bool, top: int) -> dict[str, Any]:
    """The document of ``--json``."""
    growing = record.growing
    return {
        "target": {"pid": target.pid, "name": target.name, "start_time": target.started},
        "file": None if plan.path is None else str(plan.path),
        "time": record.start,
        "duration_seconds": record.seconds,
        "ended": record.ended,
        "recording_bytes": record.file_bytes,
        "python_objects": record.python_objects,
        "allocations": record.allocations,
        "peak_bytes": record.peak_bytes,
        "live_bytes": record.live.total,
        "what": record.what,
        "peak": [_site(site) for site in sites(record.peak)[:top]],
        "live": [_site(site) for site in sites(record.live)[:top]],
        "growing": None if growing is None or not leaks else [_growing(site) for site in growing[:top]],
        "growing_reason": _why_no_growth(record, leaks),
        "windows": record.windows,
        "snapshots": [
            {"time": s.time, "resident_bytes": s.resident_bytes, "heap_bytes": s.heap_bytes}
            for s in record.snapshots
        ],
        "notes": list(record.notes),
    }


def _site(site: Site) -> dict[str, Any]:
    return {
        "function": site.frame.function,
        "file": site.frame.file,
        "line": site.frame.line,
        "bytes": site.bytes,
        "allocations": site.allocations,
        "stack": [list(frame) for frame in site.stack[-_SHOWN_DEPTH:]],
    }


def _growing(site: GrowingSite) -> dict[str, Any]:
    frame = site.stack[-1] if site.stack else Frame("(no frame)", "")
    return {
        "function": frame.function,
        "file": frame.file,
        "line": frame.line,
        "bytes_per_second": site.bytes_per_second,
        "held_bytes": list(site.held_bytes),
        "live_allocations": site.live_allocations,
        "stack": [list(one) for one in site.stack[-_SHOWN_DEPTH:]],
    }


def _why_no_growth(record: HeapRecord, leaks: bool) -> str | None:
    if not leaks:
        return "not asked for: --leaks"
    return "too little was seen to judge: record for longer" if record.growing is None else None


def _write(record: HeapRecord, folder: Path, plan: Plan, leaks: bool) -> None:
    from razorprof.profilers.memray_reader import write_report

    if plan.profile is not None:
        from razorprof.recording.profile_files import write_profile

        write_profile(plan.profile, record.live if leaks else record.peak)
    elif plan.kind == "bin":
        _write_copy(folder / "allocations.bin", plan)
    elif plan.kind == "html":
        write_report(folder / "allocations.bin", folder / "report.html", report=plan.report, leaks=leaks)
        _write_copy(folder / "report.html", plan)


def _write_copy(source: Path, plan: Plan) -> None:
    import shutil

    from razorprof.recording.output_files import write_with

    def fill(descriptor: int) -> None:
        with source.open("rb") as held, open(descriptor, "wb", closefd=False) as file:
            shutil.copyfileobj(held, file, 1 << 20)

    if plan.path is not None:
        write_with(plan.path, fill, force=plan.force)


def _print(record: HeapRecord, leaks: bool, top: int) -> None:
    if leaks:
        _print_growing(record, top)
    profile, words = (record.live, "still held") if leaks else (record.peak, printable(record.what))
    output.print_text(f"{size(profile.total)} {words}, {count(record.allocations)} allocations seen")
    columns = [
        *(Column(title, right=True) for title in ("BYTES", "%", "BLOCKS")),
        Column("FUNCTION"),
        Column("WHERE", flexible=True),
    ]
    whole = profile.total or 1.0
    rows = [
        (
            size(site.bytes),
            percent_bare(site.bytes / whole),
            count(site.allocations),
            *_place(site.frame),
        )
        for site in sites(profile)[:top]
    ]
    output.print_table(columns, rows)


def _print_growing(record: HeapRecord, top: int) -> None:
    if record.growing is None:
        output.print_text(f"growth: {_why_no_growth(record, True)}")
        return
    if not record.growing:
        output.print_text(f"no site still grows (judged by {record.windows} windows of the recording)")
        return
    output.print_text(f"still growing in each of {record.windows} windows: candidates for leaks, no proof of one")
    columns = [
        *(Column(title, right=True) for title in ("GROWS BY", "HELD", "BLOCKS")),
        Column("FUNCTION"),
        Column("WHERE", flexible=True),
    ]
    rows: list[Sequence[str]] = [
        (
            size_rate(site.bytes_per_second),
            size(site.held_bytes[-1]),
            count(site.live_allocations),
            *_place(site.stack[-1] if site.stack else Frame("(no frame)", "")),
        )
        for site in record.growing[:top]
    ]
    output.print_table(columns, rows)


def _place(frame: Frame) -> tuple[str, str]:
    return frame.function[:120], f"{frame.file}:{frame.line}" if frame.file else ""


def _say(record: HeapRecord, plan: Plan) -> None:
    for note in record.notes:
        output.say(f"note: {printable(note)}")
    where = f", written to {printable(str(plan.path))}" if plan.path is not None else ""
    raw = f", {size(record.file_bytes)}" if record.file_bytes else ""
    output.say(f"recorded {duration(record.seconds)}{raw}{where}")
