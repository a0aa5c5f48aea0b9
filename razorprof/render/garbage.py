"""The GC screen: what collecting costs, how full each generation is and how often it is collected, and below that
the parts of render.garbage_time and render.gil. Drawn by tui.garbage."""

from __future__ import annotations

from rich.text import Text

from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.metric import Quality
from razorprof.render import collectors, figures
from razorprof.render.cards import history
from razorprof.render.catalog import GC_GENERATIONS
from razorprof.render.garbage_history import GarbageHistory
from razorprof.render.garbage_time import full_collection_lines, pause_lines, time_lines
from razorprof.render.gil import gil_lines
from razorprof.render.items import Item, range_text
from razorprof.render.memory import sentence, window_text
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.render.spark import gauge
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import printable
from razorprof.render.thresholds import Level, level
from razorprof.render.trace import EMPTY, Trace

_MOST_INTERPRETERS = 8  # a program may have hundreds
_GAUGE = 10
_SPARK = 40
_COLUMNS = (
    Column("generation", "gen", 3, right=True),
    Column("count", "count/threshold", 15, right=True),
    Column("gauge", "", _GAUGE),
    Column("now", "now/s", 6, right=True),
    Column("mean", "mean/s", 6, right=True),
    Column("change", "Δ mark", 8, right=True, drop=2),
    Column("history", "", 10, stretch=1, drop=3),
    Column("collections", "collections", 11, right=True, drop=4),
    Column("collected", "freed", 6, right=True),
    Column("uncollectable", "uncollectable", 13, right=True, drop=5),
)


def gc_lines(
    snapshot: Snapshot, past: GarbageHistory, width: int, height: int, palette: Palette, mark: Mark | None = None
) -> list[Text]:
    """The whole screen for a body of `height` lines, most important first; or why there is nothing."""
    head = [rule_line("garbage collector", width - 1, palette, note=window_text(snapshot))]
    known = any(snapshot.now(figure.key) is not None for figure in GC_GENERATIONS)
    if snapshot.gc is None and not known:
        lines = [*head, sentence(f"no figures: {why_no_gc(snapshot)}", width, palette, Level.LOOK)]
        return [*lines, Text(), *gil_lines(snapshot, width, palette)] if snapshot.gil is not None else lines
    lines = [*head, _time_line(snapshot, width, palette)]
    if snapshot.gc is not None and not snapshot.gc.interpreters:
        lines += _cycles(snapshot.gc, width, palette)
        room = height - len(lines) - 4
        return [*lines, *time_lines(snapshot, past, width, max(3, min(8, room)), palette)]
    interpreters = snapshot.gc.interpreters if snapshot.gc is not None else ()
    for interpreter in interpreters[:_MOST_INTERPRETERS]:
        alone = len(interpreters) == 1
        lines += _interpreter(interpreter, snapshot, past, width, palette, mark, alone=alone)
    if len(interpreters) > _MOST_INTERPRETERS:
        more = f"and {len(interpreters) - _MOST_INTERPRETERS} interpreters more"
        lines.append(sentence(more, width, palette, Level.FINE))
    lower = [
        *full_collection_lines(snapshot, past, width, palette, most=6 if height >= 30 else 3),
        *gil_lines(snapshot, width, palette),
        *pause_lines(snapshot, past, width, palette),
    ]
    room = height - len(lines) - len(lower) - 4
    return [*lines, *time_lines(snapshot, past, width, max(3, min(8, room)), palette), *lower]


def _cycles(state: GcState, width: int, palette: Palette) -> list[Text]:
    """Collectors, pools and aims of a runtime that is not CPython."""
    lines = []
    for titles, rows in (
        (collectors.COLLECTOR_TITLES, collectors.collector_rows(state)),
        (collectors.POOL_TITLES, collectors.pool_rows(state)),
    ):
        if rows:
            columns = [
                Column(title, title.lower(), 10, right=place > 0, stretch=int(place == 0), drop=place)
                for place, title in enumerate(titles)
                if any(row[place] != figures.NOTHING for row in rows)
            ]
            places = [titles.index(column.key) for column in columns]
            layout = lay_out(columns, width - 1)
            lines.append(head_line(layout, palette))
            lines += [row_line(layout, [row[place] for place in places], palette) for row in rows]
    lines += [sentence(fact, width, palette, Level.FINE) for fact in collectors.collector_facts(state)]
    return lines


def why_no_gc(snapshot: Snapshot) -> str:
    """Why there are no figures of the collector."""
    for trouble in snapshot.troubles:
        if trouble.source.lower() in ("gc", "cpython") or "gc" in trouble.source.lower().split("_"):
            hint = f"; {printable(trouble.hint)}" if trouble.hint else ""
            return printable(f"{trouble.source}: {trouble.message}") + hint
    if not snapshot.runtime:
        return "not known yet what it runs" if not snapshot.stack_reason else printable(snapshot.stack_reason)
    if "gc" in snapshot.absent:
        return printable(snapshot.absent["gc"])
    return f"nothing of the collector of {printable(snapshot.runtime)} was read yet"


def _time_line(snapshot: Snapshot, width: int, palette: Palette) -> Text:
    """What share of time goes into collecting, how sure that is, and its history."""
    trace = snapshot.trace("gc_time")
    interpreters = snapshot.gc.interpreters if snapshot.gc is not None else ()
    quality = next((one.gc_seconds_quality for one in interpreters if one.generations is not None), None)
    how = {Quality.EXACT: "exact", Quality.ESTIMATED: "estimated from looks"}.get(quality) if quality else ""
    stands_still = snapshot.gc is not None and not interpreters
    if trace.now is None:
        return sentence("how much time goes into collecting is not known yet", width, palette, Level.FINE)
    found = level("gc_time", trace.now)
    line = Text(" ", no_wrap=True)
    line.append(f"{found.mark}{figures.percent(trace.now)}", palette.of(found) if found else palette.title)
    words = "it stands still for its collector" if stands_still else "goes into collecting"
    line.append(f" of the time {words}", palette.of(found))
    tail = f"   {range_text(trace, figures.percent)}{f', {how}' if how else ''}"
    spark = min(_SPARK, width - line.cell_len - len(tail) - 6)
    if spark >= len(tail) // 2:
        line.append("   ")
        item = Item("", "", trace=trace, floor=0.0)
        line.append(history(item, snapshot, spark), palette.spark)
    if line.cell_len + len(tail) < width:
        line.append(tail, palette.label)
    elif how and line.cell_len + len(how) + 2 < width:
        line.append(f", {how}", palette.label)
    return line


def _interpreter(
    state: InterpreterGc,
    snapshot: Snapshot,
    past: GarbageHistory,
    width: int,
    palette: Palette,
    mark: Mark | None,
    *,
    alone: bool,
) -> list[Text]:
    lines = [] if alone else [rule_line(f"interpreter {state.id}", width - 1, palette)]
    if state.generations is None:
        return [*lines, sentence("shares the collector of interpreter 0", width, palette, Level.FINE)]
    lines.append(_facts(state, width, palette))
    wanted = [column for column in _COLUMNS if column.key != "change" or (mark is not None and alone)]
    layout = lay_out(wanted, width - 1)
    drawn = dict(zip((c.key for c in layout.columns), layout.widths, strict=True)).get("history", 0)
    lines.append(head_line(layout, palette))
    for generation in state.generations:
        key = f"gc{generation.generation}"
        trace = snapshot.trace(key) if alone else past.rates.get((state.id, generation.generation), EMPTY)
        cells = _generation(generation, trace, snapshot, min(drawn, _SPARK), palette)
        if mark is not None and alone:
            before = mark.figures.get(key)
            unknown = before is None or trace.now is None
            cells.insert(5, figures.NOTHING if unknown else _change(trace.now, before))
        lines.append(row_line(layout, cells, palette))
    return lines


def _facts(state: InterpreterGc, width: int, palette: Palette) -> Text:
    """Whether it works, and what it could not free."""
    parts = [
        (
            {True: "enabled", False: "!disabled", None: "enabled or not: unknown"}[state.enabled],
            state.enabled is False,
        )
    ]
    if state.collecting:
        parts.append(("collecting now", False))
    stuck = sum(generation.uncollectable for generation in state.generations or ())
    if stuck:
        parts.append((f"!{figures.count(stuck)} uncollectable", True))
    if state.garbage is not None:
        parts.append(
            (f"{'!' if state.garbage else ''}{figures.count(state.garbage)} in gc.garbage", state.garbage > 0)
        )
    parts.append(
        (f"{figures.count(state.frozen)} frozen" if state.frozen is not None else "frozen: not counted", False)
    )
    if state.gc_seconds is not None:
        since = "" if state.gc_seconds_quality is Quality.EXACT else " while watched"
        parts.append((f"{figures.duration(state.gc_seconds)} in GC{since}", False))
    line = Text(" ", no_wrap=True)
    for place, (text, looks) in enumerate(parts):
        if line.cell_len + len(text) + 3 >= width:
            break
        line.append("   " if place else "")
        line.append(text, palette.look if looks else palette.label)
    return line


def _generation(
    generation: Generation, rate: Trace, snapshot: Snapshot, spark: int, palette: Palette
) -> list[Cell]:
    full = generation.count / generation.threshold if generation.threshold > 0 else 0.0
    stuck = Level.LOOK if generation.uncollectable else Level.FINE
    limit = str(generation.threshold) if generation.threshold else "never"
    item = Item("", "", trace=rate, floor=0.0)
    return [
        (str(generation.generation), palette.title),
        f"{generation.count}/{limit}",
        (gauge(min(1.0, full), _GAUGE), palette.spark),
        (per_second(rate.now), palette.title),
        per_second(float(rate.values.mean()) if len(rate.values) else None),
        (history(item, snapshot, spark), palette.spark),
        figures.count(generation.collections),
        figures.count(generation.collected),
        (f"{stuck.mark}{figures.count(generation.uncollectable)}", palette.of(stuck)),
    ]


def per_second(rate: float | None) -> str:
    """Collections a second: rare ones need more digits than `figures.rate` gives."""
    if rate is None:
        return figures.NOTHING
    return f"{rate:.2f}" if abs(rate) < 10 else figures.count(round(rate, 1))


def _change(now: float | None, before: float | None) -> str:
    change = (now or 0.0) - (before or 0.0)
    return f"{'+' if change >= 0 else ''}{per_second(change)}"
