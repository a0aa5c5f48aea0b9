"""Findings, and calls of a plug-in's code that cannot take the check along: by raising, leaving or hanging."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from razorprof.errors import RazorprofError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a plug-in does not keep to. rule: stable, for scripts; what: in words, with the value."""

    plugin: str
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.what} [{self.rule}]"


def expect(findings: Iterable[Finding]) -> None:
    """Raises AssertionError that lists them; nothing where there are none."""
    found = list(findings)
    if found:
        raise AssertionError("\n".join([f"{len(found)} findings:", *map(str, found)]))


@dataclass(frozen=True, slots=True)
class Called(Generic[T]):
    """What a call came to: its value, or an error with a remedy, or words for what is wrong with it. seconds: how
    long it took."""

    value: T | None = None
    refused: RazorprofError | OSError | None = None
    wrong: str = ""
    seconds: float = 0.0


def called(call: Callable[[], T], limit: float) -> Called[T]:
    """The outcome of `call` in a thread of its own, which is left behind after `limit` seconds."""
    outcome: list[Called[T]] = []

    def run() -> None:
        began = time.monotonic()
        try:
            outcome.append(Called(value=call(), seconds=time.monotonic() - began))
        except (RazorprofError, OSError) as error:
            outcome.append(Called(refused=error, seconds=time.monotonic() - began))
        except BaseException as error:
            outcome.append(Called(wrong=f"raised {type(error).__name__}: {error}"))

    thread = threading.Thread(target=run, name="conformance", daemon=True)
    thread.start()
    thread.join(limit)
    return outcome[0] if outcome else Called(wrong=f"did not return within {limit:g} s", seconds=limit)


class Notes:
    """Collects the findings of one plug-in, each once."""

    def __init__(self, plugin: object) -> None:
        name = getattr(plugin, "name", None)
        self._plugin = name if isinstance(name, str) and name else type(plugin).__name__
        self.found: list[Finding] = []

    def add(self, rule: str, what: str) -> None:
        finding = Finding(self._plugin, rule, what)
        if finding not in self.found:
            self.found.append(finding)

    def name(self, plugin: object) -> None:
        """Every plug-in has one."""
        name = getattr(plugin, "name", None)
        if not isinstance(name, str) or not name or not name.isprintable() or " " in name:
            self.add("name", f"its name is {name!r}, not a printable word")
