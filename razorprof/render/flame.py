"""A flame graph of text: the root on top, each box as wide as its weight, at least one cell.

Boxes are told apart by an edge and their label; colour only repeats the file. Who moves the selection is the
dashboard; here is the geometry, and the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from razorprof.model.profile import Node
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.text import cut_end, cut_middle, fit, printable

EDGE = "│"
Path = tuple[tuple[str, str], ...]  # (function, file) from below the root downwards: it outlives a new profile
_CHOSEN = Style(reverse=True, bold=True)


@dataclass(frozen=True, slots=True)
class Box:
    """A node's place: `x` and `width` in cells, its row is its depth below the drawn root."""

    node: Node
    x: int
    width: int
    path: Path


def lay_out_flame(root: Node, width: int, rows: int, path: Path = ()) -> list[list[Box]]:
    """Rows of boxes, left to right, the root's row first. Boxes that have not even one cell left are left
    out."""
    if width < 1 or rows < 1 or root.weight <= 0:
        return []
    laid = [[Box(root, 0, width, path)]]
    while len(laid) < rows:
        row = [child for parent in laid[-1] for child in _children(parent)]
        if not row:
            break
        laid.append(row)
    return laid


def flame_lines(
    laid: Sequence[Sequence[Box]], width: int, palette: Palette, chosen: Path | None = None
) -> list[Text]:
    """The rows as lines."""
    lines = []
    for row in laid:
        line = Text(no_wrap=True)
        for box in row:
            line.append(" " * (box.x - line.cell_len))
            style = palette.of_file(box.node.frame.file)
            if box.path == chosen:
                style = palette.value + _CHOSEN
            line.append(EDGE + fit(box_label(box.node), box.width - 1) if box.width > 1 else EDGE, style)
        line.append(" " * (width - line.cell_len))
        lines.append(line)
    return lines


def box_label(node: Node) -> str:
    """What stands in a box."""
    return printable(node.frame.function or node.frame.file)


def box_text(node: Node, whole: float, width: int) -> str:
    """The chosen box in words: share of everything, own share, function and file."""
    share = figures.percent(node.weight / whole if whole else None)
    own = figures.percent(node.self_weight / whole if whole else None)
    place = printable(node.frame.file)
    head = f"{share} of all, own {own}  {box_label(node)}"
    if not place or len(head) + 8 > width:
        return cut_end(head, width)
    return f"{head}  {cut_middle(place, width - len(head) - 2)}"


def find(root: Node, path: Path) -> Node | None:
    """The node at `path` below `root`, None when it is not there (any more)."""
    node = root
    for key in path:
        below = next((c for c in node.children if (c.frame.function, c.frame.file) == key), None)
        if below is None:
            return None
        node = below
    return node


def _children(parent: Box) -> list[Box]:
    """A parent's cells shared among its children, heaviest first; its own time stays blank at the right."""
    boxes = []
    end = parent.x + parent.width
    start = parent.x
    seen = 0.0
    for child in parent.node.children:
        if start >= end or child.weight <= 0:
            break
        seen += child.weight
        stop = parent.x + round(seen / parent.node.weight * parent.width)
        width = max(1, min(stop, end) - start)
        key = (child.frame.function, child.frame.file)
        boxes.append(Box(child, start, width, (*parent.path, key)))
        start += width
    return boxes
