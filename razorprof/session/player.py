"""A recording played: the feed of the same pipeline, so that whatever reads a View works on what was recorded.

    player = Player(recording, Playing(rules=files))
    player.seek(time)          # to the last tick up to there
    player.step()              # to the next tick
    player.view.state()        # as of that moment

Events go through a pipeline as they did live: hot functions, threads, GC, verdict and the newest values come out
of it. A seek makes it anew from the last half a minute before, of whose ticks only the last is worked out; what
series were long before is read in the recording's own columns, so that a jump costs the same wherever it leads.
What a target that ended before that half a minute was like is asked for with `recall`. Rules are evaluated from
the recording's start, whatever was jumped over (alerting.backtest). Called by cli.replay and its dashboard.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from razorprof.alerting.backtest import Backtest, Course, Courses
from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.rules import RuleFile
from razorprof.errors import ToolFailed, UsageError
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.model.target import Identity
from razorprof.recording.rzp_merged import Recording
from razorprof.recording.rzp_series import RecordedSeries
from razorprof.recording.rzp_values import Added, Context, Cost, Declared, Forgotten, Item, Mark, Recorded
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.played_ends import PlayedEnds
from razorprof.session.played_spikes import RecordedSpike, moments, spikes_of
from razorprof.session.played_view import PlayedView, Until
from razorprof.session.scheduler import longest_grace
from razorprof.session.told_alerts import ToldAlerts
from razorprof.session.user_marks import UserMarks
from razorprof.session.view import Overhead, SessionState
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView

WARM_UP = (
    35.0  # seconds before a moment that is jumped to: what verdicts look at, and figures that are read rarely
)
_KEPT = 300.0  # seconds of series in the pipeline; older ones are read in the columns
_HISTORY_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Playing:
    """rules: to be evaluated instead of what was told live; interval: seconds between evaluations of groups that
    give none, None for the recording's own."""

    rules: tuple[RuleFile, ...] = ()
    interval: float | None = None


class Player:
    """Stands at a tick of the recording, before the first one at the beginning. `seek` and `step` in one thread;
    `view` answers in any."""

    def __init__(
        self, recording: Recording, playing: Playing | None = None, own_marks: UserMarks | None = None
    ) -> None:
        """own_marks: those that people set in it afterwards, None where none can be. Raises ToolFailed where there
        is no tick in it."""
        playing = Playing() if playing is None else playing
        self.recording = recording
        self.ticks: Sequence[float] = recording.ticks().tolist()
        if not self.ticks:
            raise ToolFailed(
                "nothing was recorded", value=recording.path, hint="razorprof show tells what is in it"
            )
        self._series: RecordedSeries | None = None
        self.backtest: Backtest | None = None
        if playing.rules:
            options = EvaluatorOptions(interval=playing.interval or recording.header.interval)
            unruled = recording.series(ruled=False)
            self.backtest = Backtest(playing.rules, self.ticks, unruled.as_of, options)
            self._series = unruled
        self.own_marks = own_marks
        changes, self._noted = recording.notes()
        self.marks = self._all_marks()  # in the order of their times
        self._told, self._told_courses = ToldAlerts(changes), Courses(changes).found
        self._told_times = [change.time for change in changes]
        self.place = -1  # of the tick that is shown
        self.view = PlayedView(self.series, kept=_KEPT)
        self._spikes: tuple[RecordedSpike, ...] | None = None
        self._ends = PlayedEnds(recording, WARM_UP)
        self._feed: Iterator[Recorded] = iter(())
        self._ahead: Recorded | None = None  # of the feed, what comes next
        self._begin(-math.inf)
        self._show(-math.inf)

    @property
    def time(self) -> float:
        """Of the tick that is shown; of the first one before it was."""
        return self.ticks[max(0, self.place)]

    @property
    def is_at_end(self) -> bool:
        return self.place >= len(self.ticks) - 1

    @property
    def courses(self) -> list[Course]:
        """What alerts went through: of the whole recording as it was told, or as far as rules were evaluated."""
        return self._told_courses if self.backtest is None else self.backtest.courses

    @property
    def spikes(self) -> tuple[RecordedSpike, ...]:
        """Of all figures and targets, in the order of their peaks. Found when first asked for, which takes as long
        as a jump or two. Raises ToolFailed where there are too many series."""
        if self._spikes is None:
            header = self.recording.header
            view, targets = self._columns().view, self.recording.targets()
            self._spikes = spikes_of(view, targets, header.host, self.ticks, longest_grace(header.interval))
        return self._spikes

    @property
    def has_spikes(self) -> bool:
        """Whether they were asked for already."""
        return self._spikes is not None

    def spike_moment(self, target: Identity, *, forward: bool) -> tuple[RecordedSpike, ...]:
        """The next spikes of a target that peak together after the tick that is shown, or the last ones before it,
        the highest first; empty where there are none. Raises ToolFailed as `spikes`."""
        known = moments([one for one in self.spikes if one.target == target])
        if forward:
            return next((some for some in known if some[0].tick > self.time), ())
        return next((some for some in reversed(known) if some[0].tick < self.time), ())

    def set_mark(self, name: str) -> Mark:
        """Mark the tick that is shown. Raises UsageError and ToolFailed as UserMarks."""
        if self.own_marks is None:
            hint = "show one recording alone to set marks in it"
            raise UsageError("marks belong to one recording", value=name, hint=hint)
        mark = self.own_marks.add(self.time, name)
        self.marks = self._all_marks()
        return mark

    def remove_marks(self) -> list[Mark]:
        """Take those away that people set at the tick that is shown. Raises ToolFailed as UserMarks."""
        own = self.own_marks.marks if self.own_marks is not None else ()
        found = [mark for mark in self.marks_here() if mark in own]
        if found and self.own_marks is not None:
            self.own_marks.remove(found)
            self.marks = self._all_marks()
        return found

    def marks_here(self) -> list[Mark]:
        """Those that came with the tick that is shown."""
        before = self.ticks[self.place - 1] if self.place > 0 else -math.inf
        return [mark for mark in self.marks if before < mark.time <= self.time]

    def note_after(self, time: float) -> float | None:
        """When the first change of an alert or mark is after `time`. May evaluate rules up to there."""
        marked = [mark.time for mark in self.marks if mark.time > time]
        if self.backtest is not None:
            changed = self.backtest.next_change(time)
        else:
            changed = next((told for told in self._told_times if told > time), None)
        return min([*marked, *([] if changed is None else [changed])], default=None)

    def note_before(self, time: float) -> float | None:
        """When the last change of an alert or mark is before `time`."""
        if self.backtest is not None:
            self.backtest.advance(time)
            changed = [change.time for change in self.backtest.changes]
        else:
            changed = self._told_times
        return max((one for one in [*changed, *(mark.time for mark in self.marks)] if one < time), default=None)

    def seek(self, time: float) -> SessionState:
        """To the last tick up to `time`, Unix seconds; to the first one where there is none before."""
        return self.seek_place(bisect_right(self.ticks, time) - 1)

    def seek_place(self, place: int) -> SessionState:
        """To a tick by its number from 0; to the first or last one beyond them."""
        place = min(max(place, 0), len(self.ticks) - 1)
        time = self.ticks[place]
        is_anew = not self.place <= place or time - self.time > WARM_UP
        if is_anew:
            first = bisect_left(self.ticks, time - WARM_UP)
            self._begin(self.ticks[first] if first else -math.inf)
            self.place = first - 1
        while self.place < place and self._go(passing=is_anew and self.place + 1 < place):
            pass
        if is_anew:
            self._show(time)
        return self.view.state()

    def step(self) -> SessionState | None:
        """To the next tick; None where there is none."""
        return self.view.state() if self._go() else None

    def recall(self, identity: Identity) -> bool:
        """Have the last figures of a target told that ended long before the tick that is shown; whether something
        is told now that was not before. Costs a jump the first time."""
        board = self._pipeline.boards.get(identity)
        if board is None or board.ended is None or board.ended.time >= self._began + WARM_UP:
            return False
        found = self._ends.of(board.ended)
        if found is None or found is board:
            return False
        self._pipeline.recall(found)
        return True

    def recall_all(self) -> SessionState:
        """`recall` of all targets."""
        for identity in list(self._pipeline.boards):
            self.recall(identity)
        return self.view.state()

    def series(self) -> SeriesView:
        """All series as they were at the tick that is shown, with what rules made."""
        given = self._columns().as_of(self.time)
        return given if self.backtest is None else Until(self.time, self.backtest.computed, given)

    def _columns(self) -> RecordedSeries:
        if self._series is None:
            self._series = self.recording.series()
        return self._series

    def _all_marks(self) -> list[Mark]:
        own = self.own_marks.marks if self.own_marks is not None else ()
        return sorted([*self._noted, *own], key=lambda mark: mark.time)

    def _begin(self, time: float) -> None:
        """A pipeline that knows what was known before the tick at `time`."""
        self._overhead = Overhead()
        self._store = MemoryStore(seconds=_KEPT, max_bytes=_HISTORY_BYTES)
        self._pipeline = Pipeline(self._store, host=self.recording.header.host, overhead=self._cost)
        self._pipeline.interval = self.recording.header.interval
        self._pipeline.alerting = self._told.board if self.backtest is None else self.backtest.board
        for known in self.recording.context(time):
            self._hear(known)
        self._began = time
        self._feed = self.recording.recorded(time)
        self._ahead = self._following()

    def _show(self, since: float) -> None:
        """Not before it is warm: who looks meanwhile sees the moment before. since: the first tick that was worked
        out."""
        self.view.show(LiveView(self._pipeline, self._store), since)

    def _go(self, *, passing: bool = False) -> bool:
        """Take the next tick; whether there is one. passing: nobody looks at it. A target's last tick is worked
        out all the same: it is told from then on."""
        recorded, self._ahead = self._ahead, self._following()
        if recorded is None or recorded.tick is None:
            return False
        is_last = self._ahead is not None and any(isinstance(item, Ended) for item in self._ahead.items)
        self._pipeline.is_passing = passing and not is_last
        self._take(recorded)
        self.place = bisect_right(self.ticks, recorded.tick.time) - 1
        return True

    def _following(self) -> Recorded | None:
        return next((recorded for recorded in self._feed if recorded.tick is not None), None)

    def _take(self, recorded: Recorded) -> None:
        for item in recorded.items:
            if isinstance(item, Cost):  # told after its tick, wanted at it
                self._overhead = Overhead(item.cpu_ratio, item.resident_bytes, behind=item.behind)
        for item in recorded.items:
            self._hear(item)

    def _hear(self, item: Item | Context) -> None:
        match item:
            case Declared():
                self._pipeline.declare(item.source, item.metrics, open_ended=item.open_ended)
            case Added():
                self._pipeline.add(item.target, item.command)
            case Forgotten():
                self._pipeline.forget(item.identity)
            case Scrape() | Ended() | Tick():
                self._pipeline.feed(item)

    def _cost(self, time: float) -> Overhead:
        return self._overhead
