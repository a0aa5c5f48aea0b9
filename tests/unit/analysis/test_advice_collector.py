"""Advice on a collector that costs, on observations made by hand."""

from __future__ import annotations

import re

import pytest

from razorprof.analysis.advice import advise
from razorprof.analysis.advice_collector import LEAST_YOUNG_THRESHOLD, MOST_YOUNG_THRESHOLD, round_up
from razorprof.model.advice import Advice, Better, Confidence
from razorprof.model.metric import Quality
from tests.unit.analysis.advice_observations import MIB, interpreter, observed, trend

YOUNG = interpreter(collections=(20000, 1800, 2), thresholds=(700, 10, 10), seconds=2.5)
ASKED = interpreter(collections=(100, 9, 60), thresholds=(700, 10, 10), seconds=5.0)
AUTOMATIC = interpreter(collections=(2000, 180, 15), thresholds=(700, 10, 10), seconds=3.0)


def only(found: tuple[Advice, ...], name: str) -> Advice:
    (advice,) = found
    assert advice.name == name
    return advice


def thresholds(change: str) -> tuple[int, ...]:
    found = re.search(r"gc\.set_threshold\((\d+), (\d+), (\d+)\)", change)
    assert found
    return tuple(map(int, found.groups()))


def test_a_calm_process_gets_no_advice() -> None:
    assert advise(observed()) == ()


def test_young_collections_that_take_a_quarter_of_the_time_and_free_nothing_call_for_a_higher_threshold() -> None:
    advice = only(advise(observed(YOUNG)), "young-collections")
    zero, one, two = thresholds(advice.change)
    assert zero == 100_000  # 700 x 2,000 a second / the 10 a CPU second aimed at, and no more than MOST
    assert (one, two) == (10, 10)
    assert advice.check.better is Better.LOWER
    assert advice.check.figure.value == pytest.approx(0.25)
    assert advice.check.command == "razorprof gc 1234 --watch"
    assert advice.confidence is Confidence.HIGH


def test_time_in_gc_that_is_estimated_is_said_to_be_so() -> None:
    advice = only(advise(observed(YOUNG)), "young-collections")
    assert advice.quality is Quality.ESTIMATED
    assert "estimated" in advice.title


def test_exact_time_in_gc_is_not_called_an_estimate_and_is_believed_earlier() -> None:
    little = {"collections": (4000, 360, 0), "thresholds": (700, 10, 10), "seconds": 0.4}
    assert advise(observed(interpreter(**little))) == ()  # type: ignore[arg-type]
    advice = only(advise(observed(interpreter(**little, exact=True))), "young-collections")  # type: ignore[arg-type]
    assert advice.quality is Quality.EXACT
    assert "estimated" not in advice.title


@pytest.mark.parametrize("rate", [10, 50, 100, 1000, 100000])
def test_a_suggested_threshold_is_round_and_within_bounds(rate: int) -> None:
    collector = interpreter(collections=(10 * rate, 0, 0), thresholds=(700, 10, 10), seconds=2.0)
    for advice in advise(observed(collector)):
        zero = thresholds(advice.change)[0]
        assert LEAST_YOUNG_THRESHOLD <= zero <= MOST_YOUNG_THRESHOLD
        assert str(zero).rstrip("0") in ("1", "2", "5")


def test_a_threshold_that_is_high_already_is_doubled_not_lowered() -> None:
    collector = interpreter(collections=(1000, 90, 0), thresholds=(200_000, 10, 10), seconds=3.0)
    advice = only(advise(observed(collector)), "young-collections")
    assert thresholds(advice.change)[0] == 400_000


def test_collections_that_free_what_they_find_are_work_and_get_no_advice() -> None:
    collector = interpreter(
        collections=(20000, 1800, 2), collected=(12_000_000, 0, 0), thresholds=(700, 10, 10), seconds=2.5
    )
    assert advise(observed(collector)) == ()


def test_full_collections_that_the_thresholds_did_not_ask_for_are_calls_of_gc_collect() -> None:
    advice = only(advise(observed(ASKED)), "gc-collect-calls")
    assert "6 times a second" in advice.title
    assert "83 ms on average" in advice.reasoning
    assert "gc.collect()" in advice.change


def test_calls_of_gc_collect_are_told_when_the_collector_is_off_too() -> None:
    collector = interpreter(collections=(0, 0, 60), seconds=5.0, enabled=False)
    only(advise(observed(collector)), "gc-collect-calls")


def test_automatic_full_collections_over_a_heap_that_stays_call_for_freeze_and_a_higher_third_threshold() -> None:
    advice = only(advise(observed(AUTOMATIC)), "full-collections")
    assert "gc.freeze()" in advice.change
    assert thresholds(advice.change)[2] > 10
    assert "what the third threshold (10) lets through" in advice.reasoning
    assert not advice.doubt


def test_full_collections_that_the_third_threshold_does_not_hold_back_are_explained_by_the_quarter_rule() -> None:
    collector = interpreter(collections=(20000, 900, 15), thresholds=(70, 10, 10), seconds=3.0)
    advice = only(advise(observed(collector)), "full-collections")
    assert "a quarter of the old objects" in advice.reasoning
    assert thresholds(advice.change)[2] > 60  # what it already is between two of them


def test_full_collections_while_memory_still_grows_may_be_start_up_and_are_said_so() -> None:
    advice = only(advise(observed(AUTOMATIC, resident=trend(3 * MIB))), "full-collections")
    assert "While it loads: gc.disable()" in advice.change
    assert "start-up" in advice.doubt


def test_two_full_collections_are_too_few_to_speak_of() -> None:
    collector = interpreter(collections=(0, 0, 2), seconds=3.0)
    assert advise(observed(collector)) == ()


def test_the_incremental_collector_of_early_3_14_gets_no_advice_on_thresholds() -> None:
    assert advise(observed(YOUNG, version=(3, 14, 2))) == ()
    assert advise(observed(YOUNG, version=(3, 14, 5))) != ()


def test_an_unknown_time_in_gc_gives_no_advice() -> None:
    assert advise(observed(interpreter(collections=(20000, 1800, 2), seconds=None))) == ()


def test_counters_that_went_back_belong_to_another_program() -> None:
    assert advise(observed(YOUNG, before=interpreter(collections=(10**6, 0, 0), thresholds=(700, 10, 10)))) == ()


@pytest.mark.parametrize("seconds", [0.0, 1.0, 4.9])
def test_less_than_five_seconds_give_no_advice_at_all(seconds: float) -> None:
    assert advise(observed(YOUNG, seconds=seconds)) == ()


def test_the_surest_advice_comes_first() -> None:
    unsure = interpreter(collections=(20000, 1800, 2), thresholds=(700, 10, 10), seconds=0.8)
    found = advise(observed(unsure, gil_held=0.99, gil_waiters=3.0))
    assert [advice.name for advice in found] == ["gil-bound", "young-collections"]
    assert [advice.confidence for advice in found] == [Confidence.HIGH, Confidence.MEDIUM]


@pytest.mark.parametrize(("value", "expected"), [(0, 1), (1, 1), (3, 5), (11, 20), (700, 1000), (50001, 100000)])
def test_rounding_goes_up_to_one_two_or_five(value: float, expected: int) -> None:
    assert round_up(value) == expected
