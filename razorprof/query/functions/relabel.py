"""label_replace and label_join: labels made of other labels. Expressions are RE2's, in linear time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import label_of, relabelled
from razorprof.query.values import Text, Vector

# Go's Regexp.Expand: $$, ${name}, $name with the longest possible name; any other $ stands for itself.
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)

_MOST_MEMORY = 4 << 20  # what a pattern may become when compiled


class _Match(Protocol):
    def group(self, group: int | str, /) -> str | None: ...


class _Pattern(Protocol):
    groups: int
    groupindex: dict[str, int]

    def fullmatch(self, text: str, /) -> _Match | None: ...


def label_replace(call: Call) -> Vector:
    """label_replace(v, target, replacement, source, pattern): sets `target` where the pattern matches all of
    `source`; series whose `source` it does not match stay as they are."""
    vector = call.vector(0)
    target, replacement, source, text = (call.text(place) for place in range(1, 5))
    pattern = compiled(text)
    _check_name(target, "destination", "label_replace")
    labels = tuple(_replaced(one, target, replacement, source, pattern) for one in vector.labels)
    return Vector(labels, vector.values, vector.present)


def label_join(call: Call) -> Vector:
    """label_join(v, target, separator, source...): sets `target` to the sources' values, joined."""
    vector = call.vector(0)
    target, separator = call.text(1), call.text(2)
    sources = [argument.text for argument in call.arguments[3:] if isinstance(argument, Text)]
    for source in sources:
        _check_name(source, "source", "label_join")
    _check_name(target, "destination", "label_join")
    labels = tuple(
        relabelled(one, target, separator.join(label_of(one, source) for source in sources))
        for one in vector.labels
    )
    return Vector(labels, vector.values, vector.present)


@lru_cache(maxsize=256)
def compiled(text: str) -> _Pattern:
    """The pattern as label_replace understands it: a dot matches line feeds too."""
    import re2  # late: C++ start-up is paid for by those who use it

    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    try:
        pattern: _Pattern = re2.compile(_encodable(text), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise UsageError(
            f"invalid regular expression in label_replace(): {text}",
            hint=f"{reason}; expressions are RE2's, without back-references and look-around",
        ) from None
    return pattern


def expand(template: str, pattern: _Pattern, match: _Match) -> str:
    """The template with its references replaced; a reference to no group is empty."""

    def value(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isdigit():
            number = int(name[:9])
            return (match.group(number) or "") if number <= pattern.groups else ""
        return (match.group(pattern.groupindex[name]) or "") if name in pattern.groupindex else ""

    return _REFERENCE.sub(value, template)


def _replaced(labels: Labels, target: str, replacement: str, source: str, pattern: _Pattern) -> Labels:
    match = pattern.fullmatch(_encodable(label_of(labels, source)))
    return labels if match is None else relabelled(labels, target, expand(replacement, pattern, match))


def _encodable(text: str) -> str:
    """RE2 works on UTF-8: lone surrogates, from bytes that were none, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _check_name(name: str, role: str, function: str) -> None:
    # Prometheus 3 takes any UTF-8 as a label's name, except none at all.
    try:
        name.encode()
    except UnicodeEncodeError:
        name = ""
    if not name:
        raise UsageError(f"invalid {role} label name in {function}(): {name}", hint="a label's name is not empty")
