"""What a recording holds, in short: targets, times, gaps, notes, alerts, highest values, hot functions, damage.

As text for people and as JSON. For cli.show_recording; what is told of a target is hostile text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from razorprof.cli import output, show_profile
from razorprof.cli.output import Cell, Column, Row, Style
from razorprof.model.alert import AlertState
from razorprof.model.profile import Profile, top
from razorprof.model.target import Identity
from razorprof.recording.rzp_format import VERSION
from razorprof.recording.rzp_peaks import Peak, peaks
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_summary import Summary, summarise
from razorprof.recording.rzp_values import Gap, Mark, RecordedTarget
from razorprof.render import figures
from razorprof.render.series_names import series_text
from razorprof.render.text import printable
from razorprof.session.user_marks import UserMarks, marks_document
from razorprof.store.view import equal

MOST_FUNCTIONS = 10
_MOST_LINES = 20
# Of a process, in this order: what a person looks at first. All others are in the JSON.
FIGURES = {
    "process_cpu_seconds_total": "CPU",
    "process_resident_memory_bytes": "resident memory",
    "process_unique_memory_bytes": "memory of its own",
    "container_memory_working_set_bytes": "container's memory",
    "container_cpu_cfs_throttled_seconds_total": "throttled",
    "process_run_delay_seconds_total": "waited for a CPU",
    "process_threads": "threads",
    "process_open_fds": "open descriptors",
    "process_io_bytes_total": "storage",
    "python_gil_held_ratio": "GIL held",
    "python_gil_waiters": "waiters for the GIL",
    "python_gc_seconds_total": "garbage collection",
    "python_gc_collections_total": "collections",
    "python_gc_objects_collected_total": "objects freed",
    "python_asyncio_tasks": "asyncio tasks",
    "go_goroutines": "goroutines",
    "go_memstats_heap_inuse_bytes": "heap in use",
}


@dataclass(frozen=True, slots=True)
class Found:
    """peaks: by target; ticks, samples: in the window; start, end: of its first and last tick; marks: with those
    that were set afterwards, which own_marks tells."""

    summary: Summary
    gaps: tuple[Gap, ...]
    peaks: dict[Identity, list[Peak]]
    ticks: int
    samples: int
    start: float | None
    end: float | None
    marks: tuple[Mark, ...]
    own_marks: UserMarks


def look(recording: RecordingReader, start: float, end: float, targets: Sequence[Identity]) -> Found:
    """What is in [start, end], of these targets."""
    summary = summarise(recording, start, end, frozenset(targets))
    series = recording.series(start, end)
    highest = {
        one.target.identity: peaks(
            series.view.select([equal("pid", str(one.target.pid))], start, end), series.view.metrics()
        )
        for one in summary.targets
    }
    ticks = recording.ticks(start, end)
    first, last = (float(ticks[0]), float(ticks[-1])) if len(ticks) else (None, None)
    gaps = tuple(gap for gap in recording.gaps() if gap.end >= start and gap.start <= end)
    own = UserMarks(recording.path, recording.header.id)
    later = [mark for mark in own.marks if start <= mark.time <= end]
    marks = tuple(sorted([*summary.marks, *later], key=lambda mark: mark.time))
    return Found(summary, gaps, highest, len(ticks), series.samples, first, last, marks, own)


def document(recording: RecordingReader, found: Found) -> dict[str, Any]:
    """All of it for programs."""
    header, summary = recording.header, found.summary
    return {
        "recording": str(recording.path),
        "version": VERSION,
        "host": header.host,
        "program": header.program,
        "created": header.created,
        "interval": header.interval,
        "start": found.start,
        "end": found.end,
        "duration_seconds": None if found.start is None or found.end is None else found.end - found.start,
        "ticks": found.ticks,
        "samples": found.samples,
        "bytes": recording.size,
        "complete": recording.is_complete,
        "live": recording.is_live,
        "targets": [_target_document(one, found) for one in summary.targets],
        "gaps": [{"start": gap.start, "end": gap.end} for gap in found.gaps],
        "marks": marks_document(found.marks, found.own_marks),
        "alerts": [
            {
                "time": change.time,
                "name": change.alert.name,
                "labels": dict(change.alert.labels),
                "before": change.before.value,
                "after": change.after.value,
                "value": change.alert.value,
            }
            for change in summary.changes
        ],
        "damage": [
            {"file": one.file, "offset": one.offset, "bytes": one.length, "what": one.what}
            for one in recording.damage
        ],
    }


def _target_document(one: RecordedTarget, found: Found) -> dict[str, Any]:
    profile = found.summary.profiles.get(one.target.identity)
    return {
        "pid": one.target.pid,
        "name": one.target.name,
        "start_time": one.target.started,
        "runtime": one.runtime or None,
        "version": one.version,
        "command": one.command or None,
        "first": one.first,
        "last": one.last,
        "ended": one.ended,
        "how": one.how or None,
        "stack_samples": 0 if profile is None else profile.samples,
        "stack_seconds": 0.0 if profile is None else profile.seconds,
        "functions": [] if profile is None else show_profile.document(profile, "function", 20)["functions"],
        "peaks": [
            {
                "name": peak.name,
                "labels": dict(peak.labels.without("__name__")),
                "value": peak.value,
                "time": peak.time,
                "mean": peak.mean,
                "per_second": peak.per_second,
            }
            for peak in found.peaks[one.target.identity]
        ],
    }


def print_summary(recording: RecordingReader, found: Found, rows: int | None) -> None:
    """rows: how many functions of each target; None: all."""
    for line in _head(recording, found):
        output.print_text(line)
    for one in found.summary.targets:
        output.print_text("")
        _print_target(one, found, rows)
    for line in _findings(recording, found):
        output.print_text(line)
    from razorprof.cli.show_recording import say_damage

    if found.own_marks.trouble:
        output.say(f"marks cannot be shown: {printable(found.own_marks.trouble)}")
    say_damage(recording)


def _head(recording: RecordingReader, found: Found) -> Iterator[str]:
    header, number = recording.header, len(found.summary.targets)
    who = f"{number} target{'' if number == 1 else 's'} on {printable(header.host)}"
    if found.start is None or found.end is None:
        when = "no tick in this time"
    else:
        when = f"{_moment(found.start)} to {_moment(found.end, found.start)}"
        when += f" ({figures.duration(found.end - found.start)})"
    yield f"{printable(recording.path.name)}: {who}, {when}"
    state = "recorded into now" if recording.is_live else "" if recording.is_complete else "not ended in order"
    facts = (
        f"{found.ticks} ticks",
        f"{found.samples} samples",
        figures.size(recording.size),
        printable(header.program),
    )
    yield f"  {', '.join((*facts, *([state] if state else [])))}"


def _print_target(one: RecordedTarget, found: Found, rows: int | None) -> None:
    target, profile = one.target, found.summary.profiles.get(one.target.identity)
    runtime = f", {printable(one.runtime)} {printable(one.version or '')}".rstrip() if one.runtime else ""
    head = f"{target.pid} {printable(target.name)}{runtime}"
    if one.ended is not None:
        head += f", ended {_moment(one.ended)}{': ' + printable(one.how) if one.how else ''}"
    color = output.color_wanted(sys.stdout)
    output.print_text(f"\x1b[{Style.HEADING.value}m{head}\x1b[0m" if color else head)
    if one.command:
        output.print_text(f"  {printable(one.command)}")
    shown = _shown(found.peaks[target.identity])
    if shown:
        columns = (
            Column("FIGURE"),
            Column("HIGHEST", right=True),
            Column("MEAN", right=True),
            Column("AT", right=True),
        )
        output.print_table(columns, shown)
    if profile is not None:
        _print_functions(profile, rows)


def _print_functions(profile: Profile, rows: int | None) -> None:
    output.print_text("")
    functions = top(profile)
    most = MOST_FUNCTIONS if rows is None else rows or None
    columns = (Column("SELF", right=True), Column("SELF %", right=True), Column("FUNCTION"), Column("FILE"))
    table: list[Row] = [
        (
            show_profile.amount(one.self_weight, profile.unit),
            figures.percent_bare(one.self_ratio),
            one.function or "(no name)",
            Cell(f"{one.file}:{one.line}" if one.line else one.file, Style.QUIET),
        )
        for one in functions[:most]
    ]
    output.print_table(columns, table)


def _shown(found: Sequence[Peak]) -> list[Row]:
    """The figures that people look at, one row a series."""
    known = {name: place for place, name in enumerate(FIGURES)}
    rows: list[Row] = []
    for peak in sorted((p for p in found if p.name in known), key=lambda p: known[p.name]):
        own = {n: v for n, v in peak.labels.items() if n not in ("__name__", "job", "instance", "pid", "runtime")}
        name = FIGURES[peak.name] + (f" ({', '.join(own.values())})" if own else "")
        if peak.value or peak.name == "process_cpu_seconds_total":
            rows.append(
                (name, figure_text(peak, peak.value), figure_text(peak, peak.mean), _moment(peak.time, peak.time))
            )
    return rows


def figure_text(peak: Peak, value: float) -> str:
    """A value of a peak's, or its mean, in its unit."""
    if peak.per_second and peak.unit == "seconds":
        return figures.percent(value)
    if peak.per_second:
        return figures.size_rate(value) if peak.unit == "bytes" else figures.rate(value)
    if peak.unit == "ratio":
        return figures.percent(value)
    return figures.size(value) if peak.unit == "bytes" else figures.count(value)


def _findings(recording: RecordingReader, found: Found) -> Iterator[str]:
    summary = found.summary
    # first what somebody wanted to be found again
    lines = [(mark.time, f"{printable(mark.kind)}: {printable(mark.text)}") for mark in found.marks]
    lines += [
        (gap.start, f"nothing was recorded for {figures.duration(gap.end - gap.start)}") for gap in found.gaps
    ]
    for change in summary.changes:
        state = "resolved" if change.after is AlertState.INACTIVE else change.after.value
        what = series_text(change.alert.labels.without("alertname"))
        lines.append((change.time, f"alert {printable(change.alert.name)} {state} {printable(what)}"))
    if lines:
        yield ""
    for time, text in sorted(lines[:_MOST_LINES]):
        yield f"{_moment(time)}  {text}"
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more: --json tells all"


def _moment(time: float, beside: float | None = None) -> str:
    """Local time; without the date where it is that of `beside`."""
    try:
        moment = datetime.fromtimestamp(time)
        same = beside is not None and datetime.fromtimestamp(beside).date() == moment.date()
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f}"
    return f"{moment:%H:%M:%S}" if same else f"{moment:%Y-%m-%d %H:%M:%S}"
