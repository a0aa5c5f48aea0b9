"""Threads that run reads: a bounded pool in which a hung read costs one thread, and never another target.

A read cannot be interrupted from outside. When one outlives its time, the scheduler gives its thread up
(`abandon`): a new one takes its place, up to a bound, and the old one ends by itself when its read returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

Work = Callable[[], None]


class Executor(Protocol):
    """Runs pieces of work. `size` is how many may run at once."""

    @property
    def size(self) -> int: ...

    def submit(self, work: Work) -> None: ...

    def abandon(self) -> bool: ...

    def reclaim(self) -> None: ...

    def close(self) -> None: ...


class InlineExecutor:
    """Runs work at once in the caller's thread: for tests and for players."""

    size = 1_000_000

    def submit(self, work: Work) -> None:
        work()

    def abandon(self) -> bool:
        return True

    def reclaim(self) -> None:
        pass

    def close(self) -> None:
        pass


class ThreadExecutor:
    """`size` daemon threads, started as needed. Work must not raise."""

    def __init__(self, size: int = 8, *, most_abandoned: int = 32) -> None:
        self.size = size
        self._most_abandoned = most_abandoned
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._abandoned = 0
        self._surplus = 0

    def submit(self, work: Work) -> None:
        """Run `work` in a free thread, or when one becomes free."""
        with self._lock:
            start = self._idle == 0 and self._threads < self.size + self._abandoned
            if start:
                self._threads += 1
            else:
                self._idle = max(0, self._idle - 1)
        self._queue.put(work)
        if start:
            threading.Thread(target=self._run, name=f"reader-{self._threads}", daemon=True).start()

    def abandon(self) -> bool:
        """One of the threads hangs: allow one more. False when the bound is reached."""
        with self._lock:
            if self._abandoned >= self._most_abandoned:
                return False
            self._abandoned += 1
            self._threads += 1
        threading.Thread(target=self._run, name="reader", daemon=True).start()
        return True

    def reclaim(self) -> None:
        """A read that was given up has returned after all: one thread too many now."""
        with self._lock:
            self._surplus += 1

    def close(self) -> None:
        """Let the threads end when their work is done."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._queue.put(None)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            with self._lock:
                if self._surplus:
                    self._surplus -= 1
                    self._abandoned -= 1
                    self._threads -= 1
                    return
                self._idle += 1
