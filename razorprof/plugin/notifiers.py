"""The protocol of notifiers: who is told of alerts. Entry-point group razorprof.notifiers.

An entry point names a class with the shape of Notifier. It sees what other plugins see. Queues, retries, storms
and breakers are session.dispatch's business: a sender tries once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.notice import Notice


class Sender(Protocol):
    """An opened notifier. Called by one thread of its own; may block until `timeout`."""

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        """Tell them, all at once; no two of them are of the same labels. timeout: seconds. Raises RazorprofError:
        ToolFailed and TimedOut for what may work when tried again, anything else for what never will (the notices
        are dropped then, and counted); PartlyTold where some of them were told."""

    def close(self) -> None:
        """Let go. A second call does nothing."""


class Notifier(Protocol):
    """A way to tell people or machines of alerts.

    options: what the notifier may be given, by name, each with its help. wants_repeats: whether alerts that fire
    on are to be told again and again (Alertmanager expects it); most: notices that are given to `send` at once.
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, str]]
    wants_repeats: ClassVar[bool]
    most: ClassVar[int]

    def open(self, options: Mapping[str, str], clock: Clock) -> Sender:
        """A sender with these options. Raises UsageError, naming the option that cannot be meant. Secrets are
        given as files or names of environment variables, never as values."""


class PartlyTold(RazorprofError):
    """Some notices were told before one failed: those are not to be told again. cause: what became of the rest."""

    def __init__(self, told: Sequence[Notice], cause: RazorprofError) -> None:
        super().__init__(cause.message, value=cause.value, hint=cause.hint)
        self.told = tuple(told)
        self.cause = cause
