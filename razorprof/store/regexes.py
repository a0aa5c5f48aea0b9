"""Label regexes as PromQL means them: RE2 syntax, anchored at both ends, the dot matches newlines too.

RE2 takes time that is linear in the text, whatever the pattern; what a pattern may cost to compile is bounded
here. Called by the label index and by whoever loads expressions, so that a bad pattern is refused when it is
loaded. Compiled patterns are kept, and their answers too: label values repeat.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from razorprof.errors import UsageError

LONGEST_PATTERN = 4096  # bytes
_MOST_MEMORY = 4 << 20
_MOST_ANSWERS = 4096


class _Compiled(Protocol):
    def fullmatch(self, text: str) -> object: ...


class Regex:
    """One compiled pattern. Any thread."""

    __slots__ = ("_answers", "_compiled")

    def __init__(self, compiled: _Compiled) -> None:
        self._compiled = compiled
        self._answers: dict[str, bool] = {}

    def matches(self, value: str) -> bool:
        """Whether the pattern matches the whole of `value`."""
        answer = self._answers.get(value)
        if answer is None:
            answer = self._compiled.fullmatch(_encodable(value)) is not None
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers = {}
            self._answers[value] = answer
        return answer


@lru_cache(maxsize=256)
def compile_regex(pattern: str) -> Regex:
    """The pattern, ready to match. Raises UsageError where RE2 does not take it or it is too long."""
    import re2

    text = _encodable(pattern)
    if len(text.encode()) > LONGEST_PATTERN:
        hint = f"at most {LONGEST_PATTERN} bytes"
        raise UsageError("the regular expression is too long", value=f"{pattern[:40]}...", hint=hint)
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    try:
        return Regex(re2.compile(text, options))
    except re2.error as error:
        why = error.args[0] if error.args else error
        hint = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise UsageError("bad regular expression", value=pattern, hint=hint) from error


def _encodable(text: str) -> str:
    """RE2 works on UTF-8: lone surrogates, from bytes that were none, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
