"""Advice on garbage and memory that grows, on observations made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from razorprof.analysis.advice import advise
from razorprof.analysis.advice_observation import Trend, Worker, parse_version
from razorprof.model.advice import Confidence
from tests.unit.analysis.advice_observations import MIB, START, interpreter, observed, trend

LOADED = trend(0.0, first=100.0 * MIB)


def names(*arguments: object, **changes: object) -> list[str]:
    return [advice.name for advice in advise(observed(*arguments, **changes))]  # type: ignore[arg-type]


def worker(number: int, **changes: object) -> Worker:
    plain: dict[str, object] = {
        "unique_before": 20.0 * MIB, "unique_now": 40.0 * MIB, "frozen": 0, "full_collections": 3, "enabled": True,
    }  # fmt: skip
    return Worker(pid=number, **{**plain, **changes})  # type: ignore[arg-type]


def test_a_flag_that_keeps_all_garbage_is_told_from_objects_that_cannot_be_freed() -> None:
    (kept,) = advise(observed(interpreter(garbage=5000)))
    (lost,) = advise(observed(interpreter(garbage=50, uncollectable=50)))
    assert kept.name == lost.name == "uncollectable"
    assert "gc.DEBUG_SAVEALL" in kept.change
    assert "tp_del" in lost.reasoning
    assert "DEBUG_SAVEALL" not in lost.reasoning
    assert kept.confidence is lost.confidence is Confidence.HIGH


def test_old_garbage_that_does_not_grow_is_worth_a_look_only() -> None:
    (advice,) = advise(observed(interpreter(garbage=5000), interpreter(garbage=5000)))
    assert advice.confidence is Confidence.LOW


@pytest.mark.parametrize("garbage", [0, 3, None])
def test_little_or_unknown_garbage_is_silent(garbage: int | None) -> None:
    assert names(interpreter(garbage=garbage)) == []


def test_a_disabled_collector_is_named_when_containers_and_memory_pile_up() -> None:
    (advice,) = advise(observed(interpreter(enabled=False, pending=40_000), resident=trend(5 * MIB)))
    assert advice.name == "gc-disabled"
    assert advice.confidence is Confidence.MEDIUM
    assert "gc.enable()" in advice.change


def test_a_disabled_collector_with_stable_memory_is_silent() -> None:
    assert names(interpreter(enabled=False, pending=40_000)) == []
    assert names(interpreter(enabled=False), resident=trend(2 * MIB)) == []


def test_a_disabled_collector_that_is_run_by_hand_is_silent() -> None:
    by_hand = interpreter(enabled=False, pending=40_000, collections=(0, 0, 1))
    assert names(by_hand, resident=trend(2 * MIB)) == []


def test_memory_that_pythons_allocator_took_is_a_leak_of_objects() -> None:
    grown: dict[str, Any] = {"resident": trend(30 * MIB), "arenas": trend(28 * MIB), "blocks": trend(400_000.0)}
    (advice,) = advise(observed(**grown))
    assert advice.name == "leak-of-objects"
    assert advice.check.figure.name == "python_arena_bytes, growth"
    assert "tracemalloc" in advice.change
    assert advice.confidence is Confidence.MEDIUM
    assert "No full collection ran" in advice.doubt


def test_a_leak_is_sure_only_after_full_collections_and_half_a_minute() -> None:
    grown: dict[str, Any] = {"resident": trend(30 * MIB), "arenas": trend(28 * MIB), "seconds": 60.0}
    (advice,) = advise(observed(interpreter(collections=(50, 5, 2)), **grown))
    assert advice.confidence is Confidence.HIGH


def test_many_large_buffers_outside_the_arenas_are_objects_too() -> None:
    assert names(resident=trend(50 * MIB), blocks=trend(5000.0)) == ["leak-of-objects"]


def test_memory_that_python_knows_nothing_of_is_a_native_leak() -> None:
    (advice,) = advise(observed(resident=trend(30 * MIB), blocks=trend(100.0)))
    assert advice.name == "leak-of-native-memory"
    assert "memray" in advice.change
    assert advice.check.figure.name == "process_resident_memory_bytes, growth"


def test_growth_that_neither_arenas_nor_the_rest_explain_is_not_guessed_at() -> None:
    assert names(resident=trend(30 * MIB), arenas=trend(11 * MIB)) == []


def test_before_3_12_containers_hint_at_objects_and_their_absence_at_native_memory() -> None:
    untold: dict[str, Any] = {"version": (3, 11, 7), "resident": trend(30 * MIB), "arenas": None, "blocks": None}
    (objects,) = advise(observed(interpreter(collections=(100, 9, 0), thresholds=(700, 10, 10)), **untold))
    (native,) = advise(observed(**untold))
    assert (objects.name, native.name) == ("leak-of-objects", "leak-of-native-memory")
    assert objects.confidence is native.confidence is Confidence.LOW
    assert "before 3.12" in objects.doubt


def test_memory_that_grows_while_the_collector_frees_as_much_is_no_leak() -> None:
    collector = interpreter(collections=(50, 5, 1), collected=(100_000, 0, 0))
    assert names(collector, resident=trend(30 * MIB), arenas=trend(28 * MIB)) == []


def test_a_jump_a_plateau_and_a_saw_are_no_steady_growth() -> None:
    def shape(*values: float) -> Trend:
        return Trend(tuple((START + number, value) for number, value in enumerate(values)))

    assert trend(30.0).grows_steadily()
    assert not shape(*[0.0] * 5, *[30.0] * 6).grows_steadily()
    assert not shape(0, 20, 30, *[30.0] * 8).grows_steadily()
    assert not shape(0, 10, 20, 0, 10, 20, 0, 10, 20, 0, 10, 20).grows_steadily()
    assert not trend(-30.0).grows_steadily()
    assert not shape(0, 30).grows_steadily()


def test_forked_workers_that_copy_their_parents_heap_call_for_freeze() -> None:
    (advice,) = advise(observed(resident=LOADED, workers=(worker(1), worker(2))))
    assert advice.name == "freeze-before-fork"
    assert advice.confidence is Confidence.HIGH
    assert advice.check.figure.value == 40 * MIB
    assert "gc.freeze()" in advice.change


def test_workers_that_have_copied_all_already_are_told_with_less_certainty() -> None:
    still = [worker(number, unique_before=40.0 * MIB, full_collections=0) for number in (1, 2)]
    (advice,) = advise(observed(resident=LOADED, workers=tuple(still)))
    assert advice.confidence is Confidence.MEDIUM


def test_workers_that_hold_more_than_their_parent_are_told_to_load_before_the_fork() -> None:
    own = [worker(number, unique_before=100.0 * MIB, unique_now=150.0 * MIB) for number in (1, 2)]
    (advice,) = advise(observed(resident=LOADED, workers=tuple(own)))
    assert "load there what all workers use" in advice.change
    assert "Each holds more than its parent" in advice.reasoning
    assert advice.confidence is Confidence.LOW


@pytest.mark.parametrize(
    "changes",
    [
        {"frozen": 1000},
        {"frozen": None},
        {"unique_now": None},
        {"enabled": False},
        {"unique_before": 1.0 * MIB, "unique_now": 4.0 * MIB},
        {"unique_before": 20.0 * MIB, "unique_now": 20.0 * MIB, "full_collections": 0},
    ],
)
def test_workers_that_freeze_share_or_cannot_be_read_are_silent(changes: dict[str, object]) -> None:
    assert names(resident=LOADED, workers=(worker(1, **changes), worker(2, **changes))) == []


def test_one_worker_or_a_parent_that_has_frozen_is_silent() -> None:
    assert names(resident=LOADED, workers=(worker(1),)) == []
    assert names(interpreter(frozen=100_000), resident=LOADED, workers=(worker(1), worker(2))) == []
    assert names(interpreter(frozen=None), resident=LOADED, workers=(worker(1), worker(2))) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("3.11.7", (3, 11, 7)), ("3.13", (3, 13, 0)), ("3.14.0rc1", (3, 14, 0)), ("x", None), (None, None)],
)
def test_a_version_is_read_as_far_as_it_is_told(text: str | None, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version
