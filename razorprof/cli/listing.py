"""Processes with what a person needs to tell them apart: CPU, memory, command line. For ps and the picker."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.target import Identity
from razorprof.targets.naming import short_arguments
from razorprof.targets.redact import redact_command
from razorprof.targets.table import ProcessEntry

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BETWEEN_LOOKS = 0.25  # seconds: at 100 ticks a second, one tick is 4 % of a core


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process to choose. cpu_ratio: seconds of CPU per second over a short while, None where it ended."""

    entry: ProcessEntry
    cpu_ratio: float | None
    rss_bytes: int

    @property
    def command(self) -> str:
        """The command line, secrets taken out; still untrusted."""
        return redact_command(self.entry.arguments)

    @property
    def short_command(self) -> str:
        """The command line without folders, for lists on a screen; secrets taken out, still untrusted."""
        return redact_command(short_arguments(self.entry.arguments)) or f"[{self.entry.stat.comm}]"

    @property
    def started(self) -> float | None:
        """Unix seconds; None where it cannot be told any more."""
        try:
            return self.entry.view.started()
        except (RazorprofError, OSError, ValueError):
            return None

    def as_json(self) -> dict[str, Any]:
        return {
            "pid": self.entry.pid,
            "name": self.entry.name,
            "command": self.command,
            "cpu_ratio": self.cpu_ratio,
            "rss_bytes": self.rss_bytes,
            "start_time": self.started,
        }


def describe_candidates(entries: Sequence[ProcessEntry], clock: Clock) -> list[Candidate]:
    """The processes with their figures, busiest first. Takes a quarter of a second, to measure CPU."""
    ratios = measure_cpu(entries, clock)
    described = [Candidate(e, ratios[e.identity], e.stat.resident_pages * _PAGE) for e in entries]
    return sorted(described, key=lambda candidate: (-(candidate.cpu_ratio or 0.0), candidate.entry.pid))


def measure_cpu(entries: Sequence[ProcessEntry], clock: Clock) -> dict[Identity, float | None]:
    """CPU seconds per second of each process between two looks; None for those that are gone by then."""
    before = [(entry, clock.monotonic(), _cpu_seconds(entry)) for entry in entries]
    clock.wait(threading.Event(), _BETWEEN_LOOKS)
    ratios: dict[Identity, float | None] = {}
    for entry, then, spent in before:
        now, spent_now = clock.monotonic(), _cpu_seconds(entry)
        if spent is None or spent_now is None or now <= then:
            ratios[entry.identity] = None
        else:
            ratios[entry.identity] = max(0.0, (spent_now - spent) / (now - then))
    return ratios


def _cpu_seconds(entry: ProcessEntry) -> float | None:
    try:
        stat = entry.view.stat()
    except RazorprofError:
        return None
    return stat.user_seconds + stat.system_seconds if stat.start_ticks == entry.stat.start_ticks else None
