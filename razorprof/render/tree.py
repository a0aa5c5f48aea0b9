"""Callers and callees as two indented trees side by side, the heaviest nodes that fit."""

from __future__ import annotations

import heapq

from rich.text import Text

from razorprof.model.profile import Node
from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.text import cut_middle, fit, printable

_DEEPEST_INDENT = 8


def tree_lines(title: str, root: Node, whole: float, width: int, rows: int, palette: Palette) -> list[Text]:
    """A head and at most `rows` nodes of the tree below `root`, with their share of `whole`."""
    lines = [Text(f" {fit(title, width - 1)}", palette.head)]
    shown = _heaviest(root, rows)
    for depth, node in _walk(root, shown):
        line = Text(
            f" {figures.percent_bare(node.weight / whole if whole else None):>5}  ", palette.value, no_wrap=True
        )
        line.append("  " * min(depth, _DEEPEST_INDENT))
        room = max(4, width - line.cell_len - 1)
        name = cut_middle(printable(node.frame.function), room)
        line.append(name, palette.title if depth == 0 else palette.value)
        place = printable(node.frame.file)
        if room - len(name) > 12:
            line.append("  " + cut_middle(place, room - len(name) - 2), palette.dim)
        lines.append(line)
    if not shown:
        lines.append(Text("  none seen", palette.dim))
    return lines


def side_by_side(left: list[Text], right: list[Text], width: int) -> list[Text]:
    """Two columns of lines, each half of `width`."""
    half = width // 2
    lines = []
    for place in range(max(len(left), len(right))):
        line = left[place].copy() if place < len(left) else Text()
        line.truncate(half - 1, pad=True)
        line.append(" ")
        if place < len(right):
            line.append_text(right[place])
        lines.append(line)
    return lines


def _heaviest(root: Node, count: int) -> set[int]:
    """The `count` heaviest nodes below the root. A parent is never lighter than its child, so it is among
    them."""
    heap = [(-child.weight, place, child) for place, child in enumerate(root.children)]
    heapq.heapify(heap)
    order = len(heap)
    chosen: set[int] = set()
    while heap and len(chosen) < count:
        _, _, node = heapq.heappop(heap)
        chosen.add(id(node))
        for child in node.children:
            order += 1
            heapq.heappush(heap, (-child.weight, order, child))
    return chosen


def _walk(root: Node, shown: set[int]) -> list[tuple[int, Node]]:
    found: list[tuple[int, Node]] = []
    stack = [(0, child) for child in reversed(root.children)]
    while stack:
        depth, node = stack.pop()
        if id(node) in shown:
            found.append((depth, node))
            stack.extend((depth + 1, child) for child in reversed(node.children))
    return found
