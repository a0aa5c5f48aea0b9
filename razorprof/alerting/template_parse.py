"""Words of a template -> its tree, checked as Go's parser checks it, with its words for what is wrong.

Which functions exist is the caller's to say. Bounded in depth: what Go would take and we do not is NotSupported.
What stands inside an action is template_operands' business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from razorprof.alerting.go_text import quote
from razorprof.alerting.template_lex import Item, Token
from razorprof.alerting.template_nodes import Action, Body, Branches, Include, Leave, Part, Pipe, Range, Text, Tree
from razorprof.alerting.template_operands import PipelineParser


def parse_template(text: str, start: int, variables: Sequence[str], functions: Collection[str]) -> Tree:
    """The tree of what stands in a text from `start` on. variables: known there, $ among them; functions: names of
    those that there are. Raises BadTemplate, NotSupported."""
    return _Parser(text, start, variables, functions).tree()


class _Parser(PipelineParser):
    """One text while it is parsed. All of its definitions share the words, not the variables."""

    def __init__(self, text: str, start: int, variables: Sequence[str], functions: Collection[str]) -> None:
        super().__init__(text, start, variables, functions)
        self._defined: dict[str, Body] = {}
        self._ranges = 0
        self._has_else_with = False

    def tree(self) -> Tree:
        parts: list[Part] = []
        while (item := self.peek()).token is not Token.END:
            if item.token is Token.LEFT:
                self.next()
                if self.peek_word().text == "define" and self.peek_word().token is Token.KEYWORD:
                    self.next_word()
                    self._definition()
                    continue
                self.put_back(item)
            part = self._part()
            if isinstance(part, str):
                self.fail(f"unexpected {{{{{part}}}}}")
            parts.append(part)
        functions = frozenset(self.called)
        return Tree(self._text, tuple(parts), dict(self._defined), functions, self._has_else_with)

    def _part(self) -> Part | str:
        """A part; "end" and "else" for those."""
        item = self.next_word()
        if item.token is Token.TEXT:
            return Text(item.start, item.text)
        if item.token is not Token.LEFT:
            self.unexpected(item, "input")
        return self._action()

    def _body(self) -> tuple[Body, str]:
        """Parts up to "end" or "else", and which of them it was."""
        self.deeper()
        parts: list[Part] = []
        while True:
            if self.peek_word().token is Token.END:
                self.fail("unexpected EOF")
            part = self._part()
            if isinstance(part, str):
                self.depth -= 1
                return tuple(parts), part
            parts.append(part)

    def _action(self) -> Part | str:
        item = self.peek_word()
        if item.token is not Token.KEYWORD or item.text in ("nil", "define"):
            return Action(item.start, self.pipeline("command", Token.RIGHT))
        self.next_word()
        match item.text:
            case "if" | "with":
                return self._branches(item)
            case "range":
                return self._range(item)
            case "break" | "continue":
                return self._leave(item)
            case "template":
                return self._include()
            case "block":
                return self._block()
            case "end":
                self.expect(Token.RIGHT, "end")
                return "end"
        following = self.peek_word()
        if following.token is not Token.KEYWORD or following.text not in ("if", "with"):
            self.expect(Token.RIGHT, "else")
        return "else"

    def _branches(self, first: Item) -> Part:
        variables = len(self.variables)
        branches: list[tuple[bool, Pipe, Body]] = []
        otherwise: Body | None = None
        word = first.text
        while True:
            pipe = self.pipeline(word, Token.RIGHT)
            body, end = self._body()
            branches.append((word == "with", pipe, body))
            if end == "end":
                break
            following = self.peek()
            if following.token is Token.KEYWORD and following.text == word:
                self.next()
                self._has_else_with |= word == "with"
                continue
            otherwise = self._else_body()
            break
        del self.variables[variables:]
        return Branches(first.start, tuple(branches), otherwise)

    def _else_body(self) -> Body:
        body, end = self._body()
        if end != "end":
            self.fail("expected end; found {{else}}")
        return body

    def _range(self, first: Item) -> Part:
        variables = len(self.variables)
        pipe = self.pipeline("range", Token.RIGHT)
        self._ranges += 1
        body, end = self._body()
        self._ranges -= 1
        otherwise = self._else_body() if end == "else" else None
        del self.variables[variables:]
        return Range(first.start, pipe, body, otherwise)

    def _leave(self, item: Item) -> Part:
        name = f"{{{{{item.text}}}}}"
        following = self.next_word()
        if following.token is not Token.RIGHT:
            self.unexpected(following, name)
        if not self._ranges:
            self.fail(f"{name} outside {{{{range}}}}")
        return Leave(item.start, item.text == "break")

    def _include(self) -> Part:
        item, name = self._template_name("template clause")
        pipe = None
        if self.peek_word().token is Token.RIGHT:
            self.next_word()
        else:
            pipe = self.pipeline("template clause", Token.RIGHT)
        return Include(item.start, name, quote(name), pipe)

    def _block(self) -> Part:
        item, name = self._template_name("block clause")
        pipe = self.pipeline("block clause", Token.RIGHT)
        self._define_body(name, "block clause")
        return Include(item.start, name, quote(name), pipe)

    def _definition(self) -> None:
        _, name = self._template_name("define clause")
        self.expect(Token.RIGHT, "define clause")
        self._define_body(name, "define clause")

    def _define_body(self, name: str, context: str) -> None:
        before = self.variables, self._ranges
        self.variables, self._ranges = ["$"], 0
        body, end = self._body()
        if end != "end":
            self.fail(f"unexpected {{{{else}}}} in {context}")
        self._define(name, body)
        self.variables, self._ranges = before

    def _define(self, name: str, body: Body) -> None:
        if _is_empty(self._defined.get(name, ())):
            self._defined[name] = body
        elif not _is_empty(body):
            self.fail(f"template: multiple definition of template {quote(name)}")

    def _template_name(self, context: str) -> tuple[Item, str]:
        item = self.next_word()
        if item.token is not Token.STRING:
            self.unexpected(item, context)
        return item, self.unquoted(item)


def _is_empty(body: Body) -> bool:
    return all(isinstance(part, Text) and not part.text.strip() for part in body)
