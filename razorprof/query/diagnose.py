"""Where an expression that the parser refused goes wrong: the first word that cannot stand where it stands.

The parser names no place. This walks the words with a rough grammar, which may find nothing but never decides
whether an expression is good. Called by parse, for messages only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from razorprof.query.functions.registry import FUNCTIONS, UNSUPPORTED
from razorprof.query.guard import tokens

_AGGREGATIONS = frozenset(
    {
        *("sum", "avg", "min", "max", "group", "count", "stddev", "stdvar", "topk", "bottomk", "quantile"),
        *("count_values", "limitk", "limit_ratio"),
    }
)
_BINARY = frozenset(
    {"==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^", "and", "or", "unless", "atan2"}
)
_GROUPING = frozenset({"by", "without"})
_MATCHING = frozenset({"on", "ignoring", "group_left", "group_right"})
_TIMES = frozenset({"offset", "@"})
_NUMBERS = frozenset({"number"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SHOWN = 20
_HINTS = {
    "=": "compare with ==",
    "&": "write: and",
    "|": "write: or",
    "!": "write: unless, or != for unequal",
    "~": "=~ and !~ stand within the braces of a selector",
    "!~": "=~ and !~ stand within the braces of a selector",
    ".": "names have no dots; quote such a name within braces",
}
_CHARACTER = re.compile(r"unexpected character: '(.)'|^unexpected character after '([=.])'")
Word = tuple[str, str, int]  # kind, text, place


def first_wrong_word(text: str) -> tuple[str, str]:
    """(what is unexpected and where, what to do about it); empty texts where nothing is found."""
    words = list(tokens(text))
    place = _Walk(words).first_wrong()
    if place is None:
        return "", ""
    if place >= len(words):
        return "it ends too early", ""
    _, word, start = words[place]
    line = text.count("\n", 0, start) + 1
    character = start - (text.rfind("\n", 0, start) + 1) + 1
    where = f"line {line}, character {character}" if "\n" in text.strip() else f"character {character}"
    shown = word if len(word) <= _SHOWN else word[: _SHOWN - 1] + "…"
    return f"unexpected {shown!r} at {where}", _HINTS.get(word, "")


def hint_for(words: str) -> str:
    """What to do about a character that the parser itself names."""
    found = _CHARACTER.search(words)
    if found is None:
        return ""
    return _HINTS.get(found[1] or {"=": "~"}.get(found[2], found[2]), "")


class _Walk:
    """One pass over the words. Brackets do match: the guard has seen to that."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._place = 0
        self._open: list[str] = []  # "(" of a group, "call" of a function, "aggregation"
        self._is_done = False

    def first_wrong(self) -> int | None:
        """The place of the first word that cannot stand there; len(words) for the end; None for no finding."""
        while True:
            if not self._operand():
                return self._place
            if not self._after_operand():
                is_complete = self._is_done and not self._open
                return None if is_complete else self._place

    def _text(self, ahead: int = 0) -> str:
        place = self._place + ahead
        return self._words[place][1] if place < len(self._words) else ""

    def _kind(self) -> str:
        return self._words[self._place][0] if self._place < len(self._words) else ""

    def _operand(self) -> bool:
        """Pass signs, opening brackets and one operand; False at what is none."""
        while True:
            while self._text() in ("+", "-") and self._kind() == "operator":
                self._place += 1
            kind, word = self._kind(), self._text()
            if word == "(" and kind == "open":
                self._open.append("(")
                self._place += 1
                continue
            if kind in ("number", "string"):
                self._place += 1
                return True
            if word == "{":
                return self._selector()
            if kind != "word":
                return False
            if word in _AGGREGATIONS and self._is_aggregation():
                if not self._aggregation():
                    return False
                continue
            if self._text(1) == "(" and (word in FUNCTIONS or word in UNSUPPORTED):
                self._place += 2
                if self._text() == ")":
                    self._place += 1
                    return True
                self._open.append("call")
                continue
            self._place += 1
            return self._selector() if self._text() == "{" else True

    def _is_aggregation(self) -> bool:
        return self._text(1) in ("(", *_GROUPING)

    def _aggregation(self) -> bool:
        self._place += 1
        if self._text() in _GROUPING:
            self._place += 1
            if not self._labels():
                return False
        if self._text() != "(":
            return False
        self._place += 1
        self._open.append("aggregation")
        return True

    def _after_operand(self) -> bool:
        """Pass what may follow an operand, up to and with what wants another one; False at what may not follow."""
        while self._place < len(self._words):
            kind, word = self._kind(), self._text()
            if word == "[":
                self._skip()
            elif word == ")" and self._open:
                if self._open.pop() == "aggregation" and self._text(1) in _GROUPING:
                    self._place += 2
                    if not self._labels():
                        return False
                else:
                    self._place += 1
            elif word == "," and self._open[-1:] in (["call"], ["aggregation"]):
                self._place += 1
                return True
            elif word in _TIMES:
                if not self._time():
                    return False
            elif word in _BINARY and kind in ("operator", "word"):
                self._place += 1
                return self._modifiers()
            else:
                return False
        self._is_done = True
        return False

    def _modifiers(self) -> bool:
        if self._text() == "bool":
            self._place += 1
        while self._text() in _MATCHING:
            has_labels = self._text(1) == "("
            if not has_labels and not self._text().startswith("group_"):
                break  # a metric may have such a name
            self._place += 1
            if has_labels and not self._labels():
                return False
        return True

    def _time(self) -> bool:
        """offset 5m, @ 1700000000, @ start()"""
        self._place += 1
        if self._text() in ("-", "+"):
            self._place += 1
        if self._text() in ("start", "end") and self._text(1) == "(":
            self._place += 3
            return True
        if self._kind() not in _NUMBERS:
            return False
        self._place += 1
        return True

    def _labels(self) -> bool:
        """(a, b)"""
        if self._text() != "(":
            return False
        self._place += 1
        while self._kind() in ("word", "string"):
            self._place += 1
            if self._text() != ",":
                break
            self._place += 1
        if self._text() != ")":
            return False
        self._place += 1
        return True

    def _selector(self) -> bool:
        """{a="b", c=~"d"}"""
        self._place += 1
        while self._text() != "}":
            if self._kind() not in ("word", "string"):
                return False
            is_quoted = self._kind() == "string"
            self._place += 1
            matches = self._text() in ("=", "!=", "=~", "!~")
            if matches:
                self._place += 1
                if self._kind() != "string":
                    return False
                self._place += 1
            elif not is_quoted:
                return False
            if self._text() == ",":
                self._place += 1
            elif self._text() != "}":
                return False
        self._place += 1
        return True

    def _skip(self) -> None:
        """Pass a bracket with all that is in it."""
        depth = 0
        while self._place < len(self._words):
            word = self._text()
            depth += (word in _CLOSING) - (word in _CLOSING.values())
            self._place += 1
            if depth == 0:
                return
