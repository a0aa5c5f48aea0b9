"""A runtime that is not CPython, as a plug-in: it "runs" in sleep(1), knows its collector and its threads' number.

Copied by tests into a folder with an entry point; see plugged_in.py. Not a stub of anything that is there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from razorprof.analysis.advice_observation import Observation
from razorprof.errors import TargetGone
from razorprof.model.advice import Advice
from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState, MemoryPool
from razorprof.model.metric import Metric, Sample, counter, gauge
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import Capability, Detection, Reader, Source, SourceOptions, Support
from razorprof.remote.process import ProcessView

CYCLES = counter("dream_gc_cycles_total", "", "Cycles of its collector.")
DREAMS = gauge("dream_sheep", "", "Sheep that were counted.")


class DreamReader:
    """Two cycles a second, of a millisecond each."""

    def __init__(self, target: Target, options: SourceOptions) -> None:
        self._identity, self._process = target.identity, ProcessView(target.pid)
        self._url = options.url

    def read(self) -> Iterable[Reading]:
        if not self._process.is_same(self._identity):
            raise TargetGone("the process has ended", value=self._identity.pid)
        now = time.time()
        cycles = int(2 * (now % 1_000_000))
        pauses = (GcPause(now - 0.5, 0.001), GcPause(now, 0.002))
        collector = CollectorGc("dream", cycles, cycles * 0.001, forced=0, pauses=pauses, last_end=now)
        aims = (GcFigure("sheep goal", 100.0), GcFigure("depth", None, reason="it sleeps too lightly"))
        pools = (MemoryPool("short term", 1 << 20, 2 << 20, 4 << 20),)
        return [
            Sample(CYCLES, float(cycles)),
            Sample(DREAMS, 41.0),
            GcState(now, collectors=(collector,), pools=pools, figures=aims, cpu_ratio=0.002),
        ]

    def close(self) -> None:
        pass


class DreamSource:
    name: ClassVar[str] = "gc"
    metrics: ClassVar[tuple[Metric, ...]] = (CYCLES, DREAMS)

    def open(self, target: Target, options: SourceOptions) -> Reader:
        return DreamReader(target, options)


class Dream:
    """The runtime. No stacks, no CPU profiles, no heap: each with a reason of its own."""

    name: ClassVar[str] = "dream"

    def detect(self, process: ProcessView) -> Detection | None:
        return Detection("dream", "1.2", detail={"depth": "light"}) if process.comm() == "sleep" else None

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        return {
            Capability.GC: Support(True, "imagination"),
            Capability.STACKS: Support(False, reason="a dream has no stacks"),
            Capability.CPU: Support(False, reason="a dream takes no CPU time"),
            Capability.THREADS: Support(False, reason="a dream has one thread only"),
            Capability.HEAP: Support(False, reason="a dream holds nothing"),
            Capability.GIL: Support(False, reason="a dream has no GIL"),
        }

    def sources(self, detection: Detection) -> Sequence[Source]:
        return [DreamSource()]


class AdvisingDream(Dream):
    """The same one, which knows what its figures mean."""

    def advise(self, seen: Observation) -> Sequence[Advice]:
        from razorprof.model.advice import AdviceFigure, Better, Check, Confidence
        from razorprof.model.metric import Quality

        grown = seen.series["dream_gc_cycles_total"].growth
        figure = AdviceFigure("dream_gc_cycles_total", grown, "", Quality.EXACT)
        check = Check(figure, Better.LOWER, f"razorprof gc {seen.pid}")
        depth = seen.detail.get("depth", "unknown")
        return [Advice("sleep", f"Its sleep is {depth}", (figure,), "why", "what", check, Confidence.HIGH)]
