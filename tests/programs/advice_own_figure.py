"""What an advice_* program says of itself, so that a test need not believe razorprof: `figure N` once a second.

Not a target: imported by them. Runs on Python 3.8+.
"""

import gc
import os
import time


class Telling:
    """`tick` is called in the program's loop and prints what `figure` gives once a second."""

    def __init__(self, figure):
        self._figure = figure
        self._due = time.monotonic() + 1.0

    def tick(self):
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + 1.0
            print(f"figure {self._figure()}", flush=True)


class GcShare:
    """The share of time in the collector since the last call, exact: measured inside, by gc.callbacks."""

    def __init__(self):
        self._spent = self._began = 0.0
        self._last = time.perf_counter()
        gc.callbacks.append(self._note)

    def __call__(self):
        now = time.perf_counter()
        share = self._spent / (now - self._last)
        self._spent, self._last = 0.0, now
        return share

    def _note(self, phase, info):
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self._spent += time.perf_counter() - self._began


class Growth:
    """Resident bytes more than at the first call."""

    def __init__(self):
        self._first = None

    def __call__(self):
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self._first = now if self._first is None else self._first
        return now - self._first


class Rounds:
    """Pieces of work done since the last call; `done` counts one."""

    def __init__(self):
        self._count = 0

    def done(self):
        self._count += 1

    def __call__(self):
        count, self._count = self._count, 0
        return count
