"""What `watch` is made of: the session and its desk of alerting, put together from what the options say.

Nothing runs yet when it is made. Called by cli.watch_run, in the main thread.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.needs import Needs
from razorprof.alerting.notices import Noticing, NoticingOptions
from razorprof.alerting.rule_limits import rule_limits
from razorprof.cli.dump import checks_of
from razorprof.cli.long_lived import FORGET_SECONDS
from razorprof.cli.rule_files import Book, BookFiles
from razorprof.cli.select import Choice
from razorprof.cli.watch_options import Wanted
from razorprof.clock import SystemClock
from razorprof.config.settings import Settings
from razorprof.errors import RazorprofError
from razorprof.model.alert import AlertChange, AlertState
from razorprof.model.scrape import Event
from razorprof.session import alert_captures, dispatch, ring
from razorprof.session.alert_captures import AlertCaptures
from razorprof.session.alert_desk import AlertDesk, RuleBook, Staff
from razorprof.session.alert_state import StateKeeper
from razorprof.session.alert_targets import find_target
from razorprof.session.capture_steps import told
from razorprof.session.dispatch import Dispatcher
from razorprof.session.flight_recorder import DEFAULT_BYTES, DEFAULT_SECONDS, FlightRecorder
from razorprof.session.pipeline import host_name
from razorprof.session.ring import Ring
from razorprof.session.session import Session, SessionOptions
from razorprof.session.state_folder import StateFolder
from razorprof.session.view import View
from razorprof.store.memory import MemoryStore

logger = logging.getLogger("razorprof.watch")

LOOK_BACK = 300.0  # of queries, and of what is served
_MARGIN = 60.0
_MOST_WAITING = 10_000  # changes that were not told yet
_ROW_BYTES = 9 * 200  # of the series of one process


@dataclass(frozen=True, slots=True)
class Listening:
    """Where pages are served, and to whom: see cli.listening."""

    address: str
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What the options say. texts: the TARGETs; intervals are seconds; ring_seconds, ring_bytes: what is kept of a
    recording on the disk, 0 for none."""

    texts: tuple[str, ...]
    choice: Choice
    files: BookFiles
    routes: tuple[Wanted, ...]
    external_labels: dict[str, str]
    external_url: str
    state: Path | None
    evaluation_interval: float
    interval: float
    listening: Listening | None
    settings: Settings
    probe: bool
    as_json: bool
    ring_seconds: float = DEFAULT_SECONDS
    ring_bytes: int = DEFAULT_BYTES


class WatchWorks:
    """The session and its desk."""

    def __init__(self, plan: WatchPlan, book: Book, folder: StateFolder, dispatcher: Dispatcher) -> None:
        from razorprof.plugin import loading

        self.plan = plan
        self.book = book
        self.folder = folder
        self.changes: Queue[tuple[AlertChange, bool]] = Queue(_MOST_WAITING)
        self.dispatcher = dispatcher
        self._ring = Ring()
        self.recorder = _recorder(plan, folder)
        self._captures: AlertCaptures | None = None
        settings = plan.settings
        desks: list[AlertDesk] = []

        def alerting(store: MemoryStore, view: View) -> AlertDesk:
            desks.append(self._make_desk(store, view))
            return desks[0]

        self.session = Session(
            SessionOptions(
                plan.interval,
                settings.rate,
                settings.budget,
                history_seconds(book, plan),
                settings.history_bytes,
                forget_seconds=FORGET_SECONDS,
                hold_places=True,
                probe=plan.probe,
            ),
            sources=loading.sources,
            runtimes=loading.runtimes,
            taps=[self._see],
            alerting=alerting,
            recorder=None if self.recorder is None else self.recorder.writer,
        )
        [self.desk] = desks

    def adopt(self, book: Book) -> None:
        """Other rules, actions and silences. Raises UsageError where captures cannot be taken as they say, and
        changes nothing then."""
        if self._captures is not None and book.actions is not None:
            self._captures.check(book.actions)
            self._captures.adopt(book.actions)
        self.session.keep_history(history_seconds(book, self.plan))
        self.book = book
        self.desk.adopt(_rule_book(book))

    def _make_desk(self, store: MemoryStore, view: View) -> AlertDesk:
        plan = self.plan
        interval, external = plan.evaluation_interval, plan.external_labels
        if self.book.actions is not None:
            self._captures = AlertCaptures(
                self.book.actions,
                self.folder.path,
                find_target=lambda labels: find_target(labels, view.state().targets),
                allow_attach=plan.files.allow_attach,
                allow_commands=plan.files.allow_commands,
                before=self._ring,
                recorded=None if self.recorder is None else self.recorder.before,
                view=view,
                checks=checks_of,
            )
        options = EvaluatorOptions(interval, external, plan.external_url, limits=rule_limits(interval))
        staff = Staff(
            Evaluator(self.book.rules, view, store, options),
            Noticing(NoticingOptions(interval, external_labels=external, external_url=plan.external_url)),
            self.dispatcher,
            self._captures,
            StateKeeper(self.folder),
            (*dispatch.METRICS, *alert_captures.METRICS),
            self._hear,
        )
        return AlertDesk(_rule_book(self.book), staff, store, host_name(), SystemClock().time())

    def _see(self, event: Event) -> None:
        """What lies on the disk is not kept in memory, too."""
        if self.recorder is None or not self.recorder.writer.is_recording:
            self._ring.see(event)

    def _hear(self, change: AlertChange, silenced: bool) -> None:
        """In the session's thread. The process that an alert is about is the one to look at closely: of many, only
        one has its stacks sampled."""
        if self.recorder is not None:
            self.recorder.writer.alerts([change])
        if change.after is not AlertState.INACTIVE:
            target = find_target(change.alert.labels, self.session.view.state().targets)
            if target is not None:
                self.session.focus(target.identity)
        with suppress(Full):  # nobody reads our output: alerts are told elsewhere all the same
            self.changes.put_nowait((change, silenced))


def history_seconds(book: Book, plan: WatchPlan) -> float:
    """For how long series are kept: as far as rules look back, and what a capture shows of before."""
    looks = Needs(book.rules).longest_look
    if looks / plan.interval * _ROW_BYTES > plan.settings.history_bytes:
        logger.warning(
            "rules look back %g s, which may be more than fits into %d MiB: top.history_size in razorprof.toml",
            looks,
            plan.settings.history_bytes >> 20,
        )
    return max(looks + LOOK_BACK, ring.SECONDS) + _MARGIN


def _recorder(plan: WatchPlan, folder: StateFolder) -> FlightRecorder | None:
    """None where nothing is to be recorded, or nothing can be: alerts matter more than their past."""
    if not plan.ring_seconds:
        return None
    try:
        return FlightRecorder(
            folder.path, interval=plan.interval, seconds=plan.ring_seconds, max_bytes=plan.ring_bytes
        )
    except RazorprofError as error:
        logger.warning("nothing is recorded on the disk (--last 0 wants that): %s", told(error))
        return None


def _rule_book(book: Book) -> RuleBook:
    return RuleBook(book.rules) if book.silences is None else RuleBook(book.rules, book.silences.hides)
