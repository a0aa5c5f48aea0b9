"""All that is drawn of one target at one tick: an immutable value, filled by tui.collect from a View.

It exists so that render/ needs no session, and so that a target that is gone keeps its last figures: whoever
draws just keeps the last snapshot. Not for storage; see store/ and recording/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from razorprof.model.frame import SamplingReport
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.profile import Profile
from razorprof.model.target import Life, Target
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.model.verdict import Verdict
from razorprof.render.thresholds import Level, level
from razorprof.render.trace import EMPTY, Trace


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that gives nothing now, and why. All untrusted text."""

    source: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A metric that a source cannot read though it reads others, and why. Untrusted text."""

    metric: str
    why: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """traces: by the key of render.catalog; end: Unix seconds of the tick; window: seconds of history in the
    traces."""

    target: Target
    life: Life
    end: float
    window: float
    runtime: str = ""
    version: str | None = None
    how: str = ""
    stack_reason: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    verdict: Verdict | None = None
    profile: Profile = field(default_factory=Profile)
    sampling: SamplingReport | None = None
    dump: ThreadDump | None = None
    gc: GcState | None = None
    gil: GilState | None = None
    troubles: tuple[Trouble, ...] = ()
    missing: tuple[Missing, ...] = ()
    deviation: float | None = None
    deviation_of: str = ""

    def trace(self, key: str) -> Trace:
        """The history of a figure; empty where it is not known."""
        return self.traces.get(key, EMPTY)

    def now(self, key: str) -> float | None:
        """The newest value of a figure, None where it is not known."""
        return self.trace(key).now

    def share(self, part: str, whole: str) -> float | None:
        """One figure as a ratio of another, None unless both are known."""
        a, b = self.now(part), self.now(whole)
        return a / b if a is not None and b else None

    @property
    def threads(self) -> tuple[ThreadInfo, ...]:
        return self.dump.threads if self.dump is not None else ()

    def thread_name(self, native_id: int | None) -> str:
        """The name of a thread as of the newest dump; empty where none is known. Untrusted text."""
        return next((thread.name for thread in self.threads if thread.native_id == native_id), "")

    def growth_level(self) -> Level:
        """Whether resident memory grows as fast as a leak does."""
        growth, resident = self.trace("rss").growth(), self.now("rss")
        return level("growth", growth * 60 / resident) if growth is not None and resident else Level.FINE


@dataclass(frozen=True, slots=True)
class OwnCost:
    """What the footer says about ourselves. age: seconds since the newest tick; None before the first."""

    cpu_ratio: float | None
    rss_bytes: float | None
    stopped_ratio: float
    rate_hz: float | None
    errors: int
    dropped: int
    behind: bool
    interval: float
    age: float | None
    stack_age: float | None = None
    error_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The baseline that differences are counted from: figures by key, functions by (function, file)."""

    time: float
    figures: Mapping[str, float]
    functions: Mapping[tuple[str, str], tuple[float, float]]
