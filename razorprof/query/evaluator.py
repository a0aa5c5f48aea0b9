"""Runs a program at many times at once: the loop over nodes, the stretches of time, the account.

A long range is cut into stretches, so that what is held at once stays bounded; series are read once for all of
them. Knows nothing of text; the engine makes one Evaluation for each query. Subqueries run through here again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from razorprof.query import binary, plan
from razorprof.query.aggregate import aggregate, quantiles
from razorprof.query.census import counted_values
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import twice_named
from razorprof.query.labelsets import distinct, joined
from razorprof.query.limits import Budget
from razorprof.query.matching import both_or_either, combine
from razorprof.query.plan import Node, Program
from razorprof.query.ranking import ranked
from razorprof.query.selectors import (
    Columns,
    latest,
    latest_times,
    moment,
    moments,
    ranges,
    read,
    size_of,
    without_gaps,
)
from razorprof.query.sharing import Shared
from razorprof.query.subquery import steps_of
from razorprof.query.values import Millis, RangeVector, Scalar, Text, Value, Vector
from razorprof.store.view import SeriesView

_CELLS = 2_000_000  # values of one vector at once: temporaries stay within some tens of megabytes
_SETS = ("and", "or", "unless")
T = TypeVar("T")


class Evaluation:
    """One query over one view. start, end: ms, what @ start() and @ end() mean."""

    def __init__(self, view: SeriesView, start: int, end: int, budget: Budget) -> None:
        self._view = view
        self._start = start
        self._end = end
        self._budget = budget

    def share(self, program: Program, at: Millis, shared: Shared) -> Value:
        """The value of the program at one time, as `run` gives it, with what other queries had in common."""
        numbers = shared.numbers(program, int(at[0]))
        loaded: dict[Node, list[Columns]] = {}
        values: list[Value] = []
        for node, number in zip(program.nodes, numbers, strict=False):
            self._budget.check_time()
            split = len(values) - len(plan.children(node))
            operands = tuple(values[split:])
            if isinstance(node, plan.Selector | plan.RangeSelector):
                columns = shared.loaded(number)
                if columns is None:
                    columns = self._load(node, at)
                    shared.load(number, node.matchers, columns)
                else:
                    self._count(columns)
                loaded[node] = columns
                grounds: tuple[object, ...] = (columns,)
            else:
                grounds = operands
            value = shared.value(number, grounds)
            if value is None:
                value = self._value(node, operands, at, loaded)
                shared.keep(number, grounds, value)
            values[split:] = [value]
        return values[-1]

    def run(self, program: Program, at: Millis) -> Value:
        """The value of the program at all times `at`, ascending ms."""
        loaded: dict[Node, list[Columns]] = {
            node: self._load(node, at)
            for node in program.nodes
            if isinstance(node, plan.Selector | plan.RangeSelector)
        }
        width = max(1, sum(len(one.labels) for columns in loaded.values() for one in columns))
        stretch = max(1, _CELLS // width)
        parts: list[Value] = []
        for low in range(0, len(at), stretch):
            part = self._run(program, at[low : low + stretch], loaded)
            if isinstance(part, Vector):
                self._budget.hold(part.values.shape[1] * len(at))
            parts.append(part)
        self._budget.release(sum(size_of(columns) for columns in loaded.values()))
        return _joined(parts)

    def _load(self, node: plan.Selector | plan.RangeSelector, at: Millis) -> list[Columns]:
        first, last = (moment(node.when, int(one), self._start, self._end) for one in (at[0], at[-1]))
        length = node.range if isinstance(node, plan.RangeSelector) else self._budget.limits.look_back
        self._budget.check_time()
        columns = read(self._view, node.matchers, first - length, last, self._budget)
        if self._budget.limits.delayed_names:
            columns = [replace(one, labels=twice_named(one.labels)) for one in columns]
        return without_gaps(columns) if isinstance(node, plan.RangeSelector) else columns

    def _count(self, columns: list[Columns]) -> None:
        """Account for what was read by another query."""
        self._budget.check_series(sum(len(one.labels) for one in columns))
        self._budget.load(size_of(columns))

    def _run(self, program: Program, at: Millis, loaded: dict[Node, list[Columns]]) -> Value:
        values: list[Value] = []
        for node in program.nodes:
            self._budget.check_time()
            split = len(values) - len(plan.children(node))
            operands = tuple(values[split:])
            values[split:] = [self._value(node, operands, at, loaded)]
        return values[-1]

    def _value(
        self, node: Node, operands: tuple[Value, ...], at: Millis, loaded: dict[Node, list[Columns]]
    ) -> Value:
        match node:
            case plan.Number():
                return Scalar(np.full(len(at), node.value))
            case plan.String():
                return Text(node.text)
            case plan.Selector():
                when = moments(node.when, at, self._start, self._end)
                return latest(loaded[node], when, self._budget.limits.look_back)
            case plan.RangeSelector():
                return ranges(loaded[node], at, moments(node.when, at, self._start, self._end), node.range)
            case plan.Subquery():
                return self._subquery(node, at)
            case plan.Negation():
                value = binary.negated(_number(operands[0]))
                return value if isinstance(value, Scalar) else distinct(value, strict=True)
            case plan.Binary():
                return self._binary(node, *operands)
            case plan.Aggregation():
                return self._aggregation(node, *operands)
            case plan.Invocation():
                return self._call(node, operands, at, loaded)

    def _subquery(self, node: plan.Subquery, at: Millis) -> RangeVector:
        when = moments(node.when, at, self._start, self._end)
        step = node.step or self._budget.limits.subquery_step
        inner = steps_of(when - node.range, when, step, self._budget)
        if not len(inner):
            return RangeVector(())
        vector = self.run(node.program, inner)
        assert isinstance(vector, Vector)  # noqa: S101 (translate checked it)
        labels = twice_named(vector.labels) if self._budget.limits.delayed_names else vector.labels
        columns = [Columns(labels, inner, vector.values)]
        return ranges(without_gaps(columns, vector.present), at, when, node.range)

    def _binary(self, node: plan.Binary, left: Value, right: Value) -> Value:
        a, b = _number(left), _number(right)
        if isinstance(a, Vector) and isinstance(b, Vector):
            if node.operator in _SETS:
                return both_or_either(node.operator, a, b, node.matching)
            return combine(node.operator, a, b, as_bool=node.as_bool, matching=node.matching, budget=self._budget)
        if isinstance(a, Vector) and isinstance(b, Scalar):
            return distinct(binary.with_scalar(node.operator, a, b, scalar_left=False, as_bool=node.as_bool))
        if isinstance(a, Scalar) and isinstance(b, Vector):
            return distinct(binary.with_scalar(node.operator, b, a, scalar_left=True, as_bool=node.as_bool))
        assert isinstance(a, Scalar)  # noqa: S101
        assert isinstance(b, Scalar)  # noqa: S101
        return binary.between_scalars(node.operator, a, b)

    def _aggregation(self, node: plan.Aggregation, of: Value, parameter: Value | None = None) -> Value:
        assert isinstance(of, Vector)  # noqa: S101
        vector = of
        if isinstance(parameter, Text):
            return counted_values(vector, parameter.text, node.labels, node.without, self._budget)
        if isinstance(parameter, Scalar):
            if node.operator == "quantile":
                return quantiles(vector, parameter.values, node.labels, node.without)
            return ranked(node.operator, vector, parameter.values, node.labels, node.without)
        return aggregate(node.operator, vector, node.labels, node.without)

    def _call(
        self, node: plan.Invocation, operands: tuple[Value, ...], at: Millis, loaded: dict[Node, list[Columns]]
    ) -> Value:
        times = None
        if node.direct is not None and node.function.name == "timestamp":
            when = moments(node.direct.when, at, self._start, self._end)
            times = latest_times(loaded[node.direct], when, self._budget.limits.look_back)
        result = node.function.call(Call(at, operands, node.matchers, times))
        if not isinstance(result, Vector):
            return result
        self._budget.hold(result.values.size)
        return distinct(result, strict=any(isinstance(operand, RangeVector) for operand in operands))


def _number(value: Value) -> Scalar | Vector:
    assert isinstance(value, Scalar | Vector)  # noqa: S101 (translate checked it)
    return value


def _joined(parts: list[Value]) -> Value:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], Scalar):
        return Scalar(np.concatenate([part.values for part in _only(parts, Scalar)]))
    if isinstance(parts[0], Vector):
        return joined(list(_only(parts, Vector)))
    return parts[0]


def _only(parts: Iterable[Value], kind: type[T]) -> Iterable[T]:
    return (part for part in parts if isinstance(part, kind))
