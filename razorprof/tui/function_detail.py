"""One function looked into: who calls it, what it calls, and the flame graph of what it does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from razorprof.model.frame import Frame
from razorprof.model.profile import Profile, call_tree, callers_and_callees
from razorprof.render import figures
from razorprof.render.functions import FunctionRow, signed_points
from razorprof.render.table import rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.render.tree import side_by_side, tree_lines
from razorprof.tui.canvas import Lines
from razorprof.tui.flame_view import FlameView
from razorprof.tui.scene import Scene

_LINES = 6


class FunctionDetail(Vertical):
    """Without a chosen function: the flame graph of everything."""

    DEFAULT_CSS = "FunctionDetail { height: 1fr; } FunctionDetail FlameView { margin: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.row: FunctionRow | None = None
        self._scene: Scene | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="who")
        yield FlameView(id="flame")
        yield Lines(id="box")

    def arrive(self) -> None:
        """Take the focus."""
        self.query_one(FlameView).focus()

    def choose(self, row: FunctionRow | None) -> None:
        """The function to look into, None for everything."""
        self.row = row
        self.query_one(FlameView).reset()

    def zoom(self) -> bool:
        """Zoom into the chosen box."""
        return self.query_one(FlameView).zoom()

    def zoom_out(self) -> bool:
        """Undo the zoom; False when there was none."""
        return self.query_one(FlameView).zoom_out()

    def draw(self, scene: Scene, profile: Profile) -> None:
        """Show the chosen function in this profile."""
        self._scene = scene
        palette, width = scene.palette, scene.width
        flame = self.query_one(FlameView)
        if self.row is None:
            tree = call_tree((key.stack, weight) for key, weight in profile.weights.items())
            self.query_one("#who", Lines).show([rule_line("flame graph of the whole process", width - 1, palette)])
            flame.show(tree, tree.weight, palette)
        else:
            callers, callees = callers_and_callees(profile, self.row.name, self.row.file)
            whole = profile.total
            rows = 4 if scene.compact else max(4, min(10, scene.height // 4))
            half = width // 2
            lines = [
                rule_line(cut_middle(printable(self.row.name), width // 2), width - 1, palette),
                self._figures(scene, self.row, callees.weight, callees.self_weight, whole),
                _lines_text(scene, self.row, profile),
                *side_by_side(
                    tree_lines("called by   % of all", callers, whole, half, rows, palette),
                    tree_lines("calls   % of all", callees, whole, half, rows, palette),
                    width,
                ),
                Text(),
                rule_line("what it does", width - 1, palette, note="arrows choose, enter zooms, esc back"),
            ]
            self.query_one("#who", Lines).show(lines)
            itself = Frame(self.row.name, self.row.file)
            flame.show(replace(callees, frame=itself), whole, palette)
        self._show_box()

    def on_flame_view_moved(self) -> None:
        self._show_box()

    def _show_box(self) -> None:
        if self._scene is None:
            return
        palette, width = self._scene.palette, self._scene.width
        text = self.query_one(FlameView).status(width - 4) or "no stack with it was seen in this window"
        self.query_one("#box", Lines).show([Text(f" {text}", palette.value, no_wrap=True)])

    def _figures(self, scene: Scene, row: FunctionRow, total: float, own: float, whole: float) -> Text:
        line = Text(" ", no_wrap=True)
        palette = scene.palette
        for label, value in (("own", own), ("total", total)):
            line.append(f"{label} ", palette.label)
            line.append(figures.percent(value / whole if whole else None), palette.title)
            line.append("   ")
        before = scene.mark.functions.get(row.key) if scene.mark is not None else None
        if before is not None and whole:
            line.append(f"Δ {signed_points(own / whole - before[0])} own", palette.value)
            line.append(f"  {signed_points(total / whole - before[1])} total   ", palette.value)
        line.append(cut_middle(printable(row.place), max(8, scene.width - line.cell_len - 2)), palette.label)
        return line


def _lines_text(scene: Scene, row: FunctionRow, profile: Profile) -> Text:
    """Which of its own lines are the hottest."""
    lines: dict[int, float] = defaultdict(float)
    for key, weight in profile.weights.items():
        top = key.stack[-1] if key.stack else None
        if top is not None and top.line and (top.function, top.file) == row.key:
            lines[top.line] += weight
    own = sum(lines.values())
    line = Text(" ", no_wrap=True)
    if own:
        line.append("own time by line   ", scene.palette.label)
        for number, weight in sorted(lines.items(), key=lambda pair: -pair[1])[:_LINES]:
            line.append(f"{number}: ", scene.palette.label)
            line.append(f"{figures.percent(weight / own, 0)}   ", scene.palette.value)
    line.truncate(scene.width - 1)
    return line
