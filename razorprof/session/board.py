"""What is known of each target, kept by the pipeline's thread and published once a tick.

Readers see immutable values only: each attribute is replaced, never changed, and one look at it is one moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from razorprof.analysis.siblings import Deviation
from razorprof.analysis.window import StackWindow
from razorprof.model.frame import SamplingReport
from razorprof.model.labels import Labels
from razorprof.model.scrape import Detected, Ended, Scrape, Structure
from razorprof.model.target import Life, Target
from razorprof.model.verdict import Verdict
from razorprof.session.collector import MOST_SERIES, Collector, Declaration
from razorprof.session.looks import LookMaker
from razorprof.session.view import SourceStatus, TargetStatus
from razorprof.store.group import Allowance
from razorprof.store.memory import MemoryStore

STALE_FAILURES = 3  # reads that failed in a row before a source's series go stale, but
STALE_SECONDS = 15.0  # not before this long after its last success
NAMING_SECONDS = 5.0  # for which a target's series wait for the label `runtime`
HOLD_SECONDS = 30.0  # dear figures are read every ten seconds or so
_FIRST_SAMPLES = "the first samples are being taken"
_NOT_KNOWN_YET = "not known yet what it runs"


@dataclass(slots=True)
class SourceBoard:
    """One source of one target: its series, and how its reads fare."""

    collector: Collector
    status: SourceStatus
    failures: int = 0
    last_success: float | None = None
    scrape_samples: int = 0

    def note(self, scrape: Scrape) -> bool:
        """Take the outcome of a read. True when its series should go stale now."""
        self.scrape_samples = len(scrape.samples)
        if scrape.error is None:
            self.failures = 0
            self.last_success = scrape.time
            self.status = replace(
                self.status,
                up=True,
                error=None,
                last=scrape.time,
                duration=scrape.duration,
                missing=scrape.missing,
            )
            return False
        self.failures += 1
        self.status = replace(self.status, up=False, error=scrape.error, duration=scrape.duration)
        since = scrape.time - (self.last_success if self.last_success is not None else scrape.time)
        return self.failures >= STALE_FAILURES and since >= STALE_SECONDS


@dataclass(slots=True)
class TargetBoard:
    """One target. Written by the pipeline's thread."""

    target: Target
    labels: Labels
    command: str
    own: Collector  # up and what we derive
    allowance: Allowance  # of series, for all its sources
    window: StackWindow = field(default_factory=StackWindow)
    looks: LookMaker = field(default_factory=LookMaker)
    sources: dict[str, SourceBoard] = field(default_factory=dict)
    structures: Mapping[type, Structure] = field(default_factory=dict)
    detected: Detected | None = None
    is_named: bool = False  # its labels are known as far as they will be
    waits_since: float | None = None  # for its labels: time of its first tick
    ended: Ended | None = None
    replaced: bool = False  # another target took its place
    stopped: bool = False
    image: str = ""
    renewed: float = -math.inf  # when it became another program, as far as that was seen
    last_series: Sequence[tuple[Labels, float]] = ()  # of a target that is gone
    sampling: SamplingReport | None = None
    sampling_errors: int = 0
    stopped_seconds: float = 0.0
    seen_seconds: float = 0.0
    wants_stacks: bool = True
    expected: frozenset[str] = frozenset()  # names of the sources that were opened
    verdict: Verdict | None = None
    deviation: Deviation | None = None

    @property
    def life(self) -> Life:
        if self.ended is not None:
            return Life.GONE
        return Life.STOPPED if self.stopped else Life.ALIVE

    @property
    def has_rates(self) -> bool:
        """Whether counters were seen twice, or cannot be."""
        process = self.sources.get("process")
        failed = process is not None and process.status.error is not None
        return failed or "cpu" in self.looks.figures()

    @property
    def has_stacks_or_reason(self) -> bool:
        return self._stack_reason() not in (_FIRST_SAMPLES, _NOT_KNOWN_YET)

    def source(self, name: str, store: MemoryStore, declaration: Declaration | None) -> SourceBoard:
        """The board of a source, made at its first scrape."""
        found = self.sources.get(name)
        if found is None:
            group = store.group(self.labels, hold=HOLD_SECONDS, max_series=MOST_SERIES, allowance=self.allowance)
            found = SourceBoard(Collector(store, group, declaration, self.labels), SourceStatus(name, None))
            self.sources = {**self.sources, name: found}
        return found

    def wait(self, time: float) -> bool:
        """At a tick: whether its series should still wait for its labels, which change once a runtime is
        recognised. An alert on the first ones would resolve and fire again."""
        self.waits_since = time if self.waits_since is None else self.waits_since
        self.is_named = self.is_named or time - self.waits_since >= NAMING_SECONDS
        return not self.is_named

    def keep(self, structure: Structure) -> None:
        """Publish a structure as the newest of its kind."""
        self.structures = {**self.structures, type(structure): structure}

    def series(self) -> list[tuple[Labels, float]]:
        """(labels, newest value) of every series; of a target that is gone, the last ones of its life."""
        groups = [self.own.group, *(source.collector.group for source in self.sources.values())]
        live = [entry for group in groups for entry in group.live()]
        now = {labels for labels, _ in live}
        return live + [entry for entry in self.last_series if entry[0] not in now]

    def renew(self, time: float) -> None:
        """The process has become another program: what was seen of the old one says nothing about it."""
        self.renewed = time
        self.window = StackWindow()
        self.looks = LookMaker()
        self.structures = {}
        self.detected = self.sampling = self.verdict = None

    def status(self) -> TargetStatus:
        """The target as screens see it."""
        return TargetStatus(
            target=self.target,
            life=self.life,
            runtime=self.detected.runtime if self.detected else "",
            version=self.detected.version if self.detected else None,
            command=self.command,
            sources=tuple(source.status for source in self.sources.values()),
            ended=self.ended.time if self.ended else None,
            how=self.ended.how if self.ended else "",
            stack_reason=self._stack_reason(),
            deviation=self.deviation.score if self.deviation else None,
            deviation_of=self.deviation.figure if self.deviation else "",
            labels=self.labels,
            focused=self.wants_stacks,
            denied=self.detected is not None and self.detected.denied,
            absent=dict(self.detected.absent) if self.detected is not None else {},
        )

    def _stack_reason(self) -> str:
        stacks = self.sources.get("stacks")
        if stacks is not None and stacks.status.error is not None:
            error = stacks.status.error
            return f"{error.message}; {error.hint}" if error.hint else error.message
        if self.window.end is not None:
            return ""
        if self.ended is not None:
            return "it ended before a stack was seen"
        if self.detected is None:
            return _NOT_KNOWN_YET
        if not self.detected.runtime:
            return self.detected.reason or "not a runtime that razorprof can read"
        if not self.wants_stacks:
            return "hot functions are sampled for the selected target only, when many are watched"
        if stacks is None and "stacks" not in self.expected:
            told = dict(self.detected.absent).get("stacks", "")
            return self.detected.reason or told or f"no stack source for {self.detected.runtime}"
        return _FIRST_SAMPLES
