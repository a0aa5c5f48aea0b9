"""What was found for a tuple of label sets, remembered: the same rule asks the same series at every tick.

A cache by value alone hashes a thousand label sets to find out that nothing changed; the tuple is usually the very
same object, so that is asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

from razorprof.model.labels import Labels

_MOST_LABELS = 500_000  # of all tuples that are known by themselves: some ten megabytes
P = ParamSpec("P")
T = TypeVar("T")
LabelSets = tuple[Labels, ...]


def remembered(function: Callable[Concatenate[LabelSets, P], T]) -> Callable[Concatenate[LabelSets, P], T]:
    """A pure function of a tuple of label sets, and of other hashable positional arguments, with a memory."""
    by_value = lru_cache(maxsize=64)(function)
    seen: dict[tuple[object, ...], tuple[LabelSets, T]] = {}
    held = 0

    @wraps(function)
    def found(labels: LabelSets, /, *rest: P.args, **_named: P.kwargs) -> T:
        nonlocal held
        key = (id(labels), *rest)
        known = seen.get(key)
        if known is not None and known[0] is labels:
            return known[1]
        value: T = by_value(labels, *rest)
        held += 1 + len(labels)
        if held > _MOST_LABELS:
            seen.clear()
            held = 1 + len(labels)
        seen[key] = (labels, value)
        return value

    return found
