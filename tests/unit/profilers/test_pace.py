from __future__ import annotations

import pytest

from razorprof.profilers.pace import FASTEST_HZ, QUIET_HZ, SLOWEST_HZ, Pace


def settle(pace: Pace, *, round_cost: float, fixed: float = 0.012, windows: int = 12) -> float:
    """Run windows on a target that costs so much; the share of a core that the last one used."""
    share = 0.0
    for _ in range(windows):
        plan = pace.plan()
        rounds = plan.rate_hz * plan.seconds - 1
        cost = fixed + rounds * round_cost
        pace.learn(rounds=rounds, cost_seconds=cost)
        share = cost / plan.seconds
    return share


def test_the_first_window_is_short_so_that_functions_are_seen_at_once() -> None:
    plan = Pace(budget=0.04, threads=1).plan()
    assert plan.is_cut
    assert plan.stop_after <= 0.7
    assert plan.rate_hz * plan.stop_after >= 20


def test_many_threads_begin_more_slowly() -> None:
    assert Pace(budget=0.04, threads=150).plan().rate_hz == SLOWEST_HZ
    assert Pace(budget=0.04, threads=3).plan().rate_hz == 50


@pytest.mark.parametrize("round_cost", [0.0003, 0.001, 0.002, 0.003])
def test_the_rate_settles_within_the_budget(round_cost: float) -> None:
    pace = Pace(budget=0.04, threads=5)
    assert settle(pace, round_cost=round_cost) <= 0.04 * 1.01
    assert SLOWEST_HZ <= pace.plan().rate_hz <= FASTEST_HZ


def test_a_cheap_target_is_sampled_at_the_highest_rate() -> None:
    pace = Pace(budget=0.04, threads=1)
    settle(pace, round_cost=0.0001)
    assert pace.plan().rate_hz == FASTEST_HZ


def test_an_idle_target_is_looked_at_slowly_until_something_runs() -> None:
    pace = Pace(budget=0.04, threads=1)
    settle(pace, round_cost=0.0001)
    pace.learn(rounds=499, cost_seconds=0.06, seen=3)
    assert pace.plan().rate_hz == QUIET_HZ
    for expected in (50, 100, 200, FASTEST_HZ):
        pace.learn(rounds=49, cost_seconds=0.017, seen=45)
        assert pace.plan().rate_hz == expected


def test_a_rate_that_was_asked_for_stays_also_when_nothing_runs() -> None:
    pace = Pace(budget=0.04, threads=1, rate_hz=200)
    pace.learn(rounds=399, cost_seconds=0.06, seen=0)
    assert pace.plan().rate_hz == 200


def test_a_target_that_breaks_the_budget_at_the_slowest_rate_is_called_too_dear() -> None:
    pace = Pace(budget=0.04, threads=150)
    assert not pace.is_too_dear
    assert settle(pace, round_cost=0.014) <= 0.04 * 1.5
    assert pace.is_too_dear
    pace.forget()
    assert not pace.is_too_dear


def test_a_small_budget_makes_windows_longer_and_keeps_the_fixed_cost_in_bounds() -> None:
    pace = Pace(budget=0.01, threads=2)
    assert settle(pace, round_cost=0.0005) <= 0.01 * 1.05
    assert pace.plan().seconds > 2


def test_one_cheap_window_does_not_raise_the_rate_by_more_than_double() -> None:
    pace = Pace(budget=0.04, threads=40)
    before = pace.plan().rate_hz
    pace.learn(rounds=5, cost_seconds=0.012)
    assert pace.plan().rate_hz <= before * 2


def test_a_rate_that_was_asked_for_stays() -> None:
    pace = Pace(budget=0.04, threads=5, rate_hz=80)
    settle(pace, round_cost=0.01)
    assert pace.plan().rate_hz == 80
    assert not pace.is_too_dear


def test_a_window_is_given_time_for_its_random_length() -> None:
    pace = Pace(budget=0.04, threads=5)
    settle(pace, round_cost=0.002)
    plan = pace.plan()
    assert plan.stop_after > plan.seconds + 1
