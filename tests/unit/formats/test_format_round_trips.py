"""What each format gives back of a profile, and that all of them tell the same figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from razorprof.errors import ToolFailed
from razorprof.formats.collapsed import Collapsed
from razorprof.formats.ours import Ours
from razorprof.formats.pprof import Pprof
from razorprof.formats.speedscope import Speedscope
from razorprof.model.profile import Profile, StackKey, merge, top
from razorprof.plugin.protocols import Format
from tests.unit.formats.sample_profiles import DEEP, FULL, profiles

READABLE: list[Format] = [Collapsed(), Speedscope(), Pprof(), Ours()]


def close(found: Mapping[StackKey, float], expected: Mapping[StackKey, float]) -> bool:
    return found.keys() == expected.keys() and all(
        found[key] == pytest.approx(weight, rel=1e-9, abs=1e-9) for key, weight in expected.items()
    )


def same(found: Profile, expected: Profile) -> bool:
    """Every field; sums may differ in their last bits."""
    return (
        close(found.weights, expected.weights)
        and len(found.blocks) == len(expected.blocks)
        and all(
            close(a.weights, b.weights) and (a.start, a.seconds, a.samples) == (b.start, b.seconds, b.samples)
            for a, b in zip(found.blocks, expected.blocks, strict=True)
        )
        and [(m.name, m.unit) for m in found.also] == [(m.name, m.unit) for m in expected.also]
        and all(close(a.weights, b.weights) for a, b in zip(found.also, expected.also, strict=True))
        and facts(found) == facts(expected)
    )


def facts(profile: Profile) -> tuple[object, ...]:
    return (
        *(profile.unit, profile.seconds, profile.samples, profile.errors, profile.rate_hz, profile.mode),
        *(
            profile.value,
            profile.start,
            profile.rounds,
            profile.stopped_seconds,
            profile.complete,
            profile.others_ratio,
        ),
        *(profile.others_ratio, profile.origin, profile.notes),
    )


@pytest.mark.parametrize("format", [Ours(), Pprof()], ids=lambda f: f.name)
def test_every_field_of_a_profile_survives(format: Format) -> None:
    assert same(format.read(format.write(FULL)), FULL)


def test_other_runs_of_the_program_survive_in_ours_and_are_filtered_alike() -> None:
    other = replace(FULL, samples=7, weights={DEEP: 9.0}, blocks=(), also=())
    whole = replace(FULL, runs=(other, replace(other, samples=8)))
    found = Ours().read(Ours().write(whole))
    assert same(found, FULL)
    assert len(found.runs) == 2
    assert all(same(one, run) for one, run in zip(found.runs, whole.runs, strict=True))
    assert [one.samples for one in found.all_runs] == [401, 7, 8]
    nothing = found.with_stacks(lambda key: None)
    assert [one.total for one in nothing.all_runs] == [0.0, 0.0, 0.0]
    assert merge([found, found]).runs == ()


def test_runs_that_are_none_or_too_many_are_refused() -> None:
    document = json.loads(Ours().write(FULL))
    for runs, words in (({}, "runs"), ([1], "a run"), ([document] * 1001, "1000 runs")):
        with pytest.raises(ToolFailed, match=words):
            Ours().read(json.dumps({**document, "runs": runs}).encode())


@pytest.mark.parametrize("format", READABLE, ids=lambda f: f.name)
def test_the_totals_and_the_shares_of_functions_agree_across_formats(format: Format) -> None:
    found = format.read(format.write(FULL))
    assert (found.unit, found.seconds, found.samples) == ("seconds", 4.0, 401)
    assert found.total == pytest.approx(FULL.total)
    shares = {(f.function, f.file): (f.self_ratio, f.total_ratio) for f in top(FULL)}
    read = {(f.function, f.file): (f.self_ratio, f.total_ratio) for f in top(found)}
    assert read.keys() == shares.keys()
    for function, share in shares.items():
        assert read[function] == pytest.approx(share)
    assert found.threads() == FULL.threads()


@given(profiles())
def test_any_profile_comes_back_from_ours(profile: Profile) -> None:
    assert same(Ours().read(Ours().write(profile)), profile)


@given(profiles())
def test_any_profile_comes_back_from_pprof(profile: Profile) -> None:
    assert same(Pprof().read(Pprof().write(profile)), profile)


@given(profiles())
def test_the_total_of_any_profile_comes_back_from_every_format(profile: Profile) -> None:
    for format in READABLE:
        found = format.read(format.write(profile))
        assert found.unit == profile.unit
        assert found.total == pytest.approx(profile.total)


def test_equal_profiles_make_equal_files() -> None:
    for format in READABLE:
        assert format.write(FULL) == format.write(FULL)


def test_blocks_that_hold_more_than_the_profile_are_left_out() -> None:
    from dataclasses import replace

    wrong = replace(FULL, weights={key: weight / 2 for key, weight in FULL.weights.items()})
    for format in (Ours(), Pprof()):
        found = format.read(format.write(wrong))
        assert found.blocks == ()
        assert found.total == pytest.approx(wrong.total)


def test_an_empty_profile_is_a_sound_file() -> None:
    for format in READABLE:
        found = format.read(format.write(Profile(seconds=1.5)))
        assert (found.total, found.seconds, found.unit) == (0.0, 1.5, "seconds")
