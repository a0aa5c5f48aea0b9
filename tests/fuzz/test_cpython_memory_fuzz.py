"""Random and hostile memory: every answer is a figure that could be one, or an error with a reason. No hang.

`RAZORPROF_FUZZ_EXAMPLES` sets how many images are tried for each version (`make fuzz` tries many).
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.errors import NotSupported, ToolFailed
from razorprof.runtimes.cpython.allocator import allocated_blocks, allocator_states, arena_bytes
from razorprof.runtimes.cpython.anatomy import MOST_INTERPRETERS, MOST_THREADS, walk_threads
from razorprof.runtimes.cpython.calibrate import calibrate
from razorprof.runtimes.cpython.frozen import FrozenCount
from razorprof.runtimes.cpython.snapshot import Snapshot, SnapshotTaker
from tests.unit.runtimes.python_images import (
    FIRST_INTERPRETER,
    FIRST_THREAD,
    GARBAGE,
    GIL,
    RUNTIME,
    SIZE,
    STATISTICS,
    VERSIONS,
    PythonImage,
)

EXAMPLES = int(os.environ.get("RAZORPROF_FUZZ_EXAMPLES", "60"))
REGIONS = (RUNTIME, FIRST_INTERPRETER, FIRST_INTERPRETER + 0x8000, FIRST_THREAD, GIL, GARBAGE, STATISTICS)
MOST_READS = 100_000  # what bounds the work on any image

words = st.one_of(
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, 1, 2, 8, 2**31, 2**32 - 1, 2**48, 2**53, 2**63, 2**64 - 1]),
    # pointers that do point somewhere: to structures, into them, beside them
    st.builds(lambda region, at: region + at, st.sampled_from(REGIONS), st.integers(-16, 9000)),
    st.integers(0, SIZE // 8).map(lambda word: word * 8),
)
damage = st.lists(
    st.tuples(st.sampled_from(REGIONS), st.one_of(st.integers(0, 1500), st.integers(7200, 7800)), words),
    max_size=12,
)


def check(snapshot: Snapshot) -> None:
    assert 0 < len(snapshot.interpreters) <= MOST_INTERPRETERS
    for part in snapshot.interpreters:
        assert part.garbage is None or 0 <= part.garbage < 1 << 48
        for generation in part.gc.generations if part.gc else ():
            assert 0 <= generation.threshold < 1 << 31
            for value in (generation.collections, generation.collected, generation.uncollectable):
                assert 0 <= value < 1 << 53
            assert generation.duration is None or 0 <= generation.duration < 1e12
    for gil in snapshot.gils.values():
        assert 0 <= gil.switches < 1 << 53


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=damage, after=damage, interpreters=st.integers(1, 3))
def test_damaged_memory_gives_sane_figures_or_a_reason(
    version: str, before: list[tuple[int, int, int]], after: list[tuple[int, int, int]], interpreters: int
) -> None:
    image = PythonImage(version, interpreters)
    memory = image.memory
    for region, at, word in before:
        image.word(region + at, word & (1 << 64) - 1)
    try:
        calibrated = calibrate(memory, RUNTIME, image.layout, image.hexversion, pause=lambda _: None)
        taker = SnapshotTaker(memory, RUNTIME, calibrated)
        check(taker.take())
        for region, at, word in after:  # and then it changes under our hands
            image.word(region + at, word & (1 << 64) - 1)
        snapshot = taker.take()
        check(snapshot)
        for part in snapshot.interpreters:
            assert len(walk_threads(memory, part.interpreter, image.layout)) <= MOST_THREADS
            if part.interpreter.gc is not None:
                counting = FrozenCount(memory, part.interpreter.gc + image.layout.gc.permanent, most=1000)
                counting.step(2000)
                assert counting.done
                assert counting.count is None or 0 <= counting.count <= 1000
        if image.layout.allocator is not None:
            states = allocator_states(memory, image.layout.allocator, taker.interpreters)
            assert arena_bytes(memory, image.layout.allocator, states) >= 0
            blocks = allocated_blocks(memory, image.layout.allocator, states, most_pools=5000)
            assert blocks is None or blocks >= 0
    except (ToolFailed, NotSupported) as error:
        assert str(error)  # noqa: PT017 - either way of ending is right, both are checked
    assert memory.reads < MOST_READS


@settings(max_examples=EXAMPLES, deadline=None)
@given(content=st.binary(min_size=0, max_size=4096), version=st.sampled_from(VERSIONS))
def test_memory_of_something_else_is_refused(content: bytes, version: str) -> None:
    image = PythonImage(version)
    image.bytes[:] = (content * (SIZE // max(1, len(content)) + 1))[:SIZE] if content else bytes(SIZE)
    with pytest.raises((ToolFailed, NotSupported)):
        calibrate(image.memory, RUNTIME, image.layout, image.hexversion, pause=lambda _: None)


@pytest.mark.parametrize("version", VERSIONS)
def test_memory_that_ends_anywhere_is_a_reason(version: str) -> None:
    whole = PythonImage(version)
    for end in (
        0,
        RUNTIME,
        RUNTIME + 8,
        RUNTIME + 400,
        FIRST_INTERPRETER + 4,
        FIRST_INTERPRETER + 700,
        FIRST_THREAD,
    ):
        image = PythonImage(version)
        del image.bytes[end:]
        try:
            calibrated = calibrate(image.memory, RUNTIME, image.layout, image.hexversion, pause=lambda _: None)
        except (ToolFailed, NotSupported):
            continue
        # the collector's memory was there: then it is the threads that are missing, and the lock is not believed
        assert calibrated.threads_reason
        assert calibrated.gil_reason
        assert calibrated.generations == whole.generations
