"""Alerts as rows, the line about them that is on every screen, and the mark at their tab.

Rows are made by tui.alert_rows, which knows the session; here they become cells and words. What is chosen in full
is render.alert_detail's. Labels and annotations are untrusted: they are escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from razorprof.model.alert import Alert, CaptureNote, RuleStatus
from razorprof.model.target import Target
from razorprof.render import figures
from razorprof.render.alert_history import Strip, strip_text
from razorprof.render.palette import Palette
from razorprof.render.table import Cell, Column
from razorprof.render.text import cut_end, printable
from razorprof.render.thresholds import Level

SORTS = ("state", "name", "since")
STRIP = 20
SHORT_STRIP = 8
_WIDE = 110  # cells, from which on there is room for the long strip
_SEVERE = ("critical", "page")


class Standing(StrEnum):
    """How a row stands, the worst first."""

    FIRING = "firing"
    ERROR = "error"
    PENDING = "pending"
    RESOLVED = "resolved"
    QUIET = "ok"


_LEVELS = {Standing.FIRING: Level.ACT, Standing.ERROR: Level.ACT, Standing.PENDING: Level.LOOK}
_ORDER = tuple(Standing)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert, or a rule that has none or fails; as of `time`, Unix seconds.

    value: against its threshold, in words; subject: what the value is of, empty where that is not told; target:
    whose it is, None where it is of several or of none; labels: those that its target does not have anyway.
    """

    standing: Standing
    name: str
    time: float
    rule: RuleStatus | None = None
    alert: Alert | None = None
    value: str = ""
    subject: str = ""
    target: Target | None = None
    labels: tuple[tuple[str, str], ...] = ()
    silenced: bool = False
    strip: Strip = ()
    captures: tuple[CaptureNote, ...] = field(default=())

    @property
    def key(self) -> Hashable:
        """Which row it is, over ticks and changes of state."""
        if self.alert is not None:
            return self.alert.rule, self.alert.labels
        return None if self.rule is None else self.rule.key

    @property
    def since(self) -> float | None:
        """When it came to stand as it does, Unix seconds."""
        if self.alert is None:
            return None
        times = {Standing.FIRING: self.alert.fired_at, Standing.RESOLVED: self.alert.resolved_at}
        return times.get(self.standing, self.alert.active_at)


def columns(width: int, *, several: bool, history: bool = True) -> tuple[Column, ...]:
    """Those of a table of `width` cells. several: there is more than one target to tell apart."""
    made = [
        Column("state", "state", 9),
        Column("name", "alert", 18, stretch=3),
        Column("value", "value, limit", 17, right=True),
        Column("since", "since", 15, drop=1),
        Column("history", "", STRIP if width >= _WIDE else SHORT_STRIP, drop=2),
        Column("target", "target", 16, stretch=3, drop=3),
        Column("labels", "labels", 14, stretch=3, drop=4),
    ]
    left_out = ("" if several else "target", "" if history else "history")
    return tuple(column for column in made if column.key not in left_out)


def cells(row: AlertRow, palette: Palette, *, several: bool, history: bool = True) -> list[Cell]:
    """One row's cells, in the order of `columns`."""
    level = _LEVELS.get(row.standing, Level.FINE)
    quiet = row.standing in (Standing.RESOLVED, Standing.QUIET) or row.silenced
    plain = palette.dim if quiet else palette.value
    target = f"{row.target.pid} {printable(row.target.name)}" if row.target is not None else figures.NOTHING
    made: list[Cell] = [
        (
            "silenced" if row.silenced else f"{level.mark}{row.standing}",
            palette.dim if quiet else palette.of(level),
        ),
        (printable(row.name) or "(no name)", plain if quiet else palette.title),
        (row.value, plain),
        (since_words(row), plain),
    ]
    if history:
        made.append((strip_text(row.strip), plain if quiet else palette.spark))
    if several:
        made.append((target if row.alert is not None else "", plain))
    return [*made, (labels_words(row.labels), palette.dim if quiet else palette.label)]


def since_words(row: AlertRow) -> str:
    """For how long it has stood so; of a pending one, how much of its `for` has passed."""
    since = row.since
    if since is None:
        return ""
    lasted = _lasting(row.time - since)
    if row.standing is Standing.RESOLVED:
        return f"{lasted} ago"
    if row.standing is Standing.PENDING and row.rule is not None and row.rule.hold:
        return f"{lasted} of {figures.span(row.rule.hold)}"
    return lasted


def labels_words(labels: Iterable[tuple[str, str]]) -> str:
    """As they stand in a row, bounded before the table cuts them; a value without a name is a remark."""
    return printable("  ".join(f"{name}={value[:200]}" if name else value for name, value in labels)[:1000])


def select_rows(rows: Iterable[AlertRow], text: str, sort: str, reverse: bool) -> list[AlertRow]:
    """The rows of which name, state, target or labels contain `text`, in the order asked for."""
    wanted = text.casefold()
    kept = [row for row in rows if not wanted or wanted in _searched(row)]
    return sorted(kept, key=_ORDERS.get(sort, _ORDERS["state"]), reverse=reverse)


def told_first(rows: Iterable[AlertRow]) -> AlertRow | None:
    """The alert that a line for one tells: firing and not silenced, a severe one before others, the newest
    first."""
    firing = [row for row in rows if row.standing is Standing.FIRING and not row.silenced]
    return min(firing, key=lambda row: (_severity(row) not in _SEVERE, -(row.since or 0.0)), default=None)


def alert_line(
    rows: Sequence[AlertRow], width: int, palette: Palette, *, several: bool, keys: Sequence[tuple[str, str]] = ()
) -> Text | None:
    """What fires, in one line; None where nothing does. keys: (key, what it does), where there is room."""
    row = told_first(rows)
    if row is None:
        return None
    more = _more(rows)
    tail = f"   {more}" if more else ""
    whose = f" {row.target.pid}" if several and row.target is not None else ""
    state = f"{whose} firing {since_words(row)}"
    value = "  ".join(part for part in (f"{row.subject} {row.value}".strip(),) if part)
    name = printable(row.name)
    room = width - 4 - cell_len(state) - cell_len(tail)
    line = Text(" ▲ ", palette.act, no_wrap=True)
    line.append(cut_end(name, max(8, room)), palette.act)
    line.append(state, palette.act)
    left = width - 1 - line.cell_len - cell_len(tail)
    if value and left > 12:
        line.append("  ")
        line.append(cut_end(value, left - 2), palette.title)
    line.append(tail, palette.look)
    for key, what in keys:
        if line.cell_len + cell_len(key) + cell_len(what) + 4 < width:
            line.append("   ")
            line.append(key, palette.accent)
            line.append(f" {what}", palette.label)
    line.truncate(width)
    return line


def tab_mark(rows: Sequence[AlertRow], palette: Palette) -> tuple[str, Style | None]:
    """What the tab says beside its name, and in which style: how many fire; else that some are pending, or that
    rules fail."""
    counts = dict.fromkeys(Standing, 0)
    for row in rows:
        counts[row.standing] += not row.silenced
    if counts[Standing.FIRING]:
        return f"({counts[Standing.FIRING]})", palette.act
    if counts[Standing.PENDING]:
        return f"(~{counts[Standing.PENDING]})", palette.look
    return ("(!)", palette.act) if counts[Standing.ERROR] else ("", None)


def _more(rows: Sequence[AlertRow]) -> str:
    """How many fire or are pending besides the one that is told."""
    firing = sum(row.standing is Standing.FIRING and not row.silenced for row in rows) - 1
    pending = sum(row.standing is Standing.PENDING and not row.silenced for row in rows)
    return ", ".join(
        words
        for words in (f"+{firing} firing" if firing else "", f"{pending} pending" if pending else "")
        if words
    )


def _lasting(seconds: float) -> str:
    """A time that goes by: whole seconds, so that it does not flicker."""
    return figures.span(max(0, round(seconds)))


def _severity(row: AlertRow) -> str:
    return row.alert.labels.get("severity", "") if row.alert is not None else ""


def _searched(row: AlertRow) -> str:
    target = f"{row.target.pid} {row.target.name}" if row.target is not None else ""
    return f"{row.name} {row.standing} {target} {' '.join(f'{n}={v}' for n, v in row.labels)}".casefold()


def _place(row: AlertRow) -> tuple[float | str, ...]:
    newest = row.since or 0.0
    return row.silenced, _ORDER.index(row.standing), _severity(row) not in _SEVERE, -newest, row.name


_ORDERS: dict[str, Callable[[AlertRow], tuple[float | str, ...]]] = {
    "state": _place,
    "name": lambda row: (row.name, *_place(row)),
    "since": lambda row: (-(row.since or 0.0), row.name),
}
