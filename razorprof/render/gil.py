"""Who holds the GIL and who waits for it: the lower part of the GC screen. All of it is sampled, and says on how
many looks it rests."""

from __future__ import annotations

from rich.text import Text

from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.render import figures
from razorprof.render.cards import history
from razorprof.render.items import overview_items
from razorprof.render.memory import sentence
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.spark import bar
from razorprof.render.table import rule_line
from razorprof.render.text import cut_middle, fit, printable
from razorprof.render.thresholds import Level, level

_MOST_LOCKS = 4
_MOST_HOLDERS = 5
_NAME = 24
_SPARK = 24


def gil_lines(snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    """Every lock: how much of the time it is held, by whom, who waits; or why that is not known."""
    state = snapshot.gil
    if state is None:
        return [rule_line("GIL", width - 1, palette), sentence("not seen yet", width, palette, Level.FINE)]
    note = f"{state.looks} looks in {figures.span(round(state.seconds, 1))}" if state.looks else ""
    lines = [rule_line("GIL", width - 1, palette, note=note)]
    for gil in state.gils[:_MOST_LOCKS]:
        lines += _lock(gil, state, snapshot, width, palette)
    if len(state.gils) > _MOST_LOCKS:
        lines.append(sentence(f"and {len(state.gils) - _MOST_LOCKS} locks more", width, palette, Level.FINE))
    if state.reason:
        lines.append(sentence(f"not all is known: {printable(state.reason)}", width, palette, Level.LOOK))
    elif not state.gils:
        lines.append(sentence("no lock was found", width, palette, Level.FINE))
    return lines


def _lock(gil: Gil, state: GilState, snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    waiting = level("gil_waiters", gil.mean_waiters)
    line = Text(" ", no_wrap=True)
    if len(state.gils) > 1:
        line.append(f"interpreter {', '.join(map(str, gil.interpreters[:4]))}  ", palette.label)
    line.append("held ", palette.label)
    line.append(figures.percent(gil.held_ratio, 0), palette.title)
    if gil is state.gils[0] and width >= 90:
        line.append("  ")
        line.append(history(overview_items(snapshot)["gil_held"], snapshot, _SPARK), palette.spark)
    line.append("   waiting ", palette.label)
    number = figures.NOTHING if gil.mean_waiters is None else f"{gil.mean_waiters:.1f}"
    line.append(f"{waiting.mark}{number}", palette.of(waiting) if waiting else palette.title)
    line.append(" threads on average", palette.label)
    switches = snapshot.now("gil_switches")
    if switches is not None and len(state.gils) == 1:
        line.append(f"   {figures.rate(switches)} switches", palette.label)
    line.truncate(width - 1, overflow="ellipsis")
    lines = [line, *(_holder(one, gil, snapshot, width, palette) for one in gil.holders[:_MOST_HOLDERS])]
    if len(gil.holders) > _MOST_HOLDERS:
        rest = sum(one.share for one in gil.holders[_MOST_HOLDERS:])
        words = f"{len(gil.holders) - _MOST_HOLDERS} threads more {figures.percent(rest)}"
        lines.append(sentence(f"        {words}", width, palette, Level.FINE))
    if gil.waiters:
        names = ", ".join(_thread(native, snapshot) for native in gil.waiters[:8])
        more = f" and {len(gil.waiters) - 8} more" if len(gil.waiters) > 8 else ""
        waits = Text(" waits now  ", palette.label, no_wrap=True)
        waits.append(cut_middle(names, max(8, width - 14 - len(more))) + more, palette.value)
        lines.append(waits)
    return lines


def _holder(one: HolderShare, gil: Gil, snapshot: Snapshot, width: int, palette: Palette) -> Text:
    name = _thread(one.native_id, snapshot)
    line = Text(no_wrap=True)
    line.append(f" {figures.percent_bare(one.share):>5} %  ", palette.title)
    line.append(fit(name, min(_NAME + 10, width // 3)), palette.value)
    line.append("  ")
    line.append(bar(one.share, min(30, width // 4)), palette.spark)
    if one.native_id is not None and one.native_id == gil.holder:
        line.append("  holds it now", palette.label)
    return line


def _thread(native_id: int | None, snapshot: Snapshot) -> str:
    """A thread by name and id; by what is known of it."""
    if native_id is None:
        return "a thread that could not be named"
    name = printable(snapshot.thread_name(native_id))
    return f"{cut_middle(name, _NAME)} ({native_id})" if name else f"thread {native_id}"
