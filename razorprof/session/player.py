"""A recording played: the feed of the same pipeline, so that whatever reads a View works on what was recorded.

    player = Player(recording, Playing(rules=files))
    player.seek(time)          # to the last tick up to there
    player.step()              # to the next tick
    player.view.state()        # as of that moment

Events go through a pipeline as they did live: hot functions, threads, GC, verdict and the newest values come out
of it. A seek makes it anew from the last half a minute before, and what series were long before is read in the
recording's own columns, so that a jump costs the same wherever it leads. Rules are evaluated from the recording's
start, whatever was jumped over (alerting.backtest). Called by cli.replay and its dashboard.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from razorprof.alerting.backtest import Backtest, Course, Courses
from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.rules import RuleFile
from razorprof.errors import ToolFailed
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.recording.rzp_merged import Recording
from razorprof.recording.rzp_series import RecordedSeries
from razorprof.recording.rzp_values import Added, Context, Cost, Declared, Forgotten, Item, Recorded
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.played_view import PlayedView, Until
from razorprof.session.told_alerts import ToldAlerts
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

    def __init__(self, recording: Recording, playing: Playing | None = None) -> None:
        """Raises ToolFailed where there is no tick in it."""
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
        changes, self.marks = recording.notes()
        self._told, self._told_courses = ToldAlerts(changes), Courses(changes).found
        self._told_times = [change.time for change in changes]
        self.place = -1  # of the tick that is shown
        self.view = PlayedView(self.series, kept=_KEPT)
        self._feed: Iterator[Recorded] = iter(())
        self._begin(-math.inf)
        self._show()

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
        if not self.place <= place or time - self.time > WARM_UP:
            first = bisect_left(self.ticks, time - WARM_UP)
            self._begin(self.ticks[first] if first else -math.inf)
            self.place = first - 1
        while self.place < place and self.step() is not None:
            pass
        self._show()
        return self.view.state()

    def step(self) -> SessionState | None:
        """To the next tick; None where there is none."""
        for recorded in self._feed:
            if recorded.tick is None:
                continue
            self._take(recorded)
            self.place = bisect_right(self.ticks, recorded.tick.time) - 1
            return self.view.state()
        return None

    def series(self) -> SeriesView:
        """All series as they were at the tick that is shown, with what rules made."""
        if self._series is None:
            self._series = self.recording.series()
        given = self._series.as_of(self.time)
        return given if self.backtest is None else Until(self.time, self.backtest.computed, given)

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

    def _show(self) -> None:
        """Not before it is warm: who looks meanwhile sees the moment before."""
        self.view.show(LiveView(self._pipeline, self._store), self._began)

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
