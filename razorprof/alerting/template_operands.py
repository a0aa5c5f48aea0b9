"""Words of a template -> operands, commands and pipelines: what stands inside an action.

template_parse puts actions and text together, from the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NoReturn

from razorprof.alerting.go_numbers import LARGEST_INT, LARGEST_UINT, parse_float, parse_int
from razorprof.alerting.go_text import quote, unquote, unquote_character
from razorprof.alerting.template_lex import Item, Token, lex
from razorprof.alerting.template_nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from razorprof.errors import NotSupported

DEEPEST = 40
_LITERALS = (Bool, String, Number, Nil, Dot)
_OPERANDS = frozenset(
    {
        *(Token.BOOL, Token.CHARACTER, Token.COMPLEX, Token.DOT, Token.FIELD, Token.IDENTIFIER, Token.NUMBER),
        *(Token.STRING, Token.VARIABLE, Token.OPEN),
    }
)


class BadTemplate(Exception):
    """The text is no template. line: in the text, from 1; message: Go's."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class PipelineParser:
    """The words of one text, and what they say within actions. variables: those that are declared here; called:
    the functions that were named; depth: of what is open."""

    def __init__(self, text: str, start: int, variables: Sequence[str], functions: Collection[str]) -> None:
        self.variables = list(variables)
        self.called: set[str] = set()
        self.depth = 0
        self._text = text
        self._functions = functions
        self._words = lex(text, start)
        self._ahead: list[Item] = []
        self._latest = self._last = Item(Token.END, 0, "")

    def next(self) -> Item:
        self._latest = self._ahead.pop(0) if self._ahead else self._lexed()
        return self._latest

    def peek(self) -> Item:
        if not self._ahead:
            self._ahead.append(self._lexed())
        self._latest = self._ahead[0]
        return self._ahead[0]

    def _lexed(self) -> Item:
        self._last = next(self._words, self._last)  # the last one, END or ERROR, again and again
        return self._last

    def next_word(self) -> Item:
        """The next word that is no space."""
        while (item := self.next()).token is Token.SPACE:
            pass
        return item

    def peek_word(self) -> Item:
        item = self.next_word()
        self._ahead.insert(0, item)
        return item

    def expect(self, token: Token, context: str) -> Item:
        item = self.next_word()
        if item.token is not token:
            self.unexpected(item, context)
        return item

    def unexpected(self, item: Item, context: str) -> NoReturn:
        if item.token is Token.ERROR:
            self.fail(str(item))
        self.fail(f"unexpected {item} in {context}")

    def fail(self, message: str) -> NoReturn:
        raise BadTemplate(self._text.count("\n", 0, self._latest.start) + 1, message)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotSupported("a template is nested too deeply", hint=f"at most {DEEPEST} levels")

    def put_back(self, item: Item) -> None:
        self._ahead.insert(0, item)

    def pipeline(self, context: str, end: Token) -> Pipe:
        self.deeper()
        start = self.peek_word().start
        names, is_assignment = self._declarations(context)
        commands: list[Command] = []
        while True:
            item = self.peek_word()
            if item.token is end:
                self.next_word()
                break
            if item.token not in _OPERANDS and not (item.token is Token.KEYWORD and item.text == "nil"):
                self.next_word()
                self.unexpected(item, context)
            commands.append(self._command())
        if not commands:
            self.fail(f"missing value for {context}")
        for place, command in enumerate(commands[1:], 2):
            if isinstance(command.words[0], _LITERALS):
                self.fail(f"non executable command in pipeline stage {place}")
        self.depth -= 1
        return Pipe(start, names, is_assignment, tuple(commands))

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Variables that the pipeline declares or sets."""
        names: list[str] = []
        while (item := self.peek_word()).token is Token.VARIABLE:
            self.next_word()
            spaces = []
            while (following := self.next()).token is Token.SPACE:
                spaces.append(following)
            if following.token in (Token.ASSIGN, Token.DECLARE):
                names.append(item.text)
                self.variables.append(item.text)
                return tuple(names), following.token is Token.ASSIGN
            if following.text != "," or following.token is not Token.MARK:
                self._ahead[:0] = [item, *spaces, following]
                break
            names.append(item.text)
            self.variables.append(item.text)
            if context != "range" or len(names) > 1:
                self.fail(f"too many declarations in {context}")
            if self.peek_word().token not in (Token.VARIABLE, Token.RIGHT, Token.CLOSE):
                self.fail("range can only initialize variables")
        return tuple(names), False

    def _command(self) -> Command:
        start = self.peek_word().start
        words: list[Operand] = []
        while True:
            self.peek_word()
            operand = self._operand()
            if operand is not None:
                words.append(operand)
            item = self.next()
            if item.token is Token.SPACE:
                continue
            if item.token in (Token.RIGHT, Token.CLOSE):
                self._ahead.insert(0, item)
            elif item.token is not Token.PIPE:
                self.unexpected(item, "operand")
            break
        if not words:
            self.fail("empty command")
        return Command(start, tuple(words))

    def _operand(self) -> Operand | None:
        term = self._term()
        if term is None or self.peek().token is not Token.FIELD:
            return term
        start = self.peek().start
        names: list[str] = []
        while self.peek().token is Token.FIELD:
            names.append(self.next().text[1:])
        if isinstance(term, Field):
            return Field(start, (*term.names, *names))
        if isinstance(term, Variable):
            return Variable(start, (*term.names, *names))
        if isinstance(term, _LITERALS):
            self.fail(f"unexpected . after term {quote(str(term))}")
        return Chain(start, term, tuple(names))

    def _term(self) -> Operand | None:
        item = self.next_word()
        match item.token:
            case Token.IDENTIFIER:
                if item.text not in self._functions:
                    self.fail(f"function {quote(item.text)} not defined")
                self.called.add(item.text)
                return Identifier(item.start, item.text)
            case Token.DOT:
                return Dot(item.start)
            case Token.KEYWORD if item.text == "nil":
                return Nil(item.start)
            case Token.VARIABLE:
                if item.text not in self.variables:
                    self.fail(f"undefined variable {quote(item.text)}")
                return Variable(item.start, (item.text,))
            case Token.FIELD:
                return Field(item.start, (item.text[1:],))
            case Token.BOOL:
                return Bool(item.start, item.text == "true")
            case Token.NUMBER | Token.CHARACTER | Token.COMPLEX:
                return self._number(item)
            case Token.OPEN:
                return self.pipeline("parenthesized pipeline", Token.CLOSE)
            case Token.STRING:
                return String(item.start, item.text, self.unquoted(item))
        self._ahead.insert(0, item)
        return None

    def unquoted(self, item: Item) -> str:
        try:
            return unquote(item.text)
        except ValueError as error:
            self.fail(str(error))

    def _number(self, item: Item) -> Number:
        text = item.text
        if item.token is Token.COMPLEX or text.endswith("i"):
            raise NotSupported("complex numbers in a template", value=text[:40], hint="nothing takes them")
        if item.token is Token.CHARACTER:
            try:
                code = unquote_character(text)
            except ValueError as error:
                self.fail(str(error))
            return Number(item.start, text, code, float(code))
        whole = parse_int(text)
        if whole is not None:
            if not -LARGEST_INT - 1 <= whole <= LARGEST_UINT:
                self.fail(f"integer overflow: {quote(text)}")
            return Number(item.start, text, whole, float(whole))
        try:
            real = parse_float(text)
        except ValueError:
            self.fail(f"illegal number syntax: {quote(text)}")
        if not any(character in ".eEpP" for character in text):
            self.fail(f"integer overflow: {quote(text)}")
        is_whole = abs(real) < LARGEST_INT and real == int(real)
        return Number(item.start, text, int(real) if is_whole else None, real)
