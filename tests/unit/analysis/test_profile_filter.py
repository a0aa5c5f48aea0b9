"""Which stacks a pattern keeps."""

from __future__ import annotations

import pytest

from razorprof.analysis.profile_filter import focus, frame_match, ignore, of_thread
from razorprof.errors import UsageError
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Measure, Profile, StackKey

MAIN, POOL = ThreadId(1, "MainThread"), ThreadId(2, "pool-1")
LOADS = Frame("JSONDecoder.decode", "json/decoder.py", 337)
RENDER = Frame("render", "app/views.py", 10)
ROOT = Frame("<module>", "app/__main__.py", 1)
PARSED = StackKey(MAIN, (ROOT, LOADS))
DRAWN = StackKey(POOL, (ROOT, RENDER))
PROFILE = Profile(
    {PARSED: 3.0, DRAWN: 1.0},
    blocks=(Block(0.0, 1.0, {PARSED: 3.0}), Block(1.0, 1.0, {DRAWN: 1.0})),
    also=(Measure("calls", "count", {DRAWN: 7.0}),),
)


@pytest.mark.parametrize(
    "pattern",
    ["decode", "json/", "JSONDecoder.*", "*/decoder.py", "json/*:*decode", "/decoder.*:JSON/", "/^json/"],
)
def test_a_word_a_glob_and_an_expression_fit_function_and_file(pattern: str) -> None:
    fits = frame_match(pattern)
    assert fits(LOADS)
    assert not fits(RENDER)


def test_a_glob_fits_the_whole_name_and_not_a_part_of_it() -> None:
    assert not frame_match("rende[r]")(Frame("prerender", "x.py"))


def test_focus_and_ignore_divide_the_profile_blocks_and_further_values_too() -> None:
    kept, left = focus(PROFILE, "render"), ignore(PROFILE, "render")
    assert (kept.weights, left.weights) == ({DRAWN: 1.0}, {PARSED: 3.0})
    assert [block.weights for block in kept.blocks] == [{}, {DRAWN: 1.0}]
    assert [measure.weights for measure in left.also] == [{}]


@pytest.mark.parametrize("wanted", ["2", "pool-1", "pool*"])
def test_a_thread_is_named_by_its_id_its_name_or_a_glob(wanted: str) -> None:
    assert of_thread(PROFILE, wanted).weights == {DRAWN: 1.0}


def test_a_thread_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError) as refused:
        of_thread(PROFILE, "worker")
    assert "1 MainThread, 2 pool-1" in refused.value.hint


@pytest.mark.parametrize("pattern", ["", "/(/", "/a{99999}/"])
def test_a_pattern_that_cannot_be_meant_is_bad_usage_and_silent(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        frame_match(pattern)
    assert capfd.readouterr().err == ""


def test_an_expression_that_would_take_ages_elsewhere_is_quick_on_a_hostile_name() -> None:
    assert not frame_match("/(a*)*(a*)*b$/")(Frame("a" * 50_000, "x.py"))
