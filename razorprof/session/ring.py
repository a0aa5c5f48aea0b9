"""The last minutes of what a session saw of each target, in memory, so that a capture begins before its alert.

    ring = Ring()                        # a tap of the pipeline: taps=[ring.see]
    before = ring.take(identity)         # quick, a fixed moment: when the alert fires
    before.profile(), before.dump        # later, in the thread that writes the capture

Stacks are kept folded and shared between batches; of thread dumps and collectors the newest stays. Series are
not kept here: the store has them (session.series_document). Bounded in time and in bytes, all targets together:
what is oldest goes first. `see` in the pipeline's thread, `take` in any.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from razorprof.model.frame import SamplingReport, StackSample
from razorprof.model.gc import GcState
from razorprof.model.profile import Block, Origin, Profile, StackKey
from razorprof.model.scrape import Detected, Ended, Event, KernelState, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump

SECONDS = 300.0
BLOCK_SECONDS = 10.0  # of the profile: one block for each batch makes files ten times as large
MOST_ENTRIES = 8000  # of all its blocks
MOST_BYTES = 16 << 20
# What things take, by tracemalloc on CPython 3.11 (benchmarks/ring.py): rather too much than too little.
_BATCH, _ENTRY, _STACK, _PLACE, _FRAME = 700, 24, 500, 8, 340


@dataclass(slots=True, eq=False)
class Shared:
    """A thread's stack that batches hold, and how many do."""

    key: StackKey
    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The stacks of one window of the feed, and their weights in order."""

    report: SamplingReport
    stacks: tuple[Shared, ...]
    weights: array[float]

    @property
    def end(self) -> float:
        return self.report.start + self.report.seconds

    @property
    def bytes(self) -> int:
        return _BATCH + _ENTRY * len(self.stacks)


@dataclass(frozen=True, slots=True)
class Before:
    """What was seen of a target until one moment. detected: what it runs; dump, gc: the newest, if there was any;
    time: when the newest stacks end, Unix seconds."""

    target: Target
    time: float
    batches: tuple[Batch, ...] = ()
    detected: Detected | None = None
    dump: ThreadDump | None = None
    gc: GcState | None = None

    def profile(self) -> Profile | None:
        """The stacks as a profile in blocks of some seconds; None where there are none."""
        if not self.batches:
            return None
        reports = [batch.report for batch in self.batches]
        first, last = reports[0].start, self.batches[-1].end
        seconds = sum(one.seconds for one in reports)
        covered = min(1.0, seconds / (last - first)) if last > first else 1.0
        notes = [f"what the running session saw before: {covered:.0%} of {last - first:.0f} s are covered"]
        modes = list(dict.fromkeys(one.mode for one in reports))
        if len(modes) > 1:
            notes.append(f"threads were looked at in several ways: {', '.join(modes)}")
        found = self.detected
        origin = Origin(
            self.target.pid,
            (found.name if found is not None else "") or self.target.name,
            found.runtime if found is not None else "",
            (found.version if found is not None else None) or "",
            command=found.command if found is not None else "",
        )
        return Profile(
            weights=_named(_sum(self.batches)),
            seconds=seconds,
            samples=sum(one.samples for one in reports),
            errors=sum(one.errors for one in reports),
            rounds=sum(one.rounds for one in reports),
            rate_hz=reports[-1].rate_hz,
            mode=reports[-1].mode,
            value="gil" if reports[-1].mode.endswith("-gil") else "cpu",
            start=first,
            blocks=_blocks(self.batches),
            stopped_seconds=sum(one.stopped_seconds for one in reports),
            origin=origin,
            notes=tuple(notes),
        )


@dataclass(slots=True)
class _Kept:
    """One target."""

    target: Target
    batches: deque[Batch] = field(default_factory=deque)
    detected: Detected | None = None
    dump: ThreadDump | None = None
    gc: GcState | None = None
    image: str = ""
    renewed: float = -math.inf  # when it became another program
    ended: float | None = None


class Ring:
    """See above. seconds: how far it reaches back; max_bytes: of all targets together."""

    def __init__(self, *, seconds: float = SECONDS, max_bytes: int = MOST_BYTES) -> None:
        self.seconds = seconds
        self._max_bytes = max_bytes
        self._kept: dict[Identity, _Kept] = {}
        self._shared: dict[StackKey, Shared] = {}
        self._frames: dict[int, int] = {}  # in how many of the stacks each object stands, by its id
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """What the stacks take, an estimate from above."""
        return self._bytes

    def see(self, event: Event) -> None:
        """Take one event of the session."""
        match event:
            case Scrape() if event.structures:
                with self._lock:
                    self._scrape(event)
            case Ended():
                with self._lock:
                    if event.target.identity in self._kept:
                        self._kept[event.target.identity].ended = event.time
            case Tick():
                with self._lock:
                    self._expire(event.time)

    def take(self, identity: Identity) -> Before | None:
        """What there is of a target now; None where nothing was seen of it."""
        with self._lock:
            kept = self._kept.get(identity)
            if kept is None:
                return None
            time = kept.batches[-1].end if kept.batches else 0.0
            return Before(kept.target, time, tuple(kept.batches), kept.detected, kept.dump, kept.gc)

    def _scrape(self, scrape: Scrape) -> None:
        kept = self._kept.setdefault(scrape.target.identity, _Kept(scrape.target))
        report: SamplingReport | None = None
        for structure in scrape.structures:
            match structure:
                case SamplingReport():
                    report = structure
                case ThreadDump():
                    kept.dump = structure
                case GcState():
                    kept.gc = structure
                case Detected():
                    kept.detected = structure
                case KernelState():
                    if kept.image and structure.image != kept.image:  # another program: the old one says nothing
                        self._clear(kept)
                        kept.renewed = scrape.time
                    kept.image = structure.image
        if report is not None and report.seconds > 0 and report.start >= kept.renewed:
            self._add(kept, scrape.stacks, report)

    def _add(self, kept: _Kept, stacks: tuple[StackSample, ...], report: SamplingReport) -> None:
        weights: dict[Shared, float] = {}
        for sample in stacks:
            shared = self._share(StackKey(sample.thread, sample.stack))
            weights[shared] = weights.get(shared, 0.0) + sample.weight
        for shared in weights:
            shared.count += 1
        batch = Batch(report, tuple(weights), array("d", weights.values()))
        self._bytes += batch.bytes
        kept.batches.append(batch)
        while self._bytes > self._max_bytes and self._drop_oldest():
            pass

    def _share(self, key: StackKey) -> Shared:
        held = self._shared.get(key)
        if held is None:
            held = self._shared[key] = Shared(key)
            self._bytes += _STACK + _PLACE * len(key.stack)
            counts = self._frames
            for frame in key.stack:
                count = counts[id(frame)] = counts.get(id(frame), 0) + 1
                if count == 1:
                    self._bytes += _FRAME + len(frame.function) + len(frame.file)
        return held

    def _release(self, batch: Batch) -> None:
        self._bytes -= batch.bytes
        counts = self._frames
        for shared in batch.stacks:
            shared.count -= 1
            if shared.count:
                continue
            del self._shared[shared.key]
            self._bytes -= _STACK + _PLACE * len(shared.key.stack)
            for frame in shared.key.stack:
                count = counts[id(frame)] = counts[id(frame)] - 1
                if not count:
                    del counts[id(frame)]
                    self._bytes -= _FRAME + len(frame.function) + len(frame.file)

    def _expire(self, time: float) -> None:
        for identity, kept in list(self._kept.items()):
            while kept.batches and kept.batches[0].end < time - self.seconds:
                self._release(kept.batches.popleft())
            if kept.ended is not None and kept.ended < time - self.seconds:
                self._clear(kept)
                del self._kept[identity]

    def _drop_oldest(self) -> bool:
        """The oldest batch of all goes; False where a single one is left, which stays."""
        holders = [kept for kept in self._kept.values() if kept.batches]
        if sum(len(kept.batches) for kept in holders) <= 1:
            return False
        oldest = min(holders, key=lambda kept: kept.batches[0].end)
        self._release(oldest.batches.popleft())
        return True

    def _clear(self, kept: _Kept) -> None:
        while kept.batches:
            self._release(kept.batches.popleft())
        kept.detected = kept.dump = kept.gc = None


_Weights = dict[Shared, float]  # by the stack's own object: hashing frames takes a hundred times as long


def _sum(batches: Sequence[Batch]) -> _Weights:
    weights: _Weights = {}
    for batch in batches:
        for shared, weight in zip(batch.stacks, batch.weights, strict=True):
            weights[shared] = weights.get(shared, 0.0) + weight
    return weights


def _named(weights: _Weights) -> dict[StackKey, float]:
    return {shared.key: weight for shared, weight in weights.items()}


def _blocks(batches: Sequence[Batch]) -> tuple[Block, ...]:
    """Some seconds each; longer ones where there would be more entries than anybody wants to write."""
    length = BLOCK_SECONDS
    while True:
        parts: list[list[Batch]] = []
        for batch in batches:
            if parts and batch.end - parts[-1][0].report.start <= length:
                parts[-1].append(batch)
            else:
                parts.append([batch])
        sums = [_sum(part) for part in parts]
        if len(parts) == 1 or sum(map(len, sums)) <= MOST_ENTRIES:
            break
        length *= 2
    return tuple(
        Block(
            part[0].report.start,
            sum(batch.report.seconds for batch in part),
            _named(weights),
            sum(batch.report.samples for batch in part),
        )
        for part, weights in zip(parts, sums, strict=True)
    )
