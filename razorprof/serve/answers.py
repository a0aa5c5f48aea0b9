"""What goes back over HTTP, and the words for errors. Values only: made by the site, sent by the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from razorprof.errors import (
    NotSupported,
    PermissionDenied,
    RazorprofError,
    TargetGone,
    TargetNotFound,
    TimedOut,
    UsageError,
)
from razorprof.render.text import printable

TEXT = "text/plain; charset=utf-8"
_STATUS: tuple[tuple[type[RazorprofError], int], ...] = (
    (UsageError, 400),
    (PermissionDenied, 403),
    (TargetNotFound, 404),
    (TargetGone, 410),
    (NotSupported, 501),
    (TimedOut, 504),
)


def _stays() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was taken. query: the last value of each parameter; headers: names in any case; has_left:
    whether the client is no longer there."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    has_left: Callable[[], bool] = _stays


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; more: further headers."""

    status: int
    body: bytes
    type: str = TEXT
    more: tuple[tuple[str, str], ...] = ()


def words(status: int, text: str, *more: tuple[str, str]) -> Answer:
    """An answer in words, which are already escaped."""
    return Answer(status, f"{text}\n".encode("utf-8", "backslashreplace"), more=more)


def error_answer(error: RazorprofError) -> Answer:
    """What went wrong and what to do about it."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 502)
    hint = f"\nhint: {printable(error.hint)}" if error.hint else ""
    return words(status, f"{printable(str(error))}{hint}")
