"""The series notation of Prometheus's own tests: `name{label="value"} 1+2x10 _ _x3 stale NaN`.

Read by query scripts (testing.promql_scripts) and by tests of rules (alerting.rule_tests). As strict as the
original (promql/parser: ParseSeriesDesc), with one exception: native histograms are read over and counted, not
understood. Written by strangers: repetitions are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Floats

MOST_POINTS = 1_000_000
_STALE = float(np.array([STALE_BITS]).view(np.float64)[0])

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYWORDS = frozenset({"nan", "inf", "on", "bool", "ignoring", "group_left", "group_right", "atan2"})  # no names
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`')
_SPACE = re.compile(r"[ \t\r\n]*")
_POINT = re.compile(r"\{\{[^{}]*\}\}[^ \t\r\n]*(?:\{\{[^{}]*\}\}[^ \t\r\n]*)?|[^ \t\r\n]+")
_DIGITS = r"\d+(?:_\d+)*"
_DECIMAL = rf"(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?\d+)?"
_WORD = "(?i:inf|nan)"
# Hexadecimal is for numbers on their own: in a series 0x10 is zero, and ten times more.
_VALUE = re.compile(rf"[+-]?(?:0[xX][0-9a-fA-F]+|{_DECIMAL}|{_WORD})", re.ASCII)
# An x that follows a word belongs to it: there is no NaNx5.
_SEQUENCE = re.compile(rf"([+-]?(?:{_DECIMAL}|{_WORD}(?!x)))(?:([+-])({_DECIMAL}))?(?:x(\d+))?", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|.)", re.DOTALL
)
_PLAIN = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """values: one for each step, NaN where omitted; there: which are not; native: whether any is a native
    histogram. Those are stale markers here: no float, and what hides an older one, as a histogram does."""

    values: Floats
    there: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    native: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SeriesLine:
    labels: Labels
    points: Points


def parse_series(line: str) -> SeriesLine:
    """A series with its points, as a `load` or an `eval` has them. Raises UsageError."""
    labels, end = parse_labels(line)
    if end < len(line) and line[end] not in " \t\r\n":
        raise UsageError("a space stands between a series and its points", value=line[end : end + 40])
    return SeriesLine(labels, parse_points(line[end:]))


def parse_number(text: str) -> float | None:
    """A number as PromQL writes it; None if it is none."""
    if not _VALUE.fullmatch(text):
        return None
    bare = text.lower().lstrip("+-")
    value = float(int(bare, 16)) if bare.startswith("0x") else float(bare.replace("_", ""))
    return -value if text.startswith("-") else value


def parse_labels(line: str) -> tuple[Labels, int]:
    """The label set at the start of a line, and where it ends."""
    labels: dict[str, str] = {}
    name = _NAME.match(line)
    at = name.end() if name else 0
    if name:
        if name[0].lower() in _KEYWORDS:
            raise UsageError("a word of PromQL is no name of a series", value=name[0])
        labels["__name__"] = name[0]
    if not line.startswith("{", at) or line.startswith("{{", at):
        if not name:
            raise UsageError("a series begins with its name or with {", value=line[:80])
        return Labels(labels), at
    at = _skip(line, at + 1)
    while not line.startswith("}", at):
        before = at
        label, value, at = _label(line, at)
        if label not in labels:
            labels[label] = value
        elif label != "__name__":  # the name in front counts
            raise UsageError(f"the label {label} comes twice", value=line[before : before + 40])
        if line.startswith(",", at):
            at = _skip(line, at + 1)
        elif not line.startswith("}", at):
            raise UsageError("labels want , or } here", value=line[at : at + 40])
    return Labels(labels), at + 1


def parse_points(text: str) -> Points:
    """The points of a series, expanded."""
    values: list[float | None] = []
    native = False
    for word in _POINT.findall(text):
        if "{{" in word:
            native = True
            times = re.search(r"x(\d+)$", word)
            values += [_STALE] * (_times(times[1]) + 1 if times else 1)
        else:
            values += _expanded(word)
        if len(values) > MOST_POINTS:
            raise UsageError("too many points", value=word, hint=f"at most {MOST_POINTS} a series")
    there = np.array([value is not None for value in values], np.bool_)
    return Points(np.array([np.nan if v is None else v for v in values], np.float64), there, native)


def unquoted(text: str) -> str:
    """The text that a string literal of PromQL stands for: quotes and escapes as in Go. Raises UsageError."""
    if not _TEXT.fullmatch(text):
        raise UsageError("a string that cannot be read", value=text[:80])
    if text.startswith("`"):
        return text[1:-1]
    quote, parts, at = text[0], bytearray(), 1
    for escape in _ESCAPE.finditer(text, 1, len(text) - 1):
        parts += text[at : escape.start()].encode("utf-8", "surrogateescape")
        parts += _unescaped(escape, quote)
        at = escape.end()
    parts += text[at:-1].encode("utf-8", "surrogateescape")
    return parts.decode("utf-8", "surrogateescape")


def _unescaped(escape: re.Match[str], quote: str) -> bytes:
    plain, byte, code, longer, octal = escape.groups()
    if plain and (plain not in "'\"" or plain == quote):
        return bytes([_PLAIN[plain]])
    if byte or (octal and int(octal, 8) < 0x100):
        return bytes([int(byte, 16) if byte else int(octal, 8)])
    if code or longer:
        number = int(code or longer, 16)
        if number < 0xD800 or 0xE000 <= number < 0x110000:
            return chr(number).encode()
    raise UsageError("an escape that cannot be read", value=escape[0])


def _expanded(word: str) -> Iterator[float | None]:
    if word.startswith("_"):
        if not re.fullmatch(r"_(?:x\d+)?", word, re.ASCII):
            raise UsageError("a point that cannot be read", value=word[:80])
        yield from [None] * (1 if word == "_" else _times(word[2:]))
        return
    if word == "stale":
        yield _STALE
        return
    sequence = _SEQUENCE.fullmatch(word)
    if not sequence:
        raise UsageError("a point that cannot be read", value=word[:80], hint="1 2.5 _ stale NaN 1+2x10 5x3 _x3")
    first, sign, by, count = sequence.groups()
    if by is not None and count is None:
        raise UsageError("a sequence needs a count: 1+2x10", value=word[:80])
    value = _finite(first)
    step = _finite(by) * (-1 if sign == "-" else 1) if by else 0.0
    for _ in range(_times(count) + 1 if count else 1):
        yield value
        value += step


def _finite(text: str) -> float:
    """A number that a float can hold, or an infinity that is written as one."""
    value = parse_number(text) or 0.0
    if math.isinf(value) and text[-1:].isdigit():
        raise UsageError("a number out of range", value=text[:80])
    return value


def _times(text: str) -> int:
    times = int(text[:12])
    if times > MOST_POINTS:
        raise UsageError("too many points", value=text[:80], hint=f"at most {MOST_POINTS} a series")
    return times


def _label(line: str, at: int) -> tuple[str, str, int]:
    """A label with its value, and where it ends; a name alone in quotes is that of the series."""
    name = _LABEL.match(line, at)
    label, end = (name[0], _skip(line, name.end())) if name else _quoted(line, at, "a label")
    if line.startswith("=", end):
        return label, *_quoted(line, _skip(line, end + 1), "a label's value")
    if name:
        raise UsageError("a label wants = and its value", value=line[at : at + 40])
    return "__name__", label, end


def _quoted(line: str, at: int, what: str) -> tuple[str, int]:
    text = _TEXT.match(line, at)
    if not text:
        raise UsageError(f"{what} stands in quotes", value=line[at : at + 40])
    return unquoted(text[0]), _skip(line, text.end())


def _skip(line: str, at: int) -> int:
    space = _SPACE.match(line, at)
    return space.end() if space else at
