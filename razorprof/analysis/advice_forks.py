"""Advice on a pre-forking server: what its workers share with it, and how collections undo the sharing.

Pure, called by analysis.advice. A collection writes into the header of every object that it visits; after a fork,
each such write copies a page that parent and workers shared. gc.freeze before the fork takes those objects out.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from razorprof.analysis.advice_figures import advise_again, exact
from razorprof.analysis.advice_observation import Observation
from razorprof.analysis.advice_words import number, size
from razorprof.model.advice import Advice, Better, Check, Confidence

FEWEST_WORKERS = 2
LEAST_UNIQUE = 16 << 20  # bytes a worker has for itself: below it, there is nothing to win
LEAST_GROWTH = 2 << 20  # bytes, of one worker in the observation
MOST_PART = 1.2  # of the parent's memory: what a worker has beyond it, it did not copy but loaded itself
LEAST_PART = 0.3  # of the parent's memory: a worker with less for itself still shares most


def freeze_before_fork(seen: Observation) -> Iterator[Advice]:
    """Workers were forked off with nothing frozen, and hold for themselves what they could share."""
    parent = next(seen.collectors(), None)
    workers = [worker for worker in seen.workers if worker.unique_now is not None and worker.frozen is not None]
    if parent is None or parent.now.frozen != 0 or seen.resident is None or len(workers) < FEWEST_WORKERS:
        return
    if any(worker.frozen for worker in workers) or not any(worker.enabled for worker in workers):
        return
    unique = median(worker.unique_now or 0.0 for worker in workers)
    grown = [
        worker.unique_now - worker.unique_before
        for worker in workers
        if worker.unique_now is not None and worker.unique_before is not None
    ]
    growth = median(grown) if grown else 0.0
    full = sum(worker.full_collections for worker in workers)
    parent_bytes = seen.resident.last
    loaded = unique > MOST_PART * parent_bytes
    copying = growth >= LEAST_GROWTH and full > 0 and not loaded
    if unique < LEAST_UNIQUE or not (copying or unique >= LEAST_PART * parent_bytes):
        return
    figure = exact("process_unique_memory_bytes, median of the workers", unique, "bytes")
    sharing = (
        "A worker shares its parent's memory until one of them writes to it. A full collection writes into the "
        "header of every container, so each worker copies all of them. "
    )
    if copying:
        confidence = Confidence.HIGH
        doubt = "Reference counts are written too: what workers use is copied anyway."
        reasoning = sharing + (
            f"In these {seen.seconds:.0f} s it grew by {size(growth)} in the median worker, with {number(full)} "
            "full collections in all of them."
        )
    elif loaded:
        confidence, doubt = Confidence.LOW, "Data that differs from worker to worker cannot be shared."
        reasoning = (
            f"Each holds more than its parent ({size(parent_bytes)}): it loads after the fork what all could "
            f"share if it were loaded before. {sharing}"
        )
    else:
        confidence, doubt = Confidence.MEDIUM, "Workers that load data of their own look the same."
        reasoning = sharing + (
            f"It does not grow any more: what was shared has been copied (the parent has {size(parent_bytes)})."
        )
    before = "load there what all workers use; " if loaded else ""
    yield Advice(
        "freeze-before-fork",
        f"{len(workers)} forked workers hold {size(unique)} each for themselves, and nothing is frozen",
        (
            figure,
            exact("process_unique_memory_bytes, median growth", growth, "bytes"),
            exact("python_gc_frozen_objects", 0),
            exact("full collections of the workers", full),
        ),
        reasoning.rstrip(),
        f"In the parent, before the first fork: {before}gc.disable() while it loads, then gc.freeze(); in each "
        "worker: gc.enable(). (gunicorn: --preload with gc.freeze() at the end of the application module, "
        "gc.enable() in post_fork.) No gc.collect() right before the freeze: it leaves holes in pages that are "
        "then written to.",
        Check(figure, Better.LOWER, advise_again(seen)),
        confidence,
        doubt,
    )
