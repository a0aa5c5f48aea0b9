"""The collector's figures as the program itself tells them over expvar: where its memory is not understood.

Called by gc_source for versions whose memory was not measured, and only with the user's consent to ask. The same
ring as in memory (MemStats.PauseNs), so that counts and pauses are exact here too; each look costs the target some
0.3 ms of CPU.
"""

from __future__ import annotations

import json
from typing import Any

from razorprof.clock import Clock
from razorprof.errors import NotSupported, ToolFailed
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof_go.collector import Settings
from razorprof_go.endpoint import VARS, find_endpoint
from razorprof_go.pauses import RING, GcBlock

_LARGEST_VARS = 16 << 20
_HIGHEST = 1 << 64


class ExpvarCollector:
    """Has what collector.Collector has. Raises NotSupported where the program has no such page."""

    settings_reason = "GOGC, GOMEMLIMIT and the live heap are read from memory, and this version's is not known"

    def __init__(self, process: ProcessView, options: SourceOptions) -> None:
        clock: Clock = options.clock
        self._endpoint = find_endpoint(process, options.url, probe=options.probe, page=VARS, clock=clock)

    def look(self) -> GcBlock | None:
        """The figures now. Raises ToolFailed where the page contradicts itself, and as Endpoint.get."""
        block = parse_vars(self._endpoint.get(VARS, most_bytes=_LARGEST_VARS))
        if not block.is_consistent():
            raise ToolFailed("the collector's figures contradict each other", value=self._endpoint)
        return block

    def forget(self) -> None:
        """Each look is new."""

    def settings(self) -> Settings | None:
        return None

    def max_processors(self) -> int | None:
        return None

    def close(self) -> None:
        """Nothing is held between looks."""


def parse_vars(body: bytes) -> GcBlock:
    """The block out of /debug/vars. Raises ToolFailed for what is no JSON, NotSupported without such figures."""
    try:
        document: Any = json.loads(body)
        held = document["memstats"]
        lengths, ends = tuple(map(_whole, held["PauseNs"])), tuple(map(_whole, held["PauseEnd"]))
        if len(lengths) != RING or len(ends) != RING:
            raise NotSupported("the page has no ring of pauses", value=len(lengths))
        fraction = float(held["GCCPUFraction"])
        return GcBlock(
            last_gc=_whole(held["LastGC"]),
            pause_total=_whole(held["PauseTotalNs"]),
            lengths=lengths,
            ends=ends,
            cycles=_whole(held["NumGC"]),
            forced=_whole(held["NumForcedGC"]),
            cpu_fraction=min(1.0, max(0.0, fraction)),
        )
    except (KeyError, TypeError) as error:
        raise NotSupported("the page has no memstats", hint="import expvar in the program") from error
    except (ValueError, RecursionError) as error:
        raise ToolFailed("what expvar gives is no JSON", value=str(error)[:100]) from error


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _HIGHEST:
        raise TypeError("no whole number")
    return value
