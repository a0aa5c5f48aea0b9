"""Pipelines of a template: commands, operands, calls with the types that Go wants, and Go's words for what fails.

Holds what the parts of a template share while it runs: variables, the node in work, the steps that are left.
template_run walks the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from razorprof.alerting.go_format import TooLong
from razorprof.alerting.go_numbers import LARGEST_INT
from razorprof.alerting.go_text import quote, to_bytes
from razorprof.alerting.go_time import Duration, Time
from razorprof.alerting.template_builtins import ALL_FUNCTIONS, SHORT_CUTS
from razorprof.alerting.template_fields import ValueGap, field_of, method_of
from razorprof.alerting.template_nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from razorprof.alerting.template_values import AnyMap, Environment, QueryResult, TextMap, Value, is_true, type_name

MOST_STEPS = 100_000
_CHARACTERS_A_STEP = 64  # what work on long texts costs
_ANY = ("interface {}", "reflect.Value")
_NILS = frozenset({*_ANY, "template.queryResult", "*template.sample"})
_POINTERS = {"time.Time": Time, "time.Duration": Duration}


class TemplateFailed(Exception):
    """What went wrong, in Go's words."""


class _Missing:
    """No value: the first command of a pipeline is given none."""


_MISSING = _Missing()
Final = Value | _Missing


@dataclass(frozen=True, slots=True)
class _Signature:
    """What is called, and with what. at: the node that an error of the call is told for."""

    name: str
    types: Sequence[str]
    variadic: bool
    call: Callable[..., Value]
    at: Node | None


class Pipes:
    """What the parts of one running template share. variables: names with their values, the newest last; running:
    the name of the template in work; node: what errors are told for."""

    def __init__(self, text: str, name: str, variables: list[tuple[str, Value]], environment: Environment) -> None:
        self.variables = variables
        self.running = name
        self.node: Node | None = None
        self._text = text
        self._name = name
        self._environment = environment
        self._steps = 0

    def fail(self, message: str) -> NoReturn:
        raise self.failure(message)

    def failure(self, message: str) -> TemplateFailed:
        """What to raise for the node in work."""
        if self.node is None:
            return TemplateFailed(f"template: {self._name}: {message}")
        before = self._text[: self.node.start]
        line = before.count("\n") + 1
        column = len(to_bytes(before[before.rfind("\n") + 1 :]))
        place = f"{self._name}:{line}:{column}"
        return TemplateFailed(f"template: {place}: executing {quote(self.running)} at <{self.node}>: {message}")

    def step(self, cost: int = 1) -> None:
        """Count work."""
        self._steps += cost
        if self._steps > MOST_STEPS:
            self.fail("the template takes too many steps")

    def pipe(self, dot: Value, pipe: Pipe) -> Value:
        self.node = pipe
        value: Final = _MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
        result = None if isinstance(value, _Missing) else value
        for name in pipe.names:
            if pipe.is_assignment:
                self._assign(name, result)
            else:
                self.variables.append((name, result))
        return result

    def _assign(self, name: str, value: Value) -> None:
        for place in range(len(self.variables) - 1, -1, -1):
            if self.variables[place][0] == name:
                self.variables[place] = (name, value)
                return
        self.fail(f"undefined variable: {name}")

    def _command(self, dot: Value, command: Command, final: Final) -> Value:
        self.step()
        first, words = command.words[0], command.words
        match first:
            case Field():
                self.node = first
                return self._fields(dot, dot, first.names, words[1:], final)
            case Chain():
                return self._chain(dot, first, words[1:], final)
            case Identifier():
                self.node = first
                return self._function(dot, first, command, words[1:], final)
            case Pipe():
                self._no_function(words, final)
                return self.pipe(dot, first)
            case Variable():
                return self._variable(dot, first, words, final)
        self.node = first
        self._no_function(words, final)
        if isinstance(first, Nil):
            self.fail("nil is not a command")
        return self._literal(dot, first)

    def _no_function(self, words: Sequence[Operand], final: Final) -> None:
        if len(words) > 1 or final is not _MISSING:
            first = words[0]
            self.fail(f"can't give argument to non-function {first}")

    def _literal(self, dot: Value, operand: Operand) -> Value:
        match operand:
            case Bool() | String():
                return operand.value
            case Number():
                return self._constant(operand)
        return dot

    def _constant(self, number: Number) -> Value:
        """A number where no type is asked for."""
        self.node = number
        text = number.text
        is_hexadecimal = text[:2] in ("0x", "0X") and not any(mark in text for mark in "pP")
        is_real = not is_hexadecimal and text[0] != "'" and any(mark in text for mark in ".eEpP")
        if is_real and number.real is not None:
            return number.real
        if number.whole is None or not -LARGEST_INT - 1 <= number.whole <= LARGEST_INT:
            self.fail(f"{text} overflows int")
        return number.whole

    def _variable(self, dot: Value, variable: Variable, words: Sequence[Operand], final: Final) -> Value:
        self.node = variable
        value = next((value for name, value in reversed(self.variables) if name == variable.names[0]), None)
        if len(variable.names) == 1:
            self._no_function(words, final)
            return value
        return self._fields(dot, value, variable.names[1:], words[1:], final)

    def _chain(self, dot: Value, chain: Chain, arguments: Sequence[Operand], final: Final) -> Value:
        self.node = chain
        if isinstance(chain.of, Nil):
            self.fail(f"indirection through explicit nil in {chain}")
        value = self._argument(dot, "", chain.of)
        return self._fields(dot, value, chain.names, arguments, final)

    def _fields(
        self, dot: Value, value: Value, names: Sequence[str], arguments: Sequence[Operand], final: Final
    ) -> Value:
        """.A.B.C of a value; the last one, if it is a method, with arguments."""
        for name in names[:-1]:
            value = self._field(dot, value, name, (), _MISSING)
        return self._field(dot, value, names[-1], arguments, final)

    def _field(self, dot: Value, value: Value, name: str, arguments: Sequence[Operand], final: Final) -> Value:
        if value is None:
            return None
        method = method_of(value, name)
        if method is not None:
            types, call = method
            return self._call(dot, _Signature(name, types, False, call, self.node), arguments, final)
        try:
            found = field_of(value, name)
        except ValueGap as gap:
            self.fail(str(gap))
        if arguments or final is not _MISSING:
            if isinstance(value, TextMap | AnyMap):
                self.fail(f"{name} is not a method but has arguments")
            self.fail(f"{name} has arguments but cannot be invoked as function")
        return found

    def _function(
        self, dot: Value, identifier: Identifier, at: Node, arguments: Sequence[Operand], final: Final
    ) -> Value:
        name = identifier.name
        function = ALL_FUNCTIONS[name]
        if name in SHORT_CUTS:
            return self._short_cut(dot, name, arguments, final)
        call = function.call
        if function.wants_environment:

            def call(*values: Value) -> Value:
                return function.call(self._environment, *values)

        signature = _Signature(name, function.types, function.variadic, call, at)
        return self._call(dot, signature, arguments, final)

    def _short_cut(self, dot: Value, name: str, arguments: Sequence[Operand], final: Final) -> Value:
        """and, or: the first argument that decides, else the last one."""
        if not arguments and final is _MISSING:
            self.fail(f"wrong number of args for {name}: want at least 1 got 0")
        value: Value = None
        for argument in arguments:
            value = self._argument(dot, "reflect.Value", argument)
            if is_true(value) is (name == "or"):
                return value
        return value if isinstance(final, _Missing) else final

    def _call(self, dot: Value, called: _Signature, arguments: Sequence[Operand], final: Final) -> Value:
        name, types = called.name, called.types
        count = len(arguments) + (final is not _MISSING)
        fixed = len(types) - 1 if called.variadic else len(types)
        if called.variadic and count < fixed:
            self.fail(f"wrong number of args for {name}: want at least {fixed} got {len(arguments)}")
        if not called.variadic and count != fixed:
            self.fail(f"wrong number of args for {name}: want {fixed} got {count}")
        values = [
            self._argument(dot, types[min(place, len(types) - 1)], argument)
            for place, argument in enumerate(arguments)
        ]
        if not isinstance(final, _Missing):
            values.append(self._checked(final, types[min(count - 1, len(types) - 1)]))
        self.step(sum(len(value) for value in values if isinstance(value, str)) // _CHARACTERS_A_STEP)
        try:
            return called.call(*values)
        except ValueGap as gap:
            self.node = called.at
            self.fail(f"error calling {name}: {gap}")
        except TooLong:
            self.node = called.at
            raise

    def _argument(self, dot: Value, type_: str, operand: Operand) -> Value:
        """An argument as a parameter of a type takes it. type_: "" takes anything."""
        self.node = operand
        match operand:
            case Dot():
                return self._checked(dot, type_)
            case Nil():
                if type_ not in _NILS:
                    self.fail(f"cannot assign nil to {type_}")
                return QueryResult() if type_ == "template.queryResult" else None
            case Field():
                return self._checked(self._fields(dot, dot, operand.names, (), _MISSING), type_)
            case Variable():
                return self._checked(self._variable(dot, operand, (operand,), _MISSING), type_)
            case Pipe():
                return self._checked(self.pipe(dot, operand), type_)
            case Identifier():
                return self._checked(self._function(dot, operand, operand, (), _MISSING), type_)
            case Chain():
                return self._checked(self._chain(dot, operand, (), _MISSING), type_)
            case String() if type_ == "string":
                return operand.value
        if type_ in ("", *_ANY):
            return self._literal(dot, operand)
        if type_ == "string":
            raise self.failure(f"expected string; found {operand}")
        raise self.failure(f"can't handle {operand} for arg of type {type_}")

    def _checked(self, value: Value, type_: str) -> Value:
        """The value, if a parameter of the type takes it."""
        if type_ in ("", *_ANY):
            return value
        if value is None:
            if type_ == "template.queryResult":
                return QueryResult()
            if type_ == "*template.sample":
                return None
            self.fail(f"invalid value; expected {type_}")
        pointer = _POINTERS.get(type_)
        if type_name(value) != type_ and not (pointer is not None and isinstance(value, pointer)):
            self.fail(f"wrong type for value; expected {type_}; got {type_name(value)}")
        return value
