"""Functions between scalars, vectors and times: time, pi, scalar, vector, timestamp, absent and sorting."""

from __future__ import annotations

import math

import numpy as np

from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import NAME, nameless
from razorprof.query.values import Bools, Scalar, Vector
from razorprof.store.view import Matcher, MatchOp


def time(call: Call) -> Scalar:
    """The evaluation time in Unix seconds."""
    return Scalar(call.at / 1000)


def pi(call: Call) -> Scalar:
    return Scalar(np.full(len(call.at), math.pi))


def scalar(call: Call) -> Scalar:
    """The value of the only series, NaN where there is not exactly one."""
    vector = call.vector(0)
    alone = vector.present.sum(axis=1) == 1
    values = np.where(vector.present, vector.values, 0.0).sum(axis=1)
    return Scalar(np.where(alone, values, np.nan))


def vector(call: Call) -> Vector:
    """The scalar as the value of a series without labels."""
    values = call.scalar(0).values[:, None]
    return Vector((NO_LABELS,), values, np.ones(values.shape, bool))


def timestamp(call: Call) -> Vector:
    """When each sample was taken; of anything but a selector that is the evaluation time."""
    vector = call.vector(0)
    times = call.sample_times
    if times is None:
        times = np.broadcast_to(call.at[:, None] / 1000, vector.values.shape)
    return Vector(nameless(vector.labels), times, vector.present)


def absent(call: Call) -> Vector:
    """1 where the vector is empty, with the labels that the selector asked to be equal."""
    return absent_where(np.asarray(~call.vector(0).present.any(axis=1)), call.matchers)


def absent_over_time(call: Call) -> Vector:
    """1 where no series of the range vector has a sample."""
    empty: Bools = np.ones(len(call.at), bool)
    for window in call.range(0).windows:
        if window.labels:
            empty = empty & (window.high <= window.low).reshape(len(empty), -1).all(axis=1)
    return absent_where(empty, call.matchers)


def absent_where(empty: Bools, matchers: tuple[Matcher, ...]) -> Vector:
    """The answer of absent() and absent_over_time(): no series at all if nothing was ever absent."""
    if not empty.any():
        return Vector((), np.empty((len(empty), 0)), np.empty((len(empty), 0), bool))
    return Vector((_asked_for(matchers),), np.ones((len(empty), 1)), empty[:, None])


def sort(call: Call) -> Vector:
    """By value, NaN last. Only an instant query has an order: with several times nothing is moved."""
    return _sorted(call.vector(0), 1.0)


def sort_desc(call: Call) -> Vector:
    """By value, greatest first, NaN last."""
    return _sorted(call.vector(0), -1.0)


def _sorted(vector: Vector, direction: float) -> Vector:
    if len(vector.values) != 1:
        return vector
    keys: Floats = vector.values[0] * direction  # numpy sorts NaN last, whatever its sign
    order = np.argsort(keys, kind="stable")
    labels = tuple(vector.labels[place] for place in order)
    return Vector(labels, vector.values[:, order], vector.present[:, order])


def _asked_for(matchers: tuple[Matcher, ...]) -> Labels:
    """The labels of equality matchers, less those that another matcher speaks of too."""
    equal: dict[str, str] = {}
    unclear = {NAME}
    for matcher in matchers:
        if matcher.op is MatchOp.EQUAL and matcher.label not in equal:
            equal[matcher.label] = matcher.value
        else:
            unclear.add(matcher.label)
    return Labels({label: value for label, value in equal.items() if label not in unclear})
