"""The viewer's pages of a comparison: what changed by function, as a tree, and as a flame graph of NEW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult

from razorprof.analysis.compare_tree import DiffNode
from razorprof.analysis.compare_values import Comparison, FunctionChange
from razorprof.model.frame import Frame
from razorprof.model.profile import Node
from razorprof.render.diff import diff_rows, in_order
from razorprof.render.flame_graph import signed
from razorprof.render.profile_facts import amount
from razorprof.render.table import Cell, Column, rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.tui.canvas import Lines
from razorprof.tui.flame_view import FlameView
from razorprof.tui.show_scope import Scope, ShowPage
from razorprof.tui.show_tree import TreeRow, TreeView
from razorprof.tui.table import Table

T = TypeVar("T")
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Row:
    function: FunctionChange
    cells: tuple[str, ...]


class ChangesPage(ShowPage):
    """Functions: what broke the gate first, then what changed for certain, then the rest by size."""

    TITLE: ClassVar[str] = "changes"

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        made = zip(in_order(comparison), diff_rows(comparison, _MOST), strict=True)
        self._rows = [_Row(function, cells) for function, cells in made]

    def compose(self) -> ComposeResult:
        yield Lines(id="changes-rule")
        yield Table(id="changes")

    def arrive(self) -> None:
        self.query_one(Table).focus()

    def draw(self, scope: Scope) -> None:
        wanted, palette = scope.text.casefold(), scope.palette
        rows = [row for row in self._rows if wanted in row.cells[0].casefold()]
        title = f"functions matching {_short(scope.text)}" if wanted else "functions by their change"
        note = f"{len(rows)} of {len(self._rows)}"
        self.query_one("#changes-rule", Lines).show([rule_line(title, scope.width - 1, palette, note=note)])

        def row_cells(row: _Row) -> list[Cell]:
            name, *figures, word = row.cells
            style = palette.act if row.function.too_much else palette.look
            return [*figures, (word, style), printable(name)]

        self.query_one(Table).show(
            _CHANGES,
            rows,
            cells=row_cells,
            key=lambda row: (row.function.function, row.function.file),
            palette=palette,
            empty=f"nothing matches {printable(scope.text)}" if self._rows else "nothing was seen on either side",
        )


class ChangesTreePage(ShowPage):
    """The merged call tree; with a search, the branches that contain it."""

    TITLE: ClassVar[str] = "tree"
    WORDS: ClassVar[str] = "enter opens and closes  left right too"

    def __init__(self, root: DiffNode, unit: str) -> None:
        super().__init__()
        self._root, self._unit = root, unit
        self._shown = "", root

    def compose(self) -> ComposeResult:
        yield Lines(id="changes-tree-rule")
        yield TreeView(id="changes-tree")

    def arrive(self) -> None:
        self.query_one(TreeView).focus()

    def draw(self, scope: Scope) -> None:
        if self._shown[0] != scope.text:
            self._shown = scope.text, branches_with(self._root, scope.text)
        palette, unit = scope.palette, self._unit
        note = f"branches with {_short(scope.text)}" if scope.text else "heaviest of NEW first"
        rule = rule_line("call tree of both sides", scope.width - 1, palette, note=note)
        self.query_one("#changes-tree-rule", Lines).show([rule])

        def row_cells(row: TreeRow) -> list[Cell]:
            node = row.node
            if not isinstance(node, DiffNode):
                return []
            return [
                amount(node.base, unit),
                amount(node.new, unit),
                signed(node.difference, unit),
                row.name(),
                (printable(node.frame.file), palette.label),
            ]

        self.query_one(TreeView).plant(
            self._shown[1],
            _TREE,
            row_cells,
            palette,
            weight=lambda node: max(node.base, node.new) if isinstance(node, DiffNode) else 0.0,
            empty=f"no branch contains {printable(scope.text)}" if scope.text else "nothing was seen",
        )

    def detail(self) -> bool:
        return self.query_one(TreeView).toggle()

    def on_table_opened(self) -> None:
        self.detail()


class ChangesFlamePage(ShowPage):
    """A flame graph as wide as NEW; each box says its change before its name."""

    TITLE: ClassVar[str] = "flame"
    WORDS: ClassVar[str] = "arrows choose  enter zooms  esc back"

    def __init__(self, root: DiffNode, unit: str) -> None:
        super().__init__()
        self._root, self._unit = root, unit
        self._shown: tuple[str, Node] | None = None
        self._scope: Scope | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="changes-flame-rule")
        yield FlameView(id="changes-flame")
        yield Lines(id="changes-box")

    def arrive(self) -> None:
        self.query_one(FlameView).focus()

    def draw(self, scope: Scope) -> None:
        self._scope = scope
        if self._shown is None or self._shown[0] != scope.text:
            self._shown = scope.text, labelled(branches_with(self._root, scope.text), self._unit)
        note = f"branches with {_short(scope.text)}" if scope.text else "width: NEW, label: change"
        rule = rule_line("flame graph of the change", scope.width - 1, scope.palette, note=note)
        self.query_one("#changes-flame-rule", Lines).show([rule])
        self.query_one(FlameView).show(self._shown[1], self._root.new, scope.palette)
        self.on_flame_view_moved()

    def detail(self) -> bool:
        return self.query_one(FlameView).zoom()

    def back(self) -> bool:
        return self.query_one(FlameView).zoom_out()

    def on_flame_view_moved(self) -> None:
        if self._scope is not None:
            text = self.query_one(FlameView).status(self._scope.width - 4)
            if self._shown is None or not self._shown[1].children:
                text = "NEW has no stack to draw"
            line = Text(f" {text}", self._scope.palette.value, no_wrap=True)
            self.query_one("#changes-box", Lines).show([line])


def branches_with(root: DiffNode, text: str) -> DiffNode:
    """The tree without the branches in which no function or file contains `text` (any case). Weights stay."""
    wanted = text.casefold()
    if not wanted:
        return root

    def fits(frame: Frame) -> bool:
        return wanted in frame.function.casefold() or wanted in frame.file.casefold()

    whole: set[int] = set()  # below a frame that fits, everything stays
    for node in root.walk():
        if node is not root and (id(node) in whole or fits(node.frame)):
            whole.add(id(node))
            whole.update(map(id, node.children))

    def build(node: DiffNode, below: tuple[DiffNode, ...]) -> DiffNode | None:
        if id(node) in whole:
            return node
        return replace(node, children=below) if below else None

    return _rebuild(root, build) or replace(root, children=())


def labelled(root: DiffNode, unit: str) -> Node:
    """The tree of NEW, its names with the change in front."""

    def build(node: DiffNode, below: tuple[Node, ...]) -> Node | None:
        if node.new <= 0:
            return None
        frame = node.frame._replace(function=f"{signed(node.difference, unit)} {node.frame.function}")
        return Node(frame, node.new, node.new_self, below)

    return _rebuild(root, build) or Node(root.frame, 0.0, 0.0, ())


def _rebuild(root: DiffNode, build: Callable[[DiffNode, tuple[T, ...]], T | None]) -> T | None:
    built: dict[int, T | None] = {}
    for node in reversed(list(root.walk())):  # children before their parents, at any depth
        found = (built.pop(id(child)) for child in node.children)
        built[id(node)] = build(node, tuple(child for child in found if child is not None))
    return built[id(root)]


def _short(text: str) -> str:
    return cut_middle(printable(text), 24)


_CHANGES = (
    Column("own_base", "own base", 8, right=True, drop=1),
    Column("own_new", "own new", 8, right=True),
    Column("own_growth", "own Δ", 8, right=True),
    Column("total_base", "total base", 10, right=True, drop=3),
    Column("total_new", "total new", 9, right=True, drop=2),
    Column("total_growth", "total Δ", 8, right=True),
    Column("change", "change", 8),
    Column("function", "function", 18, stretch=1),
)
_TREE = (
    Column("base", "base", 9, right=True),
    Column("new", "new", 9, right=True),
    Column("change", "change", 12, right=True),
    Column("function", "function", 18, stretch=5),
    Column("file", "file", 10, stretch=2, drop=1),
)
