"""Takes the evidence when alerts fire: decides at once, makes the folder, and fills it in a thread of its own.

    captures = AlertCaptures(read_actions(path), state, find_target=..., before=ring, view=session.view)
    folders = captures.order(changes, time)        # each tick; alert labels -> the folder, which is there already
    captures.stop(10.0)

Who decides whether a capture may be taken is alerting.ledger; what a capture does is capture_steps' business. One
at a time, in the order in which alerts fired; what waits is bounded, what is skipped is counted, with the reason.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from razorprof.alerting.actions import check_allowed
from razorprof.alerting.capture_rules import (
    ActionFile,
    CaptureLimits,
    CaptureRule,
    Occasion,
    RunCommand,
    TakeBundle,
)
from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.alert import Alert, AlertChange, AlertState, CaptureNote
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.plugin.loading import Failure, guard
from razorprof.render.text import printable
from razorprof.session.bundle import Check
from razorprof.session.capture_board import CaptureBoard
from razorprof.session.capture_folder import make_folder, prepare_directory
from razorprof.session.capture_job import CaptureJob, Step, steps_of
from razorprof.session.capture_ledger import CaptureLedger
from razorprof.session.capture_metrics import METRICS as METRICS
from razorprof.session.capture_steps import Tools, Workshop, carry_out, told
from razorprof.session.recorded_before import RecordedBefore
from razorprof.session.ring import Ring
from razorprof.session.state_file import state_home
from razorprof.session.workers import Executor, ThreadExecutor
from razorprof.store.view import SeriesView

logger = logging.getLogger(__name__)

LEDGER = "captures.json"
NOW = "now"  # the name of captures that a person asks for

_STOPPED = "razorprof was ended before its turn came"


def default_state() -> Path:
    """Where captures go that belong to no watch: $XDG_STATE_HOME/razorprof, or ~/.local/state/razorprof."""
    return state_home() / "razorprof"


class AlertCaptures:
    """`order` in the session's thread; the rest in any."""

    def __init__(
        self,
        actions: ActionFile | None,
        state: Path | None = None,
        *,
        find_target: Callable[[Labels], Target | None] = lambda labels: None,
        allow_attach: bool = False,
        allow_commands: bool = False,
        clock: Clock | None = None,
        before: Ring | None = None,
        recorded: RecordedBefore | None = None,
        view: SeriesView | None = None,
        checks: Callable[[Target], Sequence[Check]] | None = None,
        tools: Tools | None = None,
        executor: Executor | None = None,
    ) -> None:
        """actions: None where only a person asks for captures: then nothing is counted over restarts, and nothing
        removed. state: the state directory (default_state); before: what memory holds; recorded: what lies on the
        disk, which is preferred. Raises as `check` does."""
        self._allow = (allow_attach, allow_commands)
        self._state = state or default_state()
        self._find_target = find_target
        self._clock = clock or SystemClock()
        self._before = before
        self._executor = executor or ThreadExecutor(1)
        self._enough = threading.Event()
        self._shop = Workshop(tools or Tools(), self._enough, view, checks, recorded)
        self._board = CaptureBoard()
        self._rules: tuple[CaptureRule, ...] = ()
        self._directory = self._state / "captures"
        if actions is not None:
            self.check(actions)
            self._take_up(actions)
        ledger = None if actions is None else self._state / LEDGER
        self._ledger = CaptureLedger(ledger, self._shop.tools.is_alive)
        self._board.count(self._ledger.interrupted)

    def check(self, actions: ActionFile) -> None:
        """Find out whether captures can be taken as this file says; makes its directory. Raises UsageError for
        what is not allowed, and for a directory that others may write into, PermissionDenied or ToolFailed for one
        that cannot be made."""
        attach, commands = self._allow
        check_allowed(actions, allow_attach=attach, allow_commands=commands)
        prepare_directory(self._state)
        prepare_directory(actions.folder(self._state))

    def adopt(self, actions: ActionFile | None) -> None:
        """Take captures as this file says, from now on; None: no more. Raises nothing: what `check` refuses is
        told in the log, and the old goes on."""
        try:
            if actions is not None:
                self.check(actions)
        except RazorprofError as error:
            logger.warning("the captures of %s are not taken up: %s", actions.path if actions else "", told(error))
            return
        self._take_up(actions)

    def order(self, changes: Sequence[AlertChange], time: float) -> Mapping[Labels, str]:
        """Begin what these changes ask for. The folder of each alert of which a capture is taken, the first where
        there are several. Never waits for a capture, and raises for nothing that the machine does."""
        folders: dict[Labels, str] = {}
        for change in changes:
            occasion = _occasion(change)
            if occasion is None:
                continue
            for rule in self._rules:
                if rule.wants(occasion, change.alert.labels):
                    folder = self._order(rule, change.alert, self._find_target(change.alert.labels), time).folder
                    if folder:
                        folders.setdefault(change.alert.labels, folder)
        return folders

    def take_now(self, target: Target) -> CaptureNote:
        """Begin a bundle of a target because a person asked for it: no limit but the disk's."""
        rule = CaptureRule(NOW, (), (TakeBundle(),), limits=CaptureLimits(max_bytes=256 << 20))
        try:
            prepare_directory(self._directory)
        except RazorprofError as error:
            return self._skip(rule, None, target, self._clock.time(), "folder", told(error))
        return self._order(rule, None, target, self._clock.time())

    def notes(self) -> tuple[CaptureNote, ...]:
        """The last captures, and those that were skipped, newest first."""
        return self._board.notes()

    def samples(self) -> list[Sample]:
        """How captures fare, of METRICS."""
        return self._board.samples((rule.name for rule in self._rules), self._ledger)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is pending, at most so long. Whether that is so."""
        return self._board.wait_idle(seconds)

    def stop(self, seconds: float) -> None:
        """Begin nothing more; what runs ends early and keeps what it has. Waits at most so long for that: a target
        into which code was put is let go of first."""
        self._enough.set()
        if not self.wait(seconds):
            logger.warning("a capture did not end within %g s", seconds)
        self._executor.close()

    def _take_up(self, actions: ActionFile | None) -> None:
        self._rules = () if actions is None else actions.captures
        if actions is not None:
            self._directory = actions.folder(self._state)

    def _order(self, rule: CaptureRule, alert: Alert | None, target: Target | None, time: float) -> CaptureNote:
        """Decide, and make the folder. The note says which of the two."""
        if target is None and not any(isinstance(action, RunCommand) for action in rule.actions):
            return self._skip(rule, alert, target, time, "no_target", "the alert names no process that is watched")
        if alert is None:
            seat = f"{NOW} {time}"  # of its own: nothing that a person took is removed for another
        elif target is None:
            seat = f"no target, {alert.name}"
        else:
            seat = self._ledger.seat(target.job or target.name, target.identity)
        reason, why = self._refusal(rule, alert, target, seat, time)
        if reason:
            return self._skip(rule, alert, target, time, reason, why)
        try:
            pid = None if target is None else target.pid
            folder = make_folder(self._directory, time, rule.name, alert.name if alert is not None else NOW, pid)
        except RazorprofError as error:
            return self._skip(rule, alert, target, time, "folder", told(error))
        before = self._before.take(target.identity) if self._before is not None and target is not None else None
        job = CaptureJob(rule, alert, target, seat, folder, time, before, steps_of(rule.actions))
        self._ledger.begin(job)
        folder.room = self._ledger.room(job)
        try:
            folder.announce(job.document())
        except RazorprofError as error:
            logger.warning("%s: %s", folder.path, told(error))
        self._board.begin(job)
        logger.info("capture %s of alert %s: %s", rule.name, printable(job.alert_name), folder.path)
        note = job.note()
        self._executor.submit(lambda: self._run(job))
        return note

    def _refusal(
        self, rule: CaptureRule, alert: Alert | None, target: Target | None, seat: str, time: float
    ) -> tuple[str, str]:
        """(reason, words) why a capture is not taken; empty where it is."""
        if self._enough.is_set():
            return "stopped", "razorprof ends"
        reason, why = self._board.refusal(rule, alert, target)
        if reason:
            return reason, why
        refusal = self._ledger.refusal(rule.name, seat, rule.limits, time, self._directory)
        return ("", "") if refusal is None else (refusal.reason.value, refusal.words)

    def _skip(
        self, rule: CaptureRule, alert: Alert | None, target: Target | None, time: float, reason: str, why: str
    ) -> CaptureNote:
        """Count it, note it, and log it where the reason is another than the last time."""
        pid = None if target is None else target.pid
        note = CaptureNote(rule.name, alert.name if alert is not None else "", time, pid, "", "skipped", why)
        if self._board.skip(note, reason):
            logger.warning(
                "capture %s of alert %s (pid %s) is skipped: %s",
                rule.name,
                printable(note.alert),
                pid,
                printable(why),
            )
        return note

    def _run(self, job: CaptureJob) -> None:
        """In the captures' thread. What a plugin does wrong ends the capture and not the thread."""
        try:
            found = guard(job.rule.name, lambda: self._work(job))
            why = found.error if isinstance(found, Failure) else ""
        except RazorprofError as error:
            why = told(error)
        if why:
            job.state = "failed"
            logger.warning("capture %s failed: %s", job.rule.name, printable(why))
        self._board.end(job)

    def _work(self, job: CaptureJob) -> None:
        self._ledger.save()  # before anything is done: it counts although we may be killed
        job.state, job.started = "running", self._clock.time()
        for step in job.steps:
            if self._enough.is_set():
                step.state, step.reason = "skipped", _STOPPED
                continue
            step.state, step.started = "running", self._clock.time()
            _tell(job)
            self._take(job, step)
        job.settle()
        job.ended = self._clock.time()
        _tell(job)
        self._ledger.end(job, job.ended)
        self._ledger.save()
        log = logger.info if job.state == "done" else logger.warning
        log("capture %s: %s (%s)%s", job.rule.name, job.state, job.folder.path, _troubles(job))

    def _take(self, job: CaptureJob, step: Step) -> None:
        began = self._clock.monotonic()
        try:
            found = guard(step.action.name, lambda: carry_out(job, step, self._shop))
            why = f"unexpected error: {found.error}" if isinstance(found, Failure) else ""
        except RazorprofError as error:
            why = told(error)
        except KeyboardInterrupt:  # a recording that was ended before it began
            why = "ended before anything was recorded"
        step.seconds = self._clock.monotonic() - began
        step.state, step.reason = ("failed", why) if why else ("done", "")


def _occasion(change: AlertChange) -> Occasion | None:
    if change.after is AlertState.FIRING and change.before is not AlertState.FIRING:
        return Occasion.FIRING
    if change.after is AlertState.INACTIVE and change.before is AlertState.FIRING:
        return Occasion.RESOLVED
    return None


def _tell(job: CaptureJob) -> None:
    trouble = job.folder.tell(job.document())
    if trouble:
        logger.warning("capture.json of %s: %s", job.folder.path, trouble)


def _troubles(job: CaptureJob) -> str:
    found = [f"{step.action.name}: {step.reason}" for step in job.steps if step.reason]
    return printable(": " + "; ".join(found)) if found else ""
