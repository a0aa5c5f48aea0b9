"""Patterns of file names as Go's path/filepath has them: * ? [a-z] and \\, a star for hidden files too, no **.

For the rule files that a test file names: Python's glob finds others.
"""

from __future__ import annotations

import os
import re

from razorprof.errors import UsageError
from razorprof.store.regexes import compile_regex

_META = re.compile(r"[*?\[\\]")
_SIGN = r"(?:\\.|[^\]\\-])"
_CLASS = re.compile(rf"\[(\^?)((?:{_SIGN}(?:-{_SIGN})?)+)\]", re.DOTALL)
_RANGE = re.compile(rf"({_SIGN})(?:-({_SIGN}))?", re.DOTALL)
_NOTHING = r"[^\x00-\x{10ffff}]"
_MOST = 10_000


def matching_files(pattern: str) -> list[str]:
    """The files that fit, in the order of their names; one without * ? [ \\ is there or not. Raises UsageError for
    a pattern that cannot be read."""
    if not _META.search(pattern):
        return [pattern] if os.path.lexists(pattern) else []
    folder, name = os.path.split(pattern)
    regex = compile_regex(_translated(name))
    folders = [folder] if not _META.search(folder) else matching_files(folder)
    found: list[str] = []
    for one in folders:
        try:
            names = sorted(os.listdir(one or "."))
        except OSError:
            continue
        found += [os.path.join(one, entry) for entry in names if regex.matches(entry)]
        if len(found) > _MOST:
            raise UsageError("a pattern fits too many files", value=pattern, hint=f"at most {_MOST}")
    return found


def _translated(pattern: str) -> str:
    """As a regular expression of RE2, which takes no time for many stars."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        sign, at = pattern[at], at + 1
        if sign == "*":
            parts.append(".*")
        elif sign == "?":
            parts.append(".")
        elif sign == "[":
            found = _CLASS.match(pattern, at - 1)
            if not found:
                raise UsageError("a bad pattern of file names", value=pattern, hint="[ begins a class: [a-z]")
            parts.append(_class(found[2], is_negated=bool(found[1])))
            at = found.end()
        elif sign == "\\":
            if at == len(pattern):
                raise UsageError("a bad pattern of file names", value=pattern, hint="\\ stands before a sign")
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(sign))
    return "".join(parts)


def _class(text: str, *, is_negated: bool) -> str:
    pairs = [(low[-1], (high or low)[-1]) for low, high in _RANGE.findall(text)]
    ranges = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in pairs if low <= high)
    if not ranges:
        return "." if is_negated else _NOTHING
    return f"[{'^' if is_negated else ''}{ranges}]"
