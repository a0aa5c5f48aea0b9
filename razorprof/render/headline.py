"""The lines that are on every screen: who is watched, what limits it, the tabs, and what watching costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from razorprof.model.target import Life
from razorprof.model.verdict import Limit
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.snapshot import OwnCost, Snapshot
from razorprof.render.text import cut_end, cut_middle, printable
from razorprof.render.thresholds import Level, level

_LEVELS = {
    Limit.GIL: Level.LOOK,
    Limit.GC: Level.LOOK,
    Limit.LOCK: Level.LOOK,
    Limit.RUN_QUEUE: Level.LOOK,
    Limit.THROTTLED: Level.ACT,
    Limit.PAGING: Level.ACT,
    Limit.STOPPED: Level.ACT,
}
# The other verdicts' words make a sentence of their own: "throttled by its container", "unclear: ...".
_LIMITED_BY = frozenset(Limit) - {Limit.THROTTLED, Limit.PAGING, Limit.GC, Limit.UNCLEAR, Limit.STOPPED}
_TELLING = 2.0  # seconds: of a verdict on less, the window says no more than its "too little seen yet"


def title_line(
    snapshot: Snapshot, width: int, palette: Palette, *, interval: float, place: str = "", paused: bool = False
) -> Text:
    """Pid, name, runtime and age of the target to the left, the interval and PAUSED to the right."""
    right: list[tuple[str, Level | None]] = []
    if paused:
        right.append((" PAUSED ", Level.LOOK))
    if snapshot.life is not Life.ALIVE:
        right.append((f" {snapshot.life.upper()} ", Level.ACT))
    right.append((f"every {figures.span(interval)}", None))
    right_width = sum(cell_len(text) + 2 for text, _ in right) + 1

    pid = f"{snapshot.target.pid}"
    version = printable(f"{snapshot.runtime} {snapshot.version or ''}".strip())
    born = snapshot.target.started
    up = f"up {figures.duration(snapshot.end - born)}" if 0 < born < snapshot.end else ""
    extras = [text for text in (version, up, place) if text]
    name = printable(snapshot.target.name) or "?"
    while True:
        tail = "".join(f"  {text}" for text in extras)
        room = width - 1 - cell_len(f"razorprof {pid} ") - cell_len(tail) - right_width - 1
        if room >= min(20, cell_len(name)) or not extras:
            break
        extras.pop(1 if len(extras) > 1 and extras[1] == up else 0)  # first the age, then the version
    line = Text(" ", no_wrap=True)
    line.append("razorprof ", palette.accent)
    line.append(f"{pid} ", palette.title)
    line.append(cut_middle(name, max(1, room)), palette.title)
    line.append(tail, palette.label)
    line.append(" " * max(1, width - line.cell_len - right_width))
    for text, mark in right:
        style = palette.label if mark is None else (palette.of(mark) if mark else palette.title)
        line.append("  ")
        line.append(text, style)
    return line


def verdict_lines(snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    """What limits it now, in words; or that it is gone, and how it went. Two lines where one is too short."""
    if snapshot.life is Life.GONE:
        how = printable(snapshot.how) or "how it ended could not be told"
        return _sentence(Level.ACT, f"gone: {how}; last figures below", palette.act, width, palette)
    if snapshot.life is Life.STOPPED:
        words = "STOPPED by a signal or a debugger: it does not run"
        return _sentence(Level.ACT, words, palette.act, width, palette)
    verdict = snapshot.verdict
    if verdict is None:
        return _sentence(Level.FINE, "limited by: too little seen yet", palette.dim, width, palette)
    found = _LEVELS.get(verdict.limit, Level.FINE)
    words = printable(verdict.words)
    if verdict.limit in _LIMITED_BY and not words.startswith("limited by"):
        words = f"limited by {words}"
    style = palette.of(found) if found else palette.title
    if verdict.limit is Limit.UNCLEAR:
        style = palette.dim
        if "unclear" not in words.lower():
            words = f"unclear: {words}"
    lines = _sentence(found, words, style, width, palette)
    window = (
        f"   in the last {figures.span(max(1, round(verdict.seconds)))}" if verdict.seconds >= _TELLING else ""
    )
    if lines[-1].cell_len + len(window) < width:
        lines[-1].append(window, palette.dim)
    return lines


def tabs_line(
    tabs: Sequence[tuple[str, str]],
    chosen: str,
    width: int,
    palette: Palette,
    styles: Mapping[str, Style] | None = None,
) -> tuple[Text, list[range]]:
    """The screens as (key, name), the chosen one marked by brackets and colour; and which cells belong to
    which. styles: of names that are to stand out."""
    gap = 1 if sum(len(k) + len(n) + 4 for k, n in tabs) + 1 > width else 2
    line = Text(no_wrap=True)
    cells: list[range] = []
    for key, name in tabs:
        start = line.cell_len
        on = name == chosen
        line.append("[" if on else " ", palette.accent)
        line.append(key, palette.accent if on else palette.dim)
        line.append(f" {name}", (styles or {}).get(name, palette.accent if on else palette.label))
        line.append("]" if on else " ", palette.accent)
        cells.append(range(start, line.cell_len))
        line.append(" " * (gap - 1))
    return line, cells


def footer_line(cost: OwnCost, width: int, palette: Palette, *, keys: Sequence[str] = ()) -> Text:
    """Own cost, target stopped, sampling rate, errors, dropped, age. Words get shorter before any figure is left
    out; the keys come last, where there is room."""
    parts = _cost_parts(cost, _LONG)
    for wording in (_LONG, _SHORT, _SHORTEST):
        parts = _cost_parts(cost, wording)
        if 1 + sum(cell_len(a) + cell_len(b) + 3 for a, b, _ in parts) <= width:
            break
    line = Text(" ", no_wrap=True)
    for label, text, found in parts:
        line.append(f"{label} " if label else "", palette.label)
        line.append(text, palette.of(found))
        line.append("  ")
    for some in ("  ".join(keys), *keys[:1]):
        if some and line.cell_len + cell_len(some) <= width - 1:
            line.append(" " * (width - line.cell_len - cell_len(some) - 1))
            line.append(some, palette.dim)
            break
    return line


def _sentence(found: Level, words: str, style: Style, width: int, palette: Palette) -> list[Text]:
    """The words after the level's mark, on one line or, broken between words, on two."""
    mark = f"{found.mark} " if found else ""
    room = width - 2 - cell_len(mark)
    rest = ""
    if cell_len(words) > room:
        head, tail = words[:room], words[room:]
        cut = max(head.rfind(" "), 0)
        if cut > room // 2:  # else there is no word's end worth breaking at: cut it
            words, rest = head[:cut], head[cut + 1 :] + tail
    lines = [Text(" ", no_wrap=True)]
    lines[0].append(mark, palette.of(found))
    lines[0].append(cut_end(words, room), style)
    if rest:
        lines.append(Text(" " * (1 + cell_len(mark)), no_wrap=True))
        lines[1].append(cut_end(rest, room), style)
    return lines


_LONG = ("own cost", "target stopped", "samples/s", "sampling errors", "dropped", "age")
_SHORT = ("cost", "stopped", "samples/s", "errors", "dropped", "age")
_SHORTEST = ("own", "stop", "Hz", "err", "drop", "age")


def _cost_parts(cost: OwnCost, words: tuple[str, ...]) -> list[tuple[str, str, Level]]:
    def part(place: int, text: str, found: Level) -> tuple[str, str, Level]:
        return words[place], f"{found.mark}{text}", found

    age_level = level("age", None if cost.age is None else cost.age / max(cost.interval, 0.1))
    own = figures.percent(cost.cpu_ratio)
    if cost.rss_bytes is not None and words is _LONG:
        own += f" {figures.size(cost.rss_bytes)}"
    return [
        part(0, own, level("own_cost", cost.cpu_ratio)),
        part(1, figures.percent(cost.stopped_ratio, 2), level("stopped", cost.stopped_ratio)),
        part(2, figures.NOTHING if cost.rate_hz is None else f"{cost.rate_hz:.0f}", Level.FINE),
        part(3, figures.count(cost.errors), level("sampling_errors", cost.error_ratio)),
        part(4, figures.count(cost.dropped), Level.LOOK if cost.dropped else Level.FINE),
        *([("", "!behind", Level.LOOK)] if cost.behind else []),
        part(5, _age(cost.age), age_level),
    ]


def _age(seconds: float | None) -> str:
    if seconds is None:
        return figures.NOTHING
    return f"{max(0.0, seconds):.1f} s" if seconds < 60 else figures.duration(seconds)
