"""When is what read: rounds of reads at an interval, each followed by one tick.

`events()` is the loop itself, an iterator of scrapes and ticks that the pipeline consumes in its own thread.
Reads run in an executor, at most one in flight per job. A tick follows when the round's reads are in, or after a
short grace: one slow or hung target never delays another. Time never goes back: ticks follow the monotonic clock,
and jump forward only when the wall clock does (a resumed laptop).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Iterator
from queue import Empty, SimpleQueue

from razorprof.clock import Clock
from razorprof.errors import TimedOut
from razorprof.model.scrape import Event, ReadError, Scrape, Tick
from razorprof.model.target import Identity
from razorprof.session.jobs import Job
from razorprof.session.workers import Executor

_LONGEST_GRACE = 0.25  # seconds a tick waits for the reads of its round
_LONGEST_WAIT = 1.0
_QUICK = 0.5
_CLOCK_JUMP = 2.0


def longest_grace(interval: float) -> float:
    """How many seconds a tick waits for the reads of its round at most: what it shows may be so much younger."""
    return min(_LONGEST_GRACE, interval / 2)


class Scheduler:
    """Only `events` runs in the loop's thread; every other method may be called from any thread."""

    def __init__(self, clock: Clock, executor: Executor, *, interval: float = 1.0, quick_rounds: int = 0) -> None:
        """quick_rounds: how many rounds at the start come after half a second at most, so that there is
        something to see soon."""
        self._clock = clock
        self._executor = executor
        self._interval = interval
        self._jobs: list[Job] = []
        self._waiting: set[Job] = set()  # of this round, not in yet
        self._done: SimpleQueue[tuple[Job, Scrape]] = SimpleQueue()
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake = threading.Event()
        self._stopping = False
        self._paused = False
        self._ticks = 0
        self._quick_rounds = quick_rounds
        self._next_round = 0.0
        self._round_began: float | None = None
        self._wall_offset = clock.time() - clock.monotonic()
        self.missed_rounds = 0
        self.stretch = 1.0  # the governor's factor on the intervals of reads

    @property
    def interval(self) -> float:
        return self._interval

    def add(self, job: Job) -> None:
        """Read this job at once, and then in every round in which it is due."""

        def join() -> None:
            self._jobs.append(job)
            if not self._paused:
                self._start(job, self._clock.monotonic())
                self._waiting.add(job)

        self.call(join)

    def remove(self, target: Identity, source: str | None = None, *, keep: Collection[str] = ()) -> None:
        """Close the jobs of a target (all but `keep`), or one of them."""

        def leave() -> None:
            own = [job for job in self._jobs if job.target.identity == target and job.source not in keep]
            for job in own if source is None else [job for job in own if job.source == source]:
                self._jobs.remove(job)
                self._waiting.discard(job)
                job.close()

        self.call(leave)

    def set_interval(self, seconds: float) -> None:
        def change() -> None:
            self._interval = seconds
            now = self._clock.monotonic()
            self._next_round = min(self._next_round, now + seconds)
            for job in self._jobs:
                job.due = min(job.due, now + seconds)

        self.call(change)

    def pause(self, paused: bool) -> None:
        """While paused, nothing is read and nothing ticks."""
        self.call(lambda: setattr(self, "_paused", paused))

    def stop(self) -> None:
        """End the iterator soon; jobs are closed by it."""
        self._stopping = True
        self._wake.set()

    def wall(self, monotonic: float) -> float:
        """Unix seconds of a monotonic moment, on a clock that never goes back."""
        return monotonic + self._wall_offset

    def events(self) -> Generator[Event, None, None]:
        """Scrapes and ticks until `stop`. Closing the iterator closes all jobs."""
        try:
            while not self._stopping:
                self._wake.clear()
                self._run_commands()
                now = self._clock.monotonic()
                if not self._paused and self._round_began is None and now >= self._next_round:
                    self._begin_round(now)
                yield from self._collect()
                yield from self._give_up_hung(self._clock.monotonic())
                if (tick := self._tick()) is not None:
                    yield tick
                elif self._done.empty() and self._commands.empty():
                    self._clock.wait(self._wake, self._until_next(self._clock.monotonic()))
        finally:
            self._run_commands()
            for job in self._jobs:
                job.close()
            self._executor.close()

    def _begin_round(self, now: float) -> None:
        late = now - self._next_round
        if self._ticks and late > self._interval:
            self.missed_rounds += int(late / self._interval)
            self._next_round = now
        self._next_round = (self._next_round if self._ticks else now) + self._pace()
        self._round_began = now
        for job in self._jobs:
            if not job.in_flight and job.due <= now:
                self._start(job, now)
                self._waiting.add(job)

    def _start(self, job: Job, now: float) -> None:
        job.started = now
        job.abandoned = False
        job.plan(now, self._pace() * (self.stretch if job.may_wait else 1.0))

        def work() -> None:
            self._done.put((job, job.read()))
            self._wake.set()

        self._executor_of(job).submit(work)

    def _executor_of(self, job: Job) -> Executor:
        return job.executor or self._executor

    def _pace(self) -> float:
        """Seconds from one round to the next."""
        return min(self._interval, _QUICK) if self._ticks < self._quick_rounds else self._interval

    def _collect(self) -> Iterator[Scrape]:
        while True:
            try:
                job, scrape = self._done.get_nowait()
            except Empty:
                return
            late = job.abandoned
            job.started = None
            job.abandoned = False
            self._waiting.discard(job)
            if job not in self._jobs:
                job.close()
            if late:
                self._executor_of(job).reclaim()
                continue
            if scrape.error is not None or job.rest:
                job.plan(self._clock.monotonic(), self._interval)
            yield scrape

    def _give_up_hung(self, now: float) -> Iterator[Scrape]:
        for job in list(self._jobs):
            if job.started is None or job.abandoned or now - job.started < max(job.timeout, 3 * self._interval):
                continue
            if not self._executor_of(job).abandon():
                continue
            job.abandoned = True
            self._waiting.discard(job)
            error = ReadError(TimedOut.name, f"no answer for {now - job.started:.0f} s")
            yield Scrape(job.target, job.source, self.wall(job.started), now - job.started, error=error)

    def _tick(self) -> Tick | None:
        if self._round_began is None:
            return None
        now = self._clock.monotonic()
        grace = longest_grace(self._interval)
        if self._waiting and now - self._round_began < grace:
            return None
        offset = self._clock.time() - now
        if offset > self._wall_offset + _CLOCK_JUMP:
            self._wall_offset = offset
        time = self.wall(self._round_began)
        self._round_began = None
        self._waiting.clear()
        self._ticks += 1
        return Tick(time, self._ticks)

    def _until_next(self, now: float) -> float:
        if self._round_began is not None:
            return max(0.0, self._round_began + longest_grace(self._interval) - now)
        if self._paused:
            return _LONGEST_WAIT
        return min(_LONGEST_WAIT, max(0.0, self._next_round - now))

    def call(self, command: Callable[[], None]) -> None:
        """Have something done in the loop's thread, soon."""
        self._commands.put(command)
        self._wake.set()

    def _run_commands(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            command()
