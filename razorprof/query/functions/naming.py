"""The metric's name in a label set: dropped where a result is another quantity, at once or at the end.

With delayed name removal every label set carries its name twice: as __name__, and under a label that no series
can have. What drops the name drops the first; the second stays for what asks for it afterwards (label_replace, by,
on) and goes when the evaluation ends. So functions need not know which of the two is done. The name's companions
go with it: __type__ and __unit__, which say what a metric is.
"""

from __future__ import annotations

from functools import lru_cache

from razorprof.model.labels import Labels
from razorprof.query.remembering import remembered

NAME = "__name__"
SECOND = "\udcff__name__"  # a lone surrogate: no text that was read as UTF-8 has one
METADATA = (NAME, "__type__", "__unit__")
ALL = (*METADATA, SECOND)


@remembered
def nameless(labels: tuple[Labels, ...]) -> tuple[Labels, ...]:
    """The label sets less the metric's name. Cached: a rule asks the same thousand series at every tick."""
    return tuple(_without(one, METADATA) for one in labels)


@remembered
def twice_named(labels: tuple[Labels, ...]) -> tuple[Labels, ...]:
    """With the second name: how delayed removal begins, and begins again after a subquery."""
    return tuple(renamed(one, name) if (name := name_of(one)) else one for one in labels)


@remembered
def once_named(labels: tuple[Labels, ...]) -> tuple[Labels, ...]:
    """Without the second name: how delayed removal ends."""
    return tuple(_without(one, (SECOND,)) for one in labels)


def name_of(labels: Labels) -> str:
    """The name, one that is to be dropped too; empty for none."""
    return labels.get(NAME) or labels.get(SECOND, "")


def label_of(labels: Labels, name: str) -> str:
    """The value of a label as expressions see it."""
    return name_of(labels) if name == NAME else labels.get(name, "")


def renamed(labels: Labels, name: str) -> Labels:
    """With another name, which nothing has dropped."""
    return labels.with_({NAME: name, SECOND: name})


def relabelled(labels: Labels, label: str, value: str) -> Labels:
    """With a label set to a value, as label_replace does; both names, where there are two."""
    return renamed(labels, value) if label == NAME and SECOND in labels else labels.with_({label: value})


@lru_cache(maxsize=16_384)  # some ten megabytes: rules by the hundred each look at a few series
def _without(labels: Labels, names: tuple[str, ...]) -> Labels:
    return labels.without(*names) if any(name in labels for name in names) else labels
