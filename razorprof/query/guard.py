"""The guard before the parser: one linear scan of the text, which refuses what the parser must not see.

The parser recurses on nesting and ends the process when that is deep; it panics on times beyond its types. And it
has no word for what newer versions of the language know: the scan names those things. Called by parse only; says
nothing about syntax otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from razorprof.errors import NotSupported, UsageError

LONGEST_TEXT = 16 * 1024
DEEPEST_NESTING = 200
MOST_OPERATORS = 500
_FARTHEST = 1e11  # seconds: beyond it, the parser's types and Python's dates end

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+(?!\w)|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][\w:]*|:[A-Za-z_][\w:]*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<operator>==|!=|=~|!~|<=|>=|[-+*/%^<>])
    |(?P<at>@)
    |(?P<quote>["'`])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
# Go reads these as bytes, which may make no text at all; the parser reads each as a character.
_HIGH_BYTE = re.compile(r"""^["'](?:[^\\]|\\.)*?\\(?:x[89a-fA-F]|[23][0-7])""", re.DOTALL)
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_LATER_WORDS = {
    "anchored": "the modifier anchored",
    "smoothed": "the modifier smoothed",
    "fill": "the modifier fill",
    "fill_left": "the modifier fill_left",
    "fill_right": "the modifier fill_right",
}
_CLOSES = {")": "(", "]": "[", "}": "{"}
Token = tuple[str, str]


class BeyondLimits(UsageError):
    """Prometheus would take the expression; here it is too much, or more than the parser can read."""


def check_text(text: str) -> None:
    """Refuse text that is too long, too deep or of too many parts, and times beyond all bounds."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UsageError("the expression is no valid text", hint="write it in UTF-8") from None
    if size > LONGEST_TEXT:
        raise BeyondLimits(
            "the expression is too long",
            value=f"{size} bytes",
            hint=f"at most {LONGEST_TEXT // 1024} KiB are read",
        )
    opened: list[str] = []
    places: list[int] = []
    operators = 0
    before: Token = ("", "")
    for kind, token, at in tokens(text):
        if kind == "open":
            if before[1] in ("offset", "offset-") and token == "(":
                raise _no_duration_arithmetic()
            opened.append(token)
            places.append(at)
            if len(opened) > DEEPEST_NESTING:
                raise BeyondLimits("the expression is nested too deeply", hint=f"at most {DEEPEST_NESTING} levels")
        elif kind == "close":
            if opened and opened[-1] != _CLOSES[token]:
                raise UsageError(
                    "brackets do not match", value=f"{opened[-1]} is closed by {token} at character {at + 1}"
                )
            if not opened:
                raise UsageError("brackets do not match", value=f"{token} at character {at + 1} closes nothing")
            opened.pop()
            places.pop()
        elif kind == "quote":
            raise UsageError("a string is not closed", hint=f"add the missing {token}")
        elif kind == "string" and _HIGH_BYTE.search(token):
            raise BeyondLimits(
                "a string spells out bytes beyond ASCII", value=token[:40], hint="write the characters"
            )
        elif "{" not in opened[-1:]:
            _check_duration(kind, token, before, inside_range=opened[-1:] == ["["])
            operators += kind == "operator" or token in _WORD_OPERATORS
            if operators > MOST_OPERATORS:
                raise BeyondLimits("the expression has too many operators", hint=f"at most {MOST_OPERATORS}")
        before = _context(before, kind, token)
    if opened:
        raise UsageError("a bracket is not closed", value=f"{opened[-1]} at character {places[-1] + 1}")


def unknown_word(text: str) -> str | None:
    """What the parser cannot know in text that it refused: a thing of newer versions, if there is one."""
    depth, before = 0, ""
    for kind, token, _ in tokens(text):
        depth += (token == "{") - (token == "}")
        if kind == "word" and token in _LATER_WORDS and not depth and before:
            return _LATER_WORDS[token]
        if token == "/" and before in ("<", ">"):
            return f"the operator {before}/, which trims native histograms,"
        before = token
    return None


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and place of each word of an expression; spaces and comments left out."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup and found.lastgroup != "space":
            yield found.lastgroup, found[0], found.start()


def _context(before: Token, kind: str, token: str) -> Token:
    """What the next token has to know: a sign after @ or offset does not hide those words."""
    if kind == "operator" and token in "+-" and before[1] in ("@", "offset", "@-", "offset-"):
        return kind, before[1].rstrip("-") + ("-" if token == "-" or before[1].endswith("-") else "")
    return kind, token


def _check_duration(kind: str, token: str, before: Token, *, inside_range: bool) -> None:
    computed = kind == "word" and token.lower() not in ("inf", "nan")
    if inside_range and (
        (kind == "operator" and before[1] != "[") or (computed and token.lstrip(":").isidentifier())
    ):
        raise _no_duration_arithmetic()
    if computed and before[1] in ("offset", "offset-"):
        raise _no_duration_arithmetic()
    placed = before[1] in ("@", "@-", "offset", "offset-")
    if not (placed or inside_range) or kind not in ("number", "word"):
        return
    seconds = _seconds(token)
    if seconds is None:
        return
    if not seconds < _FARTHEST:
        raise UsageError("a time or duration is out of bounds", value=token[:40])
    if before[1] == "@-" and seconds > 0:
        raise NotSupported("@ with a time before 1970", hint="write a time stamp of 0 or more")


def _seconds(token: str) -> float | None:
    if token[:2] in ("0x", "0X"):
        return float(int(token, 16)) if len(token) < 32 else float("inf")
    try:
        return float(token)
    except ValueError:
        return None  # a duration with units: the parser bounds it itself


def _no_duration_arithmetic() -> NotSupported:
    return NotSupported(
        "duration arithmetic is experimental in Prometheus", hint="write the duration as one number: 300, 5m"
    )
