"""The in-memory store: rows, stale markers, bounds, the label index."""

from __future__ import annotations

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.series import is_stale
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, MatchOp, equal

CPU = gauge("cpu", "ratio", "cpu")
MEM = gauge("mem", "bytes", "mem")
BASE = Labels(job="web", pid="7")


def row(cpu: float | None = None, **functions: float) -> list[Sample]:
    samples = [] if cpu is None else [Sample(CPU, cpu)]
    return samples + [Sample(MEM, value, Labels(function=name)) for name, value in functions.items()]


def test_what_was_appended_is_read_back_within_the_bounds_of_time() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    for second in range(300):  # more than two chunks
        group.append(float(second), row(second / 2))

    [series] = store.select([equal("__name__", "cpu"), equal("pid", "7")], 100.0, 250.0)

    assert series.name == "cpu"
    assert series.labels["job"] == "web"
    np.testing.assert_array_equal(series.times, np.arange(100.0, 251.0))
    np.testing.assert_array_equal(series.values, np.arange(100.0, 251.0) / 2)


def test_a_series_that_leaves_its_scrape_becomes_stale_and_the_others_go_on() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(1.0, row(0.5, render=3.0))
    group.append(2.0, row(0.6))
    group.append(3.0, row(0.7))

    [gone] = store.select([equal("function", "render")], 0.0, 9.0)
    assert list(gone.times) == [1.0, 2.0]
    assert list(is_stale(gone.values)) == [False, True]
    assert gone.last() is None
    assert group.last(BASE.with_(__name__="cpu")) == 0.7
    assert group.last(gone.labels) is None


def test_marking_a_group_stale_ends_all_its_series_once() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(1.0, row(0.5, render=3.0))
    group.mark_stale(2.0)
    group.mark_stale(3.0)

    for series in store.select([equal("pid", "7")], 0.0, 9.0):
        assert list(series.times) == [1.0, 2.0]
        assert is_stale(series.values)[-1]


def test_a_value_that_is_nan_is_kept_apart_from_missing_and_stale() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(1.0, row(float("nan"), render=1.0))
    group.append(2.0, row(1.0, render=1.0))

    [series] = store.select([equal("__name__", "cpu")], 0.0, 9.0)
    assert len(series.times) == 2
    assert np.isnan(series.values[0])
    assert not is_stale(series.values).any()


def test_time_never_goes_back_in_a_group_and_the_refused_samples_are_counted() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(5.0, row(0.5))
    group.append(5.0, row(0.6))
    group.append(4.0, row(0.7))

    [series] = store.select([equal("__name__", "cpu")], 0.0, 9.0)
    assert list(series.values) == [0.5]
    assert group.dropped == 2


def test_series_beyond_the_cap_are_refused_and_counted_while_known_ones_go_on() -> None:
    store = MemoryStore(max_series=3)
    group = store.group(BASE)
    group.append(1.0, row(0.5, a=1, b=1))
    group.append(2.0, row(0.5, a=2, b=2, c=2, d=2))

    assert group.dropped == 2
    assert len(store.select([equal("pid", "7")], 0.0, 9.0)) == 3


def test_functions_that_come_and_go_leave_memory_and_index_with_their_chunks() -> None:
    store = MemoryStore(seconds=200.0)
    group = store.group(BASE)
    for second in range(2_000):
        group.append(float(second), row(0.5, **{f"f{second // 10}_{i}": 1.0 for i in range(20)}))
        store.expire(float(second))

    alive = store.select([Matcher("function", MatchOp.NOT_EQUAL, "")], 0.0, 9e9)
    assert store.bytes < 1 << 20
    assert len(alive) < 20 * 2 * (200 + 2 * 128) / 10
    assert store.select([equal("function", "f0_0")], 0.0, 9e9) == []


def test_the_byte_bound_drops_the_oldest_chunks_of_all_groups() -> None:
    store = MemoryStore(max_bytes=100_000)
    groups = [store.group(BASE.with_(pid=str(pid))) for pid in range(4)]
    for second in range(3_000):
        for group in groups:
            group.append(float(second), row(0.5))
        store.expire(float(second))

    assert store.bytes <= 100_000
    for group in groups:
        assert group.last(BASE.with_(pid="0", __name__="cpu")) is not None or group is not groups[0]
        assert group.live()


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        (Matcher("function", MatchOp.REGEX, "re.*"), {"render", "re\nad"}),
        (Matcher("function", MatchOp.NOT_REGEX, "re.*"), {"", "write"}),
        (Matcher("function", MatchOp.NOT_EQUAL, "write"), {"", "render", "re\nad"}),
        (Matcher("function", MatchOp.EQUAL, ""), {""}),
        (Matcher("function", MatchOp.REGEX, "ender"), set()),  # anchored
    ],
)
def test_matchers_follow_promql(matcher: Matcher, expected: set[str]) -> None:
    store = MemoryStore()
    store.group(BASE).append(1.0, [*row(0.5), *row(render=1, write=1, **{"re\nad": 1})])

    found = store.select([equal("job", "web"), matcher], 0.0, 9.0)

    assert {series.labels.get("function", "") for series in found} == expected


def test_a_forgotten_group_takes_its_series_and_bytes_along() -> None:
    store = MemoryStore()
    keep, leave = store.group(BASE), store.group(BASE.with_(pid="8"))
    keep.append(1.0, row(0.5))
    leave.append(1.0, row(0.5))
    store.forget(leave)

    assert [s.labels["pid"] for s in store.select([equal("__name__", "cpu")], 0, 9)] == ["7"]
    store.forget(keep)
    assert store.bytes == 0


def test_a_figure_that_is_read_at_a_slow_rate_keeps_its_value_in_between() -> None:
    store = MemoryStore()
    group = store.group(BASE, hold=15.0)
    group.append(0.0, row(0.5, slow=7.0))
    for second in range(1, 200):
        group.append(float(second), row(0.5, **({"slow": 7.0 + second} if second % 10 == 0 else {})))
        assert group.last(BASE.with_(__name__="mem", function="slow")) == 7.0 + second // 10 * 10
        assert len(group.live()) == 2
    for second in range(200, 220):
        group.append(float(second), row(0.5))
    assert group.last(BASE.with_(__name__="mem", function="slow")) is None
    assert len(group.live()) == 1
    [series] = store.select([equal("function", "slow")], 0, 999)
    assert list(series.times) == [*range(0, 200, 10), 206.0]
    assert is_stale(series.values)[-1]
