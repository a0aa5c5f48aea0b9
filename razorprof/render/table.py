"""Text tables: columns of explicit width, numbers to the right and never cut, names cut in the middle.

Knows nothing of cursors and scrolling: that is the dashboard's table widget, which asks here for one line at a
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from razorprof.render.palette import Palette
from razorprof.render.text import fit

GAP = 2

Cell = str | tuple[str, Style]


@dataclass(frozen=True, slots=True)
class Column:
    """width: the least; stretch: its part of what is left over; drop: when too narrow, columns with the highest
    go first (0: never)."""

    key: str
    title: str
    width: int
    right: bool = False
    stretch: int = 0
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns fit into a width, and how wide each is. `places` are their indexes among all columns."""

    columns: tuple[Column, ...]
    places: tuple[int, ...]
    widths: tuple[int, ...]


def lay_out(columns: Sequence[Column], width: int) -> Layout:
    """Drop what does not fit, then share what is left among the stretching columns."""
    kept = list(enumerate(columns))
    while len(kept) > 1 and _least(kept) > width:
        worst = max(kept, key=lambda pair: pair[1].drop)
        if not worst[1].drop:
            break
        kept.remove(worst)
    spare = max(0, width - _least(kept))
    parts = sum(column.stretch for _, column in kept)
    widths = []
    for _, column in kept:
        share = spare * column.stretch // parts if parts else 0
        spare -= share
        parts -= column.stretch
        widths.append(column.width + share)
    return Layout(tuple(c for _, c in kept), tuple(i for i, _ in kept), tuple(widths))


def head_line(layout: Layout, palette: Palette, *, sort: str = "", reverse: bool = False) -> Text:
    """The titles; the column that the rows are sorted by carries an arrow."""
    line = Text(" ", no_wrap=True)
    for column, width in zip(layout.columns, layout.widths, strict=True):
        title = column.title
        if column.key == sort:
            title += "▲" if reverse else "▼"
        style = palette.accent if column.key == sort else palette.head
        line.append(fit(title, width, right=column.right) + " " * GAP, style)
    return line


def row_line(layout: Layout, cells: Sequence[Cell], palette: Palette) -> Text:
    """One row. `cells` are those of all columns, also of dropped ones. A number that is too wide takes its room
    from the widest stretching column."""
    shown = [_pair(cells[place], palette) for place in layout.places]
    widths = list(layout.widths)
    for place, column in enumerate(layout.columns):
        excess = cell_len(shown[place][0]) - widths[place] if column.right else 0
        if excess > 0:
            giver = max(
                (i for i, c in enumerate(layout.columns) if c.stretch), key=lambda i: widths[i], default=None
            )
            if giver is not None:
                widths[giver] = max(1, widths[giver] - excess)
            widths[place] += excess
    line = Text(" ", no_wrap=True)
    for column, width, (text, style) in zip(layout.columns, widths, shown, strict=True):
        line.append(fit(text, width, right=column.right), style)
        line.append(" " * GAP)
    return line


def rule_line(title: str, width: int, palette: Palette, *, note: str = "") -> Text:
    """A thin line across the screen that names what is below it, with a remark at its right end."""
    line = Text(no_wrap=True)
    line.append("── ", palette.rule)
    line.append(title, palette.title)
    used = 3 + cell_len(title) + 1
    tail = f" {note} " if note and used + cell_len(note) + 6 <= width else ""
    line.append(" " + "─" * max(0, width - used - cell_len(tail) - (2 if tail else 0)), palette.rule)
    if tail:
        line.append(tail, palette.dim)
        line.append("──", palette.rule)
    return line


def _least(kept: Sequence[tuple[int, Column]]) -> int:
    return 1 + sum(column.width + GAP for _, column in kept)


def _pair(cell: Cell, palette: Palette) -> tuple[str, Style]:
    return (cell, palette.value) if isinstance(cell, str) else cell
