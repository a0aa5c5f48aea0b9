"""A query as a tree of plain values: what translate makes of the parser's tree and what the evaluator walks.

Times and durations are milliseconds. Parentheses are gone. Nodes compare by identity: trees can be deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from razorprof.query.functions.call import Function, Kind
from razorprof.store.view import Matcher


class Edge(StrEnum):
    """An end of the whole query's range, for ``@ start()`` and ``@ end()``."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class When:
    """Where in time a selector or subquery looks: at the evaluation time or a fixed one, moved back by offset."""

    offset: int = 0
    at: int | Edge | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """How two vectors find together. on: by the labels alone, else by all but them. many: the side with many
    series per match (left, right), None for one to one; include: labels taken from the other side."""

    on: bool = False
    labels: tuple[str, ...] = ()
    many: str | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class String:
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    matchers: tuple[Matcher, ...]
    when: When


@dataclass(frozen=True, slots=True, eq=False)
class RangeSelector:
    matchers: tuple[Matcher, ...]
    when: When
    range: int


@dataclass(frozen=True, slots=True, eq=False)
class Subquery:
    """step: None for the default of the evaluation."""

    program: Program
    when: When
    range: int
    step: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Negation:
    of: Node
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """An operator between scalars and vectors. as_bool: the comparison answers 0 or 1."""

    operator: str
    left: Node
    right: Node
    as_bool: bool
    matching: Matching
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Aggregation:
    """labels: the grouping; without: all labels but those group."""

    operator: str
    of: Node
    parameter: Node | None
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True, eq=False)
class Invocation:
    """A function's call. matchers, direct: of the first argument, if that is a selector as it stands."""

    function: Function
    arguments: tuple[Node, ...]
    matchers: tuple[Matcher, ...]
    direct: Selector | None


Node = Number | String | Selector | RangeSelector | Subquery | Negation | Binary | Aggregation | Invocation


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The nodes of a tree, children first, so that running it does not recurse; the last is the whole."""

    nodes: tuple[Node, ...]
    kind: Kind


def children(node: Node) -> tuple[Node, ...]:
    """The nodes whose values a node is made of, in the order of evaluation."""
    match node:
        case Negation():
            return (node.of,)
        case Binary():
            return (node.left, node.right)
        case Aggregation():
            return (node.of,) if node.parameter is None else (node.of, node.parameter)
        case Invocation():
            return node.arguments
        case _:
            return ()


def part_of(program: Program, node: Node) -> Program:
    """A node of a program with all that it is made of."""
    wanted: set[int] = set()
    todo = [node]
    while todo:
        one = todo.pop()
        wanted.add(id(one))
        todo += children(one)
    return Program(tuple(one for one in program.nodes if id(one) in wanted), kind_of(node))


def selections(program: Program) -> Iterator[tuple[Matcher, ...]]:
    """The matchers of all selectors, those inside of subqueries too."""
    todo = [program]
    while todo:
        for node in todo.pop().nodes:
            if isinstance(node, Selector | RangeSelector):
                yield node.matchers
            elif isinstance(node, Subquery):
                todo.append(node.program)


def reach(program: Program) -> int:
    """How far back of the evaluation time a query looks by its ranges and offsets, ms; @ is not considered."""
    return max((_reach_of(node) for node in program.nodes), default=0)


def _reach_of(node: Node) -> int:
    match node:
        case Selector():
            return max(0, node.when.offset)
        case RangeSelector():
            return max(0, node.when.offset + node.range)
        case Subquery():
            return max(0, node.when.offset + node.range + reach(node.program))
        case _:
            return 0


def kind_of(node: Node) -> Kind:
    """The type of a node's value."""
    match node:
        case Number():
            return Kind.SCALAR
        case String():
            return Kind.TEXT
        case RangeSelector() | Subquery():
            return Kind.RANGE
        case Invocation():
            return node.function.returns
        case Negation() | Binary():
            return node.kind
        case _:
            return Kind.VECTOR
