"""PromQL again, one series and one time after the other, in plain Python: what the evaluator is checked against.

Written from the documentation, slow and short on purpose. An expression is a pair: its text, and a function from
the evaluation time (ms) to {labels: value}.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS

Sample = tuple[int, float | None]  # None: a stale marker
Data = Mapping[Labels, Sequence[Sample]]
Instant = dict[Labels, float]
LOOK_BACK = 300_000
STALE = float(STALE_BITS.view("f8"))


class Ambiguous(Exception):
    """The expression has no answer at this time."""


@dataclass(frozen=True)
class Expression:
    text: str
    at: Callable[[Data, int], Instant] = field(repr=False)


def selected(name: str, condition: Callable[[Labels], bool], data: Data) -> dict[Labels, Sequence[Sample]]:
    return {labels: s for labels, s in data.items() if labels["__name__"] == name and condition(labels)}


def selector(name: str, matcher: str, offset: int) -> Expression:
    conditions: dict[str, Callable[[Labels], bool]] = {
        "": lambda _labels: True,
        '{a="1"}': lambda labels: labels.get("a") == "1",
        '{a!="1"}': lambda labels: labels.get("a") != "1",
        '{b=~"x|y"}': lambda labels: labels.get("b", "") in ("x", "y"),
        '{b!~"x.*"}': lambda labels: not labels.get("b", "").startswith("x"),
    }

    def at(data: Data, time: int) -> Instant:
        found: Instant = {}
        for labels, samples in selected(name, conditions[matcher], data).items():
            before = [sample for sample in samples if sample[0] <= time - offset]
            if before and before[-1][0] > time - offset - LOOK_BACK and before[-1][1] is not None:
                found[labels] = before[-1][1]
        return found

    return Expression(f"{name}{matcher}" + (f" offset {offset // 1000}s" if offset else ""), at)


OVER_TIME: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "count": lambda values: float(len(values)),
    "max": max,
    "last": lambda values: values[-1],
}


def over_time(function: str, name: str, length: int) -> Expression:
    def at(data: Data, time: int) -> Instant:
        found: Instant = {}
        for labels, samples in selected(name, lambda _labels: True, data).items():
            values = [v for t, v in samples if time - length < t <= time and v is not None]
            if values:
                key = labels if function == "last" else labels.without("__name__")
                found[key] = OVER_TIME[function](values)
        return found

    return Expression(f"{function}_over_time({name}[{length}ms])", at)


def subquery(function: str, inner: Expression, length: int, step: int) -> Expression:
    def at(data: Data, time: int) -> Instant:
        values: dict[Labels, list[float]] = {}
        moment = step * ((time - length) // step) + step
        while moment <= time:
            for labels, value in inner.at(data, moment).items():
                values.setdefault(labels, []).append(value)
            moment += step
        found: Instant = {}
        for labels, series in values.items():
            key = labels if function == "last" else labels.without("__name__")
            if key in found:
                raise Ambiguous
            found[key] = OVER_TIME[function](series)
        return found

    return Expression(f"{function}_over_time(({inner.text})[{length}ms:{step}ms])", at)


AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "group": lambda _values: 1.0,
    "stdvar": lambda values: math.fsum((v - math.fsum(values) / len(values)) ** 2 for v in values) / len(values),
}


def group_key(labels: Labels, by: bool, names: Sequence[str]) -> Labels:
    if by:
        return Labels({name: labels.get(name, "") for name in names})
    return labels.without("__name__", *names)


def aggregation(operator: str, inner: Expression, by: bool, names: Sequence[str]) -> Expression:
    def at(data: Data, time: int) -> Instant:
        groups: dict[Labels, list[float]] = {}
        for labels, value in inner.at(data, time).items():
            groups.setdefault(group_key(labels, by, names), []).append(value)
        return {labels: AGGREGATIONS[operator](values) for labels, values in groups.items()}

    modifier = f"{'by' if by else 'without'} ({', '.join(names)})"
    return Expression(f"{operator} {modifier} ({inner.text})", at)


def divide(left: float, right: float) -> float:
    if right == 0:
        return (
            math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
        )
    return left / right


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
}


def with_number(operator: str, inner: Expression, number: float, number_left: bool) -> Expression:
    def at(data: Data, time: int) -> Instant:
        found: Instant = {}
        for labels, value in inner.at(data, time).items():
            a, b = (number, value) if number_left else (value, number)
            if operator in COMPARISONS:
                if COMPARISONS[operator](a, b):
                    found[labels] = value
                continue
            key = labels.without("__name__")
            if key in found:
                raise Ambiguous
            found[key] = ARITHMETIC[operator](a, b)
        return found

    operands = (f"{number:g}", f"({inner.text})")
    text = f" {operator} ".join(operands if number_left else reversed(operands))
    return Expression(text, at)


def pairwise(
    operator: str, left: Expression, right: Expression, on: bool, names: Sequence[str], many: str
) -> Expression:
    modifier = f"{'on' if on else 'ignoring'} ({', '.join(names)})"
    group = f" group_{many} ()" if many else ""

    def at(data: Data, time: int) -> Instant:
        l_all, r_all = left.at(data, time), right.at(data, time)
        many_side, one_side = (r_all, l_all) if many == "right" else (l_all, r_all)
        if not many_side or not one_side:
            return {}
        ones: dict[Labels, float] = {}
        for labels, value in one_side.items():
            key = group_key(labels, on, names)
            if key in ones:
                raise Ambiguous
            ones[key] = value
        found: Instant = {}
        used: set[Labels] = set()
        for labels, value in many_side.items():
            key = group_key(labels, on, names)
            if key not in ones:
                continue
            a, b = (ones[key], value) if many == "right" else (value, ones[key])
            if operator in COMPARISONS:
                if not COMPARISONS[operator](a, b):
                    continue
                result, named = a, labels
            else:
                result, named = ARITHMETIC[operator](a, b), labels.without("__name__")
            if not many:
                named = group_key(named, on, names) if on else named.without(*names)
                if key in used:
                    raise Ambiguous
                used.add(key)
            if named in found:
                raise Ambiguous
            found[named] = result
        return found

    return Expression(f"({left.text}) {operator} {modifier}{group} ({right.text})", at)


def set_operation(
    operator: str, left: Expression, right: Expression, on: bool, names: Sequence[str]
) -> Expression:
    def at(data: Data, time: int) -> Instant:
        l_all, r_all = left.at(data, time), right.at(data, time)
        l_keys = {group_key(labels, on, names) for labels in l_all}
        r_keys = {group_key(labels, on, names) for labels in r_all}
        if operator == "and":
            return {k: v for k, v in l_all.items() if group_key(k, on, names) in r_keys}
        if operator == "unless":
            return {k: v for k, v in l_all.items() if group_key(k, on, names) not in r_keys}
        return {**l_all, **{k: v for k, v in r_all.items() if group_key(k, on, names) not in l_keys}}

    modifier = f"{'on' if on else 'ignoring'} ({', '.join(names)})"
    return Expression(f"({left.text}) {operator} {modifier} ({right.text})", at)


NAMES = st.sampled_from(["m", "n"])
LABELS = st.lists(st.sampled_from(["a", "b"]), unique=True, max_size=2)
LENGTHS = st.sampled_from([1, 40_000, 60_000, 90_001, 400_000])
LEAVES = st.builds(
    selector,
    NAMES,
    st.sampled_from(["", "", '{a="1"}', '{a!="1"}', '{b=~"x|y"}', '{b!~"x.*"}']),
    st.sampled_from([0, 0, 0, 60_000, -45_000]),
) | st.builds(over_time, st.sampled_from(sorted(OVER_TIME)), NAMES, LENGTHS)
OPERATORS = st.sampled_from([*ARITHMETIC, *COMPARISONS])


SIDES = st.sampled_from(["", "left", "right"])


def _wider(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(aggregation, st.sampled_from(sorted(AGGREGATIONS)), inner, st.booleans(), LABELS),
        st.builds(with_number, OPERATORS, inner, st.sampled_from([0.0, 1.0, 2.5]), st.booleans()),
        st.builds(
            pairwise, OPERATORS, inner, inner, st.booleans(), LABELS, st.sampled_from(["", "left", "right"])
        ),
        st.builds(set_operation, st.sampled_from(["and", "or", "unless"]), inner, inner, st.booleans(), LABELS),
        st.builds(
            subquery,
            st.sampled_from(sorted(OVER_TIME)),
            inner,
            st.sampled_from([60_000, 100_000, 130_001]),
            st.sampled_from([30_000, 45_000]),
        ),
    )


EXPRESSIONS = st.recursive(LEAVES, _wider, max_leaves=4)
