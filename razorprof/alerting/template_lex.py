"""The words of a template: text between actions, and inside them operands, keywords and marks, as Go's lexer cuts
them. For template_parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from razorprof.alerting.go_text import quote, to_bytes

_SPACES = " \t\r\n"
_KEYWORDS = frozenset(
    {"block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"}
)
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_ENDS = ("}}", *(f"{space}-}}}}" for space in _SPACES))  # the latter cut spaces behind the action
_QUOTED = {'"': "quoted string", "'": "character constant"}


class Token(StrEnum):
    TEXT = "text"
    LEFT = "left delimiter"
    RIGHT = "right delimiter"
    SPACE = "space"
    IDENTIFIER = "identifier"
    KEYWORD = "keyword"
    BOOL = "bool"
    NUMBER = "number"
    COMPLEX = "complex"
    CHARACTER = "character constant"
    STRING = "string"
    VARIABLE = "variable"
    FIELD = "field"
    DOT = "dot"
    PIPE = "pipe"
    DECLARE = "declare"
    ASSIGN = "assign"
    OPEN = "open parenthesis"
    CLOSE = "close parenthesis"
    MARK = "mark"
    ERROR = "error"
    END = "end of text"


@dataclass(frozen=True, slots=True)
class Item:
    """A word. start: its place in the text; text: as it stands there, or what is wrong."""

    token: Token
    start: int
    text: str

    def __str__(self) -> str:
        """As Go's parser names it in its messages."""
        if self.token is Token.END:
            return "EOF"
        if self.token is Token.ERROR:
            return self.text
        if self.token is Token.KEYWORD:
            return f"<{self.text}>"
        return f"{quote(self.text[:10])}..." if len(to_bytes(self.text)) > 10 else quote(self.text)


def lex(text: str, start: int = 0) -> Iterator[Item]:
    """The words of a text from a place on, the last of which is END or ERROR."""
    return _Lexer(text, start).items()


class _Lexer:
    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._place = start

    def items(self) -> Iterator[Item]:
        text = self._text
        while True:
            left = text.find("{{", self._place)
            plain = text[self._place :] if left < 0 else text[self._place : left]
            start = self._place
            if left < 0:
                if plain:
                    yield Item(Token.TEXT, start, plain)
                yield Item(Token.END, len(text), "")
                return
            trims = text[left + 2 : left + 3] == "-" and text[left + 3 : left + 4] in tuple(_SPACES)
            if trims:
                plain = plain.rstrip(_SPACES)
            if plain:
                yield Item(Token.TEXT, start, plain)
            self._place = left + (4 if trims else 2)
            if text.startswith("/*", self._place):
                error = self._comment()
                if error:
                    yield Item(Token.ERROR, self._place, error)
                    return
                continue
            yield Item(Token.LEFT, left, "{{")
            for item in self._action():
                yield item
                if item.token is Token.ERROR:
                    return

    def _comment(self) -> str:
        """Pass over a comment with its end of action; what is wrong with it."""
        end = self._text.find("*/", self._place + 2)
        if end < 0:
            return "unclosed comment"
        self._place = end + 2
        if not self._at_right():
            return "comment ends before closing delimiter"
        self._pass_right()
        return ""

    def _at_right(self) -> bool:
        return self._text.startswith(_ENDS, self._place)

    def _pass_right(self) -> Item:
        trims = not self._text.startswith("}}", self._place)
        start = self._place + 2 if trims else self._place
        self._place = start + 2
        if trims:
            while self._place < len(self._text) and self._text[self._place] in _SPACES:
                self._place += 1
        return Item(Token.RIGHT, start, "}}")

    def _action(self) -> Iterator[Item]:
        """The words up to the end of this action."""
        depth = 0
        while True:
            if self._at_right():
                if depth:
                    yield Item(Token.ERROR, self._place, "unclosed left paren")
                    return
                yield self._pass_right()
                return
            item = self._word()
            depth += (item.token is Token.OPEN) - (item.token is Token.CLOSE)
            yield item
            if item.token is Token.ERROR:
                return
            if depth < 0:
                yield Item(Token.ERROR, self._place, "unexpected right paren U+0029 ')'")
                return

    def _word(self) -> Item:
        text, start = self._text, self._place
        character = text[start : start + 1]
        if not character:
            return self._error("unclosed action")
        if character in _SPACES:
            return self._spaces()
        if character == "=":
            return self._take(Token.ASSIGN, 1)
        if character == ":":
            if text.startswith(":=", start):
                return self._take(Token.DECLARE, 2)
            return self._error("expected :=")
        if character in "|()":
            return self._take({"|": Token.PIPE, "(": Token.OPEN, ")": Token.CLOSE}[character], 1)
        if character in _QUOTED:
            return self._quoted(character)
        if character == "`":
            end = text.find("`", start + 1)
            if end < 0:
                return self._error("unterminated raw quoted string")
            return self._take(Token.STRING, end + 1 - start)
        if character == "$":
            return self._named(Token.VARIABLE, Token.VARIABLE)
        if character == "." and not text[start + 1 : start + 2].isdecimal():
            return self._named(Token.FIELD, Token.DOT)
        if character in "+-.0123456789":
            return self._number()
        if _is_word(character):
            return self._identifier()
        if character.isascii() and character.isprintable():
            return self._take(Token.MARK, 1)
        return self._error(f"unrecognized character in action: {_code_point(character)}")

    def _take(self, token: Token, length: int) -> Item:
        start = self._place
        self._place += length
        return Item(token, start, self._text[start : self._place])

    def _error(self, words: str) -> Item:
        return Item(Token.ERROR, self._place, words)

    def _spaces(self) -> Item:
        start = end = self._place
        while end < len(self._text) and self._text[end] in _SPACES:
            end += 1
        if self._text.startswith("-}}", end):
            end -= 1  # the last one belongs to the trim mark
        return self._take(Token.SPACE, end - start)

    def _quoted(self, mark: str) -> Item:
        place = self._place + 1
        while place < len(self._text) and self._text[place] not in (mark, "\n"):
            if self._text[place] == "\\":
                place += 1
                if self._text[place : place + 1] in ("", "\n"):
                    break
            place += 1
        if self._text[place : place + 1] != mark:
            return self._error(f"unterminated {_QUOTED[mark]}")
        return self._take(Token.STRING if mark == '"' else Token.CHARACTER, place + 1 - self._place)

    def _end_of_word(self, place: int) -> int:
        while place < len(self._text) and _is_word(self._text[place]):
            place += 1
        return place

    def _is_terminated(self, place: int) -> bool:
        character = self._text[place : place + 1]
        return not character or character in " \t\r\n.,|:)(" or self._text.startswith("}}", place)

    def _named(self, token: Token, alone: Token) -> Item:
        end = self._end_of_word(self._place + 1)
        if not self._is_terminated(end):
            return self._error(f"bad character {_code_point(self._text[end])}")
        return self._take(alone if end == self._place + 1 else token, end - self._place)

    def _identifier(self) -> Item:
        end = self._end_of_word(self._place)
        word = self._text[self._place : end]
        if not self._is_terminated(end):
            return self._error(f"bad character {_code_point(self._text[end])}")
        if word in _KEYWORDS:
            return self._take(Token.KEYWORD, len(word))
        return self._take(Token.BOOL if word in ("true", "false") else Token.IDENTIFIER, len(word))

    def _number(self) -> Item:
        end = self._end_of_number(self._place)
        if end < 0:
            return self._error(f"bad number syntax: {quote(self._text[self._place : -end])}")
        if self._text[end : end + 1] in ("+", "-"):
            second = self._end_of_number(end)
            if second < 0 or self._text[second - 1] != "i":
                return self._error(f"bad number syntax: {quote(self._text[self._place : abs(second)])}")
            return self._take(Token.COMPLEX, second - self._place)
        return self._take(Token.NUMBER, end - self._place)

    def _end_of_number(self, place: int) -> int:
        """Where a number ends; where it goes wrong, that place, negative."""
        found = _NUMBER.match(self._text, place)
        end = found.end() if found else place
        if end < len(self._text) and _is_word(self._text[end]):
            return -(end + 1)
        return end


def _is_word(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()


def _code_point(character: str) -> str:
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"
