"""The dashboard and its session together: started, ended by key or signal, and always taken apart.

Called by the commands that open a dashboard. The session's loop runs in a thread of its own; this one draws.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from razorprof.config.settings import Settings
from razorprof.session.session import Session
from razorprof.tui.app import Dashboard
from razorprof.tui.options import DashboardOptions

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 3.0  # seconds that the screen may take to go away; a closed terminal may block it for ever


def run_dashboard(session: Session, settings: Settings) -> int:
    """Show the session until the user leaves; the exit code: 0 by key, 128 + number by signal, 130 by Ctrl-C."""
    options = DashboardOptions(keys=settings.keys)
    if settings.theme:
        options = DashboardOptions(keys=settings.keys, theme=settings.theme)
    app = Dashboard(session.view, session, options=options)
    session.start(lambda state: app.tick())
    try:
        with _ended_by_signals(app):
            app.run()
    finally:
        session.stop()
    return app.return_code or 0


@contextmanager
def _ended_by_signals(app: Dashboard) -> Iterator[None]:
    """SIGTERM and SIGHUP close the screen in order; one that cannot be closed does not keep us."""

    def end(number: int, _frame: FrameType | None) -> None:
        last = threading.Timer(_PATIENCE, os._exit, (128 + number,))
        last.daemon = True
        last.start()
        app.exit(return_code=128 + number)

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
