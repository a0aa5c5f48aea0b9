"""Threads as rows of a table, alone or grouped by equal stacks, and the stack of one as lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from razorprof.model.frame import Frame
from razorprof.model.gil import GilState, held_ratio
from razorprof.model.threads import ThreadInfo, ThreadState
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.table import Cell, Column
from razorprof.render.text import cut_middle, printable

SORTS = ("cpu", "gil", "name", "id", "state", "waits")
COLUMNS = (
    Column("cpu", "cpu %", 6, right=True),
    Column("gil", "gil %", 6, right=True, drop=3),
    Column("state", "state", 7),
    Column("name", "thread", 14, stretch=3),
    Column("id", "id", 8, right=True, drop=2),
    Column("waits", "waits on", 10, stretch=2, drop=1),
    Column("top", "top frame", 18, stretch=4),
)
_OLD = 5.0  # seconds: a stack older than this is told with its age, for the thread has moved on
_ORDER = (ThreadState.PYTHON, ThreadState.RUNNING, ThreadState.WAITING, ThreadState.IDLE, ThreadState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """One thread, or several with equal stacks. cpu_ratio: their sum, None where none is known; gil_ratio: the
    share of time in which they held the GIL."""

    threads: tuple[ThreadInfo, ...]
    gil_ratio: float | None = None

    @property
    def first(self) -> ThreadInfo:
        return self.threads[0]

    @property
    def key(self) -> int:
        return self.first.native_id

    @property
    def cpu_ratio(self) -> float | None:
        known = [t.cpu_ratio for t in self.threads if t.cpu_ratio is not None]
        return sum(known) if known else None

    @property
    def name(self) -> str:
        return self.first.name if len(self.threads) == 1 else f"{len(self.threads)} × {self.first.name}"


def thread_rows(
    threads: Sequence[ThreadInfo], gil: GilState | None = None, *, grouped: bool = False
) -> list[ThreadRow]:
    """A row per thread; grouped, a row per (state, stack)."""
    if not grouped:
        return [_row((thread,), gil) for thread in threads]
    groups: dict[tuple[ThreadState, tuple[Frame, ...]], list[ThreadInfo]] = defaultdict(list)
    for thread in threads:
        groups[thread.state, thread.frames].append(thread)
    return [_row(tuple(group), gil) for group in groups.values()]


def select_rows(rows: list[ThreadRow], text: str, sort: str, reverse: bool) -> list[ThreadRow]:
    """The rows of which a thread's name, id, wait or frame contains `text`, in the order asked for."""
    if text:
        wanted = text.casefold()
        rows = [row for row in rows if any(wanted in _searched(thread) for thread in row.threads)]
    return sorted(rows, key=_ORDERS.get(sort, _ORDERS["cpu"]), reverse=reverse)


def cells(row: ThreadRow, palette: Palette) -> list[Cell]:
    """One row's cells, in the order of COLUMNS."""
    thread = row.first
    busy = thread.state in (ThreadState.PYTHON, ThreadState.RUNNING)
    quiet = palette.dim if thread.state is ThreadState.IDLE else palette.value
    state = f"{thread.state.value}{'*' if thread.holds_gil else ''}"
    return [
        (figures.percent_bare(row.cpu_ratio), palette.value if busy else quiet),
        (figures.percent_bare(row.gil_ratio), palette.value if row.gil_ratio else quiet),
        (state, palette.title if busy else quiet),
        (printable(row.name) or "(no name)", quiet),
        (str(thread.native_id) if len(row.threads) == 1 else figures.NOTHING, palette.label),
        (waits_text(thread), palette.label),
        (top_text(thread), quiet),
    ]


def waits_text(thread: ThreadInfo) -> str:
    """What a thread waits for, and for whom."""
    if thread.waits_on is None:
        return "gil" if thread.waits_for_gil else ""
    owner = f" held by {thread.waits_on.owner}" if thread.waits_on.owner else ""
    kind, what = printable(thread.waits_on.kind), printable(thread.waits_on.what)
    words = what if kind.casefold() in what.casefold() else f"{kind} {what}".strip()
    return words + owner


def top_text(thread: ThreadInfo) -> str:
    """The innermost frame."""
    if not thread.frames:
        return "(no Python code)" if thread.stack_age is not None else "(stack not seen)"
    frame = thread.frames[0]
    parts = frame.file.rsplit("/", 2)
    file = "/".join(parts[-2:]) if parts[-1] == "__init__.py" else parts[-1]  # that name alone says nothing
    seen = thread.stack_age or 0.0
    age = f" ({figures.span(round(seen))} ago)" if seen >= _OLD else ""
    return printable(f"{frame.function} {file}:{frame.line}{age}")


def stack_lines(row: ThreadRow, width: int, palette: Palette) -> list[Text]:
    """A thread in full: what it is, how old its stack is, and the stack, innermost first."""
    thread = row.first
    lines = [_pair("thread", ", ".join(printable(t.name) or "(no name)" for t in row.threads), width, palette)]
    ids = ", ".join(str(t.native_id) for t in row.threads)
    lines.append(_pair("native id", ids, width, palette))
    gil = ", holds the GIL" if thread.holds_gil else ", waits for the GIL" if thread.waits_for_gil else ""
    lines.append(
        _pair("state", f"{thread.state.value}{gil} (kernel: {printable(thread.kernel_state)})", width, palette)
    )
    split = ""
    if thread.user_ratio is not None and thread.system_ratio is not None:
        split = f" (user {figures.percent(thread.user_ratio)}, system {figures.percent(thread.system_ratio)})"
    lines.append(_pair("cpu", figures.percent(row.cpu_ratio) + split, width, palette))
    if row.gil_ratio is not None:
        lines.append(_pair("GIL", f"held {figures.percent(row.gil_ratio)} of the time", width, palette))
    if waits_text(thread):
        lines.append(_pair("waits on", waits_text(thread), width, palette))
    age = (
        "age unknown"
        if thread.stack_age is None
        else f"seen {figures.duration(round(thread.stack_age, 1) or 0.1)} ago"
    )
    lines.append(_pair("stack", f"{len(thread.frames)} frames, innermost first, {age}", width, palette))
    lines.append(Text())
    if not thread.frames:
        lines.append(Text(f"   {top_text(thread)}", palette.dim))
    for depth, frame in enumerate(thread.frames):
        line = Text(f" {depth:>3}  ", palette.dim, no_wrap=True)
        line.append(cut_middle(printable(frame.function), max(12, width // 2)), palette.value)
        place = printable(f"{frame.file}:{frame.line}")
        line.append("  " + cut_middle(place, max(8, width - line.cell_len - 3)), palette.label)
        lines.append(line)
    return lines


def _row(threads: tuple[ThreadInfo, ...], gil: GilState | None) -> ThreadRow:
    return ThreadRow(threads, held_ratio(gil, frozenset(thread.native_id for thread in threads)))


def _pair(label: str, text: str, width: int, palette: Palette) -> Text:
    line = Text(f" {label:<10} ", palette.label, no_wrap=True)
    line.append(cut_middle(text, max(8, width - 13)), palette.value)
    return line


def _searched(thread: ThreadInfo) -> str:
    frames = " ".join(f"{f.function} {f.file}" for f in thread.frames)
    return f"{thread.name} {thread.native_id} {thread.state} {waits_text(thread)} {frames}".casefold()


_ORDERS: dict[str, Callable[[ThreadRow], tuple[float | str, ...]]] = {
    "cpu": lambda r: (-(r.cpu_ratio or 0.0), _ORDER.index(r.first.state), r.first.name, r.key),
    "gil": lambda r: (-(r.gil_ratio or 0.0), -(r.cpu_ratio or 0.0), r.key),
    "name": lambda r: (r.first.name, r.key),
    "id": lambda r: (r.key,),
    "state": lambda r: (_ORDER.index(r.first.state), -(r.cpu_ratio or 0.0), r.key),
    "waits": lambda r: (waits_text(r.first) or "\uffff", r.key),
}
