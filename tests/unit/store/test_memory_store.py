"""The in-memory store: rows, stale markers, bounds, the label index."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.series import MISSING_BITS, STALE_BITS, is_stale
from razorprof.store.group import Allowance
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
    assert store.last(BASE.with_(__name__="cpu")) == 0.7
    assert store.last(gone.labels) is None


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
    for pid, group in enumerate(groups):
        assert store.last(BASE.with_(pid=str(pid), __name__="cpu")) == 0.5
        assert len(group.live()) == 1


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
        assert store.last(BASE.with_(__name__="mem", function="slow")) == 7.0 + second // 10 * 10
        assert len(group.live()) == 2
    for second in range(200, 220):
        group.append(float(second), row(0.5))
    assert store.last(BASE.with_(__name__="mem", function="slow")) is None
    assert len(group.live()) == 1
    [series] = store.select([equal("function", "slow")], 0, 999)
    assert list(series.times) == [*range(0, 200, 10), 206.0]
    assert is_stale(series.values)[-1]


def test_resolved_series_take_values_in_their_order_and_survive_the_coming_of_others() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    resolved = group.resolve([Labels(__name__=f"m{number}") for number in range(50)])
    for second in range(700):  # several chunks
        assert group.append_row(float(second), resolved, np.arange(50.0) + second)
        if second % 100 == 50:  # another row in between: its series come and go
            group.append(second + 0.5, row(**{f"f{second}": 1.0}))

    [block] = store.blocks([Matcher("__name__", MatchOp.REGEX, "m[0-9]+")], 600.0, 699.0)
    names = [labels["__name__"] for labels in block.labels]
    values = dict(zip(names, block.values[-1], strict=True))
    assert values == {f"m{number}": number + 699.0 for number in range(50)}
    assert len(group.live()) == 50
    assert not block.values.flags.writeable


def test_series_that_share_their_rows_come_in_one_block_of_columns() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    for second in range(500):
        group.append(float(second), row(float(second), a=1.0, b=2.0))

    [block] = store.blocks([equal("pid", "7")], 100.0, 450.0)
    assert block.values.shape == (351, 3)
    np.testing.assert_array_equal(block.times, np.arange(100.0, 451.0))
    column = [labels["__name__"] for labels in block.labels].index("cpu")
    np.testing.assert_array_equal(block.values[:, column], block.times)


def test_a_label_set_that_two_groups_held_one_after_the_other_is_one_series() -> None:
    store = MemoryStore()
    first = store.group(BASE)
    for second in range(10):
        first.append(float(second), row(float(second)))
    first.mark_stale(9.5)
    second_group = store.group(BASE)
    for second in range(10, 20):
        second_group.append(float(second), row(float(second)))

    blocks = store.blocks([equal("__name__", "cpu")], 0.0, 99.0)
    assert [len(block.labels) for block in blocks] == [1]
    [series] = store.select([equal("__name__", "cpu")], 0.0, 99.0)
    assert list(series.values[~is_stale(series.values)]) == list(range(20))
    assert (np.diff(series.times) > 0).all()


def test_the_rows_of_groups_that_overlap_are_sorted_and_those_of_one_time_become_one() -> None:
    store = MemoryStore()
    first, second = store.group(BASE), store.group(BASE)
    first.append(1.0, row(1.0))
    first.append(5.0, row(5.0))
    first.mark_stale(6.0)
    second.append(3.0, row(3.0))
    second.append(5.0, row(50.0))
    second.append(7.0, row(7.0))

    [series] = store.select([equal("__name__", "cpu")], 0.0, 9.0)
    assert list(series.times) == [1.0, 3.0, 5.0, 6.0, 7.0]
    assert series.values[2] == 50.0


def test_a_series_that_lives_in_another_group_is_refused_until_it_has_ended_there() -> None:
    store = MemoryStore()
    first, second = store.group(BASE), store.group(BASE)
    first.append(1.0, row(1.0))
    second.append(1.5, row(2.0, own=3.0))
    assert second.drops == {"duplicate": 1}
    assert store.last(BASE.with_(__name__="cpu")) == 1.0
    assert store.last(BASE.with_(__name__="mem", function="own")) == 3.0
    first.mark_stale(2.0)
    second.append(3.0, row(2.0))
    assert store.last(BASE.with_(__name__="cpu")) == 2.0


def test_a_series_that_is_let_go_of_goes_on_in_another_group_without_a_marker_and_may_come_back() -> None:
    store = MemoryStore()
    name = BASE.with_(__name__="cpu")
    first, second = store.group(BASE), store.group(BASE)
    first.append(1.0, row(1.0, own=1.0))
    first.release(name)
    second.append(2.0, row(2.0))
    assert (second.drops.total(), first.alive, store.last(name)) == (0, 1, 2.0)
    first.append(2.0, row(own=2.0))
    second.release(name)
    first.append(3.0, row(3.0, own=3.0))
    assert store.last(name) == 3.0
    second.append(4.0, row())
    first.append(4.0, row(own=4.0))
    series = store.read(name, 0.0, 9.0)
    assert series is not None
    assert series.times.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert is_stale(series.values).tolist() == [False, False, False, True]
    assert store.last(name) is None


def test_to_let_go_of_what_is_not_held_is_nothing() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.release(BASE)
    group.append(1.0, row(1.0))
    group.release(BASE.with_(__name__="other"))
    group.mark_stale(2.0)
    group.release(BASE.with_(__name__="cpu"))
    assert group.alive == 0


def test_a_series_twice_in_one_row_counts_once() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(1.0, [*row(1.0), *row(2.0)])
    assert store.last(BASE.with_(__name__="cpu")) == 1.0
    assert group.drops == {"duplicate": 1}


def test_refused_series_get_their_place_once_others_have_gone() -> None:
    store = MemoryStore(max_series=2)
    group = store.group(BASE)
    resolved = group.resolve([Labels(__name__="a"), Labels(__name__="b")])
    group.append(0.0, row(1.0))
    group.append_row(1.0, resolved, np.array([1.0, 2.0]))
    assert group.drops == {"series_limit": 1}
    for second in range(2, 30):
        group.append_row(float(second), resolved, np.array([1.0, 2.0]))
    assert store.last(BASE.with_(__name__="b")) == 2.0
    assert group.alive == 2


def test_the_groups_of_one_target_share_their_allowance() -> None:
    store = MemoryStore()
    allowance = Allowance(3)
    first, second = store.group(BASE, allowance=allowance), store.group(BASE, allowance=allowance)
    first.append(1.0, row(1.0, a=1.0))
    second.append(1.0, row(b=1.0, c=1.0))
    assert second.drops == {"target_limit": 1}
    first.mark_stale(2.0)
    assert allowance.used == 1
    store.forget(second)
    assert allowance.used == 0


def test_values_that_look_like_our_marks_are_taken_as_nan() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    marks = np.array([STALE_BITS, MISSING_BITS]).view(np.float64)
    group.append_row(1.0, group.resolve([Labels(__name__="a"), Labels(__name__="b")]), marks)
    for name in "ab":
        value = store.last(BASE.with_(__name__=name))
        assert value is not None
        assert np.isnan(value)


def test_a_stale_marker_comes_after_the_last_row_even_if_told_of_earlier() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(5.0, row(1.0))
    group.mark_stale(5.0)
    assert store.last(BASE.with_(__name__="cpu")) is None
    assert group.live() == []


def test_groups_that_have_been_silent_for_all_of_the_history_leave_the_store() -> None:
    store = MemoryStore(seconds=100.0)
    for number in range(200):
        short_lived = store.group(BASE.with_(pid=str(number)))
        short_lived.append(float(number * 10), row(0.5))
        short_lived.mark_stale(number * 10 + 5.0)
        store.expire(number * 10 + 5.0)
    assert store.series <= 11
    store.expire(9e9)
    assert (store.series, store.bytes) == (0, 0)
    assert store.select([], 0.0, 9e9) == []


def test_the_largest_group_pays_for_the_byte_bound() -> None:
    store = MemoryStore(max_bytes=400_000)
    greedy, modest = store.group(BASE.with_(pid="1")), store.group(BASE.with_(pid="2"))
    for second in range(1_000):
        greedy.append(float(second), row(**{f"f{second}_{place}": 1.0 for place in range(5)}))
        modest.append(float(second), row(0.5))
        store.expire(float(second))
    [kept] = store.select([equal("pid", "2")], 0.0, 9e9)
    assert len(kept.times) == 1_000
    assert store.bytes <= 400_000


def test_new_series_are_refused_while_nothing_can_be_given_up() -> None:
    store = MemoryStore(max_bytes=50_000)
    group = store.group(BASE)
    group.append(1.0, row(**{f"f{place}": 1.0 for place in range(100)}))
    store.expire(1.0)
    assert store.full
    group.append(2.0, row(0.5, f1=2.0))
    assert group.drops == {"memory": 1}
    assert store.last(BASE.with_(__name__="mem", function="f1")) == 2.0


def test_a_selection_follows_series_that_come_after_it() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    matchers = [Matcher("function", MatchOp.REGEX, "f.+")]
    for number in range(30):
        group.append(float(number), row(0.5, **{f"f{place}": 1.0 for place in range(number)}))
        assert len(store.select(matchers, 0.0, 99.0)) == number


def test_readers_see_whole_rows_only_while_the_writer_goes_on() -> None:
    store = MemoryStore(seconds=300.0)
    group = store.group(BASE)
    steady = [Labels(__name__=f"m{number}") for number in range(20)]
    resolved = group.resolve(steady)
    done = threading.Event()
    torn: list[str] = []
    looks: list[int] = []

    def look() -> None:
        while not done.is_set():
            looks.append(1)
            try:
                for block in store.blocks([Matcher("__name__", MatchOp.REGEX, "m[0-9]+")], 0.0, 9e9):
                    whole = (block.values == block.times[:, None]).all() and (np.diff(block.times) > 0).all()
                    torn.extend([] if whole else ["row"])
                absent = store.select([equal("pid", "7"), equal("churn", ""), equal("function", "")], 0.0, 9e9)
                torn.extend("label" for one in absent if "churn" in one.labels)
                group.live()
            except Exception as error:
                torn.append(repr(error))
                raise

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    churn = store.group(BASE)
    for second in range(3_000):
        group.append_row(float(second), resolved, np.full(20, float(second)))
        churn.append(float(second), [Sample(MEM, 1.0, Labels(churn=str(second)))])
        store.expire(float(second))
    done.set()
    for reader in readers:
        reader.join(timeout=30)
    assert torn == []
    assert looks


@pytest.mark.parametrize("pattern", ["(", "a{2000}{2000}", "x" * 5000, "(?<=a)b", "\udcff("])
def test_a_regex_that_is_bad_or_too_large_is_refused(pattern: str) -> None:
    store = MemoryStore()
    with pytest.raises(UsageError):
        store.select([Matcher("pid", MatchOp.REGEX, pattern)], 0.0, 9.0)


def test_a_pathological_regex_on_a_hostile_value_takes_linear_time() -> None:
    store = MemoryStore()
    group = store.group(BASE)
    group.append(1.0, [Sample(MEM, 1.0, Labels(function="a" * 50_000 + "\udcff"))])
    assert store.select([Matcher("function", MatchOp.REGEX, "(a*)*b")], 0.0, 9.0) == []
    assert len(store.select([Matcher("function", MatchOp.REGEX, "(a|aa)+.")], 0.0, 9.0)) == 1
