"""A recording in short, out of one pass over its events: who was looked at, what they ran, how they ended, notes,
alerts, stacks. For the command show; the highest values are rzp_peaks'.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from razorprof.model.alert import AlertChange
from razorprof.model.profile import Origin, Profile
from razorprof.model.scrape import Detected, Ended, Scrape
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_profile import StackCollector
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_values import Added, Context, Item, Mark, RecordedTarget

_MOST_NOTES = 10_000


@dataclass(frozen=True, slots=True)
class Summary:
    """targets: in the order in which they came; profiles: of those with stacks; marks, changes: the first
    10,000."""

    targets: tuple[RecordedTarget, ...]
    profiles: dict[Identity, Profile]
    marks: tuple[Mark, ...]
    changes: tuple[AlertChange, ...]


def summarise(recording: RecordingReader, start: float, end: float, targets: Container[Identity]) -> Summary:
    """What happened in [start, end], Unix seconds, with these targets."""
    everyone = _Everyone(start, end, targets)
    marks: list[Mark] = []
    changes: list[AlertChange] = []
    for known in recording.context(start):
        everyone.take(known, start)
    for recorded in recording.recorded(start, end):
        now = end if recorded.tick is None else recorded.tick.time
        for item in recorded.items:
            if isinstance(item, Mark) and len(marks) < _MOST_NOTES:
                marks.append(item)
            elif isinstance(item, AlertChange) and len(changes) < _MOST_NOTES:
                changes.append(item)
            else:
                everyone.take(item, now)
    seen = everyone.seen.values()
    host = recording.header.host
    profiles = {one.target.identity: one.stacks.profile(one.origin(host)) for one in seen}
    return Summary(
        tuple(one.told() for one in seen),
        {identity: profile for identity, profile in profiles.items() if profile.weights},
        tuple(marks),
        tuple(changes),
    )


@dataclass(slots=True)
class _Seen:
    target: Target
    first: float
    last: float
    stacks: StackCollector
    command: str = ""
    detected: Detected | None = None
    ended: Ended | None = None

    def origin(self, host: str) -> Origin:
        told = self.told()
        return Origin(
            self.target.pid, self.target.name, told.runtime, told.version or "", host, command=told.command
        )

    def told(self) -> RecordedTarget:
        found, ended = self.detected, self.ended
        return RecordedTarget(
            replace(self.target, name=found.name or self.target.name) if found else self.target,
            self.first,
            self.last,
            runtime=found.runtime if found else "",
            version=found.version if found else None,
            command=(found.command if found else "") or self.command,
            ended=ended.time if ended else None,
            how=ended.how if ended else "",
        )


class _Everyone:
    """Targets, as they come."""

    def __init__(self, start: float, end: float, targets: Container[Identity]) -> None:
        self.seen: dict[Identity, _Seen] = {}
        self._window = start, end
        self._targets = targets

    def take(self, item: Item | Context, now: float) -> None:
        """now: the time of what bears none."""
        if not isinstance(item, Added | Ended | Scrape) or item.target.identity not in self._targets:
            return
        match item:
            case Added():
                one = self._look(item.target, now)
                one.command = item.command or one.command
            case Ended():
                self._look(item.target, now).ended = item
            case Scrape():
                one = self._look(item.target, now)
                one.stacks.take(item)
                for structure in item.structures:
                    if isinstance(structure, Detected):
                        one.detected = structure

    def _look(self, target: Target, now: float) -> _Seen:
        found = self.seen.get(target.identity)
        if found is None:
            found = self.seen[target.identity] = _Seen(target, now, now, StackCollector(*self._window))
        found.last = max(found.last, now)
        return found
