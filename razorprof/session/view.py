"""What a screen, a batch printer or an exporter can ask a session. Answers are immutable values.

Every method may be called from any thread, at any time, and never waits for a target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from razorprof.model.alert import AlertBoard
from razorprof.model.frame import SamplingReport
from razorprof.model.profile import Profile
from razorprof.model.scrape import ReadError
from razorprof.model.series import Series
from razorprof.model.target import Identity, Life, Target
from razorprof.model.verdict import Verdict
from razorprof.store.view import SeriesView

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source of a target fares. up: its last read worked (None before the first); missing: metrics that it
    cannot read though it reads others, and why."""

    name: str
    up: bool | None
    error: ReadError | None = None
    last: float | None = None
    duration: float | None = None
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target, what it runs, and how it fares. ended, how: when and how it went, once it is gone.

    stack_reason: why there are no hot functions, empty when there are. deviation: how far this worker is from
    its siblings (a robust z-score; None unless it has at least two) and in which figure. command: its
    command line, redacted, untrusted text. labels: what all its series carry. focused: whether the sources that
    are opened for selected targets only are open. denied: what it runs may not be looked at. absent: why the
    runtime cannot tell of something, by capability.
    """

    target: Target
    life: Life
    runtime: str = ""
    version: str | None = None
    command: str = ""
    sources: tuple[SourceStatus, ...] = ()
    ended: float | None = None
    how: str = ""
    stack_reason: str = ""
    deviation: float | None = None
    deviation_of: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    focused: bool = True
    denied: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Own cost. self_cpu_ratio: CPU of razorprof and all tools it started, seconds per second;
    self_rss_bytes: their resident memory; target_stopped_ratio: share of time in which targets were stopped by us;
    sampling_rate_hz: of the stack feed now; errors, dropped: totals since the start."""

    self_cpu_ratio: float | None = None
    self_rss_bytes: float | None = None
    target_stopped_ratio: float = 0.0
    sampling_rate_hz: float | None = None
    sampling_errors: int = 0
    dropped: int = 0
    behind: bool = False


@dataclass(frozen=True, slots=True)
class SessionState:
    """Everything small that a screen shows, consistent for one tick. alerts: None where no rules were given."""

    time: float
    tick: int
    targets: tuple[TargetStatus, ...]
    overhead: Overhead = field(default_factory=Overhead)
    interval: float = 1.0
    alerts: AlertBoard | None = None


class View(SeriesView, Protocol):
    """What was found, as of the last tick."""

    def state(self) -> SessionState:
        """The state at the last tick; before the first one, targets are listed and time is 0."""

    def latest(self, target: Identity, name: str, **labels: str) -> float | None:
        """The newest value of one series of a target; None if there is none or it is stale."""

    def history(self, target: Identity, name: str, *, seconds: float, **labels: str) -> Series | None:
        """One series of a target over the last `seconds`."""

    def series_of(self, target: Identity) -> Sequence[tuple[str, dict[str, str], float]]:
        """(name, labels, newest value) of every live series of a target; target labels left out."""

    def profile(self, target: Identity, *, seconds: float | None = None) -> Profile:
        """Stacks of the sliding window, or of its last `seconds`. Empty if there are none."""

    def sampling(self, target: Identity) -> SamplingReport | None:
        """How the newest stacks were taken."""

    def structure(self, target: Identity, kind: type[T]) -> T | None:
        """The newest structure of a kind: ThreadDump, GcState."""

    def verdict(self, target: Identity) -> Verdict | None:
        """What limits it now."""


class Controls(Protocol):
    """What a screen can change. Every method returns at once."""

    def set_interval(self, seconds: float) -> None:
        """Seconds between ticks, 0.1 to 60."""

    def focus(self, target: Identity) -> None:
        """The target whose stacks matter most: when many are watched, only some get the stack feed."""

    def pause(self, paused: bool) -> None:
        """Stop asking the targets anything at all, or go on."""

    def capture(self, target: Identity) -> str:
        """Take a capture of a target now, as an alert would; why that cannot be, else empty. What becomes of it is
        on the AlertBoard."""

    def stop(self) -> None:
        """End the session: readers closed, tools ended."""
