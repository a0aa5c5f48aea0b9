"""The commands of a query script, parsed: load, clear, eval with what it expects. For promql_scripts only.

The form is that of Prometheus' promqltest, the deprecated spellings (eval_fail, expected_fail_message) included. A
command that cannot be read becomes Broken, and the rest of the script is read on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.query.series_notation import (
    Points,
    SeriesLine,
    parse_labels,
    parse_number,
    parse_series,
    unquoted,
)

_LOAD = re.compile(r"load(_with_nhcb)?\s+(\S+)")
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+at\s+(\S+)\s+(.+)")
_RANGE = re.compile(
    r"eval(?:_(fail|warn|ordered|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)"
)
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?")
_EXPECT_RANGE = re.compile(r"expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_OLD_FAILURE = re.compile(r"expected_fail_(message|regexp)\s*(.*)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = re.compile(r"(\d{1,12})(ms|[smhdwy])")


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """step: ms; native: the labels of series that hold native histograms (or are made into some)."""

    line: int
    step: int
    series: tuple[SeriesLine, ...]
    native: tuple[Labels, ...] = ()


@dataclass(frozen=True, slots=True)
class Clear:
    line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A command that could not be read."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Message:
    """What an error should say: exactly that, or what the pattern is found in; anything where both are None."""

    exact: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Times in ms; step 0 for one time only."""

    start: int
    end: int
    step: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Eval:
    """when.step 0: an instant query. grid: the times that expected points stand for. scalar, text, series: what is
    expected; annotations: whether warnings or infos are, which we have none of."""

    line: int
    expression: str
    when: Span
    grid: Span
    failure: Message | None = None
    ordered: bool = False
    annotations: bool = False
    scalar: float | None = None
    text: str | None = None
    series: tuple[tuple[Labels, Points], ...] = ()


Command = Load | Clear | Eval | Broken


def parse_script(text: str) -> Iterator[Command]:
    """The commands in their order. A command's lines end at an empty one or one that is all comment."""
    lines = [line.strip() for line in text.splitlines()]
    lines = ["" if line.startswith("#") else line for line in lines]
    at = 0
    while at < len(lines):
        end = at + 1
        word = lines[at].split(None, 1)[0].lower() if lines[at] else ""
        if word.startswith(("load", "eval")):
            while end < len(lines) and lines[end]:
                end += 1
        if word:
            try:
                yield _command(word, at + 1, lines[at:end])
            except UsageError as error:
                yield Broken(at + 1, str(error))
        at = end


def parse_time(text: str) -> int:
    """A time or duration of a script in ms: 1h30m, 0, or a number of seconds. Raises UsageError."""
    parts = _DURATION.findall(text)
    if parts and "".join(map("".join, parts)) == text.lstrip("-"):
        total = sum(int(count) * _UNITS[unit] for count, unit in parts)
        return -total if text.startswith("-") else total
    try:
        seconds = float(text)
        return round(seconds * 1000)
    except (ValueError, OverflowError):
        raise UsageError("not a time or duration", value=text[:40]) from None


def _command(word: str, number: int, lines: list[str]) -> Command:
    if word == "clear":
        return Clear(number)
    if word.startswith("load"):
        return _load(number, lines)
    if word.startswith("eval"):
        return _eval(number, lines)
    raise UsageError("not a command of a query script", value=lines[0][:80], hint="load, clear or eval")


def _load(number: int, lines: list[str]) -> Load:
    head = _LOAD.fullmatch(lines[0])
    if not head:
        raise UsageError("load wants a step", value=lines[0][:80], hint="load 1m")
    series, native = [], []
    for line in lines[1:]:
        if re.match(r"\S*@st[ \t]", line):
            native.append(parse_labels(line.replace("@st", "", 1))[0])  # start timestamps: we know of none
            continue
        one = parse_series(line)
        if one.points.native:
            native.append(one.labels)
        if head[1]:
            name = re.sub(r"_(bucket|count|sum)$", "", one.labels.get("__name__", ""))
            native.append(one.labels.without("le").with_({"__name__": name}))
        series.append(one)
    return Load(number, parse_time(head[2]), tuple(series), tuple(native))


def _eval(number: int, lines: list[str]) -> Eval:
    if instant := _INSTANT.fullmatch(lines[0]):
        mode, at, expression = instant.groups()
        when = Span(parse_time(at), parse_time(at))
    elif ranged := _RANGE.fullmatch(lines[0]):
        mode, start, end, step, expression = ranged.groups()
        when = Span(parse_time(start), parse_time(end), parse_time(step))
        if when.step <= 0 or when.end < when.start:
            raise UsageError("a range of times that cannot be meant", value=lines[0][:80])
    else:
        raise UsageError("an eval that cannot be read", value=lines[0][:80], hint="eval instant at 5m EXPRESSION")
    grid = when
    failure = Message() if mode == "fail" else None
    ordered, annotations = mode == "ordered", mode in ("warn", "info")
    scalar: float | None = None
    text: str | None = None
    series: list[tuple[Labels, Points]] = []
    for line in lines[1:]:
        if old := _OLD_FAILURE.fullmatch(line):
            failure = Message(old[2]) if old[1] == "message" else Message(pattern=old[2])
        elif told := _EXPECT_RANGE.fullmatch(line):
            grid = Span(*map(parse_time, told.groups()))
            when = Span(grid.end, grid.end) if not when.step else when
        elif line.startswith("expect string"):
            text = _expected_text(line.removeprefix("expect string"))
        elif line.split(None, 1)[0] == "expect":
            expect = _EXPECT.fullmatch(line)
            if not expect:
                raise UsageError("an expect line that cannot be read", value=line[:80])
            if expect[1] == "fail":
                failure = _message(expect[2], expect[3])
            ordered = ordered or expect[1] == "ordered"
            annotations = annotations or expect[1] in ("warn", "info")
        elif (value := parse_number(line)) is not None:
            scalar = value
        else:
            one = parse_series(line)
            series.append((one.labels, one.points))
    return Eval(
        number, expression, when, grid, failure, ordered, annotations, scalar, text, tuple(series)
    )  # fmt: skip


def _expected_text(rest: str) -> str:
    """What is left of the line: a literal, or the text itself after one space."""
    return unquoted(rest.strip()) if rest.strip()[:1] in ('"', "'", "`") else rest[1:]


def _message(kind: str | None, text: str | None) -> Message:
    if kind is None or text is None:
        return Message()
    return Message(text.strip()) if kind == "msg" else Message(pattern=text.strip())
