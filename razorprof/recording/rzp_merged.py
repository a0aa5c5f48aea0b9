"""Several recordings read as one: of several hosts at one time, one after the other, or copies of one ring.

    with open_recordings(paths) as recording:       # a RecordingReader, where it is one file
        recording.series(), recording.recorded(), recording.ticks(), ...

Everything comes as if one session had looked at all of it: ticks that are less than an interval apart are one, and
what would be taken for one another is kept apart (rzp_together). Times are those of each host's own clock. What a
recording does not tell of any more is stale from then on.
`shifts` correct clocks that differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from heapq import merge as in_order
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np

from razorprof.errors import UsageError
from razorprof.model.alert import AlertChange
from razorprof.model.labels import Labels
from razorprof.model.profile import Profile, merge
from razorprof.model.scrape import Tick
from razorprof.model.series import Floats
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_renamed import Renaming
from razorprof.recording.rzp_series import MOST_SAMPLES, RecordedSeries, merged
from razorprof.recording.rzp_shifted import shifted, shifted_profile
from razorprof.recording.rzp_together import Apart, Ticks, Told, names_of, together
from razorprof.recording.rzp_twice import refuse_copies, refuse_twice
from razorprof.recording.rzp_values import Context, Damage, Forgotten, Gap, Item, Mark, Recorded

MOST_RECORDINGS = 64
T = TypeVar("T", bound=Item | Context)

_LONG = 3.5  # intervals between two ticks that are a gap


def open_recordings(paths: Sequence[Path], shifts: Sequence[float] = ()) -> Recording:
    """One recording, or several as one. Raises ToolFailed, NotSupported as RecordingReader does, and UsageError
    for the same one twice. shifts: seconds by which all that each tells is later."""
    if len(paths) == 1 and not any(shifts):
        return RecordingReader(paths[0])
    if not 0 < len(paths) <= MOST_RECORDINGS:
        raise UsageError("too many recordings at once", value=len(paths), hint=f"at most {MOST_RECORDINGS}")
    refuse_twice(paths)
    with ExitStack() as stack:
        readers = [stack.enter_context(RecordingReader(path)) for path in paths]
        found = MergedRecording(readers, shifts)
        stack.pop_all()
    return found


class MergedRecording:
    """What a RecordingReader tells, of several, as far as it can be told of several. One thread at a time."""

    def __init__(self, readers: Sequence[RecordingReader], shifts: Sequence[float] = ()) -> None:
        """Closes them when it is closed. Raises UsageError where one is there twice."""
        self.readers = readers
        self._shifts = shifts or [0.0] * len(readers)
        spans = [reader.span or (math.inf, -math.inf) for reader in readers]
        self._spans = [(a + shift, b + shift) for (a, b), shift in zip(spans, self._shifts, strict=True)]
        refuse_copies(readers, self._spans, self._shifts)
        ids = [reader.header.id for reader in readers]
        names = names_of([reader.path for reader in readers])
        self._members = [reader.targets() for reader in readers]
        self._apart = Apart(
            [
                Told(reader.header.id, name, reader.header.host, frozenset(one.pid for one in targets), *span)
                for reader, name, targets, span in zip(readers, names, self._members, self._spans, strict=True)
            ]
        )
        self._names = names
        own = [reader.ticks() for reader in readers]
        self._own, self._interval = own, max(reader.header.interval for reader in readers)
        moved = [times + shift for times, shift in zip(own, self._shifts, strict=True)]
        self._ticks: Ticks = together(ids, moved, self._interval)
        hosts = list(dict.fromkeys(self._apart.host(place, None) for place in range(len(readers))))
        self._renaming = Renaming(self._apart)
        first = readers[0].header
        self.header = Header(
            first.id,
            min(reader.header.created for reader in readers),
            ", ".join(dict.fromkeys(host.partition("@")[0] if len(hosts) > 8 else host for host in hosts)),
            first.program,
            self._interval,
        )

    @property
    def path(self) -> Path:
        """What they are called together, for people."""
        return Path(" + ".join(reader.path.name for reader in self.readers))

    @property
    def is_complete(self) -> bool:
        return all(reader.is_complete for reader in self.readers)

    @property
    def is_live(self) -> bool:
        return any(reader.is_live for reader in self.readers)

    @property
    def damage(self) -> list[Damage]:
        return [damage for reader in self.readers for damage in reader.damage]

    @property
    def size(self) -> int:
        return sum(reader.size for reader in self.readers)

    @property
    def span(self) -> tuple[float, float] | None:
        """Times of the first and the last tick of all; None where there is none."""
        times = self._ticks.times
        return (float(times[0]), float(times[-1])) if len(times) else None

    def __enter__(self) -> MergedRecording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files. Twice is once."""
        for reader in self.readers:
            reader.close()

    def ticks(self, start: float = -math.inf, end: float = math.inf) -> Floats:
        """Times of the ticks in [start, end], ascending."""
        times = self._ticks.times
        return times[(times >= start) & (times <= end)]

    def gaps(self, longer: float | None = None) -> list[Gap]:
        """Where nobody looked for so many seconds."""
        times = self._ticks.times
        wide = np.flatnonzero(np.diff(times) > (_LONG * self._interval if longer is None else longer)).tolist()
        return [Gap(float(times[place]), float(times[place + 1])) for place in wide]

    def targets(self) -> list[Target]:
        """Who was looked at: as they are called here."""
        found = [
            self._renaming.target(place, one) for place, targets in enumerate(self._members) for one in targets
        ]
        return list({target.identity: target for target in found}.values())

    def series(
        self,
        start: float = -math.inf,
        end: float = math.inf,
        *,
        ruled: bool = True,
        samples: int = MOST_SAMPLES,
        progress: Callable[[int, int], None] = lambda done, whole: None,
    ) -> RecordedSeries:
        """As RecordingReader.series; `samples` at most of all together."""
        found: list[RecordedSeries] = []
        whole, before = self.size, 0
        for reader in self.readers:

            def told(done: int, _: int, before: int = before) -> None:
                progress(before + done, whole)

            low, high = (time - self._shifts[len(found)] for time in (start, end))
            found.append(reader.series(low, high, ruled=ruled, samples=samples, progress=told))
            samples -= found[-1].samples
            before += reader.size
        shared = self._apart.shared([[labels for rows in one.rows for labels in rows.labels] for one in found])
        return merged([self._beside(place, one, shared, end) for place, one in enumerate(found)])

    def profile(
        self, start: float = -math.inf, end: float = math.inf, *, target: Identity | None = None
    ) -> Profile:
        """The stacks of a window, of one target or of all together. Of copies of a ring, none twice."""
        profiles: list[Profile] = []
        for place, reader in enumerate(self.readers):
            for low, high in self._fresh(place, start, end):
                for one in self._members[place] if target is not None else (None,):
                    if one is None or self._renaming.target(place, one).identity == target:
                        shift, identity = self._shifts[place], None if one is None else one.identity
                        found = reader.profile(low - shift, high - shift, target=identity)
                        profiles += [shifted_profile(found, shift)] if found.rounds or found.weights else []
        return merge(profiles) if profiles else Profile(value="cpu")

    def context(self, time: float) -> list[Context]:
        """What was known before the first tick at or after `time`, of those recordings that tell of both."""
        found: list[Context] = []
        at = int(np.searchsorted(self._ticks.times, time, "left"))
        for place, reader in enumerate(self.readers):
            of = self._ticks.of[place]
            if len(of) and of[0] < at <= of[-1]:
                first = float(self._own[place][np.searchsorted(of, at, "left")])
                found += [self._told(place, item) for item in reader.context(first)]
        return found

    def recorded(self, start: float = -math.inf, end: float = math.inf) -> Iterator[Recorded]:
        """As RecordingReader.recorded, without what came after the last tick."""
        low = int(np.searchsorted(self._ticks.times, start, "left"))
        high = int(np.searchsorted(self._ticks.times, end, "right"))
        begun: set[int] = {place for place, of in enumerate(self._ticks.of) if len(of) and of[0] < low <= of[-1]}
        feeds = [self._feed(place, low, high) for place in range(len(self.readers))]
        for number, members in groupby(in_order(*feeds, key=lambda one: one[0]), key=lambda one: one[0]):
            before: list[Item] = []
            after: list[Item] = []
            for place in [place for place in begun if self._ticks.of[place][-1] < number]:
                begun.discard(place)
                before += self._forgotten(place, begun)
            for _, place, recorded in members:
                begun.add(place)
                into = before
                for item in recorded.items:
                    if isinstance(item, Tick):
                        into = after
                    else:
                        into.append(self._told(place, item))
            tick = Tick(float(self._ticks.times[number]), number + 1)
            yield Recorded(tick, (*before, tick, *after))

    def notes(self) -> tuple[list[AlertChange], list[Mark]]:
        """All changes of alerts and all marks, in the order of their times; marks name their recording."""
        changes: list[AlertChange] = []
        marks: list[Mark] = []
        found = [reader.notes() for reader in self.readers]
        shared = self._apart.shared([{change.alert.labels for change in told} for told, _ in found])
        for place, (told, noted) in enumerate(found):
            shift = self._shifts[place]
            changes += [shifted(self._renaming.change(place, change, shared), shift) for change in told]
            marks += [shifted(replace(mark, text=f"{self._names[place]}: {mark.text}"), shift) for mark in noted]
        return sorted(changes, key=lambda one: one.time), sorted(marks, key=lambda one: one.time)

    def changes(self, start: float = -math.inf, end: float = math.inf) -> list[AlertChange]:
        """How alerts changed."""
        return [change for change in self.notes()[0] if start <= change.time <= end]

    def _told(self, place: int, item: T) -> T:
        return shifted(self._renaming.item(place, item), self._shifts[place])

    def _beside(self, place: int, series: RecordedSeries, shared: frozenset[Labels], end: float) -> RecordedSeries:
        stale = self._stale_at(place)
        return series.beside(
            lambda labels: self._apart.labels(place, labels, shared),
            lambda arrived: self._arrive(place, arrived),
            shift=self._shifts[place],
            ends=None if stale is None or stale > end else stale,
        )

    def _feed(self, place: int, low: int, high: int) -> Iterator[tuple[int, int, Recorded]]:
        """What one recording tells at each of the common ticks [low, high), with its number."""
        of, own, fresh = self._ticks.of[place], self._own[place], self._ticks.fresh[place]
        first, last = int(np.searchsorted(of, low, "left")), int(np.searchsorted(of, high, "left")) - 1
        if first > last:
            return
        begins = first == 0
        for recorded in self.readers[place].recorded(float(own[first]), float(own[last])):
            if recorded.tick is None:
                continue
            at = int(np.searchsorted(own, recorded.tick.time, "left"))
            if begins:  # a copy of a ring tells in front of its first tick what was known
                begins = False
                known = tuple(self.readers[place].context(float(own[0])))
                recorded = replace(recorded, items=(*known, *recorded.items))
            if fresh[at]:
                yield int(of[at]), place, recorded

    def _forgotten(self, place: int, others: set[int]) -> list[Forgotten]:
        """The targets of which nobody tells any more."""
        known = {self._renaming.target(other, one).identity for other in others for one in self._members[other]}
        gone = [self._renaming.target(place, one).identity for one in self._members[place]]
        return [Forgotten(identity) for identity in gone if identity not in known]

    def _arrive(self, place: int, arrived: Floats) -> Floats:
        """With which of the common ticks rows came in; never, what came after the last."""
        own, times = self._own[place], self._ticks.times[self._ticks.of[place]]
        return np.append(times, math.inf)[np.searchsorted(own, arrived, "left")]

    def _stale_at(self, place: int) -> float | None:
        """When it is clear that a recording tells no more, where others go on."""
        end = self._spans[place][1]
        stale = end + self._interval
        identity = self.readers[place].header.id
        for reader, (start, last) in zip(self.readers, self._spans, strict=True):
            if reader.header.id == identity and start <= stale and last > end:
                return None  # a copy goes on
        return stale if len(self._ticks.times) and math.isfinite(end) and self._ticks.times[-1] > stale else None

    def _fresh(self, place: int, start: float, end: float) -> list[tuple[float, float]]:
        """The parts of a window of which no earlier copy tells."""
        identity = self.readers[place].header.id
        parts = [(start, end)]
        for reader, (low, high) in zip(self.readers[:place], self._spans[:place], strict=True):
            if reader.header.id == identity:
                before = [(a, min(b, low)) for a, b in parts]
                after = [(math.nextafter(max(a, high), math.inf), b) for a, b in parts]
                parts = [(a, b) for a, b in (*before, *after) if a <= b]
        return parts


Recording = RecordingReader | MergedRecording
