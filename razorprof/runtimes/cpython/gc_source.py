"""The source "gc": collectors, GIL and allocator of an unprepared CPython, read out of its memory.

Opened by the session through the cpython runtime. Each read gives a GcState, a GilState and the flat metrics
(figures.py takes them). This is the life of a reader: after the process has exec'd another program it
attaches anew; a process that ended, or whose Python cannot be read, ends it for good.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import ClassVar

from razorprof.errors import NotSupported, PermissionDenied, TargetGone, ToolFailed
from razorprof.model.metric import Metric
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.memory import AddressSpaceGone
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.attach import attach
from razorprof.runtimes.cpython.figures import Figures, Pace
from razorprof.runtimes.cpython.metrics import METRICS

_log = logging.getLogger(__name__)

LOOKS_PER_SECOND = 50.0
FROZEN_STEP = 10_000  # objects a read: some 10 ms
_PATIENCE = 5.0  # seconds without a read, or three intervals, after which the looks rest


class GcSource:
    """Source "gc". looks_per_second: 50 cost about half a percent of a core, 100 twice that; frozen_step: how many
    frozen objects are counted with each read."""

    name: ClassVar[str] = "gc"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS

    def __init__(self, looks_per_second: float = LOOKS_PER_SECOND, frozen_step: int = FROZEN_STEP) -> None:
        self._looks_per_second = looks_per_second
        self._frozen_step = frozen_step

    def open(self, target: Target, options: SourceOptions) -> GcReader:
        """Attach. Raises TargetGone, PermissionDenied, NotSupported; a Python that is only starting is tried again
        with each read."""
        return GcReader(target, options, looks_per_second=self._looks_per_second, frozen_step=self._frozen_step)


class GcReader:
    """Reads one process. Not for two threads at once. `reasons`: the metrics that the last read lacks, and why."""

    def __init__(
        self, target: Target, options: SourceOptions, *, looks_per_second: float, frozen_step: int
    ) -> None:
        self._target = target
        self._clock = options.clock
        self._pace = Pace(looks_per_second, frozen_step, max(_PATIENCE, 3 * options.interval))
        self._process = ProcessView(target.pid)
        self._figures: Figures | None = None
        self._closed = False
        if not self._process.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid)
        try:
            self._attached()
        except (TargetGone, PermissionDenied, NotSupported):
            raise
        except ToolFailed as error:
            _log.debug("not attached yet: %s", error)

    def read(self) -> Iterable[Reading]:
        """GcState, GilState and samples. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
        try:
            return self._attached().read()
        except AddressSpaceGone:
            self._detach()
        except ToolFailed:
            self._detach()  # what does not fit any more may be another interpreter: prove it all again
            raise
        return self._attached().read()  # it runs another program now, or has ended

    @property
    def reasons(self) -> Mapping[str, str]:
        return {} if self._figures is None else self._figures.reasons

    def close(self) -> None:
        """Stop looking and let go of the target."""
        self._closed = True
        self._detach()

    def _attached(self) -> Figures:
        if self._figures is not None:
            return self._figures
        if self._closed:
            raise ToolFailed("the reader is closed", value=self._target.pid)
        if not self._process.is_same(self._target.identity):
            raise TargetGone("the process has ended", value=self._target.pid)
        attachment = attach(self._process)
        try:
            if not self._process.is_same(self._target.identity):
                raise TargetGone("the process has ended", value=self._target.pid)
            self._figures = Figures(attachment, self._clock, self._pace)
        except BaseException:
            attachment.close()
            raise
        return self._figures

    def _detach(self) -> None:
        figures, self._figures = self._figures, None
        if figures is not None:
            figures.close()
