"""The memory screen: every kind of memory with its history, and what could not be read. Drawn by tui.pages."""

from __future__ import annotations

from rich.text import Text

from razorprof.render import figures
from razorprof.render.cards import history
from razorprof.render.catalog import FIGURES, Figure
from razorprof.render.items import Item, growth_text, overview_items
from razorprof.render.missing import missing_lines
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import cut_end
from razorprof.render.thresholds import Level, level

_MEMORY = ("rss", "unique", "virtual", "swap", "arenas", "working_set", "limit")
_FAULTS = ("faults_minor", "faults_major")
_FIGURE_COLUMNS = (
    Column("what", "", 16),
    Column("now", "now", 11, right=True),
    Column("low", "least", 11, right=True),
    Column("high", "most", 11, right=True),
    Column("change", "Δ mark", 11, right=True, drop=2),
    Column("history", "history", 14, stretch=1, drop=1),
)


def memory_lines(snapshot: Snapshot, width: int, palette: Palette, mark: Mark | None = None) -> list[Text]:
    """Every kind of memory with its history, the growth, the container's limit and the page faults."""
    lines = [rule_line("memory", width - 1, palette, note=window_text(snapshot))]
    if snapshot.now("rss") is None:
        return [*lines, sentence("no figures yet", width, palette, Level.FINE)]
    words, found = growth_text(snapshot)
    if words == "steady":
        text = "resident memory is steady"
    elif snapshot.trace("rss").growth() is None:
        text = "too early to tell whether memory grows"
    else:
        moves = "shrinks" if "-" in words else "grows"
        text = f"{found.mark}resident memory {moves} by {words.lstrip('!+-')}, straight line through the window"
    lines.append(sentence(text, width, palette, found))
    used, room = snapshot.share("working_set", "limit"), None
    growth = snapshot.trace("rss").growth()
    if used is not None:
        full = level("limit_used", used)
        room = (snapshot.now("limit") or 0.0) - (snapshot.now("working_set") or 0.0)
        text = (
            f"{full.mark}{figures.percent(used)} of the container's limit is in use, {figures.size(room)} are free"
        )
        if growth and growth * 60 > 64 * 1024 and found:
            text += f"; at this pace it is full in {figures.duration(max(0.0, room / growth))}"
        lines.append(sentence(text, width, palette, full))
    lines.append(Text())
    shown = [FIGURES[key] for key in _MEMORY if snapshot.now(key) is not None]
    lines += _figure_table(shown, snapshot, width, palette, mark)
    shown = [FIGURES[key] for key in _FAULTS if snapshot.now(key) is not None]
    if shown:
        lines += [Text(), rule_line("page faults", width - 1, palette)]
        lines += _figure_table(shown, snapshot, width, palette, mark)
    unread = missing_lines(snapshot, width, palette)
    return [*lines, Text(), *unread] if unread else lines


def window_text(snapshot: Snapshot) -> str:
    """How far back the histories go."""
    spans = [t.times[-1] - t.times[0] for t in snapshot.traces.values() if len(t.times) > 1]
    return f"last {figures.span(round(float(max(spans))))}" if spans else ""


def sentence(text: str, width: int, palette: Palette, found: Level) -> Text:
    """One line of words, cut where it is too long."""
    return Text(f" {cut_end(text, width - 2)}", palette.of(found), no_wrap=True)


def _figure_table(
    shown: list[Figure], snapshot: Snapshot, width: int, palette: Palette, mark: Mark | None
) -> list[Text]:
    marked = [column for column in _FIGURE_COLUMNS if column.key != "change" or mark is not None]
    layout = lay_out(marked, width - 1)
    drawn = dict(zip((c.key for c in layout.columns), layout.widths, strict=True)).get("history", 0)
    items = overview_items(snapshot)
    lines = [head_line(layout, palette)]
    for figure in shown:
        trace = snapshot.trace(figure.key)
        item = items.get(figure.key) or Item(figure.label, "", trace=trace, floor=0.0 if figure.rate else None)
        before = mark.figures.get(figure.key) if mark is not None else None
        change = figures.NOTHING if before is None or trace.now is None else figure.show(trace.now - before)
        cells: list[Cell] = [
            (figure.label, palette.label),
            (
                f"{item.level.mark}{figure.show(trace.now)}",
                palette.of(item.level) if item.level else palette.title,
            ),
            figure.show(trace.low),
            figure.show(trace.high),
            *([change] if mark is not None else []),
            (history(item, snapshot, min(drawn, 60)), palette.spark),
        ]
        lines.append(row_line(layout, cells, palette))
    return lines
