"""The figures of the overview as items: a label, a number, its history and a remark. What each says is decided
here; where they stand is decided in render.cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from razorprof.model.threads import ThreadState
from razorprof.render import figures
from razorprof.render.catalog import FIGURES, GC_GENERATIONS
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.render.text import cut_middle, printable
from razorprof.render.thresholds import Level, level
from razorprof.render.trace import EMPTY, Trace

STATES = (
    (ThreadState.PYTHON, "py"),
    (ThreadState.RUNNING, "run"),
    (ThreadState.WAITING, "wait"),
    (ThreadState.IDLE, "idle"),
    (ThreadState.UNKNOWN, "unknown"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """known: whether there is anything to show. notes: remarks, most important first, each with its own level;
    a remark that does not fit is left out as a whole. floor: the least value that the history's scale begins at
    (None: the least seen). note_first: the first remark is worth more than the history."""

    label: str
    value: str
    level: Level = Level.FINE
    trace: Trace = EMPTY
    notes: tuple[tuple[str, Level], ...] = ()
    floor: float | None = None
    ceiling: float | None = None
    note_first: bool = False
    known: bool = True


def overview_items(snapshot: Snapshot, mark: Mark | None = None) -> dict[str, Item]:
    """Every figure of the overview by key, in the order in which they are read. With a mark, the first remark
    of a figure is its change since then."""
    made = {key: make(snapshot) for key, make in _MAKERS.items()}
    if mark is None:
        return made
    return {key: _with_change(key, item, snapshot, mark) for key, item in made.items()}


def growth_text(snapshot: Snapshot) -> tuple[str, Level]:
    """Whether memory grows: ``+1.2 MiB/min``, ``steady``, or that too little was seen to tell."""
    growth = snapshot.trace("rss").growth()
    if growth is None:
        return "growth: too early", Level.FINE
    resident = snapshot.now("rss") or 1.0
    if abs(growth) * 60 < max(64 * 1024, resident * 0.0005):
        return "steady", Level.FINE
    found = snapshot.growth_level()
    return f"{found.mark}{'+' if growth > 0 else ''}{figures.size(growth * 60)}/min", found


def range_text(trace: Trace, show: Callable[[float | None], str]) -> str:
    """The least and the greatest: ``min 88 max 114 %``; the unit is said once where both have it."""
    low, high = show(trace.low), show(trace.high)
    number, _, unit = low.rpartition(" ")
    return f"min {number if number and high.endswith(f' {unit}') else low} max {high}"


def _cpu(s: Snapshot) -> Item:
    trace = s.trace("cpu")
    notes: list[tuple[str, Level]] = []
    user, system = s.now("user"), s.now("system")
    if trace.now is not None:
        notes.append((range_text(trace, FIGURES["cpu"].show), Level.FINE))
    if user is not None and system is not None:
        notes.append((f"user {figures.percent(user, 0)}  system {figures.percent(system, 0)}", Level.FINE))
    return Item(
        "CPU",
        FIGURES["cpu"].show(trace.now),
        trace=trace,
        notes=tuple(notes),
        floor=0.0,
        known=trace.now is not None,
    )


def _memory(s: Snapshot) -> Item:
    trace = s.trace("rss")
    if trace.now is None:
        return Item("memory", figures.NOTHING, known=False)
    used = s.share("working_set", "limit")
    limit = level("limit_used", used)
    notes = [growth_text(s)]
    if used is not None:
        notes.append((f"{limit.mark}{figures.percent(used, 0)} of {figures.size(s.now('limit'))}", limit))
    if s.now("unique") is not None:
        notes.append((f"unique {figures.size(s.now('unique'))}", Level.FINE))
    if s.now("swap"):
        swap = level("swap_used", s.share("swap", "rss"))
        notes.append((f"{swap.mark}swap {figures.size(s.now('swap'))}", swap))
    notes.append((range_text(trace, figures.size), Level.FINE))
    return Item(
        "memory", figures.size(trace.now), max(limit, s.growth_level()), trace, tuple(notes), note_first=True
    )


def _gc(s: Snapshot) -> Item:
    time, rates = s.trace("gc_time"), [s.trace(figure.key) for figure in GC_GENERATIONS]
    trace = time if time.now is not None else next((t for t in reversed(rates) if t.now is not None), EMPTY)
    notes = [
        (f"gen{generation} {figures.rate(rate.now)}", Level.FINE)
        for generation, rate in reversed(list(enumerate(rates)))
        if rate.now is not None
    ]
    notes += _cycle_notes(s)
    found = level("gc_time", time.now)
    if time.now is None:
        return Item("GC", figures.NOTHING, trace=trace, notes=tuple(notes), floor=0.0, known=bool(notes))
    value = f"{found.mark}{figures.percent(time.now)}"
    notes.append((range_text(time, figures.percent), Level.FINE))
    return Item("GC", value, found, time, tuple(notes), floor=0.0, note_first=True)


def _cycle_notes(s: Snapshot) -> list[tuple[str, Level]]:
    """Of collectors without generations: how often each has worked, and the last pause."""
    state = s.gc
    if state is None or state.interpreters:
        return []
    notes = [
        (f"{cut_middle(printable(one.name), 14)} {figures.count(one.collections)} cycles", Level.FINE)
        for one in state.collectors[:4]
        if one.collections is not None
    ]
    last = [pause for one in state.collectors for pause in one.pauses[-1:]]
    if last:
        newest = max(last, key=lambda pause: pause.end)
        notes.append((f"last pause {figures.duration(newest.seconds)}", Level.FINE))
    return notes


def _gil(s: Snapshot) -> Item:
    held, waiters = s.trace("gil_held"), s.now("gil_waiters")
    found = level("gil_waiters", waiters)
    notes: list[tuple[str, Level]] = []
    if waiters is not None:
        notes.append((f"{found.mark}{figures.count(round(waiters, 1))} waiting", found))
    top = _top_holder(s)
    if top:
        notes.append((top, Level.FINE))
    switches = s.now("gil_switches")
    if switches is not None:
        notes.append((f"{figures.rate(switches)} switches", Level.FINE))
    if held.now is not None:
        notes.append((range_text(held, FIGURES["gil_held"].show), Level.FINE))
    return Item(
        "GIL", FIGURES["gil_held"].show(held.now), found, held, tuple(notes), 0.0, 1.0, True, held.now is not None
    )


def _top_holder(s: Snapshot) -> str:
    """The thread that held the GIL most, by its short name; empty where none can be named."""
    holders = s.gil.gils[0].holders if s.gil is not None and s.gil.gils else ()
    if not holders or holders[0].native_id is None:
        return ""
    name = printable(s.thread_name(holders[0].native_id)) or str(holders[0].native_id)
    return f"{cut_middle(name, 14)} {figures.percent(holders[0].share, 0)}"


def _threads(s: Snapshot) -> Item:
    trace = s.trace("threads")
    number = trace.now if trace.now is not None else (float(len(s.threads)) if s.threads else None)
    states = Counter(thread.state for thread in s.threads)
    text = " ".join(f"{states[state]} {word}" for state, word in STATES if states[state])
    return Item(
        "threads",
        figures.count(number),
        trace=trace,
        notes=((text, Level.FINE),) if text else (),
        known=number is not None,
        note_first=True,
    )


def _descriptors(s: Snapshot) -> Item:
    trace = s.trace("fds")
    found = level("fds_used", s.share("fds", "max_fds"))
    limit = s.now("max_fds")
    notes = ((f"of {figures.count(limit)}", Level.FINE),) if limit else ()
    return Item(
        "fds",
        f"{found.mark}{figures.count(trace.now)}",
        found,
        trace,
        notes,
        note_first=True,
        known=trace.now is not None,
    )


def _rate(key: str, label: str, threshold: str = "") -> Callable[[Snapshot], Item]:
    def make(s: Snapshot) -> Item:
        trace = s.trace(key)
        found = level(threshold, trace.now) if threshold else Level.FINE
        show = FIGURES[key].show
        value = f"{found.mark}{show(trace.now)}"
        notes = ((f"max {show(trace.high)}", Level.FINE),) if trace.now is not None else ()
        return Item(label, value, found, trace, notes, floor=0.0, known=trace.now is not None)

    return make


def _container(s: Snapshot) -> Item:
    used, working = s.share("working_set", "limit"), s.now("working_set")
    found = level("limit_used", used)
    notes: list[tuple[str, Level]] = []
    kills = s.now("oom")
    if kills:
        notes.append((f"!!{figures.count(kills)} OOM kills", Level.ACT))
    if used is not None:
        notes.append((f"{figures.percent(used, 0)} of {figures.size(s.now('limit'))}", found))
    elif working is not None:
        notes.append(("no memory limit", Level.FINE))
    value = f"{found.mark}{figures.size(working)}"
    return Item(
        "container",
        value,
        max(found, Level.ACT if kills else Level.FINE),
        s.trace("working_set"),
        tuple(notes),
        note_first=True,
        known=working is not None,
    )


def _pressure(s: Snapshot) -> Item:
    parts = [(name, s.now(f"pressure_{name}")) for name in ("cpu", "memory", "io")]
    known = [(name, value) for name, value in parts if value is not None]
    if not known:
        return Item("pressure", figures.NOTHING, known=False)
    worst, value = max(known, key=lambda pair: pair[1])
    found = level("pressure", value)
    return Item(
        "pressure",
        f"{found.mark}{figures.percent(value)}",
        found,
        s.trace(f"pressure_{worst}"),
        ((f"most for {printable(worst)}", Level.FINE),),
        floor=0.0,
    )


_MAKERS: dict[str, Callable[[Snapshot], Item]] = {
    "cpu": _cpu,
    "rss": _memory,
    "gc_time": _gc,
    "gil_held": _gil,
    "threads": _threads,
    "fds": _descriptors,
    "read": _rate("read", "read"),
    "written": _rate("written", "written"),
    "voluntary": _rate("voluntary", "switches"),
    "involuntary": _rate("involuntary", "forced"),
    "faults_minor": _rate("faults_minor", "faults"),
    "faults_major": _rate("faults_major", "from disk", "faults_major"),
    "run_delay": _rate("run_delay", "wants a CPU", "run_delay"),
    "working_set": _container,
    "throttled": _rate("throttled", "throttled", "throttled"),
    "pressure": _pressure,
}


def _with_change(key: str, item: Item, snapshot: Snapshot, mark: Mark) -> Item:
    figure, now, before = FIGURES.get(key), snapshot.now(key), mark.figures.get(key)
    if figure is None or now is None or before is None:
        return item
    change = now - before
    text = f"Δ{'+' if change >= 0 else ''}{figure.show(change)}"
    return replace(item, notes=((text, Level.FINE), *item.notes))
