"""Nodes of a YAML file as fields of known types, as yaml.v3 decodes them strictly into Go's structs and maps.

A reader of a file asks for a mapping's fields, then for each as text, number, list or map; what does not fit
becomes a Problem and the answer is what Go leaves there: nothing. For rule and test files, which Prometheus's own
programs read; what razorprof defines itself (captures, silences) may be stricter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from razorprof.alerting.durations import parse_prometheus_duration
from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.yaml_tree import BadYaml, Mapping, Node, Scalar, Sequence, duplicates, entries
from razorprof.errors import UsageError

_KINDS = {Sequence: "a list", Mapping: "a mapping"}
_SHOWN = 40
_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
Fields = dict[str, tuple[Scalar, Node]]  # name -> (its key, its value)


class Problems:
    """What is found wrong while one file is read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, node: Node | int, message: str, hint: str = "", kind: ProblemKind = ProblemKind.ERROR) -> None:
        self.found.append(Problem(node if isinstance(node, int) else node.line, message, hint, kind))


def fields_of(
    node: Node, what: str, known: Collection[str], problems: Problems, *, hint: str = ""
) -> Fields | None:
    """The fields of a struct, by name; None where there is none. what: "a rule group"; hint: what to do about a
    field that it has not, where that is not to take one that it has."""
    if is_null(node):
        return None
    if not isinstance(node, Mapping):
        problems.add(node, f"{what} is a mapping, not {kind_of(node)}")
        return None
    found: Fields = {}
    for key, value in _pairs(node, problems):
        if key.text not in known:
            problems.add(key, f"{what} has no field {shown(key.text)}", hint or f"there are: {', '.join(known)}")
        else:
            found.setdefault(key.text, (key, value))
    return found


def items_of(node: Node | None, what: str, problems: Problems) -> Iterator[Node]:
    """The items of a list; null ones are passed over."""
    if node is None or is_null(node):
        return
    if not isinstance(node, Sequence):
        problems.add(node, f"{what} is a list, not {kind_of(node)}")
        return
    for item in node.items:
        if not is_null(item):
            yield item


def texts_of(node: Node | None, what: str, problems: Problems) -> dict[str, tuple[Scalar, str]]:
    """A map of texts: name -> (its key, its text); a null value is the empty text."""
    if node is None or is_null(node):
        return {}
    if not isinstance(node, Mapping):
        problems.add(node, f"{what} is a mapping, not {kind_of(node)}")
        return {}
    found: dict[str, tuple[Scalar, str]] = {}
    for key, value in _pairs(node, problems):
        text = "" if is_null(value) else text_of(value, f"{shown(key.text)} of {what}", problems)
        if text is not None and key.text not in found:
            found[key.text] = (key, text)
    return found


def text_of(node: Node, what: str, problems: Problems) -> str | None:
    """Text: any scalar as it is written. None where it is null or no scalar."""
    if isinstance(node, Scalar):
        return None if is_null(node) else node.text
    problems.add(node, f"{what} is text, not {kind_of(node)}")
    return None


def integer_of(node: Node, what: str, problems: Problems) -> int | None:
    """A whole number, as Go makes one of any YAML number. None where it is null or none."""
    if is_null(node):
        return None
    number = _number(node) if isinstance(node, Scalar) else None
    if number is None or math.isnan(number) or number >= 1 << 63:
        problems.add(node, f"{what} is a whole number, not {kind_of(node)}")
        return None
    return max(-(1 << 63), math.trunc(number)) if math.isfinite(number) else -(1 << 63)


def number_of(node: Node, what: str, problems: Problems) -> float | None:
    """Any number. None where it is null or none."""
    if is_null(node):
        return None
    number = _number(node) if isinstance(node, Scalar) else None
    if number is None:
        problems.add(node, f"{what} is a number, not {kind_of(node)}", "infinities are .inf and -.inf in YAML")
        return None
    return float(number)


def flag_of(node: Node, what: str, problems: Problems) -> bool:
    """A truth, in the words of YAML 1.1, as Go takes them where one is wanted."""
    if isinstance(node, Scalar) and node.text in _TRUE:
        return True
    if not is_null(node) and not (isinstance(node, Scalar) and node.text in _FALSE):
        problems.add(node, f"{what} is true or false, not {kind_of(node)}")
    return False


def duration_of(node: Node, what: str, problems: Problems) -> float | None:
    """A duration, in seconds. None where it is null or none."""
    text = text_of(node, what, problems)
    if text is None:
        return None
    try:
        return parse_prometheus_duration(text)
    except UsageError as error:
        hint = f"write a unit: {text}s" if text.isdigit() and text.isascii() else error.hint
        problems.add(node, f"{what}: {error}" if text else f"{what}: empty duration", hint)
        return None


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.tag == "null"


def kind_of(node: Node) -> str:
    """What it is, in words for a message."""
    if isinstance(node, Scalar):
        return shown(node.text)
    return _KINDS[type(node)]


def shown(text: str) -> str:
    """Text of the file in a message: quoted and cut."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _pairs(mapping: Mapping, problems: Problems) -> Iterator[tuple[Scalar, Node]]:
    """Keys that are text, with their values. Keys that stand twice are a problem; null ones are passed over."""
    try:
        for first, again in duplicates(mapping):
            problems.add(again, f"{shown(again.text)} stands here again", f"it is already in line {first.line}")
        for key, value in entries(mapping):
            if not isinstance(key, Scalar):
                problems.add(key, f"a key is text, not {kind_of(key)}")
            elif not is_null(key):
                yield key, value
    except BadYaml as error:
        problems.found.append(error.problem)


def _number(node: Scalar) -> float | int | None:
    if node.tag not in ("int", "float"):
        return None
    plain = node.text.replace("_", "").lower()
    digits = plain.lstrip("+-")
    sign = -1 if plain.startswith("-") else 1
    if digits in (".inf", ".nan"):
        return sign * float(digits[1:])
    if node.tag == "int" and len(digits) < 100:
        is_octal = digits.startswith("0") and digits.isdigit()
        return sign * (int(digits, 8) if is_octal else int(digits, 0))
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
