"""Histograms that are being filled: cumulative buckets, sum, count, in the words of Prometheus."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.model.histogram import HistogramState, bound_text
from razorprof.model.labels import Labels
from razorprof.model.metric import histogram

READ = histogram("read_seconds", "seconds", "reads", "source")


def values_of(state: HistogramState) -> dict[tuple[str, str], float]:
    return {(sample.name, sample.labels.get("le", "")): sample.value for sample in state.samples(READ)}


def test_buckets_are_cumulative_their_bounds_inclusive_and_the_last_one_holds_all() -> None:
    state = HistogramState((0.5, 1.0))
    for value in (0.1, 0.5, 0.6, 7.0):
        state.observe(value)
    assert values_of(state) == {
        ("read_seconds_bucket", "0.5"): 2.0,
        ("read_seconds_bucket", "1.0"): 3.0,
        ("read_seconds_bucket", "+Inf"): 4.0,
        ("read_seconds_sum", ""): pytest.approx(8.2),
        ("read_seconds_count", ""): 4.0,
    }


def test_a_histogram_without_observations_is_there_and_empty() -> None:
    assert set(values_of(HistogramState((1.0,))).values()) == {0.0}


def test_its_samples_carry_the_labels_given() -> None:
    state = HistogramState((1.0,))
    assert {sample.labels["source"] for sample in state.samples(READ, Labels(source="gc"))} == {"gc"}


@given(st.lists(st.tuples(st.floats(-10, 10), st.integers(1, 5))))
def test_count_and_sum_are_those_of_the_observations(observed: list[tuple[float, int]]) -> None:
    state = HistogramState((-1.0, 0.0, 2.5))
    for value, times in observed:
        state.observe(value, times)
    found = values_of(state)
    assert found["read_seconds_count", ""] == state.count == sum(times for _, times in observed)
    assert found["read_seconds_bucket", "0.0"] == sum(times for value, times in observed if value <= 0.0)
    assert found["read_seconds_sum", ""] == pytest.approx(sum(value * times for value, times in observed))


def test_what_is_no_number_counts_in_the_last_bucket_only() -> None:
    state = HistogramState((1.0,))
    state.observe(math.nan)
    found = values_of(state)
    assert (found["read_seconds_bucket", "1.0"], found["read_seconds_bucket", "+Inf"]) == (0.0, 1.0)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 1.0), (1.0, math.inf), (math.nan,)])
def test_bounds_that_do_not_ascend_or_end_are_a_mistake(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        HistogramState(bounds)


def test_bounds_are_written_as_floats() -> None:
    assert [bound_text(bound) for bound in (0.0001, 1, 2.5, 1e-05)] == ["0.0001", "1.0", "2.5", "1e-05"]
