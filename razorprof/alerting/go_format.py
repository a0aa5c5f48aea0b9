"""How Go's fmt shows a template's values: by default, and by one verb with its flags. go_printf reads formats.

What does not fit a verb is told in the text, as in Go: %!d(string=a). Raises TooLong alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from razorprof.alerting.go_numbers import format_float
from razorprof.alerting.go_text import can_backquote, is_printable, quote, to_bytes
from razorprof.alerting.go_time import Duration, Month, Time, Weekday
from razorprof.alerting.template_values import (
    AnyMap,
    Byte,
    Data,
    Kind,
    QueryResult,
    Sample,
    TextMap,
    Value,
    kind_of,
    type_name,
)

MOST_TEXT = 1 << 18  # bytes or so: no text of a template grows beyond
_INT_VERBS = {"d": 10, "v": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}


class TooLong(Exception):
    """A text would grow beyond all bounds."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One verb with its flags. go_syntax: %#v; plain: prints without verb, which knows the dot of a pointer."""

    verb: str = "v"
    sharp: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    go_syntax: bool = False
    field_names: bool = False


PLAIN = Spec()


def sprint(values: Sequence[Value], *, is_pointer: bool = True) -> str:
    """All values, a space between two of which none is a string. is_pointer: whether pointers are told as such."""
    parts: list[str] = []
    for place, value in enumerate(values):
        if place and kind_of(value) is not Kind.STRING and kind_of(values[place - 1]) is not Kind.STRING:
            parts.append(" ")
        parts.append(show(value, PLAIN, is_pointer=is_pointer))
    return bounded("".join(parts))


def sprintln(values: Sequence[Value]) -> str:
    """All values with spaces between them, and a line feed."""
    return bounded(" ".join(show(value, PLAIN) for value in values) + "\n")


def print_value(value: Value) -> str:
    """What an action prints: pointers followed."""
    if value is None:
        return "<no value>"
    return show(value, PLAIN, is_pointer=False)


def bounded(text: str) -> str:
    """The text. Raises TooLong."""
    if len(text) > MOST_TEXT:
        raise TooLong
    return text


def show(value: Value, spec: Spec, *, is_pointer: bool = True, depth: int = 0) -> str:
    """One value by one verb. is_pointer: whether a pointer is told as one."""
    match spec.verb:
        case "T":
            return _pad("<nil>" if value is None else _cut(type_name(value), spec), spec)
        case "p":
            return _bad(value, spec)
    if value is None:
        if depth:
            return "<nil>"
        return _pad("<nil>", spec) if spec.verb == "v" else f"%!{spec.verb}(<nil>)"
    if isinstance(value, Time | Duration | Month | Weekday) and not spec.go_syntax and spec.verb in "vsxXq":
        return _text(str(value), spec)
    match value:
        case bool():
            return _pad("true" if value else "false", spec) if spec.verb in "tv" else _bad(value, spec)
        case int():
            return _integer(value, spec)
        case float():
            return _float(value, spec)
        case str():
            return _text(value, spec)
    return _composite(value, spec, is_pointer, depth)


def _composite(value: Value, spec: Spec, is_pointer: bool, depth: int) -> str:
    if isinstance(value, Sample) and depth and is_pointer:
        return "0xc000000000"  # an address, which tells nobody anything
    separator = ", " if spec.go_syntax else " "
    match value:
        case TextMap() | AnyMap():
            shown = [(show(key, spec), show(value[key], spec, depth=depth + 1)) for key in sorted(value)]
            inside = separator.join(f"{key}:{item}" for key, item in shown)
            return f"{type_name(value)}{{{inside}}}" if spec.go_syntax else f"map[{inside}]"
        case QueryResult():
            inside = separator.join(show(item, spec, depth=depth + 1) for item in value)
            return f"{type_name(value)}{{{inside}}}" if spec.go_syntax else f"[{inside}]"
        case Sample():
            text = _struct("template.sample", {"Labels": value.labels, "Value": value.value}, spec, depth)
            return f"&{text}" if is_pointer else text
        case Data():
            fields: dict[str, Value] = {
                "Labels": value.labels,
                "ExternalLabels": value.external_labels,
                "ExternalURL": value.external_url,
                "Value": value.value,
            }
            return _struct(type_name(value), fields, spec, depth)
        case Time() | Duration():
            return f"%!{spec.verb}({type_name(value)}={value})"
    return _bad(value, spec)


def _struct(name: str, fields: dict[str, Value], spec: Spec, depth: int) -> str:
    named = spec.go_syntax or spec.field_names
    parts = [
        f"{field}:{show(value, spec, depth=depth + 1)}" if named else show(value, spec, depth=depth + 1)
        for field, value in fields.items()
    ]
    return (name if spec.go_syntax else "") + "{" + (", " if spec.go_syntax else " ").join(parts) + "}"


def _bad(value: Value, spec: Spec) -> str:
    inside = "<nil>" if value is None else f"{type_name(value)}={show(value, replace(spec, verb='v'))}"
    return f"%!{spec.verb}({inside})"


def _integer(value: int, spec: Spec) -> str:
    number = int(value)
    match spec.verb:
        case "c":
            return _pad(_character(number), spec)
        case "q":
            return _pad(quote(_character(number), "'", ascii_only=spec.plus), spec)
        case "U":
            return _pad(_code_point(number, spec), replace(spec, zero=False))
    base = _INT_VERBS.get(spec.verb)
    if base is None:
        return _bad(value, spec)
    if spec.go_syntax and isinstance(value, Byte):
        return _pad(f"{number:#x}", spec)
    if spec.precision == 0 and number == 0:
        return _pad("", replace(spec, zero=False))
    digits = f"{abs(number):{ {10: 'd', 2: 'b', 8: 'o', 16: 'x'}[base] }}"
    sign = "-" if number < 0 else "+" if spec.plus else " " if spec.space else ""
    if spec.precision is not None:
        digits = digits.rjust(spec.precision, "0")
    elif spec.zero and spec.width is not None:
        digits = digits.rjust(spec.width - len(sign), "0")
    if spec.sharp and not spec.go_syntax:
        prefix = {2: "0b", 16: "0x", 8: "" if digits.startswith("0") else "0"}.get(base, "")
        digits = prefix + digits
    if spec.verb == "O":
        digits = "0o" + digits
    text = sign + digits
    return _pad(text.upper() if spec.verb == "X" else text, replace(spec, zero=False))


def _float(value: float, spec: Spec) -> str:
    if spec.verb not in "veEfFgGbxX":
        return _bad(value, spec)
    verb = {"v": "g", "F": "f"}.get(spec.verb, spec.verb)
    precision = spec.precision if spec.precision is not None else 6 if verb in "eEf" else -1
    text = format_float(value, verb, precision)
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
    if spec.space and sign == "+" and not spec.plus:
        sign = " "
    if digits in ("Inf", "NaN"):
        shown = digits if digits == "NaN" and not (spec.space or spec.plus) else sign + digits
        return _pad(shown, replace(spec, zero=False))
    if spec.sharp and not spec.go_syntax and verb != "b":
        digits = _with_point(digits, spec, verb, precision)
    if spec.plus or sign != "+":
        if spec.zero and spec.width is not None and spec.width > len(digits) + 1:
            return sign + digits.rjust(spec.width - 1, "0")
        return _pad(sign + digits, spec)
    return _pad(digits, spec)


def _with_point(digits: str, spec: Spec, verb: str, precision: int) -> str:
    """%#g and its like: a point always, and zeros up to the precision."""
    marks = "pP" if verb in "xX" else "eE"
    place = next((place for place, character in enumerate(digits) if character in marks), len(digits))
    mantissa, tail = digits[:place], digits[place:]
    wanted = (precision if precision >= 0 else 6) if spec.verb in "vgGx" else 0
    significant = mantissa.replace(".", "").lstrip("0")  # an x counts too, in Go
    wanted -= len(significant)
    if "." not in mantissa:
        wanted -= mantissa == "0"
        mantissa += "."
    return mantissa + "0" * max(0, wanted) + tail


def _text(text: str, spec: Spec) -> str:
    match spec.verb:
        case "v" if spec.go_syntax:
            return _pad(quote(_cut(text, spec)), spec)
        case "v" | "s":
            return _pad(_cut(text, spec), spec)
        case "q":
            cut = _cut(text, spec)
            if spec.sharp and can_backquote(cut):
                return _pad(f"`{cut}`", spec)
            return _pad(quote(cut, ascii_only=spec.plus), spec)
        case "x" | "X":
            return _pad(_hexadecimal(to_bytes(text)[: spec.precision], spec), spec)
    return _bad(text, spec)


def _hexadecimal(content: bytes, spec: Spec) -> str:
    prefix = "0x" if spec.sharp and content else ""
    text = prefix + content.hex() if not spec.space else " ".join(prefix + f"{byte:02x}" for byte in content)
    return text.upper() if spec.verb == "X" else text


def _character(code: int) -> str:
    return chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"


def _code_point(number: int, spec: Spec) -> str:
    code = number & ((1 << 64) - 1)
    text = f"U+{code:0{max(4, spec.precision or 0)}X}"
    if spec.sharp and code <= 0x10FFFF and is_printable(_character(code)) and not 0xD800 <= code <= 0xDFFF:
        text += f" '{chr(code)}'"
    return text


def _cut(text: str, spec: Spec) -> str:
    return text if spec.precision is None else text[: spec.precision]


def _pad(text: str, spec: Spec) -> str:
    if spec.width is None or spec.width <= len(text):
        return text
    if spec.width > MOST_TEXT:
        raise TooLong
    if spec.minus:
        return text.ljust(spec.width)
    return text.rjust(spec.width, "0" if spec.zero else " ")
