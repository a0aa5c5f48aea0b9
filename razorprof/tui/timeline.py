"""The time screen: any series of the target as a plot, several overlaid, and the list to choose them from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.text import Text
from textual.app import ComposeResult

from razorprof.model.series import Floats
from razorprof.model.target import Identity
from razorprof.render.catalog import Figure
from razorprof.render.figures import count
from razorprof.render.missing import missing_lines
from razorprof.render.plot import plot_series, show_value
from razorprof.render.table import Cell, Column, rule_line
from razorprof.render.text import printable
from razorprof.render.trace import Trace
from razorprof.tui.canvas import Lines
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table

HISTORY = 900.0  # seconds that a plot spans, as far as the store goes back
_MOST = 6  # as many lines as there are colours and markers
_COLUMNS = (
    Column("on", "plot", 4),
    Column("name", "series", 20, stretch=1),
    Column("now", "last", 12, right=True),
    Column("low", "least", 12, right=True, drop=1),
    Column("high", "most", 12, right=True, drop=1),
)
SeriesKey = tuple[str, tuple[tuple[str, str], ...]]
_FIRST: SeriesKey = ("process_resident_memory_bytes", ())


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series, a counter as its rate."""

    key: SeriesKey
    trace: Trace
    base: str = ""  # the unit that the metric declares

    @property
    def name(self) -> str:
        name, labels = self.key
        inside = ", ".join(f'{label}="{value}"' for label, value in labels)
        return f"{name}{{{inside}}}" if inside else name

    @property
    def unit(self) -> str:
        name = self.key[0]
        counter = name.endswith("_total")
        stem = name.removesuffix("_total")
        if self.base == "seconds" or stem.endswith("_seconds"):
            return "ratio" if counter else "seconds"
        if self.base == "bytes" or stem.endswith("_bytes"):
            return "bytes/s" if counter else "bytes"
        return "/s" if counter else ("ratio" if stem.endswith("_ratio") else "")


class TimePane(ListPane):
    """Enter puts the series under the cursor on the plot, or takes it off."""

    def __init__(self, *, plain: bool = False, colour: bool = True) -> None:
        super().__init__()
        self.plotted: list[SeriesKey] = [_FIRST]
        self._plain, self._colour = plain, colour

    def compose(self) -> ComposeResult:
        yield Lines(id="plot")
        yield Lines(id="rule")
        yield Table(id="table")

    def draw(self, scene: Scene) -> None:
        palette, width = scene.palette, scene.width
        rows = _rows(scene, scene.snapshot.target.identity, self.plotted)
        shown = [row for key in self.plotted for row in rows if row.key == key]
        height = max(6, (scene.height - 5) * (11 if scene.compact else 13) // 20)
        self.query_one("#plot", Lines).show(_plot(shown, width - 2, height, self._plain, self._colour))
        note = f"{len(rows)} series; enter: on the plot or off; counters as rates"
        unread = missing_lines(scene.snapshot, width, palette, most=1 if scene.compact else 3)
        rule = rule_line(self.title("series"), width - 1, palette, note=note)
        self.query_one("#rule", Lines).show([rule, *unread])
        wanted = self.text.casefold()
        self.table.show(
            _COLUMNS,
            [row for row in rows if wanted in row.name.casefold()],
            cells=lambda row: self._cells(row, scene),
            key=lambda row: row.key,
            palette=palette,
            empty=self.empty(rows, "no series"),
        )

    def detail(self) -> bool:
        row = self.table.chosen
        if row is None:
            return False
        if row.key in self.plotted:
            self.plotted.remove(row.key)
        else:
            self.plotted = [*self.plotted, row.key][-_MOST:]
        return True

    def _cells(self, row: SeriesRow, scene: Scene) -> list[Cell]:
        """Least and most are worked out here, for the seen rows only."""
        trace, palette = row.trace, scene.palette
        if not len(trace.values):
            trace = _trace(scene, scene.snapshot.target.identity, row.key)
        on = row.key in self.plotted
        return [
            (
                f"[{count(self.plotted.index(row.key) + 1)}]" if on else "[ ]",
                palette.accent if on else palette.dim,
            ),
            (printable(row.name), palette.title if on else palette.value),
            show_value(trace.now, row.unit),
            show_value(trace.low, row.unit),
            show_value(trace.high, row.unit),
        ]


def _rows(scene: Scene, identity: Identity, plotted: list[SeriesKey]) -> list[SeriesRow]:
    found = [(name, tuple(sorted(labels.items()))) for name, labels, _ in scene.collector.view.series_of(identity)]
    keys = sorted({*found, *plotted})  # what is plotted stays in the list when its target is gone
    units = {metric.name: metric.unit for metric in scene.collector.view.metrics()}
    return [
        SeriesRow(k, _trace(scene, identity, k) if k in plotted else Trace(), units.get(k[0], "")) for k in keys
    ]


def _trace(scene: Scene, identity: Identity, key: SeriesKey) -> Trace:
    name, labels = key
    figure = Figure(name, name, name, count, dict(labels), name.endswith("_total"))
    return scene.collector.trace(identity, figure, HISTORY)


def _plot(shown: list[SeriesRow], width: int, height: int, plain: bool, colour: bool) -> list[Text]:
    units = {row.unit for row in shown}
    lines = [(row.name, row.trace.times, row.trace.values) for row in shown]
    title = ""
    unit = units.pop() if len(units) == 1 else "ratio"
    if units:
        title = "each on its own scale, least to most"
        lines = [(name, times, _scaled(values)) for name, times, values in lines]
    made = plot_series(lines, width, height, title=title, unit=unit, colour=colour, plain=plain)
    rows = [Text.assemble(" ", line) for line in made.split("\n")]
    return rows + [Text()] * (height - len(rows))


def _scaled(values: Floats) -> Floats:
    if not len(values) or values.max() == values.min():
        return np.full_like(values, 0.5)
    scaled: Floats = (values - values.min()) / (values.max() - values.min())
    return scaled
