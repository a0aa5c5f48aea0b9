"""Advice on memory that grows although the collector finds nothing: objects that are still referred to, or native
memory that Python knows nothing of.

Pure, called by analysis.advice. Python 3.12 and later tell what their allocator holds (arenas, blocks); before,
only the collector's counts hint at how many containers were made, and the advice says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.analysis.advice_figures import exact, watch_metrics
from razorprof.analysis.advice_garbage import FEWEST_PENDING
from razorprof.analysis.advice_observation import Observation
from razorprof.analysis.advice_words import number, share, size
from razorprof.model.advice import Advice, AdviceFigure, Better, Check, Confidence

LEAST_GROWTH = 4 << 20  # bytes: four arenas; below it, caches and buffers that fill
FREED_BYTES = 200  # of an object that the collector freed, generously
NATIVE_PART = 0.25  # of the growth: as much may Python's own allocator take when the rest is native
PYTHON_PART = 0.5
FEWEST_BLOCKS = 1000  # new ones: below it, the noise of a count that is close, not exact
LARGEST_BLOCK = 64 << 10  # mean bytes of new memory for each new block: above it, other buffers carry the growth
_CONTAINER_BYTES = 1000  # of a container with what hangs on it, generously, where only containers are counted
_LONG_SECONDS = 30.0

_TRACE = (
    "See what grows, inside the process: tracemalloc.start() early, then compare two tracemalloc.take_snapshot() "
    "by compare_to(other, 'lineno'). "
)


def growing_memory(seen: Observation) -> Iterator[Advice]:
    """At most one: what Python objects account for, or what they do not."""
    resident = seen.resident
    if resident is None or resident.growth < LEAST_GROWTH or not resident.grows_steadily():
        return
    growth = resident.growth
    pairs = list(seen.collectors())
    freed = sum(pair.collected(number) for pair in pairs for number in range(3))
    if not pairs or freed * FREED_BYTES >= growth / 2:
        return  # the collector frees about what is made
    if any(pair.now.enabled is False and pair.pending_growth >= FEWEST_PENDING for pair in pairs):
        return  # nothing could be freed: advice_garbage speaks of it
    if seen.arenas is not None:
        arenas = seen.arenas.growth
        blocks = None if seen.blocks is None else seen.blocks.growth
        many = blocks is not None and blocks >= FEWEST_BLOCKS and growth / blocks <= LARGEST_BLOCK
        if arenas >= PYTHON_PART * growth or many:
            yield _reachable(seen, growth, arenas, blocks)
        elif arenas <= NATIVE_PART * growth:
            yield _native(seen, growth, arenas, blocks)
        return
    made = sum(pair.collections(0) * max(1, pair.threshold(0)) + max(0, pair.pending_growth) for pair in pairs)
    if made * _CONTAINER_BYTES >= growth:
        yield _untold(seen, growth, made)
    else:
        yield _native(seen, growth, None, None)


def _reachable(seen: Observation, growth: float, arenas: float, blocks: float | None) -> Advice:
    full = sum(pair.collections(2) for pair in seen.collectors())
    figures = [_grown("process_resident_memory_bytes", growth), _grown("python_arena_bytes", arenas)]
    held = f"Python's own allocator took {size(arenas)} of it"
    if blocks is not None and blocks > 0:
        figures.append(exact("python_allocated_blocks, growth", blocks))
        held += f", {number(blocks)} blocks more than before"
    told = (
        f"{number(full)} full collections in this time freed next to nothing, so the new objects are "
        "still referred to"
        if full
        else "collections freed next to nothing, so the new objects are most likely still referred to"
    )
    certain = full > 0 and seen.seconds >= _LONG_SECONDS
    return Advice(
        "leak-of-objects",
        f"Python objects pile up: {size(growth / seen.seconds)} a second, and the collector finds nothing to free",
        (*figures, _collected(seen)),
        f"Memory grew by {size(growth)} in {seen.seconds:.0f} s, evenly. {held}; {told}: a list, dict, cache or "
        "registry that only grows.",
        _TRACE + "Then bound it: functools.lru_cache(maxsize=...), collections.deque(maxlen=...), "
        "weakref.WeakValueDictionary, or remove entries when they are done.",
        Check(figures[1] if arenas > 0 else figures[0], Better.LOWER, watch_metrics(seen)),
        Confidence.HIGH if certain else Confidence.MEDIUM,
        "A program that loads its data looks the same: look again later, or longer (-d 120)."
        + ("" if full else " No full collection ran in this time: old cycles may still be among them."),
    )


def _native(seen: Observation, growth: float, arenas: float | None, blocks: float | None) -> Advice:
    figures = [_grown("process_resident_memory_bytes", growth)]
    if arenas is None:
        told = (
            "the collector's counts hardly moved, so few containers were made: native memory, or few "
            "large buffers. "
            "(Python before 3.12 does not tell from outside what its allocator holds.)"
        )
    else:
        figures.append(_grown("python_arena_bytes", arenas))
        told = f"Python's allocator took {share(max(0.0, arenas) / growth)} of it"
        if blocks is not None:
            figures.append(exact("python_allocated_blocks, growth", blocks))
            told += f" and has {number(abs(blocks))} blocks {'more' if blocks >= 0 else 'less'}"
        told += ": the rest was allocated by C code."
    return Advice(
        "leak-of-native-memory",
        f"Memory outside Python's objects grows: {size(growth / seen.seconds)} a second",
        (*figures, _collected(seen)),
        f"Memory grew by {size(growth)} in {seen.seconds:.0f} s, evenly, though {told} No collection "
        "and no tracemalloc "
        "snapshot will find it.",
        "Find who allocates: run it under memray with --native, and look at what was not freed. Usual causes: an "
        "extension or ctypes call whose result is never freed, a handle that is never closed, and malloc's own "
        "per-thread arenas (try MALLOC_ARENA_MAX=2).",
        Check(figures[0], Better.LOWER, watch_metrics(seen)),
        Confidence.MEDIUM if arenas is not None else Confidence.LOW,
        "A few very large buffers (bytes, arrays) that are still referred to look the same: they bypass Python's "
        "allocator.",
    )


def _untold(seen: Observation, growth: float, made: int) -> Advice:
    resident = _grown("process_resident_memory_bytes", growth)
    return Advice(
        "leak-of-objects",
        f"Memory grows by {size(growth / seen.seconds)} a second, and the collector finds nothing to free",
        (
            resident,
            exact("containers made, less those that died (from thresholds and counts)", made),
            _collected(seen),
        ),
        f"Memory grew by {size(growth)} in {seen.seconds:.0f} s, evenly, while up to {number(made)} "
        "containers were added "
        "and next to none were unreachable: most likely a list, dict, cache or registry that only grows.",
        _TRACE + "Then bound it: functools.lru_cache(maxsize=...), collections.deque(maxlen=...), "
        "weakref.WeakValueDictionary, or remove entries when they are done.",
        Check(resident, Better.LOWER, watch_metrics(seen)),
        Confidence.LOW,
        "Python before 3.12 does not tell from outside what its allocator holds: it could be native "
        "memory too. If "
        "tracemalloc finds nothing, run it under memray with --native.",
    )


def _grown(name: str, growth: float) -> AdviceFigure:
    return exact(f"{name}, growth", growth, "bytes")


def _collected(seen: Observation) -> AdviceFigure:
    freed = sum(pair.collected(number) for pair in seen.collectors() for number in range(3))
    return exact("python_gc_objects_collected_total, in this time", freed)
