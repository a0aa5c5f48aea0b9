"""Functions that every Go template has: text/template's. and and or are template_run's: they skip arguments."""

from __future__ import annotations

from collections.abc import Callable

from razorprof.alerting.go_format import bounded, sprint, sprintln
from razorprof.alerting.go_printf import sprintf
from razorprof.alerting.go_text import escape_html, escape_query, escape_script
from razorprof.alerting.template_fields import cut, equals, index, is_less, length
from razorprof.alerting.template_functions import FUNCTIONS, Function
from razorprof.alerting.template_values import Value, is_true

_ANY, _VALUE, _TEXT = "interface {}", "reflect.Value", "string"


def _escaper(escape: Callable[[str], str]) -> Callable[..., Value]:
    def escaped(*values: Value) -> Value:
        if len(values) == 1 and isinstance(values[0], str):
            return bounded(escape(str(values[0])))
        told = ["<no value>" if value is None else value for value in values]
        return bounded(escape(sprint(told, is_pointer=False)))

    return escaped


def _is_less_or_equal(first: Value, second: Value) -> bool:
    return is_less(first, second) or equals(first, (second,))


SHORT_CUTS = frozenset({"and", "or"})
BUILTINS: dict[str, Function] = {
    "and": Function((_VALUE,), lambda *_: None, variadic=True),
    "or": Function((_VALUE,), lambda *_: None, variadic=True),
    "not": Function((_VALUE,), lambda value: not is_true(value)),
    "len": Function((_VALUE,), length),
    "index": Function((_VALUE, _VALUE), lambda value, *keys: index(value, keys), variadic=True),
    "slice": Function((_VALUE, _VALUE), lambda value, *keys: cut(value, keys), variadic=True),
    "print": Function((_ANY,), lambda *values: sprint(values), variadic=True),
    "println": Function((_ANY,), lambda *values: sprintln(values), variadic=True),
    "printf": Function((_TEXT, _ANY), lambda format, *values: sprintf(format, values), variadic=True),
    "html": Function((_ANY,), _escaper(escape_html), variadic=True),
    "js": Function((_ANY,), _escaper(escape_script), variadic=True),
    "urlquery": Function((_ANY,), _escaper(escape_query), variadic=True),
    "eq": Function((_VALUE, _VALUE), lambda first, *others: equals(first, others), variadic=True),
    "ne": Function((_VALUE, _VALUE), lambda first, second: not equals(first, (second,))),
    "lt": Function((_VALUE, _VALUE), is_less),
    "le": Function((_VALUE, _VALUE), _is_less_or_equal),
    "gt": Function((_VALUE, _VALUE), lambda first, second: not _is_less_or_equal(first, second)),
    "ge": Function((_VALUE, _VALUE), lambda first, second: not is_less(first, second)),
}
ALL_FUNCTIONS = {**BUILTINS, **FUNCTIONS}
