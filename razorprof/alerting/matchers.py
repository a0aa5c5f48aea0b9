"""Matchers of alerts as Alertmanager's configuration writes them: `alertname="X"`, `severity=~"page|critical"`.

For the matchers of capture files and of silences. Parsed by the rules of Alertmanager's own (classic) parser, so
that what is copied from there means the same here; regexes are RE2 and match a whole value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.errors import UsageError
from razorprof.store.regexes import compile_regex
from razorprof.store.view import MatchOp

LONGEST_TEXT = 16_384
MOST_MATCHERS = 64
_HINT = 'write LABEL="VALUE", or != =~ !~ in place of the = sign'
_MATCHER = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.ASCII | re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """One condition on a label. A label that is absent counts as an empty one."""

    label: str
    op: MatchOp
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fulfil it."""
        found = labels.get(self.label, "")
        if self.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
            return compile_regex(self.value).matches(found) is (self.op is MatchOp.REGEX)
        return (found == self.value) is (self.op is MatchOp.EQUAL)

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op.value}"{value}"'


def parse_matchers(text: str) -> tuple[LabelMatcher, ...]:
    """One matcher or several between commas, braces around them or not. Raises UsageError: bad syntax, a bad
    regex, none at all."""
    if len(text) > LONGEST_TEXT:
        raise UsageError(
            "the matchers are too long", value=f"{text[:40]}...", hint=f"at most {LONGEST_TEXT} characters"
        )
    inside = text.strip().removeprefix("{").removesuffix("}").strip()
    parts = _parts(inside)
    if len(parts) > 1 and not parts[-1].strip():  # a comma may end the list
        parts.pop()
    if not inside or len(parts) > MOST_MATCHERS:
        raise UsageError("no matcher" if not inside else "too many matchers", value=text[:80], hint=_HINT)
    return tuple(_matcher(part) for part in parts)


def all_match(matchers: tuple[LabelMatcher, ...], labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil every one of the matchers."""
    return all(matcher.matches(labels) for matcher in matchers)


def _parts(text: str) -> list[str]:
    """The text cut at the commas that stand outside of quotes."""
    parts, start, is_quoted, is_escaped = [], 0, False, False
    for place, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == "," and not is_quoted:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _matcher(text: str) -> LabelMatcher:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise UsageError("not a matcher", value=text.strip()[:80], hint=_HINT)
    matcher = LabelMatcher(found[1], MatchOp(found[2]), _value(found[3]))
    if matcher.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
        compile_regex(matcher.value)
    return matcher


def _value(raw: str) -> str:
    r"""The value out of quotes or without any. \n, \" and \\ are escapes; another backslash stands for itself."""
    is_quoted = raw.startswith('"')
    inside = raw[1:] if is_quoted else raw
    value, is_closed, place = [], not is_quoted, 0
    while place < len(inside):
        character = inside[place]
        if character == "\\" and place + 1 < len(inside):
            following = inside[place + 1]
            value.append(_ESCAPES.get(following, "\\" + following))
            place += 2
            continue
        if character == '"':
            if not is_quoted or place + 1 < len(inside):
                raise UsageError("a quote inside of a matcher's value", value=raw[:80], hint='write it as \\"')
            is_closed = True
        else:
            value.append(character)
        place += 1
    if not is_closed:
        raise UsageError("the quotes of a matcher's value are not closed", value=raw[:80], hint=_HINT)
    return "".join(value)
