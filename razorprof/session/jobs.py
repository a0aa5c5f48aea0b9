"""A job: one source of one target, opened when first read, guarded, with back-off after failures.

The scheduler decides when a job runs and in which thread; the job turns whatever happens into a Scrape. This is
one of the two places with a broad `except`: a plugin's failure costs its own scrape, never the session.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone
from razorprof.model.frame import StackSample
from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import ReadError, Reading, Scrape, Structure
from razorprof.model.target import Target
from razorprof.plugin.border import misfit
from razorprof.plugin.protocols import Reader
from razorprof.session.workers import Executor

_FIRST_BACK_OFF = 1.0
_LONGEST_BACK_OFF = 30.0
_FINAL_BACK_OFF = 60.0  # somebody may mend a permission meanwhile
_MOST_READINGS = 200_000
_READ_CLOSELY = 3  # reads of a reader that are looked into: whoever gives wrong types does so at once
_MOST_CLOSELY = 1_000  # readings

logger = logging.getLogger(__name__)


class Job:
    """Reads one source. `read` is called by one thread at a time; the rest by the scheduler's thread.

    every: the least seconds between two reads (0: each round); timeout: seconds until a read counts as hung;
    may_wait: the governor may have it read less often; executor: where it is read, None: where all are.
    """

    def __init__(
        self,
        target: Target,
        source: str,
        open_reader: Callable[[], Reader],
        clock: Clock,
        *,
        every: float = 0.0,
        timeout: float = 5.0,
        may_wait: bool = False,
        executor: Executor | None = None,
    ) -> None:
        self.target = target
        self.source = source
        self.every = every
        self.timeout = timeout
        self.may_wait = may_wait
        self.executor = executor
        self._open = open_reader
        self._clock = clock
        self._reader: Reader | None = None
        self._closed = False
        self._back_off = 0.0
        self._failing = ""
        self._reads = 0  # by this reader
        self.rest = 0.0  # as the reader asked for
        self.due = 0.0  # monotonic
        self.started: float | None = None  # monotonic, while a read is in flight
        self.abandoned = False

    @property
    def in_flight(self) -> bool:
        return self.started is not None

    def read(self) -> Scrape:
        """One read, with its time and duration; never raises."""
        begun = self._clock.monotonic()
        time = self._clock.time()
        samples: list[Sample] = []
        stacks: list[StackSample] = []
        structures: list[Structure] = []
        missing: tuple[tuple[str, str], ...] = ()
        error: ReadError | None = None
        try:
            if self._reader is None:
                self._reader = self._open()
            _sort(self._reader.read(), samples, stacks, structures, closely=self._reads < _READ_CLOSELY)
            self._reads += 1
            reasons = getattr(self._reader, "reasons", {})
            missing = tuple((str(metric), str(why)) for metric, why in reasons.items())
            self.rest = float(getattr(self._reader, "rest", 0.0))
            self._back_off, self._failing = 0.0, ""
        except (Exception, SystemExit) as failure:
            samples, stacks, structures = [], [], []
            error = self._failed(failure)
        if self._closed:
            self._let_go()
        return Scrape(
            self.target,
            self.source,
            time,
            self._clock.monotonic() - begun,
            tuple(samples),
            tuple(stacks),
            tuple(structures),
            missing,
            error,
        )

    def plan(self, now: float, interval: float) -> None:
        """Set when the next read is due, after one has been started at `now`."""
        self.due = now + max(interval, self.every, self._back_off, self.rest) * 0.999

    def close(self) -> None:
        """Let go of the reader now, or when the read in flight returns."""
        self._closed = True
        if not self.in_flight:
            self._let_go()

    def _failed(self, failure: Exception | SystemExit) -> ReadError:
        error = explain(failure)
        if self._failing != error.message:  # on change, not on every tick
            self._failing = error.message
            bug = None if error.name != "bug" else failure
            logger.info("%s of %s: %s", self.source, self.target.pid, error.message, exc_info=bug)
        self._let_go()
        self.rest, self._reads = 0.0, 0
        longer = min(_LONGEST_BACK_OFF, max(_FIRST_BACK_OFF, self._back_off * 2))
        self._back_off = _FINAL_BACK_OFF if error.final else longer
        return error

    def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            try:
                reader.close()
            except (Exception, SystemExit) as failure:
                logger.warning("closing %s of %s: %s", self.source, self.target.pid, explain(failure).message)


def explain(failure: Exception | SystemExit) -> ReadError:
    """A failure as data. OSErrors of a vanished or forbidden process are told as such."""
    if isinstance(failure, RazorprofError):
        final = isinstance(failure, PermissionDenied | NotSupported | TargetGone)
        return ReadError(failure.name, str(failure), failure.hint, final)
    if isinstance(failure, OSError) and failure.errno in (errno.ESRCH, errno.ENOENT):
        return ReadError(TargetGone.name, "the process is gone", final=False)
    if isinstance(failure, PermissionError):
        return ReadError(PermissionDenied.name, "no permission", "see: razorprof doctor PID", final=True)
    return ReadError("bug", f"{type(failure).__name__}: {failure}", "please report this; details: --debug")


def _sort(
    readings: Iterable[Reading],
    samples: list[Sample],
    stacks: list[StackSample],
    structures: list[Structure],
    *,
    closely: bool,
) -> None:
    """closely: look into each reading for parts of the wrong type. Else only what a reading is, and what costs
    little to see of a sample, is looked at. Raises TypeError: a reader that gives such things is not to be
    believed at all."""
    for number, reading in enumerate(readings):
        if number >= _MOST_READINGS:
            logger.warning("a source gave more than %d readings at once: the rest is dropped", _MOST_READINGS)
            break
        if isinstance(reading, Sample):
            samples.append(reading)
        elif isinstance(reading, StackSample):
            stacks.append(reading)
        elif isinstance(reading, Structure):
            structures.append(reading)
        else:
            raise TypeError(f"the reader gave {type(reading).__name__}, which is no reading")
        if closely and number < _MOST_CLOSELY:
            wrong = misfit(reading, type(reading))
            if wrong:
                raise TypeError(f"a reading of the wrong type: {wrong}")
        elif isinstance(reading, Sample) and not isinstance(reading.metric, Metric):
            raise TypeError("a sample whose metric is none")
