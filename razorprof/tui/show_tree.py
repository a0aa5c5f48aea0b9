"""A call tree as a table whose rows open and close: of a profile, or of a comparison.

Knows neither: a TreeView is told how a node becomes cells. Nodes are told apart by identity, so that a tree of any
depth needs no paths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual.binding import Binding, BindingType

from razorprof.model.frame import Frame
from razorprof.render.palette import Palette
from razorprof.render.table import Cell, Column
from razorprof.render.text import printable
from razorprof.tui.table import Table

_DEEPEST_INDENT = 24
_MOST_OPEN = 60  # rows that are open at first


class TreeNode(Protocol):
    """A node of model.profile or of analysis.compare_tree."""

    @property
    def frame(self) -> Frame: ...
    @property
    def children(self) -> Sequence[TreeNode]: ...


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A node that is seen, and how deep it stands."""

    node: TreeNode
    depth: int
    parent: int  # the row's place of its parent, -1 for the first level
    open: bool

    def name(self) -> str:
        """What stands in the column of names: its depth, whether it can be opened, the function."""
        mark = " " if not self.node.children else "▾" if self.open else "▸"
        deep = f"…{self.depth} " if self.depth > _DEEPEST_INDENT else ""
        name = printable(self.node.frame.function) or "(no name)"
        return f"{'  ' * min(self.depth, _DEEPEST_INDENT)}{mark} {deep}{name}"


class TreeView(Table):
    """`plant` gives it a tree. Enter or a double click opens and closes, right and left too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", show=False),
        Binding("left,h", "fold", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root: TreeNode | None = None
        self._opened: set[int] = set()
        self._look: tuple[Sequence[Column], Callable[[TreeRow], list[Cell]], Palette, str] | None = None

    def plant(
        self,
        root: TreeNode,
        columns: Sequence[Column],
        cells: Callable[[TreeRow], list[Cell]],
        palette: Palette,
        *,
        weight: Callable[[TreeNode], float],
        empty: str = "",
    ) -> None:
        """Show this tree; another one than before is opened along its heaviest branches."""
        if root is not self._root:
            self._root = root
            self._opened = _heavy(root, weight)
            self.rewind()
        self._look = columns, cells, palette, empty
        self._list()

    def toggle(self) -> bool:
        """Open or close the row under the cursor; False where there is nothing below."""
        row = self._row
        if row is None or not row.node.children:
            return False
        self._set(row, not row.open)
        return True

    def action_unfold(self) -> None:
        row = self._row
        if row is not None and row.node.children and not row.open:
            self._set(row, True)
        elif row is not None and row.open:
            self.action_move(1)

    def action_fold(self) -> None:
        row = self._row
        if row is None:
            return
        if row.open:
            self._set(row, False)
        elif row.parent >= 0:
            self.action_move(row.parent - self.cursor)

    @property
    def _row(self) -> TreeRow | None:
        row = self.chosen
        return row if isinstance(row, TreeRow) else None

    def _set(self, row: TreeRow, opened: bool) -> None:
        (self._opened.add if opened else self._opened.discard)(id(row.node))
        self._moved = True
        self._list()

    def _list(self) -> None:
        if self._root is None or self._look is None:
            return
        columns, cells, palette, empty = self._look
        rows: list[TreeRow] = []
        waiting = [(child, 0, -1) for child in reversed(self._root.children)]
        while waiting:
            node, depth, parent = waiting.pop()
            is_open = id(node) in self._opened and bool(node.children)
            place = len(rows)
            rows.append(TreeRow(node, depth, parent, is_open))
            if is_open:
                waiting.extend((child, depth + 1, place) for child in reversed(node.children))
        self.show(columns, rows, cells=cells, key=_identity, palette=palette, empty=empty)


def _identity(row: TreeRow) -> int:
    return id(row.node)


def _heavy(root: TreeNode, weight: Callable[[TreeNode], float]) -> set[int]:
    """The nodes that are open at first: along what weighs a tenth of the whole and more."""
    least = abs(weight(root)) / 10
    opened: set[int] = set()
    waiting = list(root.children)
    while waiting and len(opened) < _MOST_OPEN:
        node = waiting.pop(0)
        if node.children and abs(weight(node)) >= least:
            opened.add(id(node))
            waiting.extend(node.children)
    return opened
