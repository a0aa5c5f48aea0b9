"""Windows compared in CPU seconds per second."""

from __future__ import annotations

import pytest

from razorprof.analysis.compare_rates import compare_rates, per_second
from razorprof.errors import UsageError
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Profile, StackKey

THREAD = ThreadId(1)


def window(seconds: int, mode: str = "nonblocking", unit: str = "seconds", **cores: float) -> Profile:
    """Functions that take so much of a core, seen a hundred times a second, in blocks of a second."""
    keys = {name: StackKey(THREAD, (Frame("main", "a.py", 1), Frame(name, "a.py", 2))) for name in cores}
    blocks = tuple(
        Block(float(second), 1.0, {keys[name]: share for name, share in cores.items()}, 100)
        for second in range(seconds)
    )
    weights = {keys[name]: share * seconds for name, share in cores.items()}
    return Profile(
        weights, unit, float(seconds), 100 * seconds, blocks=blocks, mode=mode, value="cpu", rounds=100 * seconds
    )


def test_windows_of_unlike_length_with_the_same_load_do_not_differ() -> None:
    compared = compare_rates(window(10, work=0.5, wait=0.1), window(60, work=0.5, wait=0.1))
    assert compared is not None
    assert [compared.base_total, compared.new_total] == pytest.approx([0.6, 0.6])
    for function in compared.functions:
        assert function.own.difference == pytest.approx(0)
        assert not function.significant
    assert compared.notes == ()


def test_more_of_everything_shows_though_shares_are_the_same() -> None:
    compared = compare_rates(window(30, work=0.2, wait=0.1), window(30, work=0.8, wait=0.4))
    assert compared is not None
    work = next(function for function in compared.functions if function.function == "work")
    assert work.base_self_ratio == pytest.approx(work.new_self_ratio)
    assert [work.own.base, work.own.new] == pytest.approx([0.2, 0.8])
    assert work.significant


def test_a_second_of_a_window_is_a_second_of_its_blocks_too() -> None:
    profile = per_second(window(20, work=0.4))
    assert profile.total == pytest.approx(0.4)
    assert sum(sum(block.weights.values()) for block in profile.blocks) == pytest.approx(0.4)


def test_what_a_reader_must_know_is_said() -> None:
    quiet = compare_rates(window(10), window(10, work=0.9))
    assert quiet is not None
    assert "nothing was seen on a CPU in one of the windows" in quiet.notes[0]
    assert not any(function.significant for function in quiet.functions)
    short = compare_rates(window(3, work=0.9), window(10, mode="blocking", work=0.9))
    assert short is not None
    assert "significance is approximate" in short.notes[0]
    assert "different modes" in short.notes[1]


def test_what_was_not_sampled_is_not_compared() -> None:
    assert compare_rates(Profile(), window(10, work=0.5)) is None
    with pytest.raises(UsageError, match="different units"):
        compare_rates(window(10, unit="bytes", work=1.0), window(10, work=1.0))
