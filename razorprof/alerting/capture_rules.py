"""What is to be captured when an alert fires or is resolved, as values: an action file, checked.

Read by alerting.actions, carried out by session.alert_captures within the limits that alerting.ledger keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from razorprof.alerting.matchers import LabelMatcher, all_match


class Occasion(StrEnum):
    """The change of an alert at which a capture is taken."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """Of one capture and one target. count: captures begun within a sliding window of `window` seconds, failed
    ones too; cooldown: seconds from the end of one to the beginning of the next; max_bytes: what all that are
    kept take together (the oldest are removed); min_free_bytes: what stays free on the disk."""

    count: int = 5
    window: float = 3600.0
    cooldown: float = 0.0
    max_bytes: int = 500 << 20
    min_free_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class TakeThreads:
    """A dump of all threads, never with variables."""

    name: ClassVar[str] = "threads"


@dataclass(frozen=True, slots=True)
class TakeCpu:
    """A CPU profile of `duration` seconds. ending: of the file, without its dot, which names the format; threads:
    kept apart; the rest as in plugin.captures.CpuRequest."""

    name: ClassVar[str] = "cpu"
    duration: float = 10.0
    rate: float = 100.0
    ending: str = "pb.gz"
    gil: bool = False
    wall: bool = False
    threads: bool = False
    blocking: bool = False
    native: bool = False


@dataclass(frozen=True, slots=True)
class TakeHeap:
    """Memory by kind; with `attach`, which puts code into the target, allocations of `duration` seconds too."""

    name: ClassVar[str] = "heap"
    duration: float = 30.0
    attach: bool = False


@dataclass(frozen=True, slots=True)
class TakeGc:
    """The state of the garbage collector, over one second."""

    name: ClassVar[str] = "gc"


@dataclass(frozen=True, slots=True)
class TakeBundle:
    """Everything about the target, and what was seen of it before the alert. cpu: seconds of its CPU profile, 0
    for none; heap: seconds of its recording of allocations, which puts code into the target, None for none."""

    name: ClassVar[str] = "bundle"
    cpu: float = 5.0
    heap: float | None = None


@dataclass(frozen=True, slots=True)
class TakeRecording:
    """A copy of what is recorded on the disk, of the last `last` seconds before the alert and since."""

    name: ClassVar[str] = "recording"
    last: float = 300.0


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command of the user's, with its arguments; ended after `timeout` seconds."""

    name: ClassVar[str] = "command"
    argv: tuple[str, ...]
    timeout: float = 30.0


Action = TakeThreads | TakeCpu | TakeHeap | TakeGc | TakeBundle | TakeRecording | RunCommand


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """One capture: for which alerts, when, and what is done, in order. lines: where each action stands."""

    name: str
    matchers: tuple[LabelMatcher, ...]
    actions: tuple[Action, ...]
    occasion: Occasion = Occasion.FIRING
    limits: CaptureLimits = CaptureLimits()
    line: int = 0
    lines: tuple[int, ...] = ()

    def wants(self, occasion: Occasion, labels: Mapping[str, str]) -> bool:
        """Whether it is taken of an alert with these labels that comes to this."""
        return occasion is self.occasion and all_match(self.matchers, labels)


@dataclass(frozen=True, slots=True)
class ActionFile:
    """path: as it was given; directory: as the file says, relative to the state directory."""

    path: str
    captures: tuple[CaptureRule, ...] = ()
    directory: str = "captures"
    limits: CaptureLimits = field(default=CaptureLimits())

    def folder(self, state: Path) -> Path:
        """Where captures go."""
        return state / self.directory


def injects(action: Action) -> bool:
    """Whether an action puts code into the target."""
    return (isinstance(action, TakeHeap) and action.attach) or (
        isinstance(action, TakeBundle) and action.heap is not None
    )
