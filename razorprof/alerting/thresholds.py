"""What a rule's expression compares its value with, and in which unit: ``rss > 768 MiB`` out of a program.

Pure, and only a reading: where an expression tells nothing plain, there is no threshold. For whoever shows alerts
to people (dashboard, batch text) or programs (`check`), with the value while nothing is wrong; evaluation does not
need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from razorprof.errors import RazorprofError
from razorprof.query import plan
from razorprof.query.engine import Query, compile_query
from razorprof.query.functions.call import Kind
from razorprof.query.plan import Node, Program
from razorprof.query.source_text import source_texts
from razorprof.query.translate import COMPARISONS
from razorprof.store.view import Matcher, MatchOp


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison: VALUE operator limit.

    left, right: both sides as PromQL, untrusted text; limit: None where the right side is no constant; metric: the
    series that the value is made of, empty where there are several; is_rate: the value is its growth a second;
    unit: of value and limit times scale: bytes, bytes/s, seconds, ratio, /s, or empty for plain numbers; is_part:
    other conditions stand beside it; value: what is compared, as a query of its own.
    """

    left: str
    operator: str
    right: str
    limit: float | None = None
    metric: str = ""
    is_rate: bool = False
    unit: str = ""
    scale: float = 1.0
    is_part: bool = False
    value: Query | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of an expression's value without evaluating it. threshold: None where none can be told."""

    unit: str = ""
    scale: float = 1.0
    metric: str = ""
    is_rate: bool = False
    threshold: Threshold | None = None


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Reading:
    """The reading of an expression; an empty one for what is none."""
    try:
        return read_program(compile_query(text).program)
    except RazorprofError:
        return Reading()


def read_program(program: Program) -> Reading:
    """The reading of a compiled rule."""
    fact = _facts(program)[id(program.nodes[-1])]
    threshold = fact.threshold
    if threshold is not None and fact.compared is not None:
        threshold = replace(threshold, value=Query(threshold.left, plan.part_of(program, fact.compared)))
    unit = "" if fact.base == _SHARE else _unit(fact)
    return Reading(unit, fact.scale, fact.metric, fact.per_second, threshold)


@dataclass(frozen=True, slots=True)
class _Fact:
    """Of one node. base: the unit, per second or not, of the value times scale; constant: its value where that is
    fixed; compared: the node whose value the threshold is for."""

    constant: float | None = None
    base: str = ""
    per_second: bool = False
    scale: float = 1.0
    metric: str = ""
    threshold: Threshold | None = None
    compared: Node | None = None


_SHARE = "share"  # one count by another: a ratio if its limit is one
_PLAIN = _Fact()
_SECONDS = _Fact(base="seconds")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_KEEPING = frozenset(
    (
        *("abs", "ceil", "floor", "round", "clamp", "clamp_max", "clamp_min", "scalar"),
        *("avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"),
        *("stddev_over_time", "predict_linear", "increase", "delta", "idelta"),
    )
)
_PER_SECOND = frozenset(("rate", "irate", "deriv"))
_SAME_VALUES = frozenset(("sort", "sort_desc", "label_replace", "label_join"))
_OF_ONE_VALUE = frozenset(("max", "min", "avg", "topk", "bottomk", "quantile"))
_COUNTING = frozenset(("count", "count_values", "group", "stdvar"))
# What is a change of unit and not a part of the same: the value is told in the base unit all the same.
_CONVERSIONS: Mapping[str, tuple[float, ...]] = {
    "bytes": tuple(1024.0**power for power in (1, 2, 3, 4)),
    "seconds": (1e3, 1e6, 1e9),
    "ratio": (100.0,),
    _SHARE: (100.0,),
}
_PARTS = (0.01, 10.0)  # factors between them leave the unit as it is
_BITS = 8.0  # except this one


def _facts(program: Program) -> dict[int, _Fact]:
    """By the id() of each node, children first: nothing recurses with the depth of a tree."""
    facts: dict[int, _Fact] = {}
    texts: Mapping[int, str] = {}
    for node in program.nodes:
        if isinstance(node, plan.Binary) and node.operator in COMPARISONS:
            texts = texts or source_texts(program)
        facts[id(node)] = _fact(node, facts, texts)
    return facts


def _fact(node: Node, facts: Mapping[int, _Fact], texts: Mapping[int, str]) -> _Fact:
    match node:
        case plan.Number():
            return _Fact(constant=node.value)
        case plan.Selector() | plan.RangeSelector():
            return _of_metric(node.matchers)
        case plan.Subquery():
            return replace(_facts(node.program)[id(node.program.nodes[-1])], threshold=None)
        case plan.Negation():
            of = facts[id(node.of)]
            return replace(of, constant=None if of.constant is None else -of.constant, threshold=None)
        case plan.Aggregation():
            of = facts[id(node.of)]
            if node.operator in _COUNTING:
                return _PLAIN
            return of if node.operator in _OF_ONE_VALUE else replace(of, threshold=None)
        case plan.Invocation():
            return _invocation(node, facts)
        case plan.Binary():
            left, right = facts[id(node.left)], facts[id(node.right)]
            if node.operator in COMPARISONS:
                return _comparison(node, left, right, texts)
            if node.operator in ("and", "unless"):
                partial = left.threshold and replace(left.threshold, is_part=True)
                return replace(left, threshold=partial)
            if node.operator == "or":
                same = (left.base, left.per_second, left.scale) == (right.base, right.per_second, right.scale)
                return replace(left, metric=_same(left, right), threshold=None) if same else _PLAIN
            return replace(_arithmetic(node.operator, left, right), threshold=None)
        case _:
            return _PLAIN


def _invocation(node: plan.Invocation, facts: Mapping[int, _Fact]) -> _Fact:
    name = node.function.name
    of = next(
        (facts[id(each)] for each in node.arguments if plan.kind_of(each) in (Kind.VECTOR, Kind.RANGE)), _PLAIN
    )
    if name in _SAME_VALUES:
        return of
    if name == "histogram_quantile":
        family = of.metric.removesuffix("_bucket")
        return _Fact(base=_named_unit(family), metric=family)
    if name == "vector":
        return facts[id(node.arguments[0])]
    if name in ("time", "timestamp"):
        return _SECONDS
    if name == "histogram_fraction":
        return _Fact(base="ratio")
    if name in _PER_SECOND:
        return replace(of, per_second=True, threshold=None)
    return replace(of, threshold=None) if name in _KEEPING else _PLAIN


def _comparison(node: plan.Binary, left: _Fact, right: _Fact, texts: Mapping[int, str]) -> _Fact:
    if node.as_bool:
        return _PLAIN
    value, limit, operator, sides = left, right, node.operator, (node.left, node.right)
    if plan.kind_of(node.left) is Kind.SCALAR:  # then the value is that of the right side
        value, limit, operator, sides = right, left, _FLIPPED.get(operator, operator), (node.right, node.left)
    if value.base == _SHARE:
        is_ratio = limit.constant is not None and 0 < limit.constant * value.scale <= 1
        value = replace(value, base="ratio") if is_ratio else replace(value, base="", scale=1.0)
    threshold = Threshold(
        texts[id(sides[0])],
        operator,
        texts[id(sides[1])],
        limit.constant,
        value.metric,
        value.per_second,
        _unit(value),
        value.scale,
        is_part=value.threshold is not None,
    )
    return replace(value, constant=None, threshold=threshold, compared=sides[0])


def _arithmetic(operator: str, left: _Fact, right: _Fact) -> _Fact:
    if left.constant is not None and right.constant is not None:
        return _Fact(constant=_calculated(operator, left.constant, right.constant))
    if operator in ("+", "-", "%"):
        if right.constant is not None:
            return left
        if left.constant is not None:
            return right
        same = (left.base, left.per_second, left.scale) == (right.base, right.per_second, right.scale)
        return replace(left, metric=_same(left, right)) if same else _PLAIN
    if operator == "*":
        if left.constant is not None or right.constant is not None:
            value, factor = (right, left.constant) if left.constant is not None else (left, right.constant)
            return _scaled(value, factor or 0.0)
        return replace(left, metric="") if not right.base and not right.per_second else _PLAIN
    if operator == "/" and right.constant is not None:
        return _scaled(left, 1 / right.constant if right.constant else 0.0)
    if operator == "/" and left.constant is None:
        return _quotient(left, right)
    return _PLAIN


def _quotient(left: _Fact, right: _Fact) -> _Fact:
    if left.scale != right.scale or (right.per_second and not left.per_second):
        return _PLAIN
    per_second = left.per_second and not right.per_second
    if left.base == right.base and not per_second:
        return _Fact(base="ratio" if left.base in ("bytes", "seconds") else _SHARE)
    return _PLAIN if right.base else _Fact(base=left.base, per_second=per_second)


def _scaled(fact: _Fact, factor: float) -> _Fact:
    """The fact of its value times a factor: the same in another unit, a part of it, or who knows."""
    kind = "ratio" if _unit(fact) == "ratio" else fact.base
    for known in _CONVERSIONS.get(kind, ()):
        if factor in (known, 1 / known) and not (kind in ("ratio", _SHARE) and factor < 1):
            return replace(fact, scale=fact.scale / factor)
    is_part = _PARTS[0] <= abs(factor) <= _PARTS[1] and factor != _BITS
    return fact if is_part else _Fact(metric=fact.metric)


def _of_metric(matchers: tuple[Matcher, ...]) -> _Fact:
    names = [m.value for m in matchers if m.label == "__name__" and m.op is MatchOp.EQUAL]
    if len(names) != 1:
        return _PLAIN
    name = names[0]
    if ":" not in name:
        return _Fact(base=_named_unit(name), metric=name)
    _, metric, operations = (*name.split(":", 2), "")[:3]  # a recorded one: level:metric:operations
    return _Fact(base=_named_unit(metric), per_second=operations.startswith(("rate", "irate")), metric=name)


def _named_unit(name: str) -> str:
    """By the ending: names of metrics carry their base unit."""
    for ending in ("_total", "_sum"):
        name = name.removesuffix(ending)
    return next((unit for unit in ("seconds", "bytes", "ratio") if name.endswith(f"_{unit}")), "")


def _unit(fact: _Fact) -> str:
    if fact.per_second:
        return {"seconds": "ratio", "bytes": "bytes/s", "": "/s"}.get(fact.base, "")
    return fact.base


def _same(left: _Fact, right: _Fact) -> str:
    return left.metric if left.metric == right.metric else ""


_CALCULATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": math.pow,
}


def _calculated(operator: str, left: float, right: float) -> float | None:
    """None for what is no plain number: a limit that cannot be told."""
    if operator not in _CALCULATIONS:
        return None
    try:
        return _CALCULATIONS[operator](left, right)
    except (ArithmeticError, ValueError):
        return None
