"""Collectors, locks and threads are read out of synthetic memory, and hostile memory is refused."""

from __future__ import annotations

import pytest

from razorprof.errors import NotSupported, RazorprofError, ToolFailed
from razorprof.runtimes.cpython.anatomy import CorruptState, walk_interpreters, walk_threads, with_native_ids
from razorprof.runtimes.cpython.calibrate import Calibrated, calibrate
from razorprof.runtimes.cpython.frozen import FrozenCount
from razorprof.runtimes.cpython.layout import known_versions, layout_for
from razorprof.runtimes.cpython.pauses import Pauses
from razorprof.runtimes.cpython.snapshot import SnapshotTaker
from tests.unit.runtimes.python_images import FIRST_THREAD, GARBAGE, RUNTIME, STATISTICS, VERSIONS, PythonImage


def no_pause(seconds: float) -> None:
    pass


def calibrated(image: PythonImage) -> Calibrated:
    return calibrate(image.memory, RUNTIME, image.layout, image.hexversion, pause=no_pause)


def taker(image: PythonImage) -> SnapshotTaker:
    return SnapshotTaker(image.memory, RUNTIME, calibrated(image))


@pytest.fixture(params=VERSIONS)
def image(request: pytest.FixtureRequest) -> PythonImage:
    return PythonImage(request.param)


def test_every_known_version_has_an_image_here() -> None:
    assert set(known_versions()) == {version.rpartition(".")[0] for version in VERSIONS}


def test_figures_are_read_where_the_layout_has_them(image: PythonImage) -> None:
    image.generation(0, count=17, threshold=700, collections=1234, collected=99, uncollectable=1)
    image.generation(1, count=3, threshold=10, collections=112, collected=98)
    image.generation(2, count=2, threshold=11, collections=10, collected=97, uncollectable=5)
    image.put(image.gc() + image.layout.gc.collecting, "<i", 1)
    image.word(GARBAGE + 16, 6)
    snapshot = taker(image).take()
    (main,) = snapshot.interpreters
    assert main.gc is not None
    found = [(g.count, g.threshold, g.collections, g.collected, g.uncollectable) for g in main.gc.generations]
    assert found == [(17, 700, 1234, 99, 1), (3, 10, 112, 98, 0), (2, 11, 10, 97, 5)]
    assert (main.gc.enabled, main.gc.collecting, main.gc.nothing_frozen, main.garbage) == (True, True, True, 6)
    (gil,) = snapshot.gils.values()
    assert (gil.locked, gil.holder, gil.switches) == (True, FIRST_THREAD, 42)


def test_the_generations_offset_is_found_in_the_target(image: PythonImage) -> None:
    assert calibrated(image).generations == image.generations


def test_several_interpreters_are_read_and_one_more_is_noticed() -> None:
    image = PythonImage("3.12.1", interpreters=3)
    image.word(RUNTIME + image.layout.interpreters_head, image.addresses[1])
    snapshots = taker(image)
    assert [part.interpreter.id for part in snapshots.take().interpreters] == [0, 1]
    image.word(RUNTIME + image.layout.interpreters_head, image.addresses[2])
    assert [part.interpreter.id for part in snapshots.take().interpreters] == [0, 1, 2]


def test_38_has_one_collector_that_stands_on_the_main_interpreter() -> None:
    image = PythonImage("3.8.18", interpreters=2)
    image.generation(0, count=1, threshold=700, collections=5, collected=0)
    main, second = taker(image).take().interpreters
    assert main.gc is not None
    assert second.gc is None


def test_a_ring_of_interpreters_ends_in_a_reason_not_in_a_hang(image: PythonImage) -> None:
    address = image.addresses[0]
    image.word(address + image.layout.interpreter_next, address)
    with pytest.raises(CorruptState, match="no end"):
        walk_interpreters(image.memory, RUNTIME, image.layout)
    with pytest.raises(NotSupported):
        calibrated(image)


def test_a_ring_of_threads_ends_in_a_reason_and_leaves_the_collector_readable(image: PythonImage) -> None:
    image.word(image.thread() + image.layout.thread_next, image.thread())
    (main,) = walk_interpreters(image.memory, RUNTIME, image.layout)
    with pytest.raises(CorruptState, match="no end"):
        walk_threads(image.memory, main, image.layout)
    proven = calibrated(image)
    assert proven.threads_reason
    assert SnapshotTaker(image.memory, RUNTIME, proven).take().interpreters[0].gc is not None


@pytest.mark.parametrize("pointer", [1, 4097, 1 << 60, 0xFFFF_FFFF_FFFF_FFF8, 0x5F_FFF8])
def test_a_pointer_to_nowhere_is_refused(image: PythonImage, pointer: int) -> None:
    image.word(RUNTIME + image.layout.interpreters_head, pointer)
    with pytest.raises(RazorprofError):
        calibrated(image)


def test_a_collector_without_its_pointer_to_itself_is_refused(image: PythonImage) -> None:
    if image.layout.gc.anchor is None:
        image.word(image.gc() + image.generations + 24, 0)
    else:
        image.word(image.gc() + image.layout.gc.anchor, image.gc() + image.generations + 8)
    with pytest.raises(NotSupported, match="generations are not where"):
        calibrated(image)


def test_a_permanent_generation_that_is_no_list_is_refused(image: PythonImage) -> None:
    image.word(image.gc() + image.layout.gc.permanent, RUNTIME)
    with pytest.raises(NotSupported, match="permanent generation"):
        calibrated(image)


@pytest.mark.parametrize(
    ("field", "value"),
    [("collections", -1), ("collected", 1 << 60), ("uncollectable", -(1 << 63)), ("threshold", -5)],
)
def test_absurd_figures_are_refused_not_shown(image: PythonImage, field: str, value: int) -> None:
    snapshots = taker(image)
    snapshots.take()
    figures = {"count": 0, "threshold": 700, "collections": 1, "collected": 1, "uncollectable": 0, field: value}
    image.generation(1, **figures)
    with pytest.raises(CorruptState):
        snapshots.take()


def test_a_flag_that_is_neither_0_nor_1_is_refused(image: PythonImage) -> None:
    snapshots = taker(image)
    image.put(image.gc() + image.layout.gc.enabled, "<i", 7)
    with pytest.raises(CorruptState):
        snapshots.take()


def test_a_counter_that_goes_back_is_refused(image: PythonImage) -> None:
    snapshots = taker(image)
    image.generation(0, count=0, threshold=700, collections=5, collected=5)
    snapshots.take()
    image.generation(0, count=0, threshold=700, collections=4, collected=5)
    with pytest.raises(CorruptState, match="went back"):
        snapshots.take()


def test_a_gil_that_is_none_leaves_the_collector_readable(image: PythonImage) -> None:
    image.put(image.gil() + 16, "<i", 99)
    proven = calibrated(image)
    assert proven.gil_reason
    snapshot = SnapshotTaker(image.memory, RUNTIME, proven).take()
    assert snapshot.gils == {}
    assert snapshot.interpreters[0].gc is not None


def test_a_gil_held_by_no_thread_of_this_python_is_not_believed(image: PythonImage) -> None:
    image.word(image.gil() + 8, 0x12_3450)
    assert "held by no thread" in calibrated(image).gil_reason


def test_a_python_that_is_not_started_is_tried_again_later(image: PythonImage) -> None:
    image.put(RUNTIME + image.layout.initialized, "<i", 0)
    with pytest.raises(ToolFailed, match="not started"):
        calibrated(image)


@pytest.mark.parametrize("version", ["3.13.0", "3.14.10", "3.15.2"])
def test_what_313_and_later_say_of_themselves_must_fit(version: str) -> None:
    free_threaded = PythonImage(version)
    free_threaded.word(RUNTIME + 16, 1)
    with pytest.raises(NotSupported, match="free-threaded"):
        calibrated(free_threaded)
    other = PythonImage(version)
    other.word(RUNTIME + 8, 0x030B07F0)
    with pytest.raises(NotSupported, match="another version"):
        calibrated(other)
    moved = PythonImage(version)
    moved.word(RUNTIME + 8 * 10, 1)
    with pytest.raises(NotSupported, match="describes its interpreter otherwise"):
        calibrated(moved)
    changed = PythonImage(version)
    assert changed.layout.debug_offsets is not None
    changed.word(RUNTIME + changed.layout.debug_offsets - 64, 8)
    with pytest.raises(NotSupported, match="garbage collector otherwise"):
        calibrated(changed)
    nameless = PythonImage(version)
    nameless.word(RUNTIME, 0)
    with pytest.raises(NotSupported, match="does not describe itself"):
        calibrated(nameless)


def test_315_tells_the_time_in_gc_exactly_and_its_newest_entry_counts() -> None:
    image = PythonImage("3.15.2")
    assert image.layout.stats.duration is not None
    for index, collections, seconds in ((0, 11, 0.5), (2, 13, 0.75)):
        entry = image.ring_entry(1, index)
        image.put(entry + image.layout.stats.collections, "<q", collections)
        image.put(entry + image.layout.stats.duration, "<d", seconds)
    (main,) = taker(image).take().interpreters
    assert main.gc is not None
    assert (main.gc.generations[1].collections, main.gc.generations[1].duration) == (13, 0.75)


def test_315s_records_give_single_pauses_and_lost_ones_count_with_their_mean() -> None:
    image = PythonImage("3.15.2")

    def record(index: int, collections: int, seconds: float) -> None:
        assert image.layout.stats.duration is not None
        entry = image.ring_entry(1, index)
        image.put(entry + image.layout.stats.collections, "<q", collections)
        image.put(entry + image.layout.stats.duration, "<d", seconds)

    snapshots, pauses = taker(image), Pauses()

    def read() -> dict[str, float]:
        (main,) = snapshots.take().interpreters
        assert main.gc is not None
        pauses.add(0, main.gc.records)
        found = {sample.suffix + sample.labels.get("le", ""): sample.value for sample in pauses.samples()}
        assert found["_bucket+Inf"] == found["_count"]
        return found

    record(0, 7, 1.0)
    assert read()["_count"] == 0, "what was before the first read is not ours to tell apart"
    record(1, 8, 1.04)
    found = read()
    assert (found["_count"], found["_bucket0.025"], found["_bucket0.05"]) == (1, 0, 1)
    assert found["_sum"] == pytest.approx(0.04)
    # the ring went round more than once: of 9 to 11 only the total is left
    record(2, 12, 1.53)
    record(0, 11, 1.43)
    record(1, 13, 1.731)
    found = read()
    assert found["_count"] == 6
    assert found["_sum"] == pytest.approx(0.731)
    assert found["_bucket0.1"] == 1
    assert found["_bucket0.25"] == 6


def test_315s_records_that_contradict_each_other_are_refused() -> None:
    image = PythonImage("3.15.2")
    assert image.layout.stats.duration is not None
    for index, collections, seconds in ((0, 3, 2.0), (1, 4, 1.0)):
        entry = image.ring_entry(2, index)
        image.put(entry + image.layout.stats.collections, "<q", collections)
        image.put(entry + image.layout.stats.duration, "<d", seconds)
    with pytest.raises(CorruptState, match="contradict"):
        taker(image).take()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_315_with_a_time_that_cannot_be_is_refused(seconds: float) -> None:
    image = PythonImage("3.15.2")
    assert image.layout.stats.duration is not None
    image.put(image.ring_entry(0, 0) + image.layout.stats.duration, "<d", seconds)
    with pytest.raises(CorruptState):
        taker(image).take()


def test_315_with_an_index_outside_its_ring_is_refused() -> None:
    image = PythonImage("3.15.2")
    snapshots = taker(image)
    image.ring_entry(2, 3)
    with pytest.raises(CorruptState, match="index"):
        snapshots.take()
    assert image.bytes[STATISTICS] == 0


def test_native_ids_below_311_are_only_believed_when_the_kernel_knows_them() -> None:
    image = PythonImage("3.10.13")
    (main,) = walk_interpreters(image.memory, RUNTIME, image.layout)
    descriptor = 0x55_0000
    image.word(image.thread() + image.layout.thread_id, descriptor)
    image.put(descriptor + 720, "<I", 777)
    threads = walk_threads(image.memory, main, image.layout)
    assert [t.native_id for t in with_native_ids(image.memory, threads, lambda: {777})] == [777]
    assert [t.native_id for t in with_native_ids(image.memory, threads, lambda: {778})] == [None]


def test_frozen_objects_are_counted_and_a_broken_list_gives_no_number(image: PythonImage) -> None:
    head = image.gc() + image.layout.gc.permanent
    objects = [0x53_0000 + 48 * number for number in range(1000)]
    ring = [head, *objects]
    for before, here, after in zip([ring[-1], *ring[:-1]], ring, [*ring[1:], head], strict=True):
        image.put(here, "<2Q", after, before)
    counting = FrozenCount(image.memory, head)
    for _ in range(11):
        assert not counting.done
        counting.step(100)
    assert (counting.done, counting.count) == (True, 1000)

    image.word(objects[500] + 8, head)  # a neighbour that does not point back
    counting = FrozenCount(image.memory, head)
    counting.step(5000)
    assert (counting.done, counting.count) == (True, None)

    image.put(objects[0], "<2Q", objects[0], head)  # a circle that never comes back to the head
    counting = FrozenCount(image.memory, head, most=100)
    counting.step(5000)
    assert (counting.done, counting.count) == (True, None)


@pytest.mark.parametrize("version", ["3.7.16", "3.16.0", "2.7.18", "4.0.0", None, "x"])
def test_an_unknown_version_is_refused(version: str | None) -> None:
    with pytest.raises(NotSupported):
        layout_for(version)


@pytest.mark.parametrize("version", ["3.15.0b2", "3.14.0rc1", "3.14.4", "3.9.0a6"])
def test_pre_releases_and_releases_before_the_table_are_refused(version: str) -> None:
    with pytest.raises(NotSupported, match=r"pre-release|early release"):
        layout_for(version)


def test_a_minor_alone_is_enough_to_choose_a_layout() -> None:
    assert layout_for("3.8").minor == (3, 8)
