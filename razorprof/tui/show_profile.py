"""The viewer's pages of one profile: the table of functions, the call tree, the flame graph, one function."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult

from razorprof.model.frame import Frame
from razorprof.model.profile import Node, Profile, call_tree, callers_and_callees
from razorprof.render import figures
from razorprof.render.functions import FunctionRow, Grouping, cells, columns, function_rows, select_rows
from razorprof.render.profile_facts import amount
from razorprof.render.table import Cell, Column, rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.render.tree import side_by_side, tree_lines
from razorprof.tui.canvas import Lines
from razorprof.tui.flame_view import FlameView
from razorprof.tui.show_scope import Scope, ShowPage
from razorprof.tui.show_tree import TreeRow, TreeView
from razorprof.tui.table import Table

_SORTS = ("own", "total", "function", "file")


class TablePage(ShowPage):
    """Functions, files, packages or threads; enter looks into a function."""

    TITLE: ClassVar[str] = "table"
    WORDS: ClassVar[str] = "enter looks into it  s sort  g group"

    def __init__(self, grouping: Grouping = Grouping.FUNCTION) -> None:
        super().__init__()
        self.grouping = grouping
        self._sort, self._turned = _SORTS[0], False
        self._made: tuple[Profile, Grouping] | None = None
        self._rows: list[FunctionRow] = []
        self._scope: Scope | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="table-rule")
        yield Table(id="table")
        yield FunctionPage()

    def on_mount(self) -> None:
        self._inside.display = False

    def arrive(self) -> None:
        if self._inside.display:
            self._inside.arrive()
        else:
            self.query_one("#table", Table).focus()

    def draw(self, scope: Scope) -> None:
        self._scope = scope
        if self._inside.display:
            self._inside.draw(scope)
            return
        if self._made is None or self._made[0] is not scope.whole or self._made[1] is not self.grouping:
            self._made = scope.whole, self.grouping
            self._rows = function_rows(scope.whole, self.grouping)
        shown = select_rows(self._rows, scope.text, self._sort, self._turned)
        title = f"by {self.grouping.value}"
        if scope.text:
            title += f", matching {cut_middle(printable(scope.text), 24)}"
        note = f"{len(shown)} of {len(self._rows)}" if scope.text else f"{len(shown)}"
        rule = rule_line(title, scope.width - 1, scope.palette, note=note)
        self.query_one("#table-rule", Lines).show([rule])
        table = self.query_one("#table", Table)
        table.show(
            columns(self.grouping, marked=False),
            shown,
            cells=lambda row: cells(row, self.grouping, scope.palette, marked=False),
            key=lambda row: row.key,
            palette=scope.palette,
            sort=self._sort,
            reverse=self._turned,
            empty=f"nothing matches {printable(scope.text)}" if self._rows else "the profile has no stacks",
        )

    def group(self) -> bool:
        if self._inside.display:
            return False
        ways = list(Grouping)
        self.grouping = ways[(ways.index(self.grouping) + 1) % len(ways)]
        self.query_one("#table", Table).rewind()
        return True

    def sort(self) -> bool:
        if self._inside.display:
            return False
        self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
        self.query_one("#table", Table).rewind()
        return True

    def reverse(self) -> bool:
        self._turned = not self._turned
        return not self._inside.display

    def detail(self) -> bool:
        if self._inside.display:
            return self._inside.detail()
        row = self.query_one("#table", Table).chosen
        if not isinstance(row, FunctionRow) or self.grouping is not Grouping.FUNCTION:
            return False
        self._inside.row = row
        self._look_inside(True)
        return True

    def back(self) -> bool:
        if not self._inside.display:
            return False
        if not self._inside.back():
            self._look_inside(False)
        return True

    def on_table_opened(self) -> None:
        if self.detail() and self._scope is not None:
            self.draw(self._scope)

    def _look_inside(self, inside: bool) -> None:
        self._inside.display = inside
        for name in ("#table", "#table-rule"):
            self.query_one(name).display = not inside
        self.arrive()

    @property
    def _inside(self) -> FunctionPage:
        return self.query_one(FunctionPage)


class FunctionPage(ShowPage):
    """One function: who calls it, what it calls, and the flame graph of what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.row: FunctionRow | None = None
        self._made: tuple[Profile, FunctionRow, Node, Node] | None = None
        self._scope: Scope | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="who")
        yield FlameView(id="inside-flame")
        yield Lines(id="inside-box")

    def arrive(self) -> None:
        self.query_one(FlameView).focus()

    def draw(self, scope: Scope) -> None:
        row, palette, width = self.row, scope.palette, scope.width
        if row is None:
            return
        self._scope = scope
        if self._made is None or self._made[0] is not scope.whole or self._made[1] is not row:
            callers, callees = callers_and_callees(scope.whole, row.name, row.file)
            callees = Node(Frame(row.name, row.file), callees.weight, callees.self_weight, callees.children)
            self._made = scope.whole, row, callers, callees
            self.query_one(FlameView).reset()
        callers, callees = self._made[2:]
        whole, half = scope.whole.total, width // 2
        rows = max(4, min(10, scope.height // 4))
        head = Text(" ", palette.value, no_wrap=True)
        for word, weight, ratio in (("own", callees.self_weight, row.own), ("total", callees.weight, row.total)):
            head.append(f"{word} ", palette.label)
            head.append(f"{amount(weight, scope.whole.unit)}  {figures.percent(ratio)}   ", palette.title)
        head.append(cut_middle(printable(row.place), max(8, width - head.cell_len - 2)), palette.label)
        note = "arrows choose, enter zooms, esc back"
        self.query_one("#who", Lines).show(
            [
                rule_line(cut_middle(printable(row.name), width // 2), width - 1, palette),
                head,
                *side_by_side(
                    tree_lines("called by   % of all", callers, whole, half, rows, palette),
                    tree_lines("calls   % of all", callees, whole, half, rows, palette),
                    width,
                ),
                rule_line("what it does", width - 1, palette, note=note),
            ]
        )
        self.query_one(FlameView).show(callees, whole, palette)
        self.on_flame_view_moved()

    def detail(self) -> bool:
        return self.query_one(FlameView).zoom()

    def back(self) -> bool:
        return self.query_one(FlameView).zoom_out()

    def on_flame_view_moved(self) -> None:
        if self._scope is not None:
            text = self.query_one(FlameView).status(self._scope.width - 4)
            self.query_one("#inside-box", Lines).show([Text(f" {text}", self._scope.palette.value, no_wrap=True)])


class TreePage(ShowPage):
    """The call tree, opened where the time goes; with a search, of the stacks that contain it."""

    TITLE: ClassVar[str] = "tree"
    WORDS: ClassVar[str] = "enter opens and closes  left right too"

    def __init__(self) -> None:
        super().__init__()
        self._trees = Trees()

    def compose(self) -> ComposeResult:
        yield Lines(id="tree-rule")
        yield TreeView(id="tree")

    def arrive(self) -> None:
        self.query_one(TreeView).focus()

    def draw(self, scope: Scope) -> None:
        root = self._trees.of(scope)
        whole, unit, palette = scope.whole.total or 1.0, scope.whole.unit, scope.palette
        rule = rule_line(
            "call tree", scope.width - 1, palette, note=search_words(scope, root.weight) or "callers above callees"
        )
        self.query_one("#tree-rule", Lines).show([rule])

        def row_cells(row: TreeRow) -> list[Cell]:
            node = row.node
            if not isinstance(node, Node):
                return []
            return [
                amount(node.weight, unit),
                figures.percent_bare(node.weight / whole),
                figures.percent_bare(node.self_weight / whole),
                row.name(),
                (printable(node.frame.file), palette.label),
            ]

        self.query_one(TreeView).plant(
            root,
            TREE_COLUMNS,
            row_cells,
            palette,
            weight=lambda node: node.weight if isinstance(node, Node) else 0.0,
            empty=f"no stack contains {printable(scope.text)}" if scope.text else "the profile has no stacks",
        )

    def detail(self) -> bool:
        return self.query_one(TreeView).toggle()

    def on_table_opened(self) -> None:
        self.detail()


class FlamePage(ShowPage):
    """The flame graph; with a search, of the stacks that contain it."""

    TITLE: ClassVar[str] = "flame"
    WORDS: ClassVar[str] = "arrows choose  enter zooms  esc back"

    def __init__(self) -> None:
        super().__init__()
        self._trees = Trees()
        self._scope: Scope | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="flame-rule")
        yield FlameView(id="flame")
        yield Lines(id="box")

    def arrive(self) -> None:
        self.query_one(FlameView).focus()

    def draw(self, scope: Scope) -> None:
        self._scope = scope
        root = self._trees.of(scope)
        note = search_words(scope, root.weight)
        self.query_one("#flame-rule", Lines).show(
            [rule_line("flame graph", scope.width - 1, scope.palette, note=note)]
        )
        self.query_one(FlameView).show(root, scope.whole.total, scope.palette)
        self.on_flame_view_moved()

    def detail(self) -> bool:
        return self.query_one(FlameView).zoom()

    def back(self) -> bool:
        return self.query_one(FlameView).zoom_out()

    def on_flame_view_moved(self) -> None:
        if self._scope is not None:
            text = self.query_one(FlameView).status(self._scope.width - 4)
            if not self._trees.of(self._scope).children:
                text = "there is no stack to draw"
            self.query_one("#box", Lines).show([Text(f" {text}", self._scope.palette.value, no_wrap=True)])


class Trees:
    """The call tree of what is looked at, made once for each choice."""

    def __init__(self) -> None:
        self._made: tuple[Profile, str, Node] | None = None

    def of(self, scope: Scope) -> Node:
        if self._made is None or self._made[0] is not scope.whole or self._made[1] != scope.text:
            wanted = scope.text.casefold()
            known: dict[Frame, bool] = {}

            def fits(frame: Frame) -> bool:
                found = known.get(frame)
                if found is None:
                    found = wanted in frame.function.casefold() or wanted in frame.file.casefold()
                    known[frame] = found
                return found

            tree = call_tree(
                (key.stack, weight)
                for key, weight in scope.whole.weights.items()
                if not wanted or any(map(fits, key.stack))
            )
            self._made = scope.whole, scope.text, tree
        return self._made[2]


def search_words(scope: Scope, weight: float) -> str:
    """How much of everything the stacks are that a search left."""
    if not scope.text:
        return ""
    share = figures.percent(weight / scope.whole.total if scope.whole.total else None)
    return f"stacks with {cut_middle(printable(scope.text), 24)}: {share}"


TREE_COLUMNS = (
    Column("amount", "total", 9, right=True),
    Column("total", "total %", 7, right=True),
    Column("own", "own %", 5, right=True),
    Column("function", "function", 20, stretch=5),
    Column("file", "file", 10, stretch=2, drop=1),
)
