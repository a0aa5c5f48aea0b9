"""The front of the house: text -> Query -> values. Rules, the query command, the dashboard and tests come here.

A Query is loaded once and asked often, from any thread; each evaluation has an account of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from razorprof.clock import Clock
from razorprof.errors import UsageError
from razorprof.model.labels import NO_LABELS
from razorprof.query.evaluator import Evaluation
from razorprof.query.functions.call import Kind
from razorprof.query.functions.naming import once_named
from razorprof.query.labelsets import distinct
from razorprof.query.limits import DEFAULT_LIMITS, Budget, Limits
from razorprof.query.parse import parse
from razorprof.query.plan import Program
from razorprof.query.sharing import Shared
from razorprof.query.values import Bools, Millis, RangeVector, Scalar, Value, Vector
from razorprof.store.view import SeriesView

_FARTHEST = 9e11  # seconds: with any offset, milliseconds stay within 64 bits


@dataclass(frozen=True, slots=True, eq=False)
class RangeResult:
    """The answer to a range query. times: (T,) ms; vector: series sorted by labels, each present at some time. A
    scalar is a series without labels."""

    times: Millis
    vector: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A checked expression. kind: what an instant query of it answers."""

    text: str
    program: Program

    @property
    def kind(self) -> Kind:
        return self.program.kind

    def instant(
        self,
        view: SeriesView,
        time: float,
        limits: Limits = DEFAULT_LIMITS,
        *,
        clock: Clock | None = None,
        shared: Shared | None = None,
    ) -> Value:
        """The value at `time`, Unix seconds: arrays of T = 1. A vector holds present series only, in the order
        of sort, sort_desc, topk and bottomk where those are asked for. shared: what queries over this view, with
        these limits, have in common.

        Raises EvaluationFailed, QueryTooLarge, TimedOut; UsageError for a time that cannot be.
        """
        moment = _millis(time, "time")
        evaluation = Evaluation(view, moment, moment, Budget(limits, clock))
        at = np.array([moment])
        if shared is None:
            return _answer(evaluation.run(self.program, at), limits)
        value = evaluation.share(self.program, at, shared)
        number = shared.numbers(self.program, moment)[-1]
        answer = shared.value(number, (value,))
        if answer is None:
            answer = _answer(value, limits)
            shared.keep(number, (value,), answer)
        return answer

    def range(
        self,
        view: SeriesView,
        start: float,
        end: float,
        step: float,
        limits: Limits = DEFAULT_LIMITS,
        *,
        clock: Clock | None = None,
    ) -> RangeResult:
        """The values at start, start + step, ... up to end, seconds. Raises as `instant`."""
        if self.kind not in (Kind.SCALAR, Kind.VECTOR):
            raise UsageError(
                f'invalid expression type "{self.kind}" for range query, must be scalar or instant vector',
                hint="ask for it at one time, or put a function such as rate(...) around it",
            )
        times = grid(start, end, step, limits)
        value = Evaluation(view, int(times[0]), _millis(end, "end"), Budget(limits, clock)).run(
            self.program, times
        )
        if isinstance(value, Scalar):
            shape = (len(times), 1)
            return RangeResult(times, Vector((NO_LABELS,), value.values.reshape(shape), np.ones(shape, bool)))
        value = _named_once(value, limits)
        assert isinstance(value, Vector)  # noqa: S101 (kind was checked)
        vector = _present(distinct(value))
        order = sorted(range(len(vector.labels)), key=lambda place: tuple(vector.labels[place].items()))
        labels = tuple(vector.labels[place] for place in order)
        return RangeResult(times, Vector(labels, vector.values[:, order], vector.present[:, order]))


@lru_cache(maxsize=1024)
def compile_query(text: str) -> Query:
    """The query that a text says. Raises UsageError or NotSupported. Cached."""
    return Query(text, parse(text))


def grid(start: float, end: float, step: float, limits: Limits = DEFAULT_LIMITS) -> Millis:
    """The evaluation times of a range query, ms. Raises UsageError for what cannot be meant."""
    first, last, gap = _millis(start, "start"), _millis(end, "end"), _millis(step, "step")
    if gap <= 0:
        raise UsageError("the step must be greater than 0", value=step, hint="at least 0.001 s")
    if last < first:
        raise UsageError("the end lies before the start", value=f"{end:.15g} < {start:.15g}")
    count = (last - first) // gap + 1
    if count > limits.steps:
        raise UsageError(
            f"exceeded maximum resolution of {limits.steps} points per series",
            value=f"{count} steps",
            hint="ask with a longer step or a shorter range",
        )
    return first + gap * np.arange(count, dtype=np.int64)


def _answer(value: Value, limits: Limits) -> Value:
    """What an instant query answers."""
    value = _named_once(value, limits)
    if isinstance(value, RangeVector):
        return RangeVector(tuple(part for window in value.windows for part in window.unfolded()))
    return _present(value) if isinstance(value, Vector) else value


def _named_once(value: Value, limits: Limits) -> Value:
    """The end of delayed name removal."""
    if not limits.delayed_names:
        return value
    match value:
        case Vector():
            return distinct(Vector(once_named(value.labels), value.values, value.present))
        case RangeVector():
            return RangeVector(tuple(replace(one, labels=once_named(one.labels)) for one in value.windows))
        case _:
            return value


def _present(vector: Vector) -> Vector:
    kept: Bools = np.atleast_1d(vector.present.any(axis=0))
    if kept.all():
        return vector
    if not kept.any():
        return Vector((), vector.values[:, :0], vector.present[:, :0])
    labels = tuple(labels for labels, keep in zip(vector.labels, kept.tolist(), strict=True) if keep)
    return Vector(labels, vector.values[:, kept], vector.present[:, kept])


def _millis(seconds: float, what: str) -> int:
    if not (math.isfinite(seconds) and abs(seconds) < _FARTHEST):
        raise UsageError(f"the {what} is out of bounds", value=seconds, hint="give Unix seconds")
    return round(seconds * 1000)
