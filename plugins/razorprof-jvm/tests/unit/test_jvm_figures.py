"""What a JVM's counters mean: collectors and pools by the names of its management beans, bounds, metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from razorprof_jvm.figures import gc_state, watched
from razorprof_jvm.metrics import METRICS, jvm_samples
from razorprof_jvm.perfdata import Counters, parse_layout

from razorprof.errors import NotSupported
from razorprof.model.gc import GcState
from razorprof.model.metric import Sample

MakeBlock = Callable[..., bytes]


def counters_of(make: MakeBlock, counters: dict[str, Any]) -> Counters:
    block = make(counters)
    return Counters(parse_layout(block), block)


def value(samples: list[Sample], name: str, **labels: str) -> float:
    (found,) = [s.value for s in samples if s.name == name and dict(s.labels) == labels]
    return found


def samples_of(make: MakeBlock, counters: dict[str, Any]) -> tuple[GcState, list[Sample]]:
    seen = counters_of(make, counters)
    state = gc_state(seen, 5.0)
    return state, list(jvm_samples(seen, state))


def test_collectors_have_the_names_and_figures_of_their_beans(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    state, samples = samples_of(perf_block, g1_counters)
    young, old, concurrent = state.collectors
    assert (young.name, young.collections, young.seconds) == ("G1 Young Generation", 216, 0.825)
    assert young.last_end == 1_700_000_005.0
    assert (old.name, old.collections, old.last_end) == ("G1 Old Generation", 0, None)
    assert concurrent.name == "G1 Concurrent GC"
    assert value(samples, "jvm_gc_collection_seconds_count", gc="G1 Young Generation") == 216
    assert value(samples, "jvm_gc_collection_seconds_sum", gc="G1 Young Generation") == 0.825
    assert value(samples, "jvm_gc_collection_seconds_bucket", gc="G1 Young Generation", le="+Inf") == 216


def test_the_last_pause_is_told_and_how_many_nobody_saw(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    counters = counters_of(perf_block, g1_counters)
    first = gc_state(counters, 5.0).collectors[0]
    (pause,) = first.pauses
    assert pause.end == 1_700_000_005.0
    assert pause.seconds == pytest.approx(0.004)
    assert first.lost == 0
    assert gc_state(counters, 5.0, {"G1 Young Generation": 200}).collectors[0].lost == 15


def test_a_pause_that_goes_on_is_not_told_as_the_last_one(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    counters = counters_of(perf_block, {**g1_counters, "sun.gc.collector.0.lastEntryTime": 5_100_000_000})
    assert gc_state(counters, 5.0).collectors[0].pauses == ()


def test_g1_pools_are_unpadded_and_only_the_old_one_is_bounded(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    state, samples = samples_of(perf_block, g1_counters)
    pools = {pool.name: pool for pool in state.pools}
    eden, survivor, old = (pools[name] for name in ("G1 Eden Space", "G1 Survivor Space", "G1 Old Gen"))
    assert (eden.used, eden.committed, eden.max) == (31_457_280, 32 << 20, None)
    assert (survivor.used, survivor.committed, survivor.max) == (2_631_712, 3 << 20, None)
    assert (old.used, old.committed, old.max) == (20_400_640, 29 << 20, 64 << 20)
    assert value(samples, "jvm_memory_max_bytes", area="heap") == 64 << 20
    assert value(samples, "jvm_memory_used_bytes", area="heap") == 31_457_280 + 2_631_712 + 20_400_640
    assert not [s for s in samples if s.name == "jvm_memory_pool_max_bytes" and s.labels["pool"] == eden.name]


def test_both_spellings_of_the_java_client_tell_the_same(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    _, samples = samples_of(perf_block, g1_counters)
    for new, old in (
        ("used_bytes", "bytes_used"),
        ("committed_bytes", "bytes_committed"),
        ("max_bytes", "bytes_max"),
    ):
        told = {s.labels: s.value for s in samples if s.name == f"jvm_memory_pool_{new}"}
        assert told
        assert told == {s.labels: s.value for s in samples if s.name == f"jvm_memory_pool_{old}"}


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        ("-Xmx64m -XX:MaxMetaspaceSize=128m", 128 << 20),
        ("-XX:MaxMetaspaceSize=1g -XX:MaxMetaspaceSize=4096", 4096),
        ("-Xmx64m", None),
        ("-Dx=-XX:MaxMetaspaceSize=12x", None),
    ],
)
def test_metaspace_is_bounded_by_what_the_jvm_was_told(
    perf_block: MakeBlock, g1_counters: dict[str, Any], arguments: str, most: int | None
) -> None:
    state, _ = samples_of(perf_block, {**g1_counters, "java.rt.vmArgs": arguments})
    (metaspace,) = [pool for pool in state.pools if pool.name == "Metaspace"]
    assert metaspace.max == most


def test_classes_threads_and_safepoints_are_told(perf_block: MakeBlock, g1_counters: dict[str, Any]) -> None:
    _, samples = samples_of(perf_block, g1_counters)
    assert value(samples, "jvm_classes_loaded_total") == 404
    assert value(samples, "jvm_classes_unloaded_total") == 3
    assert value(samples, "jvm_classes_currently_loaded") == 401
    assert value(samples, "jvm_threads_current") == 6
    assert value(samples, "jvm_threads_peak") == 7
    assert value(samples, "jvm_safepoint_seconds_total") == pytest.approx(1.024211763)
    assert value(samples, "jvm_compilation_time_seconds_total") == pytest.approx(0.009223151)


def test_every_sample_is_of_a_declared_metric(perf_block: MakeBlock, g1_counters: dict[str, Any]) -> None:
    _, samples = samples_of(perf_block, g1_counters)
    assert {sample.metric for sample in samples} <= set(METRICS)
    for sample in samples:
        assert set(sample.labels) - {"le"} <= set(sample.metric.labels)
        assert not set(sample.labels) & {"job", "instance", "pid", "runtime"}  # razorprof's own
    assert len({(sample.name, sample.labels) for sample in samples}) == len(samples)


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [("Copy:MSC", "Eden Space", "Tenured Gen"), ("ParScav:MSC", "PS Eden Space", "PS Old Gen")],
)
def test_other_collectors_have_the_pools_of_their_beans_and_a_heap_of_all_generations(
    perf_block: MakeBlock, g1_counters: dict[str, Any], policy: str, first: str, second: str
) -> None:
    counters = {**g1_counters, "sun.gc.policy.name": policy, "sun.gc.generation.0.maxCapacity": 24}
    state, samples = samples_of(perf_block, counters)
    assert [pool.name for pool in state.pools][:3:2] == [first, second]
    assert state.pools[0].committed == 33_554_440
    assert value(samples, "jvm_memory_max_bytes", area="heap") == 24 + 67_108_872


def test_counters_that_wait_for_the_first_collection_are_unknown_and_no_zero(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    begun = {**g1_counters, "sun.gc.metaspace.used": 0, "sun.gc.metaspace.capacity": 0}
    state, samples = samples_of(perf_block, begun)
    (metaspace,) = [pool for pool in state.pools if pool.name == "Metaspace"]
    assert (metaspace.used, metaspace.committed) == (None, None)
    assert not [s for s in samples if s.labels.get("pool") == "Metaspace" and s.name.endswith("used_bytes")]


def test_a_heap_in_one_piece_has_the_name_of_its_collector(perf_block: MakeBlock) -> None:
    counters = {
        "sun.os.hrt.frequency": 1000,
        "sun.gc.collector.2.name": "Z concurrent cycle pauses",
        "sun.gc.collector.2.invocations": 3,
        "sun.gc.collector.2.time": 4,
        "sun.gc.generation.1.maxCapacity": 64,
        "sun.gc.generation.1.space.0.name": "space",
        "sun.gc.generation.1.space.0.used": 0,
        "sun.gc.generation.1.space.0.capacity": 8,
        "sun.gc.generation.1.space.0.maxCapacity": 64,
    }
    state, samples = samples_of(perf_block, counters)
    (heap,) = state.pools
    assert (heap.name, heap.used, heap.committed, heap.max) == ("ZHeap", None, 8, 64)
    assert state.collectors[0].name == "ZGC Pauses"
    assert value(samples, "jvm_memory_max_bytes", area="heap") == 64
    assert not [s for s in samples if s.name == "jvm_memory_used_bytes"]


def test_generations_that_share_a_heap_are_two_pools_of_one_bound(perf_block: MakeBlock) -> None:
    counters: dict[str, Any] = {"sun.os.hrt.frequency": 1000}
    for number, name in ((0, "ZGC minor collection pauses"), (2, "ZGC major collection pauses")):
        counters |= {f"sun.gc.collector.{number}.name": name, f"sun.gc.collector.{number}.time": 1}
        counters[f"sun.gc.collector.{number}.invocations"] = 1
    for generation in (0, 1):
        counters[f"sun.gc.generation.{generation}.maxCapacity"] = 96
        counters[f"sun.gc.generation.{generation}.space.0.name"] = "space"
        for what, size in (("used", 2), ("capacity", 94), ("maxCapacity", 96)):
            counters[f"sun.gc.generation.{generation}.space.0.{what}"] = size
    state, samples = samples_of(perf_block, counters)
    assert [(pool.name, pool.max) for pool in state.pools] == [
        ("ZGC Young Generation", None),
        ("ZGC Old Generation", 96),
    ]
    assert [one.name for one in state.collectors] == ["ZGC Minor Pauses", "ZGC Major Pauses"]
    assert value(samples, "jvm_memory_max_bytes", area="heap") == 96


def test_pools_of_a_collector_that_is_not_known_have_names_of_their_own(perf_block: MakeBlock) -> None:
    counters: dict[str, Any] = {
        "sun.os.hrt.frequency": 1000,
        "sun.gc.collector.0.name": "tomorrow's",
        "sun.gc.collector.0.invocations": 1,
        "sun.gc.generation.0.space.0.name": "space",
        "sun.gc.generation.1.space.0.name": "space",
    }
    state, samples = samples_of(perf_block, counters)
    assert [pool.name for pool in state.pools] == ["space", "space 1.0"]
    assert len({(sample.name, sample.labels) for sample in samples}) == len(samples)


def test_what_the_jvm_does_not_count_is_left_out_and_no_zero(perf_block: MakeBlock) -> None:
    state, samples = samples_of(perf_block, {"sun.os.hrt.frequency": 1000})
    assert state.collectors == ()
    assert state.pools == ()
    assert {sample.name for sample in samples} == {"jvm_info"}


def test_a_jvm_that_does_not_say_how_it_counts_time_is_refused(perf_block: MakeBlock) -> None:
    with pytest.raises(NotSupported, match="how it counts time"):
        gc_state(counters_of(perf_block, {"sun.os.hrt.frequency": 0}), 1.0)


def test_collector_names_that_are_not_known_are_kept_and_cut(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    state, _ = samples_of(perf_block, {**g1_counters, "sun.gc.collector.0.name": "n" * 500})
    assert state.collectors[0].name == "n" * 64


def test_counts_and_times_of_all_collectors_are_to_agree(
    perf_block: MakeBlock, g1_counters: dict[str, Any]
) -> None:
    names = watched(counters_of(perf_block, g1_counters))
    assert len(names) == 6
    assert "sun.gc.collector.2.time" in names
