"""The flat metrics of a CPython's collectors and locks, each derived from the structures by one function.

Names are CONTRACT's, as the client library names them. Figures that could not be had give no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import GilState
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Quality, Sample, counter, gauge, histogram

COLLECTIONS = counter(
    "python_gc_collections_total", "", "Garbage collections, by the oldest generation collected.", "generation"
)
COLLECTED = counter(
    "python_gc_objects_collected_total", "", "Unreachable objects that the garbage collector freed.", "generation"
)
UNCOLLECTABLE = counter(
    "python_gc_objects_uncollectable_total", "", "Unreachable objects that could not be freed.", "generation"
)
PENDING = gauge(
    "python_gc_pending", "", "Count of a generation towards its threshold (gc.get_count).", "generation"
)
THRESHOLD = gauge("python_gc_threshold", "", "Threshold of a generation (gc.get_threshold).", "generation")
ENABLED = gauge("python_gc_enabled", "", "1 where automatic garbage collection is enabled.")
SECONDS = counter(
    "python_gc_seconds_total",
    "seconds",
    "Time in garbage collection; estimated: since razorprof began to look.",
    "quality",
)
PAUSE = histogram(
    "python_gc_pause_seconds", "seconds", "Lengths of garbage collections since razorprof began to look, exact."
)
FROZEN = gauge("python_gc_frozen_objects", "", "Objects that gc.freeze has set aside.")
GARBAGE = gauge("python_gc_garbage_objects", "", "Length of gc.garbage.")
INTERPRETERS = gauge("python_interpreters", "", "Interpreters in the process.")
GIL_HELD = gauge("python_gil_held_ratio", "ratio", "Share of time in which the main interpreter's GIL was held.")
GIL_WAITERS = gauge("python_gil_waiters", "", "Threads that wait for a GIL, on average.")
GIL_SWITCHES = counter("python_gil_switches_total", "", "How often a GIL went from one thread to another.")
ARENA_BYTES = gauge("python_arena_bytes", "bytes", "Memory that Python's allocator holds in arenas.")
BLOCKS = gauge("python_allocated_blocks", "", "Blocks in use in Python's allocator; close, not exact.")
ASYNCIO_TASKS = gauge("python_asyncio_tasks", "", "Pending tasks of asyncio, in all threads.")
INFO = gauge("python_info", "", "What Python this is; always 1.", "implementation", "version")
GIL_LATE = gauge(
    "python_gil_late_looks_ratio",
    "ratio",
    "Share of the looks at the GIL that came late, as all CPUs were busy; the held ratio is a lower bound then.",
)
INTERPRETER_COLLECTIONS = counter(
    "python_interpreter_gc_collections_total", "", "Collections of one interpreter.", "interpreter", "generation"
)
INTERPRETER_COLLECTED = counter(
    "python_interpreter_gc_objects_collected_total",
    "",
    "Objects that one interpreter's garbage collector freed.",
    "interpreter",
    "generation",
)
INTERPRETER_UNCOLLECTABLE = counter(
    "python_interpreter_gc_objects_uncollectable_total",
    "",
    "Unreachable objects of one interpreter that could not be freed.",
    "interpreter",
    "generation",
)
INTERPRETER_GIL_HELD = gauge(
    "python_interpreter_gil_held_ratio",
    "ratio",
    "Share of time in which one interpreter's own GIL was held.",
    "interpreter",
)

METRICS: tuple[Metric, ...] = (
    COLLECTIONS, COLLECTED, UNCOLLECTABLE, PENDING, THRESHOLD, ENABLED, SECONDS, PAUSE, FROZEN, GARBAGE,
    INTERPRETERS, GIL_HELD, GIL_WAITERS, GIL_SWITCHES, GIL_LATE, ARENA_BYTES, BLOCKS, ASYNCIO_TASKS, INFO,
    INTERPRETER_COLLECTIONS, INTERPRETER_COLLECTED, INTERPRETER_UNCOLLECTABLE, INTERPRETER_GIL_HELD,
)  # fmt: skip

_Figure = Callable[[Generation], int]
_SUMMED: tuple[tuple[Metric, Metric | None, _Figure], ...] = (
    (COLLECTIONS, INTERPRETER_COLLECTIONS, lambda g: g.collections),
    (COLLECTED, INTERPRETER_COLLECTED, lambda g: g.collected),
    (UNCOLLECTABLE, INTERPRETER_UNCOLLECTABLE, lambda g: g.uncollectable),
    (PENDING, None, lambda g: g.count),
)
_GENERATION = tuple(Labels(generation=str(generation)) for generation in range(3))
_QUALITY = {quality: Labels(quality=quality.value) for quality in Quality}


def gc_samples(state: GcState) -> Iterator[Sample]:
    """The collectors' metrics. Counters are sums over the interpreters; thresholds and whether it is enabled are
    the main interpreter's."""
    yield Sample(INTERPRETERS, len(state.interpreters))
    collectors = [interpreter for interpreter in state.interpreters if interpreter.generations is not None]
    if not collectors:
        return
    main = collectors[0]
    for metric, _, figure in _SUMMED:
        sums: dict[int, int] = {}
        for interpreter in collectors:
            for generation in interpreter.generations or ():
                sums[generation.generation] = sums.get(generation.generation, 0) + figure(generation)
        for number, value in sums.items():
            yield Sample(metric, value, _generation(number))
    for generation in main.generations or ():
        yield Sample(THRESHOLD, generation.threshold, _generation(generation.generation))
    if main.enabled is not None:
        yield Sample(ENABLED, float(main.enabled))
    for metric, values in ((FROZEN, [i.frozen for i in collectors]), (GARBAGE, [i.garbage for i in collectors])):
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            yield Sample(metric, sum(known))
    seconds = [interpreter.gc_seconds for interpreter in collectors if interpreter.gc_seconds is not None]
    if len(seconds) == len(collectors):
        yield Sample(SECONDS, sum(seconds), _QUALITY[main.gc_seconds_quality])
    if len(state.interpreters) > 1:
        for interpreter in collectors:
            yield from _of_interpreter(interpreter)


def gil_samples(state: GilState) -> Iterator[Sample]:
    """The locks' metrics; switches and waiters are sums."""
    if not state.gils:
        return
    if state.gils[0].held_ratio is not None:
        yield Sample(GIL_HELD, state.gils[0].held_ratio)
        if state.looks:
            yield Sample(GIL_LATE, state.late_looks / state.looks)
    waiters = [gil.mean_waiters for gil in state.gils if gil.mean_waiters is not None]
    if len(waiters) == len(state.gils):
        yield Sample(GIL_WAITERS, sum(waiters))
    switches = [gil.switches for gil in state.gils if gil.switches is not None]
    if len(switches) == len(state.gils):
        yield Sample(GIL_SWITCHES, sum(switches))
    if len(state.gils) > 1:
        for gil in state.gils:
            if gil.held_ratio is not None and gil.interpreters:
                yield Sample(INTERPRETER_GIL_HELD, gil.held_ratio, Labels(interpreter=str(gil.interpreters[0])))


def info_sample(version: str) -> Sample:
    """What Python this is."""
    return Sample(INFO, 1.0, Labels(implementation="CPython", version=version))


def _of_interpreter(interpreter: InterpreterGc) -> Iterator[Sample]:
    for generation in interpreter.generations or ():
        labels = Labels(interpreter=str(interpreter.id), generation=str(generation.generation))
        for _, metric, figure in _SUMMED:
            if metric is not None:
                yield Sample(metric, figure(generation), labels)


def _generation(number: int) -> Labels:
    return _GENERATION[number] if number < len(_GENERATION) else Labels(generation=str(number))
