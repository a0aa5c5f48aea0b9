"""The time that a target spent collecting, as one series, whatever its runtime calls it.

For the dashboard's figures and for bundles. CPython's has its quality as a label, a JVM's one series a collector.
"""

from __future__ import annotations

import numpy as np

from razorprof.model.gc import GcState
from razorprof.model.series import Series
from razorprof.model.target import Identity
from razorprof.session.view import View

GC_QUALITIES = ("exact", "estimated", "sampled")
PYTHON = "python_gc_seconds_total"
GO = "go_gc_pause_seconds_sum"
JVM, JVM_LABEL = "jvm_gc_collection_seconds_sum", "gc"
COUNTERS = frozenset({PYTHON, GO, JVM})


def gc_time_series(view: View, target: Identity, seconds: float) -> Series | None:
    """Seconds in the collector so far, over the last `seconds`; None where they are not known."""
    state = view.structure(target, GcState)
    if state is None or state.interpreters:
        for labels in ({}, *({"quality": quality} for quality in GC_QUALITIES)):
            found = view.history(target, PYTHON, seconds=seconds, **labels)
            if found is not None:
                return found
        return None
    alone = view.history(target, GO, seconds=seconds)
    if alone is not None:
        return alone
    parts = [
        part
        for one in state.collectors
        if (part := view.history(target, JVM, seconds=seconds, **{JVM_LABEL: one.name})) is not None
    ]
    return _sum(parts)


def _sum(parts: list[Series]) -> Series | None:
    """At the times of the longest; what the others had then."""
    known = [
        (part.labels, part.times[there], part.values[there])
        for part in parts
        if (there := ~np.isnan(part.values)).any()
    ]
    if not known:
        return None
    labels, times, _ = max(known, key=lambda part: len(part[1]))
    values = np.sum([np.interp(times, own, figures) for _, own, figures in known], axis=0)
    return Series(labels, times, np.asarray(values, dtype=np.float64))
