"""The first screen: the figures, the hottest functions, the busiest threads. Answers five questions without a
key."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult

from razorprof.model.target import Life
from razorprof.render.cards import card_lines, cards_shown, grid_lines, trouble_lines
from razorprof.render.evidence import window_note
from razorprof.render.functions import Grouping
from razorprof.render.items import overview_items
from razorprof.render.processes import deviation_lines
from razorprof.render.table import head_line, lay_out, row_line, rule_line
from razorprof.render.threads import COLUMNS, cells, select_rows, thread_rows
from razorprof.render.thresholds import Level, level
from razorprof.session.view import TargetStatus
from razorprof.tui.canvas import Lines
from razorprof.tui.functions import FunctionTable
from razorprof.tui.scene import Pane, Scene

_COMPACT = ("cpu", "rss", "gil_held", "gc_time", "threads", "working_set", "read", "written", "fds", "voluntary")


class OverviewPane(Pane):
    """Figures, functions, threads."""

    def compose(self) -> ComposeResult:
        yield Lines(id="figures")
        yield Lines(id="functions-rule")
        yield FunctionTable(id="hot")
        yield Lines(id="busy")

    def arrive(self) -> None:
        self.query_one(FunctionTable).focus()

    def draw(self, scene: Scene) -> None:
        shown = figure_lines(scene)
        self.query_one("#figures", Lines).show(shown)
        note = window_note(scene.snapshot, scene.mark)
        rule = rule_line("hot functions", scene.width - 1, scene.palette, note=note)
        self.query_one("#functions-rule", Lines).show([rule])
        self.query_one(FunctionTable).draw(scene, Grouping.FUNCTION)
        left = scene.height - 4 - len(shown) - 1
        self.query_one("#busy", Lines).show(thread_lines(scene, max(2, min(12, left * 2 // 5))))

    def filter(self, text: str) -> bool:
        return self.query_one(FunctionTable).filter(text)

    def filtered(self) -> str:
        return self.query_one(FunctionTable).text

    def sort(self) -> bool:
        return self.query_one(FunctionTable).sort_next()

    def reverse(self) -> bool:
        return self.query_one(FunctionTable).reverse_order()


def figure_lines(scene: Scene) -> list[Text]:
    """The upper part: cards and a grid on a large screen, a grid on a small one, and what could not be read."""
    snapshot, palette, width = scene.snapshot, scene.palette, scene.width
    items = overview_items(snapshot, scene.mark)
    if scene.compact:
        chosen = [items[key] for key in _COMPACT if items[key].known]
        chosen += [items[k] for k in ("throttled", "faults_minor") if items[k].known and len(chosen) % 2]
        columns = 2 if width < 120 else 3
        rows = 5 if scene.height < 30 else 7
        lines = grid_lines(chosen[: columns * rows], snapshot, width, columns, palette, compact=True)
    else:
        lines = card_lines(items, snapshot, width, palette)
        on_cards = cards_shown(items)
        rest = [item for key, item in items.items() if key not in on_cards and item.known]
        lines += grid_lines(rest, snapshot, width, 3 if width < 170 else 4, palette)
    off = [status for status in scene.state.targets if _is_off(status)]
    others = [status for status in off if status.target.identity != snapshot.target.identity]
    lines += deviation_lines([scene.collector.row(scene.state, each) for each in others], width, palette)
    return lines + trouble_lines(snapshot, width, palette, most=1 if scene.compact else 3)


def _is_off(status: TargetStatus) -> bool:
    return status.life is not Life.GONE and level("deviation", abs(status.deviation or 0.0)) is not Level.FINE


def thread_lines(scene: Scene, most: int) -> list[Text]:
    """The busiest threads, under a rule that counts all."""
    snapshot, palette = scene.snapshot, scene.palette
    rows = select_rows(thread_rows(snapshot.threads, snapshot.gil), "", "cpu", False)
    if not rows:
        return []
    note = f"{most - 2} of {len(rows)}, 3 for all" if len(rows) > most - 2 else ""
    lines = [rule_line("threads", scene.width - 1, palette, note=note)]
    layout = lay_out(COLUMNS, scene.width - 1)
    lines.append(head_line(layout, palette))
    lines += [row_line(layout, cells(row, palette), palette) for row in rows[: max(0, most - 2)]]
    return lines
