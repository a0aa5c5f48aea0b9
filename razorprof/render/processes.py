"""Several targets as rows: which of 32 workers is sick, and what they use together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from razorprof.model.target import Life
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.spark import buckets, sparkline
from razorprof.render.table import Cell, Column
from razorprof.render.text import cut_end, printable
from razorprof.render.thresholds import level

SORTS = ("deviation", "cpu", "rss", "threads", "pid", "name")
SPARK = 12
_COLUMNS = (
    Column("pid", "pid", 8, right=True),
    Column("state", "state", 7),
    Column("name", "name", 10, stretch=3),
    Column("runtime", "runtime", 14, stretch=1, drop=2),
    Column("cpu", "cpu %", 6, right=True),
    Column("history", "", SPARK, drop=3),
    Column("rss", "resident", 9, right=True, drop=1),
    Column("threads", "threads", 8, right=True, drop=2),
    Column("deviation", "off", 6, right=True),
    Column("of", "in", 8),
)


def select_rows(rows: Sequence[Snapshot], text: str, sort: str, reverse: bool) -> list[Snapshot]:
    """The targets whose name or pid contains `text`, in the order asked for; the sickest first by default."""
    wanted = text.casefold()
    kept = [row for row in rows if wanted in f"{row.target.pid} {row.target.name}".casefold()]
    return sorted(kept, key=_ORDERS.get(sort, _ORDERS["deviation"]), reverse=reverse)


def are_mixed(rows: Sequence[Snapshot]) -> bool:
    """Whether they run on more than one runtime, or version of it, so that each is told."""
    return len({(row.runtime, row.version) for row in rows}) > 1


def columns(mixed: bool) -> tuple[Column, ...]:
    """mixed: see are_mixed."""
    return tuple(column for column in _COLUMNS if mixed or column.key != "runtime")


def cells(row: Snapshot, palette: Palette, current: int, mixed: bool = False) -> list[Cell]:
    """One row's cells, in the order of columns(mixed). current: the pid that the other screens show."""
    style = palette.gone if row.life is Life.GONE else palette.value
    off = level("deviation", abs(row.deviation) if row.deviation is not None else None)
    state = "" if row.life is Life.ALIVE else row.life.value
    cpu = row.trace("cpu")
    points = buckets(cpu.times, cpu.values, SPARK, end=row.end, seconds=row.window)
    child = "· " if row.target.parent is not None else ""
    deviation = figures.NOTHING if row.deviation is None else f"{off.mark}{row.deviation:.1f}"
    return [
        (str(row.target.pid), style),
        (state or ("shown" if row.target.pid == current else ""), palette.act if state else palette.accent),
        (child + printable(row.target.name), style),
        *([(printable(f"{row.runtime} {row.version or ''}".strip()), palette.label)] if mixed else []),
        (figures.percent_bare(cpu.now), style),
        (sparkline(points, low=0.0, high=max(1.0, cpu.high or 0.0)), palette.spark),
        (figures.size(row.now("rss")), style),
        (figures.count(row.now("threads")), style),
        (deviation, palette.of(off) if off else style),
        (printable(row.deviation_of) if off else "", palette.label),
    ]


def sum_line(rows: Sequence[Snapshot], width: int, palette: Palette) -> Text:
    """What the living ones use together. Resident memory counts shared pages once for each process."""
    alive = [row for row in rows if row.life is not Life.GONE]
    line = Text(" ", no_wrap=True)
    line.append(f"{len(alive)} of {len(rows)} alive", palette.label)
    for label, key, show in _SUMS:
        known = [value for row in alive if (value := row.now(key)) is not None]
        line.append(f"   {label} ", palette.label)
        line.append(show(sum(known) if known else None), palette.title)
        if known and len(known) < len(alive):
            line.append(f" of {len(known)}", palette.dim)
    if line.cell_len + len(_SHARED) < width:
        line.append(_SHARED, palette.dim)
    return line


def deviation_lines(off: Sequence[Snapshot], width: int, palette: Palette) -> list[Text]:
    """A line that names the sickest of the targets that are not shown, the farthest from its siblings first."""
    if not off:
        return []
    worst = max(off, key=lambda row: abs(row.deviation or 0.0))
    found = level("deviation", abs(worst.deviation or 0.0))
    figure = printable(worst.deviation_of)
    words = f"{found.mark} {worst.target.pid} {printable(worst.target.name)} is far from its siblings"
    words += f" in {figure}" if figure else ""
    words += f" ({abs(worst.deviation or 0.0):.1f})"
    words += f", and {len(off) - 1} more" if len(off) > 1 else ""
    return [Text(f" {cut_end(words, width - 2)}", palette.of(found), no_wrap=True)]


_SHARED = "   shared pages counted in each"
_SUMS: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("cpu", "cpu", lambda ratio: figures.percent(ratio, 0)),
    ("resident", "rss", figures.size),
    ("threads", "threads", figures.count),
)

_ORDERS: dict[str, Callable[[Snapshot], tuple[float | str, ...]]] = {
    "deviation": lambda r: (r.life is Life.GONE, -abs(r.deviation or 0.0), -(r.now("cpu") or 0.0), r.target.pid),
    "cpu": lambda r: (-(r.now("cpu") or 0.0), r.target.pid),
    "rss": lambda r: (-(r.now("rss") or 0.0), r.target.pid),
    "threads": lambda r: (-(r.now("threads") or 0.0), r.target.pid),
    "pid": lambda r: (r.target.pid,),
    "name": lambda r: (r.target.name, r.target.pid),
}
