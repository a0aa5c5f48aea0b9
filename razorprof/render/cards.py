"""Where the figures of the overview stand: four cards and a grid on a large screen, a grid alone on a small one.

No number is ever cut: what does not fit is left out as a whole, histories first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from razorprof.render.items import Item
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.spark import buckets, sparkline
from razorprof.render.text import printable

CARD_ROWS = 5
_LABEL = 12
_VALUE = 10
_COMPACT_LABEL = 10
_COMPACT_VALUE = 8
_SMALLEST_SPARK = 4
_LONGEST_SPARK = 12
_HEADROOM = 1.15


def card_lines(items: Mapping[str, Item], snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    """Four bordered cards in a row, five lines high. Where GC or GIL are not known, other figures take their
    place."""
    keys = cards_shown(items)
    widths = _split(width - 2 - (len(keys) - 1), len(keys))
    cards = [_card(items[key], snapshot, w, palette) for key, w in zip(keys, widths, strict=True)]
    lines = []
    for row in range(CARD_ROWS):
        line = Text(" ", no_wrap=True)
        for card in cards:
            line.append_text(card[row])
            line.append(" ")
        lines.append(line)
    return lines


def cards_shown(items: Mapping[str, Item]) -> list[str]:
    """Which four figures have a card."""
    wanted = [key for key in ("gc_time", "gil_held", "threads", "read", "voluntary") if items[key].known]
    return ["cpu", "rss", *list(dict.fromkeys([*wanted, "threads", "fds"]))[:2]]


def grid_lines(
    items: Sequence[Item], snapshot: Snapshot, width: int, columns: int, palette: Palette, *, compact: bool = False
) -> list[Text]:
    """Items in rows of `columns`, each with label, number, history and as many remarks as fit."""
    widths = _split(width - 2 - 2 * (columns - 1), columns)
    label, value = (_COMPACT_LABEL, _COMPACT_VALUE) if compact else (_LABEL, _VALUE)
    lines = []
    for start in range(0, len(items), columns):
        line = Text(" ", no_wrap=True)
        for item, cell in zip(items[start : start + columns], widths, strict=False):
            line.append_text(_cell(item, snapshot, cell, palette, label, value))
            line.append("  ")
        lines.append(line)
    return lines


def trouble_lines(snapshot: Snapshot, width: int, palette: Palette, most: int = 2) -> list[Text]:
    """Sources that give nothing, and why: a figure that is missing must not look like a figure that is fine."""
    lines = []
    for trouble in snapshot.troubles[:most]:
        text = f"! {printable(trouble.source)}: {printable(trouble.message)}"
        if trouble.hint:
            text += f"; {printable(trouble.hint)}"
        line = Text(" ", no_wrap=True, overflow="ellipsis")
        line.append(text, palette.look)
        line.truncate(width - 1, overflow="ellipsis")
        lines.append(line)
    if len(snapshot.troubles) > most:
        lines[-1].append(f" (+{len(snapshot.troubles) - most})", palette.dim)
        lines[-1].truncate(width - 1, overflow="ellipsis")
    return lines


def history(item: Item, snapshot: Snapshot, width: int) -> str:
    """The sparkline of an item over the snapshot's window."""
    trace = item.trace
    points = buckets(trace.times, trace.values, width, end=snapshot.end, seconds=snapshot.window)
    low, high = item.floor, item.ceiling
    if low == 0.0 and not trace.high:
        high = 1.0  # nothing but zeros: a flat line at the bottom
    elif low == 0.0 and high is None and trace.high is not None:
        high = trace.high * _HEADROOM  # full cells of lines above one another would run together
    if low is None and trace.low is not None and trace.high is not None:
        # A level that moves by less than 2 % is drawn flat: a full-height zigzag of noise would alarm.
        low, high = trace.low, max(trace.high, trace.low + abs(trace.high) * 0.02)
    return sparkline(points, low=low, high=high)


def _card(item: Item, snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    inner = width - 4
    title = f" {item.label} "
    top = Text("╭─", palette.rule, no_wrap=True)
    top.append(title, palette.title)
    top.append("─" * max(0, width - 3 - cell_len(title)) + "╮", palette.rule)
    first = Text(item.value, _style(item, palette, strong=True), no_wrap=True)
    spark = inner - first.cell_len - 2
    if spark >= _SMALLEST_SPARK:
        spark = min(spark, 20)
        first.append(" " * (inner - first.cell_len - spark))
        first.append(history(item, snapshot, spark), palette.spark)
    rows = [first, *_notes(item, inner, 2, palette)]
    lines = [top]
    for row in rows:
        line = Text("│ ", palette.rule, no_wrap=True)
        line.append_text(row)
        line.append(" " * max(0, inner - row.cell_len))
        line.append(" │", palette.rule)
        lines.append(line)
    lines.append(Text("╰" + "─" * (width - 2) + "╯", palette.rule, no_wrap=True))
    return lines


def _notes(item: Item, width: int, rows: int, palette: Palette) -> list[Text]:
    """The remarks in `rows` lines: each goes to the first line that has room for it."""
    lines = [Text(no_wrap=True) for _ in range(rows)]
    for note, found in item.notes:
        for line in lines:
            gap = 3 if line.cell_len else 0
            if line.cell_len + gap + cell_len(note) <= width:
                line.append(" " * gap)
                style = palette.of(found) if found else palette.label
                line.append(note, style)
                break
    return lines


def _cell(item: Item, snapshot: Snapshot, width: int, palette: Palette, label: int, value: int) -> Text:
    cell = Text(no_wrap=True)
    cell.append(f"{item.label:<{label}}", palette.label)
    cell.append(" " * max(0, value - cell_len(item.value)))
    cell.append(item.value, _style(item, palette))
    room = width - cell.cell_len
    first = cell_len(item.notes[0][0]) + 2 if item.notes else 0
    if first > room:
        first = 0
    spark = min(_LONGEST_SPARK, room - 2 - (first if item.note_first or room - 2 - first >= _LONGEST_SPARK else 0))
    if item.trace.now is None or spark < _SMALLEST_SPARK:
        spark = 0
    if spark:
        cell.append("  ")
        cell.append(history(item, snapshot, spark), palette.spark)
        room -= spark + 2
    for note, found in item.notes:
        if cell_len(note) + 2 <= room:
            cell.append("  ")
            style = palette.of(found) if found else palette.label
            cell.append(note, style)
            room -= cell_len(note) + 2
    cell.append(" " * max(0, width - cell.cell_len))
    return cell


def _style(item: Item, palette: Palette, *, strong: bool = False) -> Style:
    if not item.known:
        return palette.dim
    return palette.of(item.level) if item.level or not strong else palette.title


def _split(width: int, parts: int) -> list[int]:
    """`width` in equal parts, the first ones one larger where it does not divide."""
    each, rest = divmod(max(width, parts), parts)
    return [each + (1 if place < rest else 0) for place in range(parts)]
