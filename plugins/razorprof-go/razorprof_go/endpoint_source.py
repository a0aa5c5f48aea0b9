"""The source "memstats" of Go programs: what the runtime says of its memory over expvar (/debug/vars).

Opened only with the user's consent (url: or --probe). An application's own /metrics page is the source
"application"'s; what is in the process's memory, the source "gc"'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from razorprof.clock import Clock
from razorprof.errors import NotSupported, RazorprofError, TargetGone, ToolFailed
from razorprof.model.metric import Metric, Sample
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof_go.endpoint import VARS, Endpoint, find_endpoint
from razorprof_go.metrics import MEMSTATS

SHARE = 0.02  # of the time that the target is asked
SHORTEST_REST, LONGEST_REST = 1.0, 20.0
LOOK_EVERY = 10.0  # while it has no such page; ever more seldom
_LARGEST_VARS = 16 << 20


class MemStatsSource:
    """Source "memstats"."""

    name: ClassVar[str] = "memstats"
    metrics: ClassVar[tuple[Metric, ...]] = tuple(MEMSTATS.values())
    waits_for_target: ClassVar[bool] = True

    def applies(self, target: Target, options: SourceOptions) -> bool:
        """Whether the user wants the target to be asked."""
        return options.probe or bool(options.url)

    def open(self, target: Target, options: SourceOptions) -> MemStatsReader:
        """Attach; nothing is asked yet."""
        return MemStatsReader(target, options)


class MemStatsReader:
    """Reads one program's page. rest: seconds until another read is worth while; reasons: why there is none."""

    def __init__(self, target: Target, options: SourceOptions) -> None:
        self._target = target
        self._url, self._probe = options.url, options.probe
        self._clock: Clock = options.clock
        self._view = ProcessView(target.pid)
        self._endpoint: Endpoint | None = None
        self._pause = LOOK_EVERY
        self.rest = 0.0
        self.reasons: dict[str, str] = {}

    def read(self) -> list[Sample]:
        """The figures; none and `reasons` while the program has no such page. Raises TargetGone, and what a page
        that was there before is now (ToolFailed, TimedOut)."""
        if not self._view.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)
        began = self._clock.monotonic()
        try:
            if self._endpoint is None:
                self._endpoint = find_endpoint(
                    self._view, self._url, probe=self._probe, page=VARS, clock=self._clock
                )
            found = memstats(self._endpoint.get(VARS, most_bytes=_LARGEST_VARS))
        except NotSupported as error:
            self._endpoint = None
            self.reasons = {metric.name: str(error) for metric in MEMSTATS.values()}
            self.rest, self._pause = self._pause, min(600.0, 2 * self._pause)
            return []
        except RazorprofError:
            self._endpoint = None
            raise
        self.rest = min(LONGEST_REST, max(SHORTEST_REST, (self._clock.monotonic() - began) / SHARE))
        self._pause = LOOK_EVERY
        missing = [metric.name for field, metric in MEMSTATS.items() if field not in found]
        self.reasons = dict.fromkeys(missing, "the program's expvar does not tell it")
        return [Sample(MEMSTATS[field], value) for field, value in found.items()]

    def close(self) -> None:
        """Nothing is held between reads."""


def memstats(body: bytes) -> Mapping[str, float]:
    """The fields of MemStats that are taken, out of /debug/vars. Raises ToolFailed for what is no such page."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ToolFailed("what expvar gives is no JSON", value=str(error)[:100]) from error
    held = document.get("memstats") if isinstance(document, dict) else None
    if not isinstance(held, dict):
        raise NotSupported("the page has no memstats", hint="import expvar in the program")
    return {field: float(held[field]) for field in MEMSTATS if _is_figure(held.get(field))}


def _is_figure(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= 1 << 64 and math.isfinite(value)
