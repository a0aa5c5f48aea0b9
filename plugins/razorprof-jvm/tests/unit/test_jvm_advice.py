"""Advice on a JVM: said where its own counters bear it out, and nothing of a JVM at rest."""

from __future__ import annotations

from dataclasses import replace

from razorprof_jvm import Jvm

from razorprof.analysis.advice_observation import Observation, Trend
from razorprof.model.advice import Advice, Confidence
from razorprof.model.gc import CollectorGc, GcFigure, GcState, MemoryPool

MIB = 1 << 20


def state(
    time: float,
    *,
    young: tuple[int, float] = (0, 0.0),
    full: tuple[int, float] = (0, 0.0),
    old: int = 100,
    meta: int = 10,
) -> GcState:
    return GcState(
        time,
        collectors=(CollectorGc("G1 Young Generation", *young), CollectorGc("G1 Old Generation", *full)),
        pools=(
            MemoryPool("G1 Old Gen", old * MIB, 1000 * MIB, 1000 * MIB),
            MemoryPool("Metaspace", meta * MIB, 100 * MIB, 100 * MIB),
        ),
        figures=(GcFigure("heap limit (-Xmx)", 1000.0 * MIB, "bytes"),),
    )


def seen(now: GcState) -> Observation:
    return Observation(pid=7, seconds=10.0, version=None, before=state(0.0), now=now, cpu=1.0)


def advise(observation: Observation) -> dict[str, Advice]:
    return {advice.name: advice for advice in Jvm().advise(observation)}


def test_a_jvm_at_rest_is_told_nothing() -> None:
    assert advise(seen(state(10.0))) == {}
    assert advise(seen(state(10.0, young=(40, 0.2)))) == {}


def test_much_collecting_with_a_full_old_generation_is_a_heap_that_is_too_small() -> None:
    (found,) = advise(seen(state(10.0, young=(50, 3.0), old=950))).values()
    assert found.name == "jvm-gc-time"
    assert found.confidence is Confidence.HIGH
    assert "--leaks" in found.change
    assert "30 %" in found.title


def test_much_collecting_with_room_left_is_allocation() -> None:
    found = advise(seen(state(10.0, young=(50, 0.8))))["jvm-gc-time"]
    assert found.confidence is Confidence.MEDIUM
    assert "allocates much" in found.reasoning


def test_long_pauses_are_told_of_the_young_collector() -> None:
    found = advise(seen(state(10.0, young=(2, 0.9))))["jvm-long-pauses"]
    assert "450 ms" in found.title
    assert found.doubt


def test_full_collections_of_a_heap_with_room_are_asked_for() -> None:
    found = advise(seen(state(10.0, full=(3, 0.1))))["jvm-full-collections"]
    assert "System.gc()" in found.reasoning
    full = advise(seen(state(10.0, full=(3, 0.1), old=990)))["jvm-full-collections"]
    assert full.confidence is Confidence.HIGH
    assert "OutOfMemoryError" in full.reasoning


def test_metaspace_near_its_bound_is_told() -> None:
    assert "95 MiB of 100 MiB" in advise(seen(state(10.0, meta=95)))["jvm-metaspace"].title


def test_standing_still_for_other_reasons_than_collections_is_told_once() -> None:
    stopped = {
        "jvm_safepoint_seconds_total": Trend(((0.0, 1.0), (10.0, 3.0))),
        "jvm_safepoint_sync_seconds_total": Trend(((0.0, 0.0), (10.0, 1.0))),
    }
    found = advise(replace(seen(state(10.0, young=(5, 0.1))), series=stopped))
    assert list(found) == ["jvm-safepoints"]
    assert "counted loop" in found["jvm-safepoints"].reasoning
    mostly_gc = advise(replace(seen(state(10.0, young=(50, 1.9))), series=stopped))
    assert "jvm-safepoints" not in mostly_gc
