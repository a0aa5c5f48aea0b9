"""Reading files that somebody else may have made to hurt: JSON values of the type that is expected, and stacks
whose number, length and weights are bounded. For the readers of this package; everything here raises ToolFailed.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame, Stack, ThreadId
from razorprof.model.profile import StackKey

LARGEST_JSON = 1 << 26
_MOST_CONTAINERS = (
    2_000_000  # lists and objects of a JSON text: each takes memory though it may be two bytes there
)
LONGEST_NAME = 1 << 16
MOST_FRAMES = 20_000_000  # places in all stacks together: about 160 MB
MOST_STACKS = 2_000_000
_LARGEST_WEIGHT = 1e30  # sums of it stay finite
_LARGEST_WHOLE = 1 << 62


class StackCollector:
    """Weights of stacks as a reader finds them; equal stacks add up, frames and stacks are shared. The bound is on
    what a stack is when written out, so that a small file cannot stand for an endless profile."""

    def __init__(self) -> None:
        self._stacks: dict[Stack, Stack] = {}
        self._frames = 0
        self._keys: dict[StackKey, StackKey] = {}

    def key(self, thread: ThreadId, frames: Iterable[Frame]) -> StackKey:
        """The key of a stack, root first. `frames` may be a generator: it is asked for no more than is allowed."""
        stack = tuple(self._bounded(frames))
        key = StackKey(thread, self._stacks.setdefault(stack, stack))
        found = self._keys.setdefault(key, key)
        if len(self._keys) > MOST_STACKS:
            raise damaged("too many stacks", f"more than {MOST_STACKS:,}")
        return found

    def _bounded(self, frames: Iterable[Frame]) -> Iterable[Frame]:
        for frame in frames:
            self._frames += 1
            if self._frames > MOST_FRAMES:
                raise damaged("the stacks are too many or too deep", f"more than {MOST_FRAMES:,} frames in all")
            yield frame


def new_weights() -> defaultdict[StackKey, float]:
    """An empty sum of weights by stack."""
    return defaultdict(float)


def damaged(what: str, value: object = None) -> ToolFailed:
    """The error for content that is not what it should be."""
    shown = None if value is None else repr(value)[:80] if not isinstance(value, str) else value[:80]
    return ToolFailed(f"damaged profile: {what}", value=shown)


def parse_json(content: bytes, what: str) -> dict[str, Any]:
    """The object that a JSON text is. Bounded; nesting of any depth and numbers of any length are refused."""
    if len(content) > LARGEST_JSON:
        raise damaged(f"{what} of more than {LARGEST_JSON >> 20} MiB")
    if content.count(b"[") + content.count(b"{") > _MOST_CONTAINERS:
        raise damaged(f"{what} of too many parts", f"more than {_MOST_CONTAINERS:,}")
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # bad text, bad UTF-8, a number of thousands of digits
        raise damaged(f"this is no JSON as {what} is", _why_no_json(error)) from error
    return mapping(document, what)


def mapping(value: object, what: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise damaged(f"{what} is no object", value)
    return value


def sequence(value: object, what: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise damaged(f"{what} is no list", value)
    return value


def text(value: object, what: str) -> str:
    """A string of bounded length, without lone surrogates."""
    if not isinstance(value, str):
        raise damaged(f"{what} is no text", value)
    if len(value) > LONGEST_NAME:
        raise damaged(f"{what} is longer than {LONGEST_NAME} characters")
    return value.encode(errors="replace").decode()


def number(value: object, what: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise damaged(f"{what} is no number", value)
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        raise damaged(f"{what} is out of range")
    if not math.isfinite(value):
        raise damaged(f"{what} is not finite", value)
    return float(value)


def weight(value: object, what: str = "a weight") -> float:
    """A number that is not negative."""
    found = number(value, what)
    if not 0.0 <= found <= _LARGEST_WEIGHT:
        raise damaged(f"{what} is negative or out of range", value)
    return found


def whole(value: object, what: str) -> int:
    """A whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_WHOLE:
        raise damaged(f"{what} is no whole number, or out of range", value)
    return value


def index(value: object, length: int, what: str) -> int:
    """A place in a list of `length`."""
    found = whole(value, what)
    if found >= length:
        raise damaged(f"{what} leads nowhere", found)
    return found


def _why_no_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.lower()}, line {error.lineno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number that JSON does not have"


def _refuse_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON
