"""What a recording tells beside its events: values that the writer takes and the reader hands out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.model.alert import AlertChange
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.scrape import Ended, Event, Scrape, Tick
from razorprof.model.series import Floats
from razorprof.model.target import Identity, Target

USER_MARK = "mark"
CLOCK_STEP = "clock"  # the wall clock was set: times here go on as they were
LEFT_OUT = "left out"  # something could not be recorded


@dataclass(frozen=True, slots=True)
class Mark:
    """A note at a time. kind: USER_MARK or why razorprof itself noted it."""

    time: float
    text: str
    kind: str = USER_MARK


@dataclass(frozen=True, slots=True)
class Cost:
    """What razorprof itself cost, as of a tick; None where it was not known."""

    time: float
    cpu_ratio: float | None
    resident_bytes: float | None
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """A target is looked at from now on. command: its command line as far as it was known then."""

    target: Target
    command: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A target that ended is of no interest any more."""

    identity: Identity


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source gives, as session.pipeline takes it."""

    source: str
    metrics: tuple[Metric, ...]
    open_ended: bool = False


Context = Added | Forgotten | Declared | Event


@dataclass(frozen=True, slots=True, eq=False)
class StoredRow:
    """What the store took at one time. series: all labels, with __name__; values may hold stale markers and
    MISSING_BITS; ruled: it is a result of rules, and not of the targets."""

    series: tuple[Labels, ...]
    time: float
    values: Floats
    ruled: bool = False


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a recording cannot be read. file: of several, which; offset: the byte where it begins; length: how
    many bytes are passed over; what: in words."""

    file: str
    offset: int
    length: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} at byte {self.offset}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Times between two ticks in which nothing was recorded, Unix seconds."""

    start: float
    end: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class RecordedTarget:
    """A process in a recording. first, last: Unix seconds of the first and last that is told of it; ended: when it
    ended, None where it did not; how: in words (untrusted, as all its texts)."""

    target: Target
    first: float
    last: float
    runtime: str = ""
    version: str | None = None
    command: str = ""
    ended: float | None = None
    how: str = ""


Item = Scrape | Ended | Tick | Added | Forgotten | Declared | Cost | Mark | AlertChange | StoredRow


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything of one tick, in the order in which it came: what was read before it, the tick, and what was told
    of it. tick: None for what came after the last one."""

    tick: Tick | None
    items: tuple[Item, ...]

    @property
    def events(self) -> Iterator[Event]:
        """The events among them."""
        return (item for item in self.items if isinstance(item, Scrape | Ended | Tick))
