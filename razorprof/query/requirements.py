"""Which series an expression has to see before its answer means something, and how far back it looks.

An empty answer is no good news where the metric is not there at all. What may be absent (in absent(), behind
unless, one side of or) is not asked for. Pure functions over a plan; for check, and for whoever serves rules.
"""

from __future__ import annotations

from collections.abc import Callable

from razorprof.query import plan
from razorprof.query.plan import Binary, Invocation, Node, Program, RangeSelector, Selector, Subquery
from razorprof.store.view import Matcher, MatchOp

Matchers = tuple[Matcher, ...]
_MAY_BE_ABSENT = ("absent", "absent_over_time")


def missing(program: Program, is_there: Callable[[Matchers], bool]) -> tuple[Matchers, ...]:
    """The selections that a program needs and that select nothing, each once. is_there: whether one does."""
    found: dict[int, tuple[Matchers, ...]] = {}
    for node in program.nodes:  # children first
        found[id(node)] = _missing(node, is_there, found)
    return tuple(dict.fromkeys(found[id(program.nodes[-1])]))


def _missing(
    node: Node, is_there: Callable[[Matchers], bool], found: dict[int, tuple[Matchers, ...]]
) -> tuple[Matchers, ...]:
    match node:
        case Selector() | RangeSelector():
            return () if is_there(node.matchers) else (node.matchers,)
        case Subquery():
            return missing(node.program, is_there)
        case Invocation() if node.function.name in _MAY_BE_ABSENT:
            return ()
        case Binary(operator="unless"):
            return found[id(node.left)]
        case Binary(operator="or"):
            left, right = found[id(node.left)], found[id(node.right)]
            return left + right if left and right else ()
        case _:
            return tuple(one for child in plan.children(node) for one in found[id(child)])


def look_back(program: Program, of_name: Callable[[str], float]) -> float:
    """Seconds by which the oldest sample that matters lies back. of_name: by how many more for the series of a
    name (of one that a rule records, say), 0 for others. @ is not considered."""
    longest = 0.0
    for node in program.nodes:
        match node:
            case Selector():
                longest = max(longest, node.when.offset / 1000 + of_name(name_of(node.matchers)))
            case RangeSelector():
                more = of_name(name_of(node.matchers))
                longest = max(longest, (node.when.offset + node.range) / 1000 + more)
            case Subquery():
                inner = look_back(node.program, of_name)
                longest = max(longest, (node.when.offset + node.range) / 1000 + inner)
            case _:
                pass
    return longest


def shortest_range(program: Program) -> float | None:
    """The shortest range of a selector, seconds; None where there is none."""
    ranges: list[float] = []
    todo = [program]
    while todo:
        for node in todo.pop().nodes:
            if isinstance(node, RangeSelector):
                ranges.append(node.range / 1000)
            elif isinstance(node, Subquery):
                todo.append(node.program)
    return min(ranges, default=None)


def name_of(matchers: Matchers) -> str:
    """The metric's name that a selection gives; empty where it gives none."""
    return next((m.value for m in matchers if m.label == "__name__" and m.op is MatchOp.EQUAL), "")


def selection_text(matchers: Matchers) -> str:
    """A selection as it is written."""
    name = name_of(matchers)
    rest = [m for m in matchers if not (m.label == "__name__" and m.op is MatchOp.EQUAL)]
    inside = ", ".join(f'{m.label}{m.op.value}"{_quoted(m.value)}"' for m in rest)
    return f"{name}{{{inside}}}" if inside or not name else name


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
