"""Operators between two vectors: which series belong together, by labels, and what that makes of them.

One to one, many to one (group_left, group_right) and the set operators, with the errors of Prometheus where a
match is ambiguous at an evaluation time. Columns are paired once for all T times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from razorprof.model.labels import Labels
from razorprof.query import binary
from razorprof.query.errors import EvaluationFailed
from razorprof.query.functions.naming import ALL, METADATA, NAME, SECOND, label_of, name_of, renamed
from razorprof.query.labelsets import distinct, shown
from razorprof.query.limits import Budget
from razorprof.query.plan import Matching
from razorprof.query.values import Bools, Places, Vector

_MANY_TO_MANY = "many-to-many matching not allowed: matching labels must be unique on one side"
_EXPLICIT = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
_GROUPING = "multiple matches for labels: grouping labels must ensure unique matches"
Signature = Labels


def combine(
    operator: str, left: Vector, right: Vector, *, as_bool: bool, matching: Matching, budget: Budget
) -> Vector:
    """Arithmetic and comparison of the pairs that match."""
    many, one = (right, left) if matching.many == "right" else (left, right)
    many_keys = signatures(many.labels, matching.on, matching.labels)
    one_keys = signatures(one.labels, matching.on, matching.labels)
    # Where one side is empty nothing can match, nor be ambiguous.
    both: Bools = np.logical_and(left.present.any(axis=1), right.present.any(axis=1))
    _check_unique(one, one_keys, both, "left" if matching.many == "right" else "right")
    of_one: dict[Signature, list[int]] = {}
    for place, key in enumerate(one_keys):
        of_one.setdefault(key, []).append(place)
    pairs = [(m, o) for m, key in enumerate(many_keys) for o in of_one.get(key, ())]
    budget.check_series(len(pairs))
    budget.hold(len(pairs) * len(both))
    m = np.array([pair[0] for pair in pairs], np.intp)
    o = np.array([pair[1] for pair in pairs], np.intp)
    l_place, r_place = (o, m) if matching.many == "right" else (m, o)
    left_values, right_values = left.values[:, l_place], right.values[:, r_place]
    present = left.present[:, l_place] & right.present[:, r_place]
    if binary.compares(operator):
        holds = binary.comparison(operator, left_values, right_values)
        values = holds.astype(np.float64) if as_bool else left_values
        present = present if as_bool else present & holds
    else:
        values = binary.arithmetic(operator, left_values, right_values)
    if matching.many is None:
        _check_one_to_one([many_keys[place] for place in m], present)
    drops = () if binary.compares(operator) and not as_bool else METADATA if as_bool else ALL
    labels = _results(many.labels, one.labels, m, o, drops, matching)
    return distinct(Vector(labels, values, present), _GROUPING if matching.many else _EXPLICIT)


def both_or_either(operator: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """and, or, unless: by the presence of a matching series, values do not matter."""
    left_keys = signatures(left.labels, matching.on, matching.labels)
    right_keys = signatures(right.labels, matching.on, matching.labels)
    number = {key: place for place, key in enumerate(dict.fromkeys((*left_keys, *right_keys)))}
    left_places = np.array([number[key] for key in left_keys], np.intp)
    right_places = np.array([number[key] for key in right_keys], np.intp)
    if operator == "or":
        known = _any_of(left.present, left_places, len(number))[:, right_places]
        return distinct(
            Vector(
                left.labels + right.labels,
                np.concatenate([left.values, right.values], axis=1),
                np.concatenate([left.present, right.present & ~known], axis=1),
            )
        )
    known = _any_of(right.present, right_places, len(number))[:, left_places]
    return Vector(left.labels, left.values, left.present & (known if operator == "and" else ~known))


@lru_cache(maxsize=64)
def signatures(labels: tuple[Labels, ...], on: bool, names: tuple[str, ...]) -> tuple[Signature, ...]:
    """What of each label set has to be equal. Cached: rules ask the same series at every tick."""
    if on:
        return tuple(Labels({name: label_of(one, name) for name in names}) for one in labels)
    return tuple(one.without(*ALL, *names) for one in labels)


def _any_of(present: Bools, places: Places, count: int) -> Bools:
    """(T, count) whether any column of a group is present."""
    found = np.zeros((count, len(present)), bool)
    np.logical_or.at(found, places, present.T)
    return found.T


def _check_unique(vector: Vector, keys: Sequence[Signature], both: Bools, side: str) -> None:
    clash = _clash(keys, vector.present & both[:, None])
    if clash:
        key, first, second = clash
        raise EvaluationFailed(
            f"found duplicate series for the match group {shown(key)} on the {side} hand-side of the operation: "
            f"[{shown(vector.labels[second])}, {shown(vector.labels[first])}];{_MANY_TO_MANY}",
            hint="match by more labels with on(...), or aggregate one side",
        )


def _check_one_to_one(keys: Sequence[Signature], present: Bools) -> None:
    if _clash(keys, present):
        raise EvaluationFailed(_EXPLICIT, hint="say which side has many series: group_left or group_right")


def _clash(keys: Sequence[Signature], present: Bools) -> tuple[Signature, int, int] | None:
    """A key with two columns present at one time, and those columns."""
    if len(set(keys)) == len(keys):
        return None
    groups: dict[Signature, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    for key, members in groups.items():
        if len(members) > 1:
            marks = present[:, members]
            crowded = np.flatnonzero(marks.sum(axis=1) > 1)
            if len(crowded):
                first, second = np.flatnonzero(marks[crowded[0]])[:2]
                return key, members[int(first)], members[int(second)]
    return None


def _results(
    many: tuple[Labels, ...],
    one: tuple[Labels, ...],
    many_places: Places,
    one_places: Places,
    drops: tuple[str, ...],
    matching: Matching,
) -> tuple[Labels, ...]:
    """The labels of each pair's result. drops: the labels of the name that go. Arithmetic drops it at once, even
    where names are removed at the end, and a comparison that filters brings it back: so does Prometheus."""
    if matching.many is None:
        kept = _one_to_one_labels(many, drops, matching.on, matching.labels)
        return tuple(kept[place] for place in many_places)
    named = _named(many, drops)
    if not matching.include:
        return tuple(named[place] for place in many_places)
    return tuple(
        _with_included(named[m], one[o], matching.include) for m, o in zip(many_places, one_places, strict=True)
    )


def _with_included(labels: Labels, one: Labels, names: tuple[str, ...]) -> Labels:
    taken = labels.with_({name: label_of(one, name) for name in names})
    return renamed(taken, taken.get(NAME, "")) if NAME in names and SECOND in one else taken


@lru_cache(maxsize=64)
def _one_to_one_labels(
    labels: tuple[Labels, ...], drops: tuple[str, ...], on: bool, names: tuple[str, ...]
) -> tuple[Labels, ...]:
    named = _named(labels, drops)
    if on:
        kept = (*names, SECOND) if NAME in names else names
        return tuple(Labels({name: one.get(name, "") for name in kept}) for one in named)
    gone = (*names, SECOND) if NAME in names else names
    return tuple(one.without(*gone) for one in named)


@lru_cache(maxsize=64)
def _named(labels: tuple[Labels, ...], drops: tuple[str, ...]) -> tuple[Labels, ...]:
    if drops:
        return tuple(one.without(*drops) for one in labels)
    return tuple(renamed(one, name_of(one)) if SECOND in one else one for one in labels)
