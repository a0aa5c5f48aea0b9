"""How much is put down to the machine, by what else ran on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_machine import machine_spread
from razorprof.analysis.compare_values import CompareOptions, Verdict
from razorprof.analysis.gate import parse_threshold
from tests.unit.analysis.sampled_programs import Paper, profile_of

GATE = CompareOptions(fail_above=parse_threshold("20%"))


def test_more_is_allowed_where_others_kept_the_machine_busy() -> None:
    assert machine_spread(0.0) == pytest.approx(0.08)
    assert machine_spread(0.0) < machine_spread(None) < machine_spread(0.5) < machine_spread(1.0) < 0.25


def test_a_program_slower_all_over_fails_on_a_quiet_machine_and_not_on_a_busy_one() -> None:
    program = Paper(seconds=20, machine=0.0, stretch=0.005)
    slower = replace(program, dearer=dict.fromkeys(program.shares, 1.45))
    before, after = profile_of(program, 1, rate=400), profile_of(slower, 2, rate=400)
    quiet, busy = (
        compare([replace(before, others_ratio=others)], [replace(after, others_ratio=others)], GATE)
        for others in (0.0, 0.7)
    )
    assert quiet.verdict is Verdict.FAIL
    assert busy.verdict is not Verdict.FAIL
    assert any("8 % were allowed" in note for note in quiet.notes)
    assert any("others used up to 70 % of it" in note for note in busy.notes)
    assert not any("others used" in note for note in quiet.notes)


def test_a_single_dearer_function_is_found_on_a_busy_machine_too() -> None:
    program = Paper(seconds=20, machine=0.0, stretch=0.005)
    dearer = replace(program, dearer={"a": 1.4})
    before, after = (
        replace(profile_of(one, seed, rate=400), others_ratio=0.7) for seed, one in enumerate((program, dearer))
    )
    assert [f.function for f in compare([before], [after], GATE).failed] == ["a"]
