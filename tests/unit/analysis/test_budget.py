"""Limits of a run: what breaks them, what keeps them, and what cannot be judged."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from razorprof.analysis.budget import Budget, Cost, FunctionLimit, Judged, judge_process
from razorprof.analysis.budget_shares import judge_functions, matches
from razorprof.analysis.gate_checks import Outcome
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Profile, StackKey

THREAD = ThreadId(1, "main")
MAIN, HOT, COLD = Frame("main", "app.py", 1), Frame("hot", "app/views.py", 2), Frame("cold", "app/views.py", 9)


def profile(share: float, samples: int, seed: int = 1) -> Profile:
    """`samples` looks at 100 Hz, each in `hot` with chance `share`."""
    chance = random.Random(seed)
    blocks = []
    whole: dict[StackKey, float] = defaultdict(float)
    for start in range(0, samples, 100):
        held: dict[StackKey, float] = defaultdict(float)
        count = min(100, samples - start)
        for _ in range(count):
            held[StackKey(THREAD, (MAIN, HOT if chance.random() < share else COLD))] += 0.01
        for key, weight in held.items():
            whole[key] += weight
        blocks.append(Block(start / 100, count / 100, dict(held), count))
    return Profile(dict(whole), seconds=samples / 100, samples=samples, blocks=tuple(blocks), complete=True)


def judged(limit: FunctionLimit, *profiles: Profile) -> Judged:
    (found,) = judge_functions([limit], profiles)
    return found


def test_a_share_well_above_its_limit_fails() -> None:
    assert judged(FunctionLimit("hot", own=0.2), profile(0.6, 1000)).outcome is Outcome.FAIL


def test_a_share_well_below_its_limit_passes() -> None:
    assert judged(FunctionLimit("hot", own=0.8), profile(0.6, 1000)).outcome is Outcome.PASS


def test_a_share_just_at_its_limit_never_fails_by_chance() -> None:
    outcomes = [judged(FunctionLimit("hot", own=0.6), profile(0.6, 800, seed)).outcome for seed in range(60)]
    assert outcomes.count(Outcome.FAIL) <= 6  # 5 % are expected; more than 10 % of 60 would be one in fifty


def test_twenty_samples_say_too_little_about_a_limit_nearby() -> None:
    found = judged(FunctionLimit("hot", own=0.55), profile(0.6, 25))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "too little" in found.why


def test_nothing_sampled_is_no_pass() -> None:
    found = judged(FunctionLimit("hot", own=0.5), Profile())
    assert (found.outcome, found.measured) == (Outcome.INCONCLUSIVE, "not measured")


def test_a_function_that_was_not_seen_keeps_its_limit() -> None:
    found = judged(FunctionLimit("absent", total=0.1), profile(0.6, 1000))
    assert found.outcome is Outcome.PASS
    assert found.measured.startswith("0.0 %")


def test_a_limit_on_what_never_appears_passes_with_a_doubt() -> None:
    found = judged(FunctionLimit("absent", total=0.1), profile(0.6, 1000))
    assert found.why == "matched no function"
    assert "absent" in found.as_check().doubt
    unseen = judged(FunctionLimit("absent", own=0.001), profile(0.6, 30))
    assert (unseen.outcome, unseen.doubt) == (Outcome.INCONCLUSIVE, "")
    caller_only = judged(FunctionLimit("main", own=0.1), profile(0.6, 1000))
    assert (caller_only.outcome, caller_only.why, caller_only.doubt) == (Outcome.PASS, "", "")


def test_the_limit_of_a_glob_holds_for_all_that_match_together() -> None:
    found = judged(FunctionLimit("app/*", own=0.9), profile(0.6, 1000))
    assert found.outcome is Outcome.FAIL
    assert found.measured.startswith("100.0 %")


def test_self_and_total_are_judged_apart() -> None:
    own, total = judge_functions([FunctionLimit("main", own=0.1, total=0.9)], [profile(0.6, 1000)])
    assert (own.outcome, total.outcome) == (Outcome.PASS, Outcome.FAIL)


def test_runs_that_differ_widen_what_is_known() -> None:
    alike = judged(FunctionLimit("hot", own=0.5), profile(0.6, 500, 1), profile(0.6, 500, 2))
    apart = judged(FunctionLimit("hot", own=0.5), profile(0.4, 500, 1), profile(0.8, 500, 2))
    assert alike.outcome is Outcome.FAIL
    assert apart.outcome is not Outcome.FAIL


@pytest.mark.parametrize(
    ("pattern", "function", "file", "means"),
    [
        ("dumps", "dumps", "json/__init__.py", True),
        ("json.dumps", "dumps", "json/__init__.py", True),
        ("json.encoder.*", "JSONEncoder.encode", "json/encoder.py", True),
        ("json/*.py:dumps", "dumps", "json/__init__.py", True),
        ("asyncio.run", "run", "asyncio/runners.py", True),
        ("Dumps", "dumps", "json/__init__.py", False),
        ("dump", "dumps", "json/__init__.py", False),
        ("[names not readable]", "n", "", True),  # a glob: brackets are a set of characters
    ],
)
def test_a_pattern_means_functions_as_people_name_them(
    pattern: str, function: str, file: str, means: bool
) -> None:
    assert matches(pattern, Frame(function, file)) is means


COST = Cost(wall=10.0, cpu=8.0, peak_bytes=100 << 20, peak_floor=9 << 20, gc_seconds=0.4)


def outcomes(budget: Budget, *costs: Cost) -> dict[str, Outcome]:
    return {found.name: found.outcome for found in judge_process(budget, costs)}


def test_what_a_run_used_is_compared_with_its_limits() -> None:
    kept = Budget(peak_memory=100 << 20, gc=0.05, wall=10.0, cpu=8.0)
    assert outcomes(kept, COST) == dict.fromkeys(("wall", "cpu", "peak_memory", "gc"), Outcome.PASS)
    broken = Budget(peak_memory=(100 << 20) - 1, gc=0.049, wall=9.9, cpu=7.9)
    assert outcomes(broken, COST) == dict.fromkeys(("wall", "cpu", "peak_memory", "gc"), Outcome.FAIL)


def test_a_gc_time_that_is_not_known_is_not_judged() -> None:
    unknown = Cost(10.0, 8.0, 1, gc_seconds=None, gc_reason="-S")
    (found,) = judge_process(Budget(gc=0.5), [COST, unknown])
    assert (found.outcome, found.why) == (Outcome.INCONCLUSIVE, "-S")


def test_a_peak_no_larger_than_the_launchers_own_fails_nothing() -> None:
    small = Cost(1.0, 1.0, peak_bytes=7 << 20, peak_floor=9 << 20)
    assert outcomes(Budget(peak_memory=5 << 20), small) == {"peak_memory": Outcome.INCONCLUSIVE}
    assert outcomes(Budget(peak_memory=8 << 20), small) == {"peak_memory": Outcome.PASS}


def test_of_several_runs_the_median_time_and_the_largest_peak_count() -> None:
    costs = [Cost(wall, wall, peak) for wall, peak in ((1.0, 10), (2.0, 30), (9.0, 20))]
    found = outcomes(Budget(wall=2.0, cpu=1.9, peak_memory=29), *costs)
    assert found == {"wall": Outcome.PASS, "cpu": Outcome.FAIL, "peak_memory": Outcome.FAIL}
