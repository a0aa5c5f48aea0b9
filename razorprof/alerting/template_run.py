"""A template's tree carried out on its data: text, branches, loops and templates within it, within bounds.

What stands inside an action is template_pipes' business. Raises TemplateFailed alone. Called by template.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.alerting.go_format import MOST_TEXT, TooLong, print_value
from razorprof.alerting.go_text import quote, to_bytes
from razorprof.alerting.template_nodes import Action, Body, Branches, Include, Leave, Part, Range, Text, Tree
from razorprof.alerting.template_pipes import MOST_STEPS, Pipes, TemplateFailed
from razorprof.alerting.template_values import (
    AnyMap,
    Environment,
    Kind,
    QueryResult,
    TextMap,
    Value,
    is_true,
    kind_of,
)

DEEPEST = 100


class _Left(Exception):
    """break or continue."""

    def __init__(self, is_break: bool) -> None:
        super().__init__()
        self.is_break = is_break


def run(tree: Tree, name: str, variables: list[tuple[str, Value]], environment: Environment) -> str:
    """The text that the tree gives. name: of the template; variables: known from its start, the first one $, the
    dot; environment: for functions that ask."""
    return _Walk(tree, name, Pipes(tree.text, name, variables, environment)).text(variables[0][1])


class _Walk:
    def __init__(self, tree: Tree, name: str, pipes: Pipes) -> None:
        self._tree = tree
        self._name = name
        self._pipes = pipes
        self._parts: list[str] = []
        self._length = 0
        self._depth = 0

    def text(self, dot: Value) -> str:
        try:
            self._body(dot, self._tree.body)
        except TooLong:
            self._pipes.fail("the text is too long")
        except RecursionError:
            raise TemplateFailed("exceeded maximum template depth") from None
        return "".join(self._parts)

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_TEXT:
            raise TooLong
        self._parts.append(text)

    def _body(self, dot: Value, body: Body) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            self._pipes.fail(f"exceeded maximum template depth ({DEEPEST})")
        for part in body:
            self._part(dot, part)
        self._depth -= 1

    def _part(self, dot: Value, part: Part) -> None:
        self._pipes.step()
        match part:
            case Text():
                self._write(part.text)
            case Action():
                value = self._pipes.pipe(dot, part.pipe)
                if not part.pipe.names:
                    self._pipes.node = part
                    self._write(print_value(value))
            case Branches():
                self._branches(dot, part)
            case Range():
                self._range(dot, part)
            case Include():
                self._include(dot, part)
            case Leave():
                raise _Left(part.is_break)

    def _branches(self, dot: Value, part: Branches) -> None:
        variables = len(self._pipes.variables)
        for is_with, pipe, body in part.branches:
            value = self._pipes.pipe(dot, pipe)
            if is_true(value):
                self._body(value if is_with else dot, body)
                break
        else:
            if part.otherwise is not None:
                self._body(dot, part.otherwise)
        del self._pipes.variables[variables:]

    def _range(self, dot: Value, part: Range) -> None:
        self._pipes.node = part
        variables, depth = len(self._pipes.variables), self._depth
        value = self._pipes.pipe(dot, part.pipe)
        pairs = self._pairs(value)
        mark = len(self._pipes.variables)
        any_came = False
        for key, item in pairs:
            any_came = True
            self._pipes.step()
            self._set_top(part.pipe.names, key, item)
            try:
                self._body(item, part.body)
            except _Left as left:
                self._depth = depth
                if left.is_break:
                    break
            finally:
                del self._pipes.variables[mark:]
        if not any_came and part.otherwise is not None:
            self._body(dot, part.otherwise)
        del self._pipes.variables[variables:]

    def _pairs(self, value: Value) -> Sequence[tuple[Value, Value]]:
        match value:
            case QueryResult():
                return list(enumerate(value))
            case TextMap() | AnyMap():
                return [(key, value[key]) for key in sorted(value, key=to_bytes)]
            case None:
                return ()
            case int() if kind_of(value) in (Kind.INT, Kind.UINT):
                # since Go 1.24; before, it was an error
                return [(place, place) for place in range(min(int(value), MOST_STEPS + 1))]
        raise self._pipes.failure(f"range can't iterate over {print_value(value)}")

    def _set_top(self, names: tuple[str, ...], key: Value, item: Value) -> None:
        if names:
            self._pipes.variables[-1] = (self._pipes.variables[-1][0], item)
        if len(names) > 1:
            self._pipes.variables[-2] = (self._pipes.variables[-2][0], key)

    def _include(self, dot: Value, part: Include) -> None:
        self._pipes.node = part
        body = self._tree.body if part.name == self._name else self._tree.defined.get(part.name)
        if body is None:
            self._pipes.fail(f"template {quote(part.name)} not defined")
        inner = None if part.pipe is None else self._pipes.pipe(dot, part.pipe)
        outer = self._pipes.variables, self._pipes.running
        self._pipes.variables, self._pipes.running = [("$", inner)], part.name
        self._body(inner, body)
        self._pipes.variables, self._pipes.running = outer
