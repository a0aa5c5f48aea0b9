"""What razorprof itself costs: CPU and memory of its own process and of every tool that it started.

Finished tools count through the waited-for times of their parent (proc(5): cutime, cstime), running ones by
their own. Read from /proc directly: a scan of all processes would cost more than what it measures.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path

from razorprof.remote.process import CLOCK_TICKS, PROC
from razorprof.session.view import Overhead

_WINDOW = 10.0  # seconds over which the ratio is taken
_PAGE = os.sysconf("SC_PAGE_SIZE")


class OwnCost:
    """Asked once a tick with the tick's time; the first answer has no ratio yet."""

    def __init__(
        self,
        pid: int | None = None,
        *,
        exclude: Callable[[], Collection[int]] = frozenset,
        proc: Path = PROC,
    ) -> None:
        """exclude: children of ours that are targets (the demo's program), not tools."""
        self._pid = pid or os.getpid()
        self._exclude = exclude
        self._proc = proc
        self._seen: deque[tuple[float, float]] = deque()

    def measure(self, time: float) -> Overhead:
        """The cost over the last ten seconds."""
        cpu, rss = self._tree()
        ratio = None
        if self._seen and time > self._seen[0][0]:
            before, cpu_before = self._seen[0]
            ratio = max(0.0, (cpu - cpu_before) / (time - before))
        self._seen.append((time, cpu))
        while len(self._seen) > 2 and self._seen[1][0] <= time - _WINDOW:
            self._seen.popleft()
        return Overhead(self_cpu_ratio=ratio, self_rss_bytes=float(rss))

    def _tree(self) -> tuple[float, int]:
        """(CPU seconds, resident bytes) of the process tree."""
        cpu, rss = 0.0, 0
        todo, seen = [self._pid], set(self._exclude())
        while todo and len(seen) < 4096:
            pid = todo.pop()
            if pid in seen:
                continue
            seen.add(pid)
            try:
                raw = (self._proc / str(pid) / "stat").read_bytes()
                children = self._children(pid)
            except OSError:
                continue
            fields = raw[raw.rindex(b")") + 2 :].split()
            cpu += sum(int(ticks) for ticks in fields[11:15]) / CLOCK_TICKS
            rss += int(fields[21]) * _PAGE
            todo.extend(children)
        return cpu, rss

    def _children(self, pid: int) -> list[int]:
        children: list[int] = []
        for task in (self._proc / str(pid) / "task").iterdir():
            children.extend(int(child) for child in (task / "children").read_bytes().split())
        return children
