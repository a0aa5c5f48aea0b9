"""How much of the machine other work used while a program ran: what its CPU seconds are to be trusted.

For session.launch_run. Other processes slow a program down even where it has a CPU of its own: they share caches,
memory and often the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import psutil


class CpuTimes(Protocol):
    """Seconds of all CPUs together since boot (psutil.cpu_times), idle and others."""

    @property
    def idle(self) -> float: ...


class MachineLoad:
    """From its making on. read: CPU times of the whole machine."""

    def __init__(self, read: Callable[[], CpuTimes] = lambda: psutil.cpu_times()) -> None:
        self._read = read
        self._begin = _seconds(read())

    def others_ratio(self, own_cpu_seconds: float) -> float | None:
        """Share (0..1) of the machine's CPU time since then that neither was idle nor the program's own; None
        where no time has passed."""
        whole, busy = (now - then for now, then in zip(_seconds(self._read()), self._begin, strict=True))
        if whole <= 0:
            return None
        return min(1.0, max(0.0, (busy - own_cpu_seconds) / whole))


def _seconds(times: CpuTimes) -> tuple[float, float]:
    """All, and those that were used. Linux counts a guest's time within user and nice."""
    fields = ("user", "nice", "system", "irq", "softirq", "steal")
    used = sum(getattr(times, name, 0.0) for name in fields)
    return used + times.idle + getattr(times, "iowait", 0.0), used
