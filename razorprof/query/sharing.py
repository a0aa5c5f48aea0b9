"""What several queries ask in common at one moment, computed once: rules of a file look at the same series, and a
warning differs from a critical one in its threshold.

A value is shared by whoever asks the same operation of the very same operands, which selectors hand out for as
long as nothing was written that they could select: who writes in between says so (`wrote`). Of one thread; made by
alerting.rule_runs, asked by the query evaluator.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from razorprof.query import plan
from razorprof.query.functions.naming import NAME
from razorprof.query.plan import Node, Program
from razorprof.query.selectors import Columns
from razorprof.query.values import Value, Vector
from razorprof.store.view import Matcher, MatchOp

_MOST_PROGRAMS = 2_000  # templates may ask anything
_MOST_VALUES = 4_000
Operands = Sequence[object]


class Shared:
    """Of one view, and queries with the same limits."""

    def __init__(self) -> None:
        self._moment: int | None = None
        self._programs: dict[Program, tuple[int, ...]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._loaded: dict[int, list[Columns]] = {}
        self._values: dict[int, tuple[Operands, Value]] = {}
        self._named: dict[str, list[int]] = {}  # selectors by the name that they ask for
        self._nameless: list[int] = []

    def begin(self, moment: int | None = None) -> None:
        """Forget what was computed. moment: ms, of what comes now."""
        self._moment = moment
        self._loaded, self._values = {}, {}
        self._named, self._nameless = {}, []
        if len(self._programs) > _MOST_PROGRAMS:
            self._programs, self._numbers = {}, {}

    def numbers(self, program: Program, moment: int) -> tuple[int, ...]:
        """A number for each node of a program, the same for what computes the same, and one more for the program's
        answer. For evaluations at `moment`."""
        if moment != self._moment:
            self.begin(moment)
        found = self._programs.get(program)
        if found is None:
            found = self._programs[program] = tuple(self._numbered(program))
        return found

    def loaded(self, number: int) -> list[Columns] | None:
        """What a selector has read."""
        return self._loaded.get(number)

    def load(self, number: int, matchers: Iterable[Matcher], columns: list[Columns]) -> None:
        """Keep what a selector has read."""
        self._loaded[number] = columns
        named = [one.value for one in matchers if one.label == NAME and one.op is MatchOp.EQUAL]
        (self._named.setdefault(named[0], []) if named else self._nameless).append(number)

    def wrote(self, name: str) -> None:
        """Series of this name have changed: selectors that could see them read anew."""
        for number in (*self._named.pop(name, ()), *self._nameless):
            self._loaded.pop(number, None)
        self._nameless = []

    def value(self, number: int, operands: Operands) -> Value | None:
        """What a node gave for these very operands."""
        known = self._values.get(number)
        if known is None or len(known[0]) != len(operands):
            return None
        return known[1] if all(map(_is, known[0], operands)) else None

    def keep(self, number: int, operands: Operands, value: Value) -> None:
        """Keep what a node gave. Nobody writes into it from now on."""
        if isinstance(value, Vector):
            value.values.flags.writeable = value.present.flags.writeable = False
        if len(self._values) < _MOST_VALUES:
            self._values[number] = (operands, value)

    def _numbered(self, program: Program) -> Iterable[int]:
        stack: list[int] = []
        for node in program.nodes:
            split = len(stack) - len(plan.children(node))
            number = self._number((_operation(node), *stack[split:]))
            stack[split:] = [number]
            yield number
        yield self._number(("answer", stack[-1]))

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _operation(node: Node) -> Hashable:
    """What a node does to its operands; a subquery is like no other."""
    match node:
        case plan.Number():
            return "number", node.value.hex()  # 0 is not -0
        case plan.String():
            return "string", node.text
        case plan.Selector():
            return "selector", node.matchers, node.when
        case plan.RangeSelector():
            return "range", node.matchers, node.when, node.range
        case plan.Negation():
            return "negation"
        case plan.Binary():
            return "binary", node.operator, node.as_bool, node.matching
        case plan.Aggregation():
            return "aggregation", node.operator, node.labels, node.without
        case plan.Invocation():
            return "call", node.function.name, node.matchers, node.direct is None
        case plan.Subquery():
            return node


def _is(one: object, other: object) -> bool:
    return one is other
