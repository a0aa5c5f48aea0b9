"""What a pipeline asks of whoever records it. recording.rzp_writer.RecordingWriter is one.

A plain tap sees events. A recording that shall be replayed exactly must also know which targets were looked at,
what sources may give, and what the store took: all of it is told here, in the pipeline's thread, in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from razorprof.model.metric import Metric
from razorprof.model.scrape import Event
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_values import Cost
from razorprof.store.index import Entry


class Recorder(Protocol):
    """Its methods never raise: a recorder that cannot go on says so elsewhere."""

    def __call__(self, event: Event) -> None:
        """An event, before the pipeline takes it."""

    def declare(self, source: str, metrics: Sequence[Metric], *, open_ended: bool = False) -> None:
        """What a source gives, before its first scrape."""

    def add(self, target: Target, command: str = "") -> None:
        """A target is looked at from now on."""

    def forget(self, identity: Identity) -> None:
        """A target is of no interest any more."""

    def row(self, time: float, series: Sequence[Entry], bits: NDArray[np.uint64], *, ruled: bool = False) -> None:
        """What the store took; ruled: as a rule's result. The same series are the same object."""

    def cost(self, cost: Cost) -> None:
        """Own cost as of a tick."""

    def commit(self) -> None:
        """All of the tick has been told."""
