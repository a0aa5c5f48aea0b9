"""A live session: targets come, are read through their sources, and go. The composition root.

`run` is the loop (scheduler -> pipeline) in the caller's thread; `start` runs it in a thread of its own for the
dashboard. What is read of a target is decided here: detection first, then the sources of no runtime, then the
runtime's; sources that a person must look at to be worth their cost (`focused_only`) only for the selected
targets when many are watched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue

from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError, TargetGone
from razorprof.model.alert import AlertBoard
from razorprof.model.scrape import Detected, Ended, Event, KernelState, Scrape, Tick
from razorprof.model.target import Identity, Life, Target
from razorprof.plugin.loading import Failure, guard
from razorprof.plugin.protocols import Reader, Runtime, Source, SourceOptions
from razorprof.session.governor import Governor
from razorprof.session.jobs import Job
from razorprof.session.live_view import LiveView
from razorprof.session.overhead import OwnCost
from razorprof.session.pipeline import Pipeline, host_name, series_names
from razorprof.session.recorder import Recorder
from razorprof.session.scheduler import Scheduler
from razorprof.session.view import Overhead, SessionState, View
from razorprof.session.watched import Watched, holds_place, predecessor
from razorprof.session.watchers import Detection, Presence, Search
from razorprof.session.workers import Executor, ThreadExecutor
from razorprof.store.memory import MemoryStore
from razorprof.targets.endpoint import endpoint_of

logger = logging.getLogger(__name__)

MOST_FOCUSED = 3
STACK_BUDGET = 0.04  # of one core, for all stack feeds together
PRESENCE = "presence"  # the job that sees the end of a target
RUNTIME = "runtime"  # the job that detects what a target runs
SEARCH = "search"  # the jobs that look for children and for targets that restart
_SEARCH_EVERY = 2.0
_QUICK_ROUNDS = 3
_DETECT_EVERY = 2.0
_MOST_WAITING = 256  # reads that wait for what targets answer, each in a thread of its own
_NOBODY = Target(Identity(0, 0), "")  # whose job a search is where no target is there yet

# Made by the session with its store, where results are written, and its view; called once a tick with the tick's
# time.
Alerting = Callable[[MemoryStore, View], Callable[[float], AlertBoard]]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """interval: seconds between ticks; rate_hz: stack sampling rate, None adapts; budget: CPU of all of
    razorprof above which it reads less; history_seconds, history_bytes: bounds of the series in memory;
    forget_seconds: how long a target that ended is kept; None: for ever, as whoever watches it expects;
    hold_places: a target that ended goes on to say that it is not up until another one of its selector takes its
    place; the last one of a selector for as long as that takes;
    most_focused: up to so many targets all get the sources that cost more, above it only the selected one;
    probe: whether the targets' own listening ports may be asked for a page of metrics."""

    interval: float = 1.0
    rate_hz: float | None = None
    budget: float = 0.15
    history_seconds: float = 3600.0
    history_bytes: int = 32 << 20
    forget_seconds: float | None = None
    hold_places: bool = False
    most_focused: int = MOST_FOCUSED
    probe: bool = False


class Session:
    """Implements session.view.Controls; `view` answers for what was found."""

    def __init__(
        self,
        options: SessionOptions,
        *,
        sources: Callable[[], Sequence[Source]],
        runtimes: Callable[[], Sequence[Runtime]],
        clock: Clock | None = None,
        executor: Executor | None = None,
        taps: Sequence[Callable[[Event], None]] = (),
        alerting: Alerting | None = None,
        take_capture: Callable[[Target], str] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """sources, runtimes: give the plugins; called when the loop begins, so that no screen waits for them.
        alerting: makes what evaluates rules; None: there are none. take_capture: begins a capture and returns at
        once, with the reason where there will be none."""
        self._options = options
        self._clock = clock or SystemClock()
        self._load = sources, runtimes
        self._take_capture = take_capture
        self._sources: Sequence[Source] = ()
        self._runtimes: Sequence[Runtime] = ()
        self._store = MemoryStore(seconds=options.history_seconds, max_bytes=options.history_bytes)
        self._scheduler = Scheduler(
            self._clock, executor or ThreadExecutor(), interval=options.interval, quick_rounds=_QUICK_ROUNDS
        )
        self._waiting_executor = executor or ThreadExecutor(_MOST_WAITING)
        self._governor = Governor(options.budget)
        self._cost = OwnCost(exclude=lambda: {identity.pid for identity in self._watched})
        self._pipeline = Pipeline(
            self._store, host=host_name(), overhead=self._overhead, taps=taps, recorder=recorder
        )
        self._pipeline.interval = options.interval
        self._pipeline.hold_places = options.hold_places
        self._watched: dict[Identity, Watched] = {}
        self._found: SimpleQueue[Target] = SimpleQueue()
        self._focused: Identity | None = None
        self._following = False
        self._thread: threading.Thread | None = None
        self._listener: Callable[[], None] = lambda: None
        self.view: View = LiveView(self._pipeline, self._store)
        if alerting is not None:
            self._pipeline.alerting = alerting(self._store, self.view)

    def watch(self, target: Target, command: str = "") -> None:
        """Look at a target from now on. Before `run`, or in its thread."""
        if target.identity in self._watched:
            return
        watched = Watched(target)
        self._watched[target.identity] = watched
        if self._focused is None:
            self._focused = target.identity
        self._pipeline.add(target, command)
        self._detect(watched)
        self._add(target, PRESENCE, lambda: Presence(target, self._clock))

    def search(
        self, find: Callable[[], Sequence[Target]], *, key: Target | None = None, follow: bool = False
    ) -> None:
        """Look for more targets every two seconds: the children of one, or one that restarts (follow), or any
        where there is none yet (no key)."""
        self._following = self._following or follow
        self._add(key or _NOBODY, SEARCH, lambda: Search(find, self._found.put), every=_SEARCH_EVERY)

    def run(self, publish: Callable[[SessionState], None] = lambda state: None) -> None:
        """The loop, until `stop`, or until every target has gone and none is followed."""
        load_sources, load_runtimes = self._load
        self._sources, self._runtimes = load_sources(), load_runtimes()
        events = self.events()
        try:
            for event in events:
                self._pipeline.feed(event)
                if isinstance(event, Tick):
                    publish(self._pipeline.state)
                    if self._all_gone():
                        break
        finally:
            events.close()
            self._waiting_executor.close()

    def start(self) -> None:
        """Run the loop in a thread of its own. A target that goes does not end it: its figures are kept."""
        self._following = True
        self._thread = threading.Thread(target=self.run, args=(self._tell,), name="session", daemon=True)
        self._thread.start()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each tick of a started session, in the session's thread."""
        self._listener = listener

    def events(self) -> Generator[Event, None, None]:
        """Scrapes, detections, ends and ticks, in order."""
        for event in self._scheduler.events():
            yield event
            if isinstance(event, Scrape):
                yield from self._after(event)
            elif isinstance(event, Tick):
                self._forget(event.time)
                self._take_found()

    def set_interval(self, seconds: float) -> None:
        seconds = min(60.0, max(0.1, seconds))
        self._pipeline.interval = seconds
        self._scheduler.set_interval(seconds)

    def keep_history(self, seconds: float) -> None:
        """Keep series for at least so long from now on, within the bound of memory."""
        self._store.keep(seconds)

    def focus(self, target: Identity) -> None:
        self._focused = target
        self._scheduler.call(self._share_focus)

    def pause(self, paused: bool) -> None:
        self._scheduler.pause(paused)

    def capture(self, target: Identity) -> str:
        watched = self._watched.get(target)
        if watched is None or watched.gone:
            return "it has ended"
        return "captures are not set up here" if self._take_capture is None else self._take_capture(watched.target)

    def stop(self) -> None:
        """End the loop; waits a moment for it when it runs in its own thread."""
        self._scheduler.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=3.0)

    def _tell(self, state: SessionState) -> None:
        self._listener()

    def _after(self, scrape: Scrape) -> Iterator[Event]:
        """What follows from a scrape: detection opens the sources, a failure may be the target's end."""
        watched = self._watched.get(scrape.target.identity)
        if watched is None or watched.gone:
            return
        if scrape.source == PRESENCE and scrape.error is not None and scrape.error.name == TargetGone.name:
            watched.gone, watched.ended = True, scrape.time
            self._scheduler.remove(watched.target.identity, keep=(SEARCH,))
            yield Ended(watched.target, scrape.time, scrape.error.message)
        elif scrape.source == PRESENCE:
            self._check_image(watched, scrape)
        elif scrape.source == RUNTIME:
            if any(isinstance(s, Detected) and s.runtime for s in scrape.structures):
                self._scheduler.remove(watched.target.identity, RUNTIME)
            watched.sources = [*self._sources, *watched.detected]
            self._open(watched)

    def _check_image(self, watched: Watched, scrape: Scrape) -> None:
        """Begin anew with a process that has become another program (exec)."""
        for structure in scrape.structures:
            if isinstance(structure, KernelState) and structure.image != watched.image:
                if watched.image:
                    self._scheduler.remove(watched.target.identity, keep=(SEARCH, PRESENCE))
                    watched.open, watched.detected, watched.sources = set(), [], []
                    self._detect(watched)
                watched.image = structure.image

    def _detect(self, watched: Watched) -> None:
        target, found = watched.target, watched.detected
        self._add(
            target,
            RUNTIME,
            lambda: Detection(target, self._runtimes, found.extend, self._clock),
            every=_DETECT_EVERY,
        )

    def _open(self, watched: Watched) -> None:
        """Open the sources that should be open now, close those that should not."""
        focused = self._is_focused(watched)
        board = self._pipeline.boards[watched.target.identity]
        board.wants_stacks = focused
        options = SourceOptions(
            interval=self._options.interval,
            rate_hz=self._options.rate_hz,
            budget=STACK_BUDGET / max(1, self._focused_count()),
            probe=self._options.probe,
            url=endpoint_of(watched.target),
            taken=self._pipeline.own_names().union(*(series_names(s.metrics) for s in watched.sources)),
            clock=self._clock,
        )
        known_anew, watched.taken = options.taken != watched.taken, options.taken
        for source in watched.sources:
            wanted = focused or not getattr(source, "focused_only", False)
            wanted = wanted and _applies(source, watched.target, options)
            if known_anew and getattr(source, "open_ended", False) and source.name in watched.open:
                watched.open.discard(source.name)  # a runtime was recognised: its names are ours from now on
                self._scheduler.remove(watched.target.identity, source.name)
            if wanted and source.name not in watched.open:
                watched.open.add(source.name)
                self._add_source(watched.target, source, options)
            elif not wanted and source.name in watched.open:
                watched.open.discard(source.name)
                self._scheduler.remove(watched.target.identity, source.name)
        board.expected = frozenset(watched.open)

    def _add_source(self, target: Target, source: Source, options: SourceOptions) -> None:
        open_ended = bool(getattr(source, "open_ended", False))
        self._pipeline.declare(source.name, source.metrics, open_ended=open_ended)
        executor = self._waiting_executor if getattr(source, "waits_for_target", False) else None
        self._add(target, source.name, lambda: source.open(target, options), executor=executor)

    def _add(
        self,
        target: Target,
        name: str,
        open_reader: Callable[[], Reader],
        *,
        every: float = 0.0,
        executor: Executor | None = None,
    ) -> None:
        self._scheduler.add(Job(target, name, open_reader, self._clock, every=every, executor=executor))

    def _is_focused(self, watched: Watched) -> bool:
        living = sum(not other.gone for other in self._watched.values())
        return living <= self._options.most_focused or watched.target.identity == self._focused

    def _focused_count(self) -> int:
        return sum(self._is_focused(w) for w in self._watched.values() if not w.gone)

    def _share_focus(self) -> None:
        for watched in self._watched.values():
            if not watched.gone and watched.sources:
                self._open(watched)

    def _take_found(self) -> None:
        changed = False
        while True:
            try:
                target = self._found.get_nowait()
            except Empty:
                break
            if target.identity not in self._watched:
                self._release_place(target)
                self.watch(target)
                changed = True
        if changed:
            self._share_focus()

    def _release_place(self, newcomer: Target) -> None:
        before = predecessor(newcomer, self._watched.values()) if self._options.hold_places else None
        if before is not None:
            before.replaced = True
            self._pipeline.release(before.target.identity)

    def _forget(self, time: float) -> None:
        """Let go of targets that ended long ago: where workers come and go, they would add up."""
        keep = self._options.forget_seconds
        if keep is None:
            return
        old = [one for one in self._watched.values() if one.gone and time - one.ended > keep]
        if self._options.hold_places:
            old = [one for one in old if not holds_place(one, self._watched.values())]
        for identity in [one.target.identity for one in old]:
            del self._watched[identity]
            self._pipeline.forget(identity)
            if self._focused == identity:
                self._focused = next((key for key, one in self._watched.items() if not one.gone), None)
                self._share_focus()

    def _all_gone(self) -> bool:
        return bool(self._watched) and not self._following and all(w.gone for w in self._watched.values())

    def _overhead(self, time: float) -> Overhead:
        overhead = self._cost.measure(time)
        self._scheduler.stretch = self._governor.note(overhead.self_cpu_ratio)
        return replace(overhead, dropped=0, behind=self._scheduler.missed_rounds > 0 or self._governor.stretch > 1)

    def is_running(self) -> bool:
        """Whether the thread of a started session is there."""
        return self._thread is not None and self._thread.is_alive()

    def is_warm(self) -> bool:
        """Whether every living target has rates, and stacks or a reason why it has none."""
        boards = [board for board in self._pipeline.boards.values() if board.ended is None]
        return all(board.has_rates and board.has_stacks_or_reason for board in boards)

    def alive(self) -> bool:
        """Whether any target is still there."""
        return any(status.life is not Life.GONE for status in self.view.state().targets)


def _applies(source: Source, target: Target, options: SourceOptions) -> bool:
    applies: Callable[[Target, SourceOptions], bool] | None = getattr(source, "applies", None)
    if applies is None:
        return True
    try:
        answer = guard(source.name, partial(applies, target, options))
    except RazorprofError as error:
        answer = Failure(source.name, str(error))
    if isinstance(answer, Failure):
        logger.warning("the source %s of %s is left out: %s", answer.plugin, target.pid, answer.error)
        return False
    return bool(answer)
