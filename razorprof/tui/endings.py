"""What ends a screen besides its keys: SIGTERM and SIGHUP. For tui.run and tui.show_run.

Python's own handling would leave the terminal as it stands; a terminal that was closed may block whoever writes to
it for ever.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from textual.app import App

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 3.0  # seconds that the screen may take to go away


@contextmanager
def ended_by_signals(app: App[Any]) -> Iterator[None]:
    """The signals close the screen in order, with 128 + number; one that cannot be closed does not keep us."""

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
