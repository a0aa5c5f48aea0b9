"""The GC screen over time: collections as marks above the memory curve, what memory did around full collections,
and how long pauses were. Called by render.garbage."""

from __future__ import annotations

import math

from rich.style import Style
from rich.text import Text

from razorprof.model.metric import Quality
from razorprof.render import figures
from razorprof.render.garbage_history import (
    FULL,
    FullCollections,
    GarbageHistory,
    PauseBucket,
    full_collections,
    pause_buckets,
)
from razorprof.render.memory import sentence, window_text
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.spark import area, bar, bucket_sums, buckets, sparkline
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.thresholds import Level

_AXIS = 11  # cells left of the curve
_FLATTEST = 0.005  # a level that moves by less than this is drawn flat: noise should not look like a mountain
_COLUMNS = (
    Column("when", "seen", 12, right=True),
    Column("number", "full", 4, right=True),
    Column("collected", "objects freed", 13, right=True),
    Column("seconds", "time in GC", 10, right=True, drop=1),
    Column("resident", "resident", 10, right=True, drop=2),
    Column("change", "change", 11, right=True),
    Column("arenas", "arenas", 11, right=True, drop=3),
)


def time_lines(snapshot: Snapshot, past: GarbageHistory, width: int, rows: int, palette: Palette) -> list[Text]:
    """Marks of full collections, how many of the middle generation, the curve of resident memory, the axis."""
    room = width - _AXIS - 3
    end, seconds = snapshot.end, snapshot.window
    title = "collections and resident memory"
    lines = [rule_line(title, width - 1, palette, note="▼ one full collection, a digit: so many, + ten or more")]
    full, middle = past.grown(FULL), past.grown(1)
    marks = bucket_sums(full.times, full.values, room, end=end, seconds=seconds)
    lines.append(_beside("full", "".join(map(_mark, marks)), palette.accent, palette))
    counts = bucket_sums(middle.times, middle.values, room, end=end, seconds=seconds)
    drawn = sparkline([count or None for count in counts], low=0.0, high=max([1.0, *counts]))
    lines.append(_beside("gen 1", drawn, palette.dim, palette))
    memory = past.resident
    points = buckets(memory.times, memory.values, room, end=end, seconds=seconds)
    known = [point for point in points if point is not None]
    if not known:
        return [*lines, sentence("resident memory: not seen yet", width, palette, Level.FINE)]
    low, high = min(known), max(known)
    high = max(high, low * (1 + _FLATTEST))
    low = max(0.0, low - (high - low) / (8 * rows))
    curve = area(points, rows, low=low, high=high)
    labels = {0: figures.size(high), rows - 1: figures.size(low)}
    if labels[0] == labels[rows - 1]:
        del labels[0]  # so flat that they would not differ
    for place, line in enumerate(curve):
        label = labels.get(place, "")
        lines.append(_beside(label, line, palette.spark, palette))
    ago = f"{figures.span(seconds)} ago"
    lines.append(Text(f"{'':{_AXIS}} {ago}{'now':>{max(4, room - len(ago))}}", palette.dim, no_wrap=True))
    return lines


def full_collection_lines(
    snapshot: Snapshot, past: GarbageHistory, width: int, palette: Palette, *, most: int
) -> list[Text]:
    """The newest looks that found full collections, and what was seen around each."""
    note = "observed between two looks: other changes are in it"
    lines = [rule_line("memory around full collections", width - 1, palette, note=note)]
    found = full_collections(past)
    if not found:
        total = past.collections.get(FULL)
        since = "" if total is None or total.now is None else f"; {figures.count(total.now)} since it started"
        words = (
            f"none in the last {figures.span(snapshot.window)}{since}" if total is not None else "not known yet"
        )
        return [*lines, sentence(words, width, palette, Level.FINE)]
    arenas = any(one.arenas_change is not None for one in found)
    layout = lay_out(_COLUMNS if arenas else _COLUMNS[:-1], width - 1)
    lines.append(head_line(layout, palette))
    return lines + [row_line(layout, _around(one, snapshot, palette), palette) for one in found[:most]]


def pause_lines(snapshot: Snapshot, past: GarbageHistory, width: int, palette: Palette) -> list[Text]:
    """How many collections took how long, over time; or why only their sum is known."""
    lines = [rule_line("pauses", width - 1, palette, note=window_text(snapshot))]
    if not past.pauses:
        return [*lines, *_mean_pause(past, width, palette, exact=_is_exact(snapshot))]
    found = pause_buckets(past)
    if not found:
        return [*lines, sentence("no collection ended in this time", width, palette, Level.FINE)]
    most = max(float(bucket.counts.sum()) for bucket in found)
    room = max(10, width - 40)
    lines += [_pauses(bucket, snapshot, most, room, palette) for bucket in found]
    return lines


def _mean_pause(past: GarbageHistory, width: int, palette: Palette, *, exact: bool) -> list[Text]:
    words = "lengths of single pauses: only Python 3.15 and newer keep them"
    if exact:
        words = "not read yet"
    lines = [sentence(words, width, palette, Level.FINE)]
    number = sum(float(past.grown(generation).values.sum()) for generation in past.collections)
    if number and len(past.seconds.values) > 1:
        spent = float(past.seconds.values[-1] - past.seconds.values[0])
        if spent > 0:
            how = "exact" if exact else "estimated"
            words = f"{figures.duration(spent / number)} on average, all generations together ({how})"
            lines.append(sentence(words, width, palette, Level.FINE))
    return lines


def _is_exact(snapshot: Snapshot) -> bool:
    interpreters = snapshot.gc.interpreters if snapshot.gc is not None else ()
    return any(one.gc_seconds_quality is Quality.EXACT for one in interpreters)


def _pauses(bucket: PauseBucket, snapshot: Snapshot, most: float, room: int, palette: Palette) -> Text:
    endless = math.isinf(bucket.up_to)
    label = f"over {figures.duration(bucket.over)}" if endless else f"up to {figures.duration(bucket.up_to)}"
    total = float(bucket.counts.sum())
    seen = bucket_sums(bucket.times, bucket.counts, room, end=snapshot.end, seconds=snapshot.window)
    line = Text(f" {label:>13}  ", palette.label, no_wrap=True)
    line.append(sparkline([count or None for count in seen], low=0.0, high=max([1.0, *seen])), palette.spark)
    line.append(f" {figures.count(total):>7} ", palette.title)
    line.append(bar(total / most, 12), palette.spark)
    return line


def _around(one: FullCollections, snapshot: Snapshot, palette: Palette) -> list[Cell]:
    ago = max(0, round(snapshot.end - one.end))
    return [
        (f"{figures.span(ago)} ago" if ago else "now", palette.label),
        (str(one.number), palette.title),
        figures.count(one.collected),
        figures.duration(one.seconds),
        figures.size(one.resident),
        (_signed(one.resident_change), palette.title),
        _signed(one.arenas_change),
    ]


def _signed(change: float | None) -> str:
    if change is None:
        return figures.NOTHING
    return "unchanged" if not change else f"{'+' if change > 0 else ''}{figures.size(change)}"


def _beside(label: str, drawn: str, style: Style, palette: Palette) -> Text:
    line = Text(no_wrap=True)
    line.append(f"{label:>{_AXIS}} ", palette.label)
    line.append(drawn, style)
    return line


def _mark(count: float) -> str:
    if not count:
        return " "
    number = round(count)
    return "▼" if number == 1 else (str(number) if number < 10 else "+")
