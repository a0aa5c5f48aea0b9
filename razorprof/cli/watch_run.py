"""`watch` at work: the loop around its session and desk, and how they begin and end.

Three threads matter: the main one takes signals, reads files and tells; the session's evaluates, and never waits
for anybody; notifiers, captures and the state have their own. Called by cli.watch.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from queue import Empty
from typing import TYPE_CHECKING

from razorprof.cli.journal import log_to_stderr
from razorprof.cli.listening import bind
from razorprof.cli.long_lived import Signals, ending_signals, follow, present_targets
from razorprof.cli.service_manager import ServiceManager
from razorprof.cli.watch_words import Teller, status_words
from razorprof.cli.watch_works import Listening, WatchPlan, WatchWorks
from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError, ToolFailed
from razorprof.session import protect
from razorprof.session.dispatch import Dispatcher
from razorprof.session.route import open_routes
from razorprof.session.state_folder import StateFolder, default_folder

if TYPE_CHECKING:
    from razorprof.serve.access import Access
    from razorprof.serve.server import Server

logger = logging.getLogger("razorprof.watch")

_LOOK_EVERY, _FIRST_LOOKS = 0.5, 0.05
_STOP_SECONDS = 20.0  # for captures, notifiers and the state together: less than systemd waits


def run_watch(plan: WatchPlan) -> None:
    """Watch until a signal ends it. Raises what is wrong with the options and files, before there is a thread."""
    log_to_stderr()
    book = plan.files.read()
    with ExitStack() as stack:
        server, access = _bind(plan.listening, stack)
        folder = StateFolder(plan.state or default_folder(plan.texts))
        stack.callback(folder.close)
        present = present_targets(plan.texts, plan.choice)
        routes = open_routes(plan.routes, SystemClock())
        protect.step_back()  # before there are threads
        if server is not None:
            server.start()
        works = WatchWorks(plan, book, folder, Dispatcher(routes))
        if works.recorder is not None:
            stack.callback(works.recorder.close)
        follow(works.session, plan.texts, plan.choice, present, tell=_tell_refusal)
        _Loop(works, server, access).run()


class _Loop:
    """What the main thread does meanwhile."""

    def __init__(self, works: WatchWorks, server: Server | None, access: Access | None) -> None:
        from razorprof.serve.pulse import Pulse

        self._works = works
        self._server, self._access = server, access
        self._manager = ServiceManager()
        self._teller = Teller(as_json=works.plan.as_json)
        self._pulse = Pulse(works.plan.interval)
        self._is_ready = False

    def run(self) -> None:
        """Until a signal ends it. Raises ToolFailed where evaluation has ended by itself."""
        session = self._works.session
        with ending_signals(hang_up=True, copy=True) as signals:
            session.listen(self._beat)
            session.start()
            try:
                self._serve()
                while not signals.wait(_LOOK_EVERY if self._is_ready else _FIRST_LOOKS):
                    self._look(signals)
            finally:
                self._stop()

    def _serve(self) -> None:
        if self._server is None or self._access is None:
            return
        from razorprof.serve.alerts_api import AlertsApi
        from razorprof.serve.site import Site

        view = self._works.session.view
        self._server.site = Site(view, self._pulse, self._access, alerts=AlertsApi(view))

    def _beat(self) -> None:
        """In the session's thread, after each tick: it lives."""
        self._pulse.beat()
        self._manager.alive()

    def _look(self, signals: Signals) -> None:
        session = self._works.session
        if not session.is_running():
            raise ToolFailed("evaluation has ended by an error", hint="this is a bug: see where with --debug")
        if signals.take_hang_up():
            self._reread()
        self._look_at_recorder(signals)
        state = session.view.state()
        if state.tick and not self._is_ready:
            self._is_ready = True
            self._announce()
            self._manager.ready(status_words(state))
        self._tell_changes()
        if state.tick:
            self._teller.look(state)
            self._manager.status(status_words(state))

    def _announce(self) -> None:
        works, plan = self._works, self._works.plan
        url = self._server.url if self._server is not None else None
        told = [status.name for status in works.dispatcher.statuses()]
        recorder = works.recorder
        document = {
            "pid": os.getpid(),
            "recording": None if recorder is None else str(recorder.folder),
            "crash": None if recorder is None or recorder.crash is None else str(recorder.crash),
            "rules": works.book.number,
            "targets": list(plan.texts),
            "state": str(works.folder.path),
            "notifiers": told,
            "url": url,
        }
        words = f"{works.book.number} rules over {' '.join(plan.texts)}; state in {works.folder.path}"
        words += f"; telling {', '.join(told)}" if told else "; telling nobody but this log"
        if recorder is not None and recorder.crash is not None:
            words += f"; what the last run recorded before it was killed: {recorder.crash}"
        self._teller.started(f"{words}; {url}/metrics" if url else words, document)

    def _reread(self) -> None:
        """SIGHUP. What is wrong with a file changes nothing but what is told of it."""
        works = self._works
        self._manager.reloading()
        error = ""
        try:
            works.adopt(works.plan.files.read())
        except RazorprofError as refused:
            error = f"{refused}; {refused.hint}" if refused.hint else str(refused)
            works.desk.refuse(error)
        self._teller.reread(error, works.book.number)
        self._manager.ready(status_words(works.session.view.state()))

    def _look_at_recorder(self, signals: Signals) -> None:
        """SIGUSR1 asks for a copy of what is recorded."""
        recorder, asked = self._works.recorder, signals.take_copy()
        if recorder is None:
            if asked:
                self._teller.recording("", "there is none, so no copy of it")
            return
        if trouble := recorder.trouble():
            self._teller.recording("", trouble)
        elif recorder.recovered():
            self._teller.recording("", "")
        if asked:
            try:
                self._teller.recording(str(recorder.dump()), "")
            except RazorprofError as error:
                self._teller.recording("", str(error))

    def _tell_changes(self) -> None:
        while True:
            try:
                self._teller.changed(*self._works.changes.get_nowait())
            except Empty:
                return

    def _stop(self) -> None:
        works = self._works
        self._manager.stopping()
        works.session.stop()
        works.desk.stop(_STOP_SECONDS, clean=not works.session.is_running())
        if works.recorder is not None:
            works.recorder.close()
        self._tell_changes()
        self._teller.ended()


def _bind(listening: Listening | None, stack: ExitStack) -> tuple[Server | None, Access | None]:
    if listening is None:
        return None, None
    server, access = bind(listening.address, listening.token_file, listening.tls_cert, listening.tls_key)
    stack.callback(server.stop)
    return server, access


def _tell_refusal(error: RazorprofError) -> None:
    """Why a target that appeared is not taken."""
    logger.warning("not watched: %s", f"{error}; {error.hint}" if error.hint else error)
