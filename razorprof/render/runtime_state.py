"""The garbage collector and the memory of a target as lines: the GC and the memory screen, and batch output."""

from __future__ import annotations

from rich.text import Text

from razorprof.model.gc import InterpreterGc
from razorprof.render import figures
from razorprof.render.cards import history
from razorprof.render.catalog import FIGURES, GC_GENERATIONS, Figure
from razorprof.render.items import Item, growth_text, overview_items
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.render.spark import bar
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import cut_end, printable
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
_GC_COLUMNS = (
    Column("generation", "gen", 3, right=True),
    Column("count", "count", 9, right=True),
    Column("threshold", "threshold", 9, right=True),
    Column("bar", "", 12, stretch=1, drop=1),
    Column("collections", "collections", 11, right=True),
    Column("rate", "a second", 8, right=True),
    Column("collected", "freed", 8, right=True),
    Column("uncollectable", "uncollectable", 13, right=True),
)


def gc_lines(snapshot: Snapshot, width: int, palette: Palette, mark: Mark | None = None) -> list[Text]:
    """Generations with count against threshold, rates and time spent; or why there is nothing."""
    lines = [rule_line("garbage collector", width - 1, palette, note=_window(snapshot))]
    state = snapshot.gc
    known = any(snapshot.now(figure.key) is not None for figure in GC_GENERATIONS)
    time = snapshot.now("gc_time")
    if state is None and not known and time is None:
        return [*lines, _sentence(f"no figures: {_why_no_gc(snapshot)}", width, palette, Level.LOOK)]
    if time is not None:
        found = level("gc_time", time)
        words = f"{found.mark}{figures.percent(time)} of the time goes into collecting"
        lines.append(_sentence(words, width, palette, found))
    for interpreter in state.interpreters if state is not None else ():
        lines += [Text(), *_interpreter(interpreter, snapshot, width, palette)]
    shown = [f for f in (FIGURES["gc_time"], *GC_GENERATIONS) if snapshot.now(f.key) is not None]
    if shown:
        lines += [Text(), rule_line("rates", width - 1, palette, note=_window(snapshot))]
        lines += _figure_table(shown, snapshot, width, palette, mark)
    return lines


def memory_lines(snapshot: Snapshot, width: int, palette: Palette, mark: Mark | None = None) -> list[Text]:
    """Every kind of memory with its history, the growth, the container's limit and the page faults."""
    lines = [rule_line("memory", width - 1, palette, note=_window(snapshot))]
    if snapshot.now("rss") is None:
        return [*lines, _sentence("no figures yet", width, palette, Level.FINE)]
    words, found = growth_text(snapshot)
    if words == "steady":
        text = "resident memory is steady"
    elif snapshot.trace("rss").growth() is None:
        text = "too early to tell whether memory grows"
    else:
        moves = "shrinks" if "-" in words else "grows"
        text = f"{found.mark}resident memory {moves} by {words.lstrip('!+-')}, straight line through the window"
    lines.append(_sentence(text, width, palette, found))
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
        lines.append(_sentence(text, width, palette, full))
    lines.append(Text())
    shown = [FIGURES[key] for key in _MEMORY if snapshot.now(key) is not None]
    lines += _figure_table(shown, snapshot, width, palette, mark)
    shown = [FIGURES[key] for key in _FAULTS if snapshot.now(key) is not None]
    lines += [Text(), rule_line("page faults", width - 1, palette)]
    lines += _figure_table(shown, snapshot, width, palette, mark)
    return lines


def _interpreter(state: InterpreterGc, snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    enabled = {True: "enabled", False: "! disabled", None: "enabled or not: unknown"}[state.enabled]
    parts = [enabled, *(["collecting now"] if state.collecting else [])]
    if state.frozen is not None:
        parts.append(f"{figures.count(state.frozen)} frozen")
    if state.garbage is not None:
        parts.append(f"{figures.count(state.garbage)} in gc.garbage")
    if state.gc_seconds is not None:
        parts.append(f"{figures.duration(state.gc_seconds)} in all ({state.gc_seconds_quality})")
    lines = [rule_line(f"interpreter {state.id}", width - 1, palette)]
    lines.append(_sentence(", ".join(parts), width, palette, Level.LOOK if state.enabled is False else Level.FINE))
    if state.generations is None:
        return [*lines, _sentence("shares the collector of interpreter 0", width, palette, Level.FINE)]
    layout = lay_out(_GC_COLUMNS, width - 1)
    lines.append(head_line(layout, palette))
    for generation in state.generations:
        full = generation.count / generation.threshold if generation.threshold > 0 else 0.0
        rate = snapshot.now(f"gc{generation.generation}") if state.id == 0 else None
        stuck = Level.LOOK if generation.uncollectable else Level.FINE
        cells: list[Cell] = [
            str(generation.generation),
            str(generation.count),
            str(generation.threshold),
            (bar(min(1.0, full), 12), palette.spark),
            str(generation.collections),
            figures.NOTHING if rate is None else f"{rate:.2f}",
            figures.count(generation.collected),
            (f"{stuck.mark}{generation.uncollectable}", palette.of(stuck)),
        ]
        lines.append(row_line(layout, cells, palette))
    return lines


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


def _why_no_gc(snapshot: Snapshot) -> str:
    for trouble in snapshot.troubles:
        if "gc" in trouble.source.lower() or "memory" in trouble.source.lower():
            return printable(f"{trouble.source}: {trouble.message}")
    if snapshot.runtime != "cpython":
        return f"{printable(snapshot.runtime)} is not read yet" if snapshot.runtime else "the runtime is not known"
    return "no source of this session reads the collector's state"


def _window(snapshot: Snapshot) -> str:
    spans = [t.times[-1] - t.times[0] for t in snapshot.traces.values() if len(t.times) > 1]
    return f"last {figures.span(round(float(max(spans))))}" if spans else ""


def _sentence(text: str, width: int, palette: Palette, found: Level) -> Text:
    return Text(f" {cut_end(text, width - 2)}", palette.of(found), no_wrap=True)
