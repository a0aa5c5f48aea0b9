"""Fields of an action file as values within bounds: durations, sizes, numbers, yes and no.

Stricter than rule files, which have to be read as Prometheus reads them: here every key has one type. What does
not fit becomes a Problem with its line, and the answer is the default, so that all that is wrong is found at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from razorprof.alerting.yaml_fields import Fields, Problems, fields_of, is_null, kind_of, shown
from razorprof.alerting.yaml_tree import Mapping, Node, Scalar, Sequence
from razorprof.errors import UsageError
from razorprof.units import parse_duration, parse_size

N = TypeVar("N", int, float)
_BOOLS = {"true": True, "false": False}


class Options:
    """The fields of one mapping, each asked for once. `line`: where the mapping stands."""

    def __init__(self, fields: Fields, what: str, line: int, problems: Problems) -> None:
        self._fields = fields
        self._what = what
        self.line = line
        self.problems = problems

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def node(self, name: str) -> Node | None:
        """The value as it is; None where the key is not there or holds nothing, which is a problem."""
        if name not in self._fields:
            return None
        key, value = self._fields[name]
        if is_null(value):
            self.problems.add(key, f"{name} of {self._what} holds nothing")
            return None
        return value

    def required(self, name: str) -> Node | None:
        """The same for a key that has to be there."""
        if name not in self._fields:
            self.problems.add(self.line, f"{self._what} has no {name}", f"add: {name}: ...")
        return self.node(name)

    def line_of(self, name: str) -> int:
        return self._fields[name][0].line if name in self._fields else self.line

    def text(self, name: str, default: str) -> str:
        node = self.node(name)
        if node is None:
            return default
        text = text_of(node, name, self.problems)
        return default if text is None else text

    def flag(self, name: str) -> bool:
        """true or false; false where it is not there."""
        node = self.node(name)
        if node is None:
            return False
        if not isinstance(node, Scalar) or node.tag != "bool":
            self.problems.add(node, f"{name} is true or false, not {kind_of(node)}")
            return False
        return _BOOLS[node.text.lower()]

    def duration(self, name: str, default: float, low: float, high: float) -> float:
        """Seconds."""
        return self._quantity(name, default, (low, high), parse_duration, "a duration such as 30s")

    def size(self, name: str, default: int, low: int, high: int) -> int:
        """Bytes."""
        return self._quantity(name, default, (low, high), parse_size, "a size such as 512MiB")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number."""
        return self._quantity(name, default, (low, high), _whole, f"a whole number from {low} to {high}")

    def _quantity(self, name: str, default: N, bounds: tuple[N, N], parse: Callable[[str], N], wanted: str) -> N:
        node = self.node(name)
        if node is None:
            return default
        if not isinstance(node, Scalar):
            self.problems.add(node, f"{name} is {wanted}, not {kind_of(node)}")
            return default
        try:
            found = parse(node.text)
        except UsageError as error:
            self.problems.add(node, f"{name} is {wanted}, not {shown(node.text)}", error.hint)
            return default
        if not bounds[0] <= found <= bounds[1]:
            self.problems.add(node, f"{name} is out of range: {shown(node.text)}", _range(*bounds))
            return default
        return found


def options_of(node: Node, what: str, known: Collection[str], problems: Problems) -> Options:
    """The fields of a mapping, or of nothing where nothing is needed. what: "a capture"."""
    if is_null(node):
        return Options({}, what, node.line, problems)
    if not known and isinstance(node, Mapping):
        if node.pairs:
            problems.add(node, f"{what} takes no options")
        return Options({}, what, node.line, problems)
    return Options(fields_of(node, what, known, problems) or {}, what, node.line, problems)


def items_of(node: Node | None, what: str, most: int, problems: Problems) -> tuple[Node, ...]:
    """The items of a list that is not empty."""
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        problems.add(node, f"{what} is a list, not {kind_of(node)}")
        return ()
    if not node.items or len(node.items) > most:
        problems.add(node, f"{what} has {len(node.items)} items", f"between 1 and {most}")
        return ()
    return node.items


def text_of(node: Node, what: str, problems: Problems) -> str | None:
    """Text, which nothing else may be taken for."""
    if isinstance(node, Scalar) and node.tag == "str" and node.text and "\0" not in node.text:
        return node.text
    hint = "write it in quotes" if isinstance(node, Scalar) and node.tag != "str" else ""
    problems.add(node, f"{what} is text, not {kind_of(node)}", hint)
    return None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise UsageError("not a whole number", value=text)
    return int(text)


def _range(low: float, high: float) -> str:
    return f"between {low:g} and {high:g}" if high < 1 << 20 else f"at least {low:g}, at most {high:g}"
