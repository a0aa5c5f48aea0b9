"""The moments of a recording that somebody may want to see, as rows: marks, changes of alerts, spikes.

Rows are made by session.played_moments, which knows the player; here they become cells. Their words are untrusted
until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.table import Cell, Column
from razorprof.render.text import printable
from razorprof.render.thresholds import Level


class MomentKind(StrEnum):
    """What is there to see."""

    MARK = "mark"
    ALERT = "alert"
    SPIKE = "spike"


@dataclass(frozen=True, slots=True)
class MomentRow:
    """time: Unix seconds; passed: since the start of the recording; target: whose pid, empty where of none or all;
    facts: what its words say, for scripts."""

    time: float
    passed: float
    kind: MomentKind
    words: str
    target: str = ""
    level: Level = Level.FINE
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def holds(self, text: str) -> bool:
        """Whether a filter lets it through. text: in any case."""
        wanted = text.casefold()
        return any(wanted in told.casefold() for told in (self.kind.value, self.words, self.target))


MOMENT_COLUMNS = (
    Column("time", "time", 8),
    Column("passed", "after start", 12, right=True, drop=1),
    Column("kind", "what", 5),
    Column("words", "", 30, stretch=3),
    Column("target", "target", 14, stretch=1, drop=2),
)


def moment_cells(row: MomentRow, palette: Palette) -> list[Cell]:
    """One for each of MOMENT_COLUMNS."""
    try:
        clock = f"{datetime.fromtimestamp(row.time):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        clock = f"{row.time:.0f}"
    style = palette.accent if row.kind is MomentKind.MARK else palette.of(row.level)
    return [
        clock,
        (f"+{figures.duration(row.passed)}", palette.label),
        (row.kind.value, style),
        (printable(row.words), style),
        (printable(row.target), palette.label),
    ]
