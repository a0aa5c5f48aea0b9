"""Hot functions as rows of a table: own and total share, the change since a mark, filter, sort and grouping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from razorprof.model.profile import FunctionTime, Profile, by_file, by_function, by_package, top
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Mark
from razorprof.render.spark import bar
from razorprof.render.table import Cell, Column
from razorprof.render.text import printable


class Grouping(StrEnum):
    """What a row stands for."""

    FUNCTION = "function"
    FILE = "file"
    PACKAGE = "package"
    THREAD = "thread"


SORTS = ("own", "total", "change", "function", "file")
BAR = 14


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """name, file: untrusted text, not yet escaped. own_change, total_change: points since the mark, None
    without one. thread: the native id where a row stands for a thread."""

    name: str
    file: str
    line: int
    own: float
    total: float
    own_change: float | None = None
    total_change: float | None = None
    thread: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.file

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line and self.name else self.file


def function_rows(profile: Profile, grouping: Grouping, mark: Mark | None = None) -> list[FunctionRow]:
    """One row per function, file, package or thread; heaviest own time first."""
    if grouping is Grouping.THREAD:
        return _thread_rows(profile)
    group = {Grouping.FUNCTION: by_function, Grouping.FILE: by_file, Grouping.PACKAGE: by_package}[grouping]
    marked = mark.functions if mark is not None and grouping is Grouping.FUNCTION else None
    return [_row(found, marked) for found in top(profile, group)]


def select_rows(rows: list[FunctionRow], text: str, sort: str, reverse: bool) -> list[FunctionRow]:
    """The rows whose function or file contains `text` (any case), in the order asked for: numbers from the
    greatest, names from A, `reverse` the other way round."""
    if text:
        wanted = text.casefold()
        rows = [r for r in rows if wanted in r.name.casefold() or wanted in r.file.casefold()]
    order = _ORDERS.get(sort, _ORDERS["own"])
    return sorted(rows, key=order, reverse=reverse)


def columns(grouping: Grouping, *, marked: bool) -> tuple[Column, ...]:
    """The columns of the table; those of the change only where there is a mark."""
    change = (Column("change", "Δ own", 7, right=True),) if marked else ()
    name = "function" if grouping is Grouping.FUNCTION else grouping.value
    names = (
        (Column("function", name, 16, stretch=3), Column("file", "file", 14, stretch=4))
        if grouping is Grouping.FUNCTION
        else (Column("function" if grouping is Grouping.THREAD else "file", name, 24, stretch=7),)
    )
    return (
        Column("own", "own %", 6, right=True),
        Column("total", "total %", 8, right=True),
        *change,
        *names,
        Column("bar", "", BAR, drop=1),
    )


def cells(row: FunctionRow, grouping: Grouping, palette: Palette, *, marked: bool) -> list[Cell]:
    """One row's cells, in the order of `columns`."""
    shown: list[Cell] = [figures.percent_bare(row.own), figures.percent_bare(row.total)]
    if marked:
        shown.append(signed_points(row.own_change))
    if grouping is Grouping.FUNCTION:
        shown += [printable(row.name), (printable(row.place), palette.label)]
    else:
        shown.append(printable(row.name if grouping is Grouping.THREAD else row.file))
    shown.append((bar(row.own, BAR), palette.spark))
    return shown


def signed_points(change: float | None) -> str:
    """A difference of two shares, in points: +12.1, -0.3."""
    return figures.NOTHING if change is None else f"{change * 100:+.1f}"


def _row(found: FunctionTime, marked: object) -> FunctionRow:
    own_change = total_change = None
    if isinstance(marked, dict):
        before = marked.get((found.function, found.file), (0.0, 0.0))
        own_change, total_change = found.self_ratio - before[0], found.total_ratio - before[1]
    return FunctionRow(
        found.function, found.file, found.line, found.self_ratio, found.total_ratio, own_change, total_change
    )


def _thread_rows(profile: Profile) -> list[FunctionRow]:
    weights: dict[int, float] = defaultdict(float)
    names: dict[int, str] = {}
    for key, weight in profile.weights.items():
        weights[key.thread.native] += weight
        names.setdefault(key.thread.native, key.thread.name)
    whole = sum(weights.values()) or 1.0
    rows = [
        FunctionRow(f"{names[n]} ({n})", "", 0, weight / whole, weight / whole, thread=n)
        for n, weight in weights.items()
    ]
    return sorted(rows, key=lambda row: -row.own)


_ORDERS: dict[str, Callable[[FunctionRow], tuple[float | str, ...]]] = {
    "own": lambda r: (-r.own, -r.total, r.file, r.name),
    "total": lambda r: (-r.total, -r.own, r.file, r.name),
    "change": lambda r: (-abs(r.own_change or 0.0), -r.own, r.file, r.name),
    "function": lambda r: (r.name, r.file),
    "file": lambda r: (r.file, r.line, r.name),
}
