"""Pauses are counted exactly from look to look, whatever was overwritten between; torn figures are caught."""

from __future__ import annotations

import math

from go_gc_blocks import EPOCH, Ring
from hypothesis import given, settings
from hypothesis import strategies as st
from razorprof_go import metrics
from razorprof_go.pauses import BLOCK, BOUNDS_NS, PauseHistogram, find_block, parse_block


def figures(histogram: PauseHistogram) -> dict[str, float]:
    return {
        sample.labels.get("le", sample.suffix.lstrip("_")): sample.value
        for sample in histogram.samples(metrics.PAUSE)
    }


def test_new_pauses_are_counted_once_and_the_sum_is_the_runtimes_own() -> None:
    ring, histogram = Ring(), PauseHistogram()
    for lengths in ([30_000, 70_000], [], [2_000_000]):
        block = parse_block(ring.collect(*lengths).raw())
        assert block.is_consistent()
        assert histogram.fits(block)
        histogram.add(block)
    told = figures(histogram)
    assert told["count"] == 3
    assert told["sum"] == 0.0021
    assert told["2.5e-05"] == 0
    assert told["5e-05"] == 1
    assert told["0.0001"] == 2
    assert told["+Inf"] == 3
    assert histogram.lost == 0


def test_overwritten_pauses_are_told_as_lost_and_count_with_their_mean() -> None:
    ring, histogram = Ring(), PauseHistogram()
    histogram.add(parse_block(ring.collect(20_000).raw()))
    block = parse_block(ring.collect(*[40_000] * 10, *[10_000] * 256).raw())
    assert histogram.fits(block)
    histogram.add(block)
    assert histogram.lost == 10
    told = figures(histogram)
    assert told["count"] == 267
    assert told["5e-05"] - told["2.5e-05"] == 10
    assert math.isclose(told["sum"], (20_000 + 400_000 + 2_560_000) / 1e9)


def test_a_process_that_collected_long_before_is_counted_from_its_beginning() -> None:
    histogram = PauseHistogram()
    histogram.add(parse_block(Ring().collect(*[15_000] * 1000).raw()))
    assert figures(histogram)["count"] == 1000
    assert histogram.lost == 744


def test_figures_in_the_midst_of_being_written_are_not_taken() -> None:
    ring = Ring().collect(10_000, 20_000)
    assert parse_block(ring.raw()).is_consistent()
    assert not parse_block(ring.raw(last=ring.last + 5)).is_consistent()
    assert not parse_block(ring.raw(total=ring.total + 5)).is_consistent()


def test_beyond_the_ring_a_total_below_its_sum_is_caught() -> None:
    ring = Ring().collect(*[10_000] * 300)
    assert parse_block(ring.raw()).is_consistent()
    assert not parse_block(ring.raw(total=2_500_000)).is_consistent()


def test_a_total_that_does_not_follow_from_the_look_before_does_not_fit() -> None:
    ring, histogram = Ring(), PauseHistogram()
    histogram.add(parse_block(ring.collect(*[10_000] * 300).raw()))
    ring.collect(10_000)
    assert histogram.fits(parse_block(ring.raw()))
    assert not histogram.fits(parse_block(ring.raw(total=ring.total + 1)))


def test_a_program_that_has_not_collected_is_consistent_and_has_no_pauses() -> None:
    block = parse_block(bytes(BLOCK.size))
    assert block.is_consistent()
    assert block.since(0) == []


def test_the_block_is_found_among_other_memory_and_only_there() -> None:
    ring = Ring().collect(*range(10_000, 10_300))
    decoys = b"".join((EPOCH + n).to_bytes(8, "little") for n in range(300))
    memory = bytes(4096) + decoys + ring.raw() + decoys + bytes(4096)
    now = EPOCH + 10**15
    assert find_block(memory, EPOCH, now) == [4096 + len(decoys)]
    assert find_block(bytes(1 << 16), EPOCH, now) == []
    assert find_block(memory[: 4096 + len(decoys) + 100], EPOCH, now) == []


@settings(deadline=None)
@given(st.binary(max_size=64), st.integers(0, BLOCK.size - 64))
def test_damage_of_any_kind_is_judged_without_a_crash(damage: bytes, at: int) -> None:
    raw = bytearray(Ring().collect(*range(10_000, 10_300)).raw())
    raw[at : at + len(damage)] = damage
    assert parse_block(raw).is_consistent() in (True, False)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2_000_000_000), max_size=300), max_size=5))
def test_count_and_sum_are_exact_whatever_the_pace_of_looking(rounds: list[list[int]]) -> None:
    ring, histogram = Ring(), PauseHistogram()
    for lengths in rounds:
        block = parse_block(ring.collect(*lengths).raw())
        assert block.is_consistent()
        assert histogram.fits(block)
        histogram.add(block)
    told = figures(histogram)
    assert told["count"] == ring.cycles
    assert told["sum"] == ring.total / 1e9
    exact = sum(length <= BOUNDS_NS[-1] for lengths in rounds for length in lengths)
    if not histogram.lost:
        assert told["1.0"] == exact
