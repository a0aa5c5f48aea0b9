"""A notifier that tells nobody: it keeps what it was given, and fails as it is told to.

For tests of whatever notifies; plugin authors compare their own notifier's duties with it. Not installed as a
plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from razorprof.clock import Clock
from razorprof.model.notice import Notice


class FakeSender:
    """batches: what was told, each `send` by itself; tries: how often it was asked to, with what; fail: called
    before each, raises where the endpoint is to fail."""

    def __init__(self) -> None:
        self.batches: list[tuple[Notice, ...]] = []
        self.tries: list[tuple[Notice, ...]] = []
        self.timeouts: list[float] = []
        self.fail: Callable[[Sequence[Notice]], None] = lambda notices: None
        self.closed = 0

    @property
    def told(self) -> list[Notice]:
        """All notices that were told, in order."""
        return [notice for batch in self.batches for notice in batch]

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        self.tries.append(tuple(notices))
        self.timeouts.append(timeout)
        self.fail(notices)
        self.batches.append(tuple(notices))

    def close(self) -> None:
        self.closed += 1


class FakeNotifier:
    """Opens the sender that it was made with, whatever the options."""

    name: ClassVar[str] = "fake"
    options: ClassVar[Mapping[str, str]] = {}
    wants_repeats: ClassVar[bool] = False
    most: ClassVar[int] = 64

    def __init__(self, sender: FakeSender) -> None:
        self.sender = sender

    def open(self, options: Mapping[str, str], clock: Clock) -> FakeSender:
        return self.sender


def fake_notifier(sender: FakeSender, *, wants_repeats: bool = False, most: int = 64) -> FakeNotifier:
    """A FakeNotifier with these attributes, which are its class's as the protocol wants it."""
    made = type("FakeNotifier", (FakeNotifier,), {"wants_repeats": wants_repeats, "most": most})
    return cast("FakeNotifier", made(sender))
