"""The series notation of query scripts: `name{label="value"} 1+2x10 _ _x3 stale NaN`. For promql_scripts only.

Tolerant of what has to be refused: points that are native histograms are read as such and counted, not understood.
Written by strangers: repetitions are bounded.
"""

from __future__ import annotations

import ast
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
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', re.DOTALL)
_SPACE = re.compile(r"[ \t]*")
_POINT = re.compile(r"\{\{[^{}]*\}\}\S*(?:\{\{[^{}]*\}\}\S*)?|\S+")
# Hexadecimal is for numbers on their own: in a series 0x10 is zero, and ten times more.
_NUMBER = r"[+-]?(?:inf(?:inity)?|nan|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_VALUE = re.compile(rf"[+-]?0x[0-9a-f]+|{_NUMBER}", re.IGNORECASE | re.ASCII)
_SEQUENCE = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?(?:x(\d+))?", re.IGNORECASE | re.ASCII)


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
    """A line of a `load` or of what an `eval` expects. Raises UsageError."""
    labels, end = parse_labels(line)
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
        labels["__name__"] = name[0]
    at = _skip(line, at)
    if not line.startswith("{", at) or line.startswith("{{", at):
        if not name:
            raise UsageError("a series begins with its name or with {", value=line[:80])
        return Labels(labels), at
    at = _skip(line, at + 1)
    while not line.startswith("}", at):
        label, at = _label_name(line, at)
        if line.startswith("=", at):
            value, at = _quoted(line, _skip(line, at + 1))
            labels[label] = value
        else:  # {"a name", ...}
            labels["__name__"] = label
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
        if word.startswith("{{") or "{{" in word:
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
    """The text that a string literal of PromQL stands for. Raises UsageError."""
    if text.startswith("`"):
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        raise UsageError("a string that cannot be read", value=text[:80]) from None
    if not isinstance(value, str):
        raise UsageError("not a string", value=text[:80])
    return value


def _expanded(word: str) -> Iterator[float | None]:
    if word.startswith("_"):
        if word != "_" and not re.fullmatch(r"_x\d+", word):
            raise UsageError("a point that cannot be read", value=word[:80])
        yield from [None] * (1 if word == "_" else _times(word[2:]))
        return
    if word == "stale":
        yield _STALE
        return
    sequence = _SEQUENCE.fullmatch(word)
    if not sequence:
        raise UsageError("a point that cannot be read", value=word[:80])
    first, sign, by, count = sequence.groups()
    if by is not None and count is None:
        raise UsageError("a sequence needs a count: 1+2x10", value=word[:80])
    value = parse_number(first) or 0.0
    step = (parse_number(by) or 0.0) * (-1 if sign == "-" else 1) if by else 0.0
    for _ in range(_times(count) + 1 if count else 1):
        yield value
        value += step


def _times(text: str) -> int:
    times = int(text[:12])
    if times > MOST_POINTS:
        raise UsageError("too many points", value=text, hint=f"at most {MOST_POINTS} a series")
    return times


def _label_name(line: str, at: int) -> tuple[str, int]:
    name = _NAME.match(line, at)
    return (name[0], _skip(line, name.end())) if name else _quoted(line, at)


def _quoted(line: str, at: int) -> tuple[str, int]:
    text = _TEXT.match(line, at)
    if not text:
        raise UsageError("a label's value stands in quotes", value=line[at : at + 40])
    return unquoted(text[0]), _skip(line, text.end())


def _skip(line: str, at: int) -> int:
    space = _SPACE.match(line, at)
    return space.end() if space else at
