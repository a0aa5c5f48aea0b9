"""The dashboard over a recording from its start to its end, and what it is given in place of a live session.

Called by cli.replay.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

from razorprof.config.settings import Settings
from razorprof.session.comparing import Comparing
from razorprof.session.transport import Transport
from razorprof.tui.endings import ended_by_signals
from razorprof.tui.moment_box import MomentParser
from razorprof.tui.options import DashboardOptions
from razorprof.tui.replay_app import ReplayDashboard
from razorprof.tui.run import logs_in_a_file


def run_replay(comparing: Comparing, settings: Settings, moment: float | None, parse: MomentParser) -> int:
    """Show the recording until the user leaves; the exit code as of tui.run.run_dashboard.

    comparing: its player, and what is compared from the start, if anything; moment: where to begin; parse: reads a
    time that is typed in."""
    player = comparing.player
    is_compared = comparing.base is not None
    options = DashboardOptions(keys=settings.keys, first_screen="difference" if is_compared else "overview")
    if settings.theme:
        options = replace(options, theme=settings.theme)
    player.seek(player.ticks[0] if moment is None else moment)
    transport = Transport(player, time.monotonic)
    transport.pause(moment is not None or is_compared)
    app = ReplayDashboard(transport, options, parse, comparing)
    with ExitStack() as stack:
        stack.enter_context(logs_in_a_file())
        stack.enter_context(ended_by_signals(app))
        app.run()
    return app.return_code or 0
