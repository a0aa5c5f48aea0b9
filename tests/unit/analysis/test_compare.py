"""What a comparison finds, and what it leaves alone, on programs that are sampled on paper."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_beside import Move, beside_the_others
from razorprof.analysis.compare_scale import in_cpu_seconds
from razorprof.analysis.compare_tree import diff_tree
from razorprof.analysis.compare_values import (
    Basis,
    CompareOptions,
    Comparison,
    FunctionChange,
    Significance,
    Verdict,
)
from razorprof.analysis.gate import parse_share, parse_threshold
from razorprof.errors import UsageError
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from tests.unit.analysis.sampled_programs import Paper, profile_of

GATE = CompareOptions(fail_above=parse_threshold("20%"))
PROGRAM = Paper(seconds=20)


def pair(base: Paper, new: Paper, seed: int, options: CompareOptions = GATE, rate: float = 250) -> Comparison:
    return compare(
        [profile_of(base, 1000 + 2 * seed, rate=rate)], [profile_of(new, 1001 + 2 * seed, rate=rate)], options
    )


def find(comparison: Comparison, function: str) -> FunctionChange:
    return next(f for f in comparison.functions if f.function == function)


@pytest.mark.parametrize("function", ["a", "b", "c"])
def test_a_function_that_got_30_percent_dearer_is_found_by_seconds(function: str) -> None:
    program = replace(PROGRAM, machine=0.01)
    found = [pair(program, replace(program, dearer={function: 1.3}), seed) for seed in range(10)]
    assert [c.verdict for c in found] == [Verdict.FAIL] * 10
    assert all(find(c, function).too_much for c in found)


@pytest.mark.parametrize("function", ["a", "b", "c"])
def test_a_dearer_function_is_found_on_a_machine_that_changes_its_speed(function: str) -> None:
    program = replace(PROGRAM, machine=0.0)
    slower, faster = (dict.fromkeys(PROGRAM.shares, factor) for factor in (1.04, 0.96))
    for seed, (before, after) in enumerate(((slower, faster), (faster, slower))):
        dearer = after | {function: after[function] * 1.3}
        found = find(
            pair(replace(program, dearer=before), replace(program, dearer=dearer), seed, rate=500), function
        )
        assert found.too_much
        assert found.own.growth_beside is not None
        assert 0.2 < found.own.growth_beside < 0.5


def test_equal_runs_pass_though_the_machine_became_slower() -> None:
    program = replace(PROGRAM, machine=0.0, seconds=60)
    slower = replace(program, dearer=dict.fromkeys(PROGRAM.shares, 1.12))
    assert [pair(program, slower, seed, rate=500).verdict for seed in range(3)] == [Verdict.PASS] * 3


@pytest.mark.parametrize("cheaper", ["a", "b", "c"])
def test_a_function_that_stayed_as_it_was_does_not_fail_because_another_became_cheaper(cheaper: str) -> None:
    program = replace(PROGRAM, machine=0.0)
    found = [pair(program, replace(program, dearer={cheaper: 0.3}), seed, rate=500) for seed in range(3)]
    assert all(c.verdict is not Verdict.FAIL for c in found)


def test_beside_the_rest_little_is_put_down_to_the_machine() -> None:
    def beside(others: float, threshold: float = 0.2) -> float | None:
        found = beside_the_others(1.0, 0.5, others, -math.log(others), 0.01, threshold)
        return None if found is None else found.difference

    assert beside(1.0) == 0
    assert beside(1.05) == pytest.approx(1 / 1.05 - 1)
    assert beside(0.95) == pytest.approx(1 / 0.95 - 1)
    assert beside(1.12) is None  # more than half of the threshold
    assert beside(0.88) is None
    assert beside(1.12, 2.0) == pytest.approx(1 / 1.12 - 1)
    assert beside(1.2, 2.0) is None
    alike, other = Move(0.2, 0.02), Move(0.0, 0.02)

    def told(*moves: Move) -> bool:
        return beside_the_others(1.0, 0.45, 1.2, -math.log(1.2), 0.01, 0.2, moves) is not None

    assert told(alike, alike)
    assert not told(alike)
    assert not told(alike, other)
    assert beside_the_others(1.99, 0.995, 1.0, 0.0, 0.01, 0.2) is None
    assert beside_the_others(0.0, 0.0, 1.0, 0.0, 0.01, 0.2) is None


@pytest.mark.parametrize("dearer", ["a", "b", "c"])
def test_a_machine_that_stood_still_in_one_run_hides_nothing(dearer: str) -> None:
    """As it was seen: one of three runs took twice as long, in all of its functions alike."""

    def three(program: Paper, seed: int, *, stalled: bool) -> list[Profile]:
        runs = [profile_of(program, 10 * seed + number, rate=400) for number in range(3)]
        return [*runs[:2], scaled(runs[2], 2.0)] if stalled else runs

    grown = replace(PROGRAM, dearer={dearer: 1.3})
    for seed in range(4):
        base, new = (three(program, seed + at, stalled=at > 0) for program, at in ((PROGRAM, 0), (grown, 50)))
        found = compare(base, new, GATE)
        assert dearer in {one.function for one in found.failed}
        equal = compare(base, three(PROGRAM, seed + 90, stalled=True), GATE)
        assert equal.verdict is not Verdict.FAIL


def scaled(profile: Profile, factor: float) -> Profile:
    """As if the machine had been so much slower."""
    return replace(
        profile,
        weights={key: weight * factor for key, weight in profile.weights.items()},
        blocks=tuple(
            replace(block, weights={key: weight * factor for key, weight in block.weights.items()})
            for block in profile.blocks
        ),
        seconds=profile.seconds * factor,
    )


def test_the_caller_is_named_when_what_it_calls_has_all_the_time_on_top() -> None:
    program = replace(PROGRAM, leaf="burn")
    found = pair(program, replace(program, dearer={"b": 1.5}), 1)
    assert (find(found, "b").total.too_much, find(found, "b").own.too_much) == (True, False)
    assert find(found, "b").base_self_ratio == 0


@pytest.mark.parametrize("program", [PROGRAM, replace(PROGRAM, leaf="burn"), replace(PROGRAM, phases=True)])
def test_two_runs_of_the_same_program_pass(program: Paper) -> None:
    verdicts = [pair(program, program, seed).verdict for seed in range(10)]
    assert verdicts.count(Verdict.PASS) >= 9


def test_phases_of_a_complete_run_are_no_noise_but_those_of_a_window_are() -> None:
    program = replace(PROGRAM, phases=True)
    profiles = [profile_of(program, seed) for seed in (1, 2)]
    windows = [replace(p, complete=False) for p in profiles]
    errors = [
        find(compare([b], [n], CompareOptions(Basis.SHARE)), "b").own.error or 0.0 for b, n in (profiles, windows)
    ]
    assert errors[1] > 3 * errors[0] > 0


def test_a_program_that_is_slower_all_over_fails_by_seconds_and_passes_by_shares() -> None:
    slower = replace(PROGRAM, dearer=dict.fromkeys(PROGRAM.shares, 1.5))
    by_seconds = pair(PROGRAM, slower, 3)
    assert by_seconds.verdict is Verdict.FAIL
    assert any("same factor" in note for note in by_seconds.notes)
    assert pair(PROGRAM, slower, 3, replace(GATE, basis=Basis.SHARE)).verdict is Verdict.PASS


def test_too_little_seen_is_inconclusive_and_says_what_could_have_been_seen() -> None:
    short = pair(replace(PROGRAM, seconds=2), replace(PROGRAM, seconds=2), 4, rate=50)
    assert short.verdict is Verdict.INCONCLUSIVE
    assert "too little" in short.reasons[0]
    assert compare([Profile()], [Profile()], GATE).verdict is Verdict.INCONCLUSIVE


def test_a_file_without_blocks_is_judged_with_twice_the_spread() -> None:
    whole = [profile_of(PROGRAM, seed, complete=False) for seed in (1, 2)]
    bare = [replace(p, blocks=()) for p in whole]
    with_blocks, without = (compare([b], [n], GATE) for b, n in (whole, bare))
    assert (with_blocks.significance, without.significance) == (Significance.BLOCKS, Significance.APPROXIMATE)
    p, samples = 0.3, without.base_samples
    error = find(without, "b").own.error
    assert error is not None
    assert error == pytest.approx(2 * (2 * p * (1 - p) / samples) ** 0.5, rel=0.1)
    assert any("approximate" in note for note in without.notes)


def test_what_differs_between_runs_of_one_side_makes_the_comparison_careful() -> None:
    calm = [profile_of(replace(PROGRAM, machine=0.0), seed) for seed in range(6)]
    wild = [profile_of(replace(PROGRAM, machine=0.2), seed) for seed in range(6)]
    errors = [find(compare(runs[:3], runs[3:], GATE), "b").own.error or 0.0 for runs in (calm, wild)]
    assert errors[1] > 1.5 * errors[0]


def test_three_runs_a_side_find_what_one_run_cannot() -> None:
    options = CompareOptions(fail_above=parse_threshold("10%"))
    program = replace(PROGRAM, machine=0.0)
    base = [profile_of(program, seed, rate=250) for seed in range(3)]
    new = [profile_of(replace(program, dearer={"b": 1.2}), 10 + seed, rate=250) for seed in range(3)]
    assert compare(base, new, options).verdict is Verdict.FAIL
    one, three = compare(base[:1], new[:1], options), compare(base, new, options)
    assert (find(three, "b").own.error or 9) < 0.7 * (find(one, "b").own.error or 0)


def test_a_function_that_is_new_is_compared_in_points() -> None:
    def added(share: float) -> Paper:
        shares = {name: part * (1 - share) for name, part in PROGRAM.shares.items()}
        return replace(PROGRAM, shares={**shares, "fresh": share})

    small, large = (pair(PROGRAM, added(share), 5) for share in (0.1, 0.4))
    assert find(small, "fresh").own.growth is None
    assert find(small, "fresh").own.significant
    assert not find(small, "fresh").too_much
    assert find(large, "fresh").too_much


def test_lines_that_moved_are_the_same_function_and_recursion_counts_once() -> None:
    main = ThreadId(1)

    def recursive(line: int) -> Profile:
        stack = (Frame("main", "m.py", 1), Frame("f", "m.py", line), Frame("f", "m.py", line + 1))
        return Profile({StackKey(main, stack): 10.0}, seconds=10, samples=1000, complete=True)

    [only, _] = sorted(compare([recursive(5)], [recursive(90)]).functions, key=lambda f: f.function)
    assert (only.function, only.total.base, only.total.new) == ("f", 10.0, 10.0)


def test_points_of_the_total_are_a_threshold_too() -> None:
    dearer = replace(PROGRAM, dearer={"b": 1.5})  # 30 % more of what was 30 %: 15 points
    for text, expected in (("5pp", Verdict.FAIL), ("25pp", Verdict.PASS)):
        assert pair(PROGRAM, dearer, 6, CompareOptions(fail_above=parse_threshold(text))).verdict is expected


def test_profiles_of_different_things_are_not_compared() -> None:
    cpu, wall = (replace(profile_of(Paper(seconds=2), 1), value=value) for value in ("cpu", "wall"))
    with pytest.raises(UsageError, match="different things"):
        compare([cpu], [wall])
    with pytest.raises(UsageError, match="different units"):
        compare([cpu], [replace(cpu, unit="bytes")])
    with pytest.raises(UsageError, match="counts"):
        compare([replace(cpu, unit="count")], [cpu], CompareOptions(Basis.SECONDS))
    assert compare([replace(cpu, unit="count")], [cpu]).basis is Basis.SHARE


@pytest.mark.parametrize("text", ["", "20", "-5%", "0%", "1e3%", "nan%", "5 points", "%"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_threshold(text)


def test_shares_are_read_as_percent_or_ratio() -> None:
    assert (parse_share("1%"), parse_share("0.5")) == (0.01, 0.5)
    for text in ("101%", "2", "-1%", "x"):
        with pytest.raises(UsageError):
            parse_share(text)


def test_seconds_scaled_to_the_kernels_count_keep_every_share() -> None:
    profile = profile_of(Paper(seconds=5), 1)
    scaled = in_cpu_seconds(profile, 2.5)
    assert scaled.total == pytest.approx(2.5)
    assert sum(sum(block.weights.values()) for block in scaled.blocks) == pytest.approx(2.5)
    [a] = [f for f in compare([profile], [scaled]).functions if f.function == "a"]
    assert a.base_self_ratio == pytest.approx(a.new_self_ratio)
    assert in_cpu_seconds(profile, 0.0) is profile


def test_the_merged_tree_has_both_sides_of_any_depth() -> None:
    deep = tuple(Frame(f"f{n}", "x.py", n) for n in range(20_000))
    moved = tuple(Frame(f"f{n}", "x.py", n + 1) for n in range(20_000))
    base = Profile({StackKey(ThreadId(1), deep): 2.0, StackKey(ThreadId(1), (Frame("gone", ""),)): 1.0})
    new = Profile({StackKey(ThreadId(1), moved): 6.0})
    tree = diff_tree([base], [new, new])
    nodes = list(tree.walk())
    assert len(nodes) == 20_002
    assert (tree.base, tree.new) == (3.0, 6.0)
    deepest = next(node for node in nodes if node.frame.function == "f19999")
    assert (deepest.base_self, deepest.new_self, deepest.difference, deepest.frame.line) == (2.0, 6.0, 4.0, 20_000)
    assert diff_tree([base], [new], shares=True).children[0].base == pytest.approx(2 / 3)
