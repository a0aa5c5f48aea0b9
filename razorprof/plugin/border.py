"""What comes over the border from code that is not ours, held against the types that it claims to be.

Python does not check annotations, and a value of the wrong type would fail far from whoever made it: in the store,
a recording, a screen. `misfit` names the first part that does not fit. Called for plugins when they are loaded,
for the first readings of each reader, and by the conformance kit.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from typing import Any

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric

_MOST_LOOKED_AT = 5_000  # parts of one value: a dump of a thousand threads costs a few ms


def misfit(value: object, kind: Any, where: str = "") -> str:
    """What does not fit `kind` in a value, and where; empty where all fits. Looks at a bounded number of parts."""
    return _Look().misfit(value, kind, where or _told(kind))


def source_misfit(source: object) -> str:
    """Why this cannot be a source; empty where it can. A class attribute that raises passes on what it raises."""
    name, metrics = getattr(source, "name", None), getattr(source, "metrics", None)
    if not isinstance(name, str) or not name:
        return "its name is no text"
    if not isinstance(metrics, tuple | list) or not all(isinstance(metric, Metric) for metric in metrics):
        return "its metrics are no tuple of Metric"
    if len({metric.name for metric in metrics}) < len(metrics):
        return "it declares a metric twice"
    wrong = next((found for metric in metrics if (found := misfit(metric, Metric))), "")
    return wrong or ("" if callable(getattr(source, "open", None)) else "it has no open")


class _Look:
    def __init__(self) -> None:
        self._left = _MOST_LOOKED_AT

    def misfit(self, value: object, kind: Any, where: str) -> str:
        self._left -= 1
        if self._left < 0 or kind is Any or kind is object:
            return ""
        origin = typing.get_origin(kind)
        if origin in (typing.Union, types.UnionType):
            return self._of_union(value, typing.get_args(kind), where)
        if origin is tuple:
            return self._of_tuple(value, typing.get_args(kind), where)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._of_mapping(value, typing.get_args(kind), where)
        if kind is float:
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            return "" if is_number else _wrong(value, where, "a number")
        if kind is int:
            is_whole = isinstance(value, Integral) and not isinstance(value, bool)
            return "" if is_whole else _wrong(value, where, "a whole number")
        if not isinstance(kind, type):
            return ""
        if not isinstance(value, kind):
            return _wrong(value, where, kind.__name__)
        if kind is Labels:
            return self._of_mapping(value, (str, str), where)
        return self._of_fields(value, kind, where)

    def _of_union(self, value: object, kinds: tuple[Any, ...], where: str) -> str:
        """The misfit of the likeliest of the kinds: the one whose class the value has."""
        same = [kind for kind in kinds if isinstance(kind, type) and isinstance(value, kind)]
        if same:
            return self.misfit(value, same[0], where)
        found = [self.misfit(value, kind, where) for kind in kinds]
        return "" if "" in found else _wrong(value, where, " or ".join(_told(kind) for kind in kinds))

    def _of_tuple(self, value: object, kinds: tuple[Any, ...], where: str) -> str:
        if not isinstance(value, tuple):
            return _wrong(value, where, "a tuple")
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(kinds) != len(value):
            return _wrong(value, where, f"a tuple of {len(kinds)}")
        for place, (one, kind) in enumerate(zip(value, kinds, strict=True)):
            if self._left < 0:
                break
            if wrong := self.misfit(one, kind, f"{where}[{place}]"):
                return wrong
        return ""

    def _of_mapping(self, value: object, kinds: tuple[Any, ...], where: str) -> str:
        if not isinstance(value, Mapping):
            return _wrong(value, where, "a mapping")
        for key, one in value.items():
            wrong = self.misfit(key, kinds[0], f"{where} key") or self.misfit(
                one, kinds[1], f"{where}[{key!r:.40}]"
            )
            if wrong or self._left < 0:
                return wrong
        return ""

    def _of_fields(self, value: object, kind: type, where: str) -> str:
        for name, wanted in _fields(kind).items():
            if wrong := self.misfit(getattr(value, name), wanted, f"{where}.{name}"):
                return wrong
        return ""


@cache
def _fields(kind: type) -> Mapping[str, Any]:
    """Names and types of what a value of this class holds; empty for plain ones."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return {name: wanted for name, wanted in typing.get_type_hints(kind).items() if name in kind._fields}
    return {}


def _wrong(value: object, where: str, wanted: str) -> str:
    return f"{where} is {type(value).__name__}, not {wanted}"


def _told(kind: Any) -> str:
    if kind is type(None):
        return "None"
    return str(getattr(kind, "__name__", kind))
