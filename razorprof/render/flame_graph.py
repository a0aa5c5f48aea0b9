"""Flame graphs as plain tables of boxes, cut to what can be seen: what the HTML page and the SVG file draw.

Pure: a profile, or the merged tree of two (analysis.compare_tree), becomes a FlameGraph. Names are printable
already, not yet escaped for HTML. Not for the terminal, which lays out cells itself (render.flame).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from razorprof.analysis.compare_tree import DiffNode
from razorprof.model.frame import Frame, Stack, ThreadId
from razorprof.model.profile import Node, Profile, call_tree, top
from razorprof.render import figures
from razorprof.render.profile_facts import Fact, amount, profile_facts, profile_notes
from razorprof.render.text import printable

LEAST = 0.0002  # of a tree's weight: less is no pixel on any screen
MOST_BOXES = 40_000  # of the tree of everything; those of single threads share as many again
_MOST_THREADS = 30
_MOST_VANISHED = 200
_LONGEST_NAME = 300
_TREE_OF_ALL = "all threads"


@dataclass(frozen=True, slots=True)
class FlameTree:
    """Boxes from the root downwards, each before its children, siblings heaviest first.

    frames: places in FlameGraph.frames, or -n for n siblings too small to be shown; own: weights without the
    children's; base, base_own: the same before, empty where there is no comparison."""

    name: str
    frames: tuple[int, ...]
    depths: tuple[int, ...]
    weights: tuple[float, ...]
    own: tuple[float, ...]
    base: tuple[float, ...] = ()
    base_own: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        return self.weights[0] if self.weights else 0.0


@dataclass(frozen=True, slots=True)
class FlameGraph:
    """trees: all threads first, then single ones where there are several. unit: the profile's, or "share".
    vanished: functions of BASE that are not in NEW with their weight, heaviest first."""

    title: str
    unit: str
    frames: tuple[Frame, ...]
    trees: tuple[FlameTree, ...]
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    compared: bool = False
    vanished: tuple[tuple[Frame, float], ...] = ()


def flame_graph(profile: Profile, title: str = "") -> FlameGraph:
    """The flame graph of a profile, as a whole and by thread."""
    lines = {(f.function, f.file): f.line for f in top(profile)}
    frames = _Frames(lambda frame: lines.get((frame.function, frame.file), frame.line))
    weights = [(key.thread, key.stack, weight) for key, weight in profile.weights.items() if weight > 0]
    whole = call_tree((stack, weight) for _, stack, weight in weights)
    trees = [_tree(_TREE_OF_ALL, whole, frames, MOST_BOXES)]
    threads = profile.threads()
    shown = threads[:_MOST_THREADS] if len(threads) > 1 else []
    by_thread: dict[ThreadId, list[tuple[Stack, float]]] = {thread: [] for thread in shown}
    for thread, stack, weight in weights:
        if thread in by_thread:
            by_thread[thread].append((stack, weight))
    for thread, stacks in by_thread.items():
        if stacks:
            trees.append(_tree(_thread_name(thread), call_tree(stacks), frames, MOST_BOXES // len(shown)))
    notes = profile_notes(profile)
    if len(threads) > _MOST_THREADS:
        notes.append(f"{len(threads) - _MOST_THREADS} lighter threads have no flame graph of their own")
    return FlameGraph(
        _short(title) or _title(profile),
        profile.unit,
        tuple(frames.known),
        tuple(trees),
        tuple(profile_facts(profile)),
        (*notes, *_cut_note(trees)),
    )


def flame_graph_of_difference(
    root: DiffNode, title: str, *, unit: str = "share", notes: Sequence[str] = ()
) -> FlameGraph:
    """The differential flame graph: as wide as NEW, told apart by what changed."""
    frames = _Frames(lambda frame: frame.line)
    tree = _tree("", root, frames, MOST_BOXES)
    vanished = _vanished(root)
    facts = [("compared", "shares of each side's total")]
    if unit != "share":
        growth = f" ({(root.new / root.base - 1) * 100:+.1f} %)" if root.base > 0 else ""
        change = f"{signed(root.difference, unit)}{growth}"
        facts = [("base", amount(root.base, unit)), ("new", amount(root.new, unit)), ("change", change)]
    said = [printable(note) for note in notes]
    if len(vanished) > _MOST_VANISHED:
        said.append(f"{len(vanished) - _MOST_VANISHED} lighter functions that vanished are not listed")
    return FlameGraph(
        _short(title),
        unit,
        tuple(frames.known),
        (tree,),
        tuple(facts),
        (*said, *_cut_note([tree])),
        compared=True,
        vanished=tuple((_shown(frame), base) for frame, base in vanished[:_MOST_VANISHED]),
    )


def signed(change: float, unit: str) -> str:
    """A change with its sign; of shares in points."""
    if unit == "share":
        return f"{change * 100:+.2f} points"
    return f"{'+' if change >= 0 else '-'}{amount(abs(change), unit)}"


@dataclass(slots=True)
class _Frames:
    """The functions of a graph, each once."""

    line: Callable[[Frame], int]
    known: dict[Frame, int] = field(default_factory=dict)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)

    def place(self, frame: Frame) -> int:
        key = frame.function, frame.file
        found = self._places.get(key)
        if found is None:
            shown = _shown(frame._replace(line=self.line(frame)))
            # two hostile names may look alike once they are printable: then they are one
            found = self._places[key] = self.known.setdefault(shown, len(self.known))
        return found


def _tree(name: str, root: Node | DiffNode, frames: _Frames, most: int) -> FlameTree:
    chosen = _heaviest(root, most)
    rows: list[tuple[int, int, float, float, float, float]] = []
    waiting: list[tuple[Node | DiffNode | None, int, float, float, int]] = [(root, 0, 0.0, 0.0, 0)]
    while waiting:
        node, depth, rest, rest_base, count = waiting.pop()
        if node is None:
            rows.append((-count, depth, rest, 0.0, rest_base, 0.0))
            continue
        rows.append((frames.place(node.frame), depth, *_weights(node)))
        kept = [child for child in node.children if id(child) in chosen]
        small = [child for child in node.children if id(child) not in chosen and _width(child) > 0]
        if small:
            held = [_weights(child) for child in small]
            waiting.append((None, depth + 1, sum(h[0] for h in held), sum(h[2] for h in held), len(small)))
        waiting.extend((child, depth + 1, 0.0, 0.0, 0) for child in reversed(kept))
    columns = list(zip(*rows, strict=True))
    before = (columns[4], columns[5]) if isinstance(root, DiffNode) else ((), ())
    return FlameTree(name, columns[0], columns[1], columns[2], columns[3], *before)


def _heaviest(root: Node | DiffNode, most: int) -> set[int]:
    """The nodes that get a box of their own: wide enough, and of those the `most` heaviest. A parent is never
    lighter than its child, so it is among them. Iterative: a hostile stack is deeper than Python's own."""
    least = _width(root) * LEAST
    heap: list[tuple[float, int, Node | DiffNode]] = [(-_width(root), 0, root)]
    order = 0
    chosen: set[int] = set()
    while heap and len(chosen) < most:
        _, _, node = heapq.heappop(heap)
        chosen.add(id(node))
        for child in node.children:
            if _width(child) >= least and _width(child) > 0:
                order += 1
                heapq.heappush(heap, (-_width(child), order, child))
    return chosen


def _width(node: Node | DiffNode) -> float:
    return node.new if isinstance(node, DiffNode) else node.weight


def _weights(node: Node | DiffNode) -> tuple[float, float, float, float]:
    """Weight and own weight, now and before."""
    if isinstance(node, DiffNode):
        return node.new, node.new_self, node.base, node.base_self
    return node.weight, node.self_weight, 0.0, 0.0


def _vanished(root: DiffNode) -> list[tuple[Frame, float]]:
    """Functions with own weight in BASE that appear nowhere in NEW."""
    base: dict[tuple[str, str], float] = {}
    frames: dict[tuple[str, str], Frame] = {}
    there: set[tuple[str, str]] = set()
    for node in root.walk():
        key = node.frame.function, node.frame.file
        if node.new > 0:
            there.add(key)
        if node.base_self > 0:
            base[key] = base.get(key, 0.0) + node.base_self
            frames.setdefault(key, node.frame)
    gone = [(frames[key], weight) for key, weight in base.items() if key not in there]
    return sorted(gone, key=lambda entry: -entry[1])


def _cut_note(trees: Iterable[FlameTree]) -> list[str]:
    cut = sum(-frame for tree in trees for frame in tree.frames if frame < 0)
    if not cut:
        return []
    full = any(len(tree.frames) >= MOST_BOXES for tree in trees)
    words = f"boxes below {figures.percent(LEAST, 2)} of the whole"
    if full:
        words += f" or beyond the {MOST_BOXES} heaviest"
    return [f"{words} stand together as (n smaller)"]


def _shown(frame: Frame) -> Frame:
    function, file = _short(frame.function), _short(frame.file)
    return Frame(function or "(no name)", file, frame.line)


def _short(text: str) -> str:
    shown = printable(text[: 2 * _LONGEST_NAME])
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def _thread_name(thread: ThreadId) -> str:
    name = _short(thread.name)
    if not thread.native:
        return name or "thread of unknown id"
    return f"{name} ({thread.native})" if name else f"thread {thread.native}"


def _title(profile: Profile) -> str:
    value = f"{_short(profile.value)} profile" if profile.value else "profile"
    if profile.origin is None or not profile.origin.name:
        return value
    return f"{value} of {_short(profile.origin.name)}"
