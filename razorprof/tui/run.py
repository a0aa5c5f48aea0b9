"""The dashboard and its session together: ended by key or signal, and always taken apart.

Called by the commands that open a dashboard. The session's loop runs in a thread of its own, from the first frame
on (before it, the two would only be in each other's way); this one draws.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from pathlib import Path

from razorprof.config.settings import Settings
from razorprof.session.session import Session
from razorprof.tui.app import Dashboard
from razorprof.tui.endings import ended_by_signals
from razorprof.tui.options import DashboardOptions

_LARGEST_LOG = 1 << 20


def run_dashboard(session: Session, settings: Settings, *, bell: bool = False) -> int:
    """Show the session until the user leaves; the exit code: 0 by key, 128 + number by signal, 130 by Ctrl-C.
    bell: ring when an alert begins to fire."""
    options = DashboardOptions(keys=settings.keys, bell=bell)
    if settings.theme:
        options = replace(options, theme=settings.theme)
    app = LiveDashboard(session, options)
    with ExitStack() as stack:
        stack.callback(session.stop)
        stack.enter_context(logs_in_a_file())
        stack.enter_context(ended_by_signals(app))
        app.run()
    return app.return_code or 0


class LiveDashboard(Dashboard):
    """A dashboard that starts its session as soon as it stands on the screen."""

    def __init__(self, session: Session, options: DashboardOptions) -> None:
        super().__init__(session.view, session, options=options)
        self._session = session

    def on_ready(self) -> None:
        self.app_resume_signal.subscribe(self, lambda app: self._draw_all_again())
        self._session.listen(self.tick)
        self._session.start()

    def _draw_all_again(self) -> None:
        """After Ctrl-Z and fg the terminal is empty, and what has not changed would stay so."""
        for widget in self.screen.walk_children():
            widget.refresh()


@contextmanager
def logs_in_a_file() -> Iterator[None]:
    """The screen belongs to the dashboard: what is logged meanwhile goes to a file of the user's own."""
    root = logging.getLogger()
    before = root.handlers[:]
    instead = _log_file()
    root.handlers[:] = [instead]
    try:
        yield
    finally:
        root.handlers[:] = before
        instead.close()


def _log_file() -> logging.Handler:
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = (Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state") / "razorprof"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(folder / "top.log", maxBytes=_LARGEST_LOG, backupCount=1, delay=True)
    except (OSError, RuntimeError):  # no home, a full or read-only disk
        return logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    return handler
