"""Arbitrary events for hypothesis: any text, any float, any structure that there is, in ticks that ascend."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.gc import (
    CollectorGc,
    GcFigure,
    GcPause,
    GcState,
    Generation,
    InterpreterGc,
    MemoryPool,
)
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Quality, Sample
from razorprof.model.scrape import Detected, Ended, Event, KernelState, ReadError, Scrape, Structure, Tick
from razorprof.model.target import Identity, Target
from razorprof.model.threads import Deadlock, ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn

TEXTS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(["", "web", "\ud800", "é\0\x1b[2J"])
# every bit pattern, NaNs with payload among them: drawn as bits where equality must be bit for bit
FLOATS = st.floats(allow_nan=False)
TIMES = st.floats(-1e10, 1e10)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ADDRESSES = st.integers(0, 2**64 - 1)
CHOICES = st.sampled_from([None, True, False])
MAYBE_NUMBER, MAYBE_FLOAT = st.none() | NUMBERS, st.none() | FLOATS


def several(one: st.SearchStrategy[object], most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(one, max_size=most).map(tuple)


IDENTITIES = st.builds(Identity, st.integers(1, 5), st.integers(0, 3))
TARGETS = st.builds(Target, IDENTITIES, TEXTS, FLOATS, TEXTS, TEXTS, st.none() | st.integers(1, 2**31))
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=3).map(Labels)
METRICS = st.builds(Metric, TEXTS, st.sampled_from(MetricKind), TEXTS, TEXTS, several(TEXTS))
SAMPLES = st.builds(Sample, METRICS, FLOATS, LABELS, st.sampled_from(["", "_sum"]))
FRAMES = st.builds(Frame, TEXTS, TEXTS, NUMBERS)
STACKS = several(FRAMES, 4)
STACK_SAMPLES = st.builds(StackSample, STACKS, FLOATS, st.builds(ThreadId, NUMBERS, TEXTS), TEXTS)

GENERATIONS = st.builds(Generation, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
GC_STATES = st.builds(
    GcState,
    TIMES,
    several(
        st.builds(
            InterpreterGc,
            NUMBERS,
            CHOICES,
            CHOICES,
            MAYBE_NUMBER,
            MAYBE_NUMBER,
            st.none() | several(GENERATIONS),
            MAYBE_FLOAT,
            st.sampled_from(Quality),
        ),
        2,
    ),
    several(
        st.builds(
            CollectorGc,
            TEXTS,
            MAYBE_NUMBER,
            MAYBE_FLOAT,
            st.sampled_from(Quality),
            MAYBE_NUMBER,
            several(st.builds(GcPause, FLOATS, FLOATS)),
            NUMBERS,
            MAYBE_FLOAT,
        ),
        2,
    ),
    several(st.builds(MemoryPool, TEXTS, MAYBE_NUMBER, MAYBE_NUMBER, MAYBE_NUMBER), 2),
    several(st.builds(GcFigure, TEXTS, MAYBE_FLOAT, TEXTS, st.sampled_from(Quality), TEXTS), 2),
    MAYBE_FLOAT,
)
GIL_STATES = st.builds(
    GilState,
    TIMES,
    several(
        st.builds(
            Gil,
            several(NUMBERS),
            MAYBE_FLOAT,
            MAYBE_NUMBER,
            several(st.builds(HolderShare, MAYBE_NUMBER, FLOATS)),
            st.none() | several(NUMBERS),
            MAYBE_FLOAT,
            MAYBE_NUMBER,
        )
    ),
    FLOATS,
    NUMBERS,
    TEXTS,
    NUMBERS,
    FLOATS,
)
WAITS = st.builds(WaitsOn, TEXTS, TEXTS, st.none() | ADDRESSES, MAYBE_NUMBER, TEXTS, CHOICES)
THREADS = st.builds(
    ThreadInfo,
    NUMBERS,
    TEXTS,
    st.none() | ADDRESSES,
    st.sampled_from(ThreadState),
    TEXTS,
    CHOICES,
    CHOICES,
    st.none() | WAITS,
    STACKS,
    MAYBE_FLOAT,
    MAYBE_FLOAT,
    MAYBE_FLOAT,
    MAYBE_FLOAT,
    st.just(()),
    MAYBE_FLOAT,
    st.none() | FRAMES,
)
GROUPS = st.builds(
    ThreadGroup,
    st.sampled_from(ThreadState),
    STACKS,
    several(NUMBERS),
    NUMBERS,
    TEXTS,
    MAYBE_FLOAT,
    st.none() | FRAMES,
)
THREAD_DUMPS = st.builds(
    ThreadDump,
    TIMES,
    several(THREADS),
    TEXTS,
    several(GROUPS, 2),
    several(st.builds(Deadlock, TEXTS, several(NUMBERS), TEXTS), 2),
    TEXTS,
    MAYBE_NUMBER,
    TEXTS,
    TEXTS,
    st.sampled_from(["thread", "goroutine"]) | TEXTS,
    st.booleans(),
    several(TEXTS, 2),
)
REPORTS = st.builds(SamplingReport, TIMES, FLOATS, NUMBERS, NUMBERS, NUMBERS, FLOATS, TEXTS, FLOATS, FLOATS)
DETECTED = st.builds(Detected, TARGETS, TIMES, TEXTS, st.none() | TEXTS, TEXTS, TEXTS, TEXTS)
KERNEL_STATES = st.builds(KernelState, TEXTS, TEXTS)
STRUCTURES: st.SearchStrategy[Structure] = st.one_of(
    GC_STATES, GIL_STATES, THREAD_DUMPS, REPORTS, DETECTED, KERNEL_STATES
)
ERRORS = st.builds(ReadError, TEXTS, TEXTS, TEXTS, st.booleans())
SCRAPES = st.builds(
    Scrape,
    TARGETS,
    st.sampled_from(["process", "gc", "stacks"]) | TEXTS,
    TIMES,
    FLOATS,
    several(SAMPLES, 5),
    several(STACK_SAMPLES),
    several(STRUCTURES),
    several(st.tuples(TEXTS, TEXTS)),
    st.none() | ERRORS,
)
ENDS = st.builds(Ended, TARGETS, TIMES, TEXTS)

RULES = st.builds(RuleKey, TEXTS, TEXTS, st.integers(0, 1000), TEXTS)
ALERTS = st.builds(
    Alert,
    RULES,
    LABELS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.sampled_from(AlertState),
    FLOATS,
    FLOATS,
    MAYBE_FLOAT,
    MAYBE_FLOAT,
    MAYBE_FLOAT,
    FLOATS,
)
CHANGES = st.builds(AlertChange, TIMES, st.sampled_from(AlertState), ALERTS)


@st.composite
def ticked_events(draw: st.DrawFn) -> list[Event]:
    """Scrapes and ends, with ticks among them that ascend, the last event being one."""
    events: list[Event] = []
    time = draw(st.floats(0, 1e9))
    for number in range(draw(st.integers(1, 5))):
        events += draw(st.lists(SCRAPES | ENDS, max_size=4))
        events.append(Tick(time, number))
        time = math.nextafter(time, math.inf) if draw(st.booleans()) else time + draw(st.floats(0, 1e4))
    return events
