"""Two tills write into one ledger, and only one may at a time: a lock that is waited for."""

from __future__ import annotations

import threading
import time
from collections import deque

from .day import Day

WRITING = 0.012  # seconds for which a till holds the ledger


class Ledger:
    """The last payments, behind a lock that is held far too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payments: deque[str] = deque(maxlen=1000)

    def record(self, payment: str) -> None:
        """Write a payment down."""
        with self._lock:
            self._payments.append(payment)
            time.sleep(WRITING)  # as slow as a commit to a disk


def serve(day: Day, ledger: Ledger, till: str) -> None:
    """Take payments until the shop closes."""
    number = 0
    while not day.closed(after=1 / day.phase().payments):
        number += 1
        ledger.record(f"{till} till, payment {number}")
