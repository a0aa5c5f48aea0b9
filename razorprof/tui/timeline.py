"""The time screen: series of the target and PromQL expressions as a plot, several overlaid, and the list of them.

Expressions see the series of all targets, as `query` and /metrics do. How they are evaluated: tui.expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.message import Message

from razorprof.model.series import Floats
from razorprof.model.target import Identity
from razorprof.render.catalog import Figure
from razorprof.render.figures import count
from razorprof.render.missing import missing_lines
from razorprof.render.plot import plot_series
from razorprof.render.table import Cell, Column, rule_line
from razorprof.render.text import cut_end, printable
from razorprof.render.trace import Trace
from razorprof.tui.canvas import Lines
from razorprof.tui.expressions import Answer, Expressions, plot_window
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table
from razorprof.tui.time_rows import ExpressionRow, SeriesKey, SeriesRow, expression_key

HISTORY = 900.0  # seconds that a plot spans, as far as the store goes back
_SHORTEST = 60.0  # seconds of a plot of an expression, however little was seen
_MOST = 6  # as many lines as there are colours and markers
_MOST_EXPRESSIONS = 20
_COLUMNS = (
    Column("on", "plot", 4),
    Column("name", "series", 20, stretch=1),
    Column("now", "last", 12, right=True),
    Column("low", "least", 12, right=True, drop=1),
    Column("high", "most", 12, right=True, drop=1),
)
_FIRST: SeriesKey = ("process_resident_memory_bytes", ())
Row = SeriesRow | ExpressionRow


class TimePane(ListPane):
    """Enter puts the row under the cursor on the plot, or takes it off."""

    class Answered(Message):
        """A slow expression has its answer."""

    def __init__(self, *, plain: bool = False, colour: bool = True) -> None:
        super().__init__()
        self.plotted: list[SeriesKey] = [_FIRST]
        self._plain, self._colour = plain, colour
        self._expressions = Expressions(self._tell)
        self._scene: Scene | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="plot")
        yield Lines(id="rule")
        yield Table(id="table")

    def draw(self, scene: Scene) -> None:
        self._scene = scene
        palette, width = scene.palette, scene.width
        answers = self._answers(scene)
        expressions = [
            ExpressionRow(answers.get(text, Answer(text)), on=text in answers) for text in self._expressions.texts
        ]
        rows: list[Row] = [*expressions, *_rows(scene, scene.snapshot.target.identity, self.plotted)]
        shown = [row for key in self.plotted for row in rows if row.key == key]
        height = max(6, (scene.height - 5) * (11 if scene.compact else 13) // 20)
        self.query_one("#plot", Lines).show(_plot(shown, width - 2, height, self._plain, self._colour))
        note = f"{len(rows)} series; enter: on the plot or off; e: expression; counters as rates"
        told = [*_failures(expressions, scene), *missing_lines(scene.snapshot, width, palette, most=3)]
        rule = rule_line(self.title("series"), width - 1, palette, note=note)
        self.query_one("#rule", Lines).show([rule, *told[: 1 if scene.compact else 3]])
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

    @property
    def expression(self) -> str:
        """The expression under the cursor; empty for another row."""
        row = self.table.chosen
        return row.name if isinstance(row, ExpressionRow) else ""

    @property
    def names(self) -> Sequence[str]:
        """What may stand in an expression: names of series and functions."""
        from razorprof.query.functions.registry import FUNCTIONS

        if self._scene is None:
            return list(FUNCTIONS)
        view = self._scene.collector.view
        targets = self._scene.state.targets
        known = {name for status in targets for name, _, _ in view.series_of(status.target.identity)}
        return [*known, *FUNCTIONS, "sum", "avg", "max", "min", "count", "topk", "quantile"]

    def put(self, text: str, instead: str = "") -> None:
        """Keep and plot an expression, in the place of another; empty text takes that one away."""
        old, new = expression_key(instead), expression_key(text)
        before = [key for key in self.plotted if key not in (old, new)]
        if not self._expressions.texts and before == [_FIRST]:
            before = []  # nobody asked for that one
        self._expressions.put(text, instead)
        for key in [expression_key(each) for each in self._expressions.texts[:-_MOST_EXPRESSIONS]]:
            self._expressions.put("", key[1][0][1])
            before = [other for other in before if other != key]
        self.plotted = [*before, new][-_MOST:] if text else before
        if text:
            self.text = ""  # a filter would hide what was asked for
            self.table.rewind()
            self.table.cursor = self._expressions.texts.index(text)

    def on_time_pane_answered(self) -> None:
        if self._scene is not None and self.display:
            self.draw(self._scene)

    def _tell(self) -> None:
        """From the thread of slow expressions."""
        with suppress(RuntimeError):  # the app has ended meanwhile
            self.post_message(self.Answered())

    def _answers(self, scene: Scene) -> dict[str, Answer]:
        wanted = [text for text in self._expressions.texts if expression_key(text) in self.plotted]
        state = scene.state
        if not wanted or not state.time:
            return {}
        seen = max(_SHORTEST, state.tick * state.interval)
        window = plot_window(state.time, min(HISTORY, seen), 2 * scene.width, state.interval)
        return self._expressions.answers(scene.collector.view, window, wanted)

    def _cells(self, row: Row, scene: Scene) -> list[Cell]:
        """Least and most are worked out here, for the seen rows only."""
        palette = scene.palette
        if isinstance(row, SeriesRow) and not len(row.trace.values):
            row = SeriesRow(row.key, _trace(scene, scene.snapshot.target.identity, row.key), row.base)
        on = row.key in self.plotted
        return [
            (
                f"[{count(self.plotted.index(row.key) + 1)}]" if on else "[ ]",
                palette.accent if on else palette.dim,
            ),
            (printable(row.name), palette.title if on else palette.value),
            *row.figures(),
        ]


def _rows(scene: Scene, identity: Identity, plotted: list[SeriesKey]) -> list[SeriesRow]:
    found = [(name, tuple(sorted(labels.items()))) for name, labels, _ in scene.collector.view.series_of(identity)]
    # what is plotted stays in the list when its target is gone
    keys = sorted({*found, *(key for key in plotted if key[0])})
    units = {metric.name: metric.unit for metric in scene.collector.view.metrics()}
    return [
        SeriesRow(k, _trace(scene, identity, k) if k in plotted else Trace(), units.get(k[0], "")) for k in keys
    ]


def _trace(scene: Scene, identity: Identity, key: SeriesKey) -> Trace:
    name, labels = key
    figure = Figure(name, name, name, count, dict(labels), name.endswith("_total"))
    return scene.collector.trace(identity, figure, HISTORY)


def _failures(rows: Sequence[ExpressionRow], scene: Scene) -> list[Text]:
    """A line for each expression that has no answer, or more series than there are lines."""
    told = []
    for row in rows:
        more = len(row.answer.series) - _MOST
        words = row.answer.error or (f"the first {_MOST} of {more + _MOST} series are drawn" if more > 0 else "")
        if words and row.on:
            line = cut_end(f"{printable(row.name[:60])}: {printable(words)}", scene.width - 2)
            told.append(Text(f" {line}", scene.palette.look, no_wrap=True))
    return told


def _plot(shown: Sequence[Row], width: int, height: int, plain: bool, colour: bool) -> list[Text]:
    units = {row.unit for row in shown}
    lines = [line for row in shown for line in row.lines][:_MOST]
    title = ""
    unit = units.pop() if len(units) == 1 else "ratio"
    if units:
        title = "each on its own scale, least to most"
        lines = [(name, times, _scaled(values)) for name, times, values in lines]
    made = plot_series(lines, width, height, title=title, unit=unit, colour=colour, plain=plain)
    rows = [Text.assemble(" ", line) for line in made.split("\n")]
    return rows + [Text()] * (height - len(rows))


def _scaled(values: Floats) -> Floats:
    """From least to most as 0 to 1; what is no number stays so."""
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.max() == finite.min():
        return np.where(np.isfinite(values), 0.5, np.nan)
    scaled: Floats = (values - finite.min()) / (finite.max() - finite.min())
    return scaled
