"""The source "gc" of Go programs: collections and pauses, exact, read out of the memory of an unprepared process.

Opened by the session through the go runtime. After the process has exec'd another program it attaches anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import ClassVar

from razorprof.errors import NotSupported, TargetGone, ToolFailed
from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import AddressSpaceGone
from razorprof.remote.process import ProcessView
from razorprof_go import metrics
from razorprof_go.collector import NOT_FOUND, NOT_YET, Collector, Settings
from razorprof_go.expvar_collector import ExpvarCollector
from razorprof_go.pauses import GcBlock, PauseHistogram

_log = logging.getLogger(__name__)

SHOWN_PAUSES = 32
_NO_LIMIT = (1 << 63) - 1
_NO_PROCESSORS = "the binary is stripped, and its code does not tell where GOMAXPROCS is"


class GcSource:
    """Source "gc". toolchain: as the binary names it, for the metric go_info."""

    name: ClassVar[str] = "gc"
    metrics: ClassVar[tuple[Metric, ...]] = metrics.GC_METRICS

    def __init__(self, toolchain: str) -> None:
        self._toolchain = toolchain

    def open(self, target: Target, options: SourceOptions) -> GcReader:
        """Attach. Raises TargetGone, PermissionDenied, NotSupported, and where the program is asked ToolFailed."""
        return GcReader(target, self._toolchain, options)


class GcReader:
    """Reads one process. `reasons`: the metrics that the last read lacks, and why."""

    def __init__(self, target: Target, toolchain: str, options: SourceOptions) -> None:
        self._target = target
        self._options = options
        self._clock = options.clock
        self._process = ProcessView(target.pid)
        self._info = Sample(metrics.INFO, 1.0, Labels(version=toolchain))
        self._figures: _Figures | None = None
        self.reasons: dict[str, str] = {}
        self._attached()

    def read(self) -> list[Reading]:
        """A GcState and the samples. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
        try:
            return self._read()
        except AddressSpaceGone:
            self.close()
        return self._read()  # it runs another program now, or has ended

    def close(self) -> None:
        figures, self._figures = self._figures, None
        if figures is not None:
            figures.collector.close()

    def _read(self) -> list[Reading]:
        figures = self._attached()
        readings = figures.read(self._clock.time())
        self.reasons = figures.reasons
        return [*readings, self._info]

    def _attached(self) -> _Figures:
        if self._figures is not None:
            return self._figures
        if not self._process.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)
        collector = self._collector()
        if not self._process.is_same(self._target.identity):
            collector.close()
            raise TargetGone("the process has ended", value=self._target.pid)
        self._figures = _Figures(collector)
        return self._figures

    def _collector(self) -> Collector | ExpvarCollector:
        """Memory's; where that is not understood the program's own word, if it may be asked."""
        try:
            return Collector(self._process, self._clock)
        except NotSupported:
            if not (self._options.url or self._options.probe):
                raise
            return ExpvarCollector(self._process, self._options)


class _Figures:
    """What is told of one attached program."""

    def __init__(self, collector: Collector | ExpvarCollector) -> None:
        self.collector = collector
        self.reasons: dict[str, str] = {}
        self._histogram = PauseHistogram()
        self._block: GcBlock | None = None
        self._pauses: tuple[GcPause, ...] = ()
        self._pause_samples: tuple[Sample, ...] = ()  # kept while nothing changes, as most looks find it
        self._settings: Settings | None = None
        self._setting_samples: tuple[Sample, ...] = ()

    def read(self, time: float) -> list[Reading]:
        block = self._look()
        settings = self.collector.settings()
        processors = self.collector.max_processors()
        reasons: dict[str, str] = {}
        samples: list[Reading] = []
        if block is None:
            reasons |= {metric.name: NOT_FOUND for metric in metrics.PAUSES}
        else:
            samples += self._pause_samples
            if not block.cycles:
                reasons[metrics.LAST_GC.name] = NOT_YET
        if settings is None:
            reasons |= {metric.name: self.collector.settings_reason for metric in metrics.SETTINGS}
        else:
            if settings != self._settings:
                self._settings, self._setting_samples = settings, tuple(_setting_samples(settings))
            samples += self._setting_samples
        if processors is None:
            reasons[metrics.MAX_PROCESSORS.name] = _NO_PROCESSORS
        else:
            samples.append(Sample(metrics.MAX_PROCESSORS, float(processors)))
        self.reasons = reasons
        return [self._state(time, block, settings, processors), *samples]

    def _look(self) -> GcBlock | None:
        """The block, its news counted. One that does not follow from the one before is read again."""
        block = self.collector.look()
        if block is None or block is self._block:
            return block
        if not self._histogram.fits(block):
            self.collector.forget()
            block = self.collector.look()
            if block is None or not self._histogram.fits(block):
                raise ToolFailed("the collector's figures contradict what they were before")
        self._histogram.add(block)
        self._block = block
        shown = block.since((block.cycles - min(SHOWN_PAUSES, block.cycles)) % (1 << 32))
        self._pauses = tuple([GcPause(end / 1e9, length / 1e9) for end, length in shown])
        self._pause_samples = tuple(self._samples_of(block))
        return block

    def _samples_of(self, block: GcBlock) -> Iterator[Sample]:
        yield Sample(metrics.CYCLES, float(block.cycles))
        yield Sample(metrics.FORCED, float(block.forced))
        yield Sample(metrics.LOST, float(self._histogram.lost))
        yield Sample(metrics.CPU_RATIO, block.cpu_fraction)
        if block.cycles:
            yield Sample(metrics.LAST_GC, block.last_gc / 1e9)
        yield from self._histogram.samples(metrics.PAUSE)

    def _state(
        self, time: float, block: GcBlock | None, settings: Settings | None, processors: int | None
    ) -> GcState:
        return GcState(
            time,
            collectors=(self._collector(block),),
            figures=tuple(_figures(settings, processors, self.collector.settings_reason)),
            cpu_ratio=None if block is None or not block.cycles else block.cpu_fraction,
        )

    def _collector(self, block: GcBlock | None) -> CollectorGc:
        if block is None:
            return CollectorGc("go", None)
        return CollectorGc(
            "go",
            block.cycles,
            block.pause_total / 1e9,
            forced=block.forced,
            pauses=self._pauses,
            lost=self._histogram.lost,
            last_end=block.last_gc / 1e9 if block.cycles else None,
        )


def _figures(settings: Settings | None, processors: int | None, why: str) -> Iterator[GcFigure]:
    """GOGC and the like; None is told with a reason."""
    if settings is None:
        names = (("GOGC", "percent"), ("GOMEMLIMIT", "bytes"), ("live heap", "bytes"), ("heap goal", "bytes"))
        yield from (GcFigure(name, None, unit, reason=why) for name, unit in names)
    else:
        off = "the collector is switched off (GOGC=off)" if settings.percent < 0 else ""
        yield GcFigure("GOGC", None if off else float(settings.percent), "percent", reason=off)
        limit = None if settings.limit == _NO_LIMIT else float(settings.limit)
        yield GcFigure("GOMEMLIMIT", limit, "bytes", reason="" if limit is not None else "there is none")
        yield GcFigure("live heap", float(settings.live), "bytes")
        yield GcFigure("heap goal", float(settings.goal), "bytes")
    known = None if processors is None else float(processors)
    yield GcFigure("GOMAXPROCS", known, reason="" if known is not None else _NO_PROCESSORS)


def _setting_samples(settings: Settings) -> Iterator[Sample]:
    yield Sample(metrics.PERCENT, float(settings.percent))
    yield Sample(metrics.MEMORY_LIMIT, float(settings.limit))
    yield Sample(metrics.LIVE, float(settings.live))
    yield Sample(metrics.GOAL, float(settings.goal))
    yield Sample(metrics.ALLOCATED, float(settings.allocated))
