"""What is in a window of a recording: targets with their figures, stacks and threads, and how alerts stood.

`look` goes once through the window's events and columns. A moment is a window that ends at it. For
session.difference, which compares two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from razorprof.alerting.backtest import Course, Courses
from razorprof.errors import UsageError
from razorprof.model.alert import AlertState
from razorprof.model.labels import Labels
from razorprof.model.profile import Profile
from razorprof.model.scrape import Detected, Ended, Scrape
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump
from razorprof.recording.rzp_merged import Recording
from razorprof.recording.rzp_profile import StackCollector
from razorprof.recording.rzp_values import Added, Context, Item
from razorprof.session.recorded_figures import RECORDED_FIGURES, instance_of, value_in

MOMENT = 10.0  # seconds of a window that is meant as a moment: those of the hot functions
_LATE = 60.0  # seconds after a window in which its stacks come in
_BEFORE = 15.0  # and before it, of what counters began at
STATES = (AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING)


@dataclass(frozen=True, slots=True)
class Window:
    """Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Seen:
    """A target in a window. threads: by native id, those of any dump there; None where there was none."""

    target: Target
    profile: Profile
    figures: Mapping[str, float]
    threads: Mapping[int, str] | None = None
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """All that is compared of a window. identity: of the recording; name: of its file; alerts: the worst state of
    each in the window, by rule's name and labels."""

    identity: bytes
    name: str
    window: Window
    targets: tuple[Seen, ...]
    alerts: Mapping[tuple[str, Labels], AlertState] = field(default_factory=dict)


def moment(time: float, seconds: float = MOMENT) -> Window:
    """The window that a moment stands for."""
    return Window(time - seconds, time)


def look(recording: Recording, window: Window, courses: Sequence[Course] | None = None) -> Sight:
    """What is in a window. courses: of alerts of other rules than those that were told live. Raises UsageError
    where nothing was recorded in it, ToolFailed where there are more samples than may be."""
    if not len(recording.ticks(window.start, window.end)):
        raise UsageError("nothing was recorded in this window", value=f"{window.start:.3f}..{window.end:.3f}")
    room = _Room(window)
    for known in recording.context(window.start):
        room.take(known, is_before=True)
    for recorded in recording.recorded(window.start - _BEFORE, window.end + _LATE):
        for item in recorded.items:
            room.take(item)
    view = recording.series(window.start - _BEFORE, window.end, ruled=False).view
    if courses is None:
        courses = Courses(recording.changes(-math.inf, window.end)).found
    seen = []
    for one in room.found():
        instance = instance_of(one.target, recording.header.host)
        values = ((f.key, value_in(view, instance, f, window.start, window.end)) for f in RECORDED_FIGURES)
        seen.append(replace(one, figures={key: value for key, value in values if value is not None}))
    return Sight(recording.header.id, recording.path.name, window, tuple(seen), _alerts(courses, window))


class _Room:
    """Takes what is told before and in a window."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._targets: dict[Identity, Target] = {}
        self._detected: dict[Identity, Detected] = {}
        self._stacks: dict[Identity, StackCollector] = {}
        self._threads: dict[Identity, dict[int, str]] = {}
        self._there: set[Identity] = set()

    def take(self, item: Item | Context, *, is_before: bool = False) -> None:
        if not isinstance(item, Added | Ended | Scrape):
            return
        identity = item.target.identity
        self._targets.setdefault(identity, item.target)
        if not isinstance(item, Scrape):
            return
        for structure in item.structures:
            if isinstance(structure, Detected):
                self._detected[identity] = structure
            elif isinstance(structure, ThreadDump) and self._holds(structure.time):
                named = {one.native_id: one.name for one in structure.threads}
                self._threads[identity] = {**self._threads.get(identity, {}), **named}
        self._stacks.setdefault(identity, StackCollector(self._window.start, self._window.end)).take(item)
        if not is_before and self._holds(item.time) and item.error is None:
            self._there.add(identity)

    def found(self) -> list[Seen]:
        """Those that were read in the window, in the order in which they came."""
        seen = []
        for identity, target in self._targets.items():
            if identity in self._there:
                detected = self._detected.get(identity)
                named = replace(target, name=detected.name or target.name) if detected else target
                runtime = f"{detected.runtime} {detected.version or ''}".strip() if detected else ""
                profile = self._stacks[identity].profile()
                seen.append(Seen(named, profile, {}, self._threads.get(identity), runtime))
        return seen

    def _holds(self, time: float) -> bool:
        return self._window.start <= time <= self._window.end


def _alerts(courses: Iterable[Course], window: Window) -> dict[tuple[str, Labels], AlertState]:
    found: dict[tuple[str, Labels], AlertState] = {}
    for course in courses:
        key = course.rule.name, course.labels
        for state, start, end in course.states(math.inf):
            if start <= window.end and end >= window.start:
                found[key] = max(found.get(key, AlertState.INACTIVE), state, key=STATES.index)
    return found
