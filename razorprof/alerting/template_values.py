"""What templates work on: Go's values as plain Python ones, with the names, kinds and truth that Go gives them.

Nothing else is ever a template's value, and nothing of a value is reached but through the functions here and in
template_fields: no Python attribute has a name that a template could say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from razorprof.alerting.go_time import Duration, Month, Time, Weekday


class Kind(StrEnum):
    """Go's kinds, as far as templates tell them apart."""

    INVALID = "invalid"
    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    FLOAT = "float"
    STRING = "string"
    MAP = "map"
    SLICE = "slice"
    POINTER = "ptr"
    STRUCT = "struct"


class Byte(int):
    """A uint8: what indexing a string gives."""


class Int64(int):
    """What methods of times give."""


class Html(str):
    """template.HTML: what safeHtml gives."""

    __slots__ = ()


class TextMap(dict[str, str]):
    """map[string]string: labels."""


class AnyMap(dict[str, "Value"]):
    """map[string]interface {}: what args gives."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """*template.sample: one result of a query."""

    labels: TextMap
    value: float


class QueryResult(list[Sample]):
    """template.queryResult."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The dot that a template begins with."""

    labels: TextMap
    external_labels: TextMap
    external_url: str
    value: float


class Environment(Protocol):
    """What functions ask that templates cannot see. See template.TemplateData."""

    @property
    def time(self) -> float: ...

    @property
    def external_url(self) -> str: ...

    @property
    def ask(self) -> Callable[[str], Sequence[tuple[Mapping[str, str], float]]] | None: ...


# None is Go's invalid value, and its nil where a function takes anything
Value = bool | int | float | str | TextMap | AnyMap | Sample | QueryResult | Data | Time | Duration | None

_TYPES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Byte: "uint8",
    Int64: "int64",
    Month: "time.Month",
    Weekday: "time.Weekday",
    float: "float64",
    str: "string",
    Html: "template.HTML",
    TextMap: "map[string]string",
    AnyMap: "map[string]interface {}",
    Sample: "*template.sample",
    QueryResult: "template.queryResult",
    Data: "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string;"
    " Value interface {} }",
    Time: "*time.Time",
    Duration: "*time.Duration",
    type(None): "<nil>",
}
_KINDS: dict[type, Kind] = {
    bool: Kind.BOOL,
    int: Kind.INT,
    Byte: Kind.UINT,
    Int64: Kind.INT,
    Month: Kind.INT,
    Weekday: Kind.INT,
    float: Kind.FLOAT,
    str: Kind.STRING,
    Html: Kind.STRING,
    TextMap: Kind.MAP,
    AnyMap: Kind.MAP,
    Sample: Kind.POINTER,
    QueryResult: Kind.SLICE,
    Data: Kind.STRUCT,
    Time: Kind.POINTER,
    Duration: Kind.POINTER,
    type(None): Kind.INVALID,
}


def type_name(value: Value) -> str:
    """The name of its Go type."""
    return _TYPES[type(value)]


def kind_of(value: Value) -> Kind:
    return _KINDS[type(value)]


def is_true(value: Value) -> bool:
    """Go's truth: not the zero of its type; structs and pointers always."""
    match kind_of(value):
        case Kind.INVALID:
            return False
        case Kind.STRUCT | Kind.POINTER:
            return True
        case _:
            return bool(value)
