"""Our speedscope and Firefox files against the rules that those programs publish, checked by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from razorprof.errors import NotSupported
from razorprof.formats.gecko import Gecko
from razorprof.formats.speedscope import Speedscope
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey, top
from tests.unit.formats.sample_profiles import FULL, profiles

NUMBER = (int, float)
COLUMNS = {
    "samples": ("stack", "time", "weight"),
    "markers": ("data", "name", "startTime", "endTime", "phase", "category"),
    "stackTable": ("frame", "prefix", "category", "subcategory"),
    "frameTable": (
        *("address", "inlineDepth", "category", "subcategory", "func", "nativeSymbol", "innerWindowID"),
        *("implementation", "line", "column"),
    ),
    "funcTable": ("name", "isJS", "relevantForJS", "resource", "fileName", "lineNumber", "columnNumber"),
    "resourceTable": ("lib", "name", "host", "type"),
    "nativeSymbols": ("libIndex", "address", "name", "functionSize"),
}


def check_speedscope(document: dict[str, Any]) -> None:
    """speedscope's src/lib/file-format-spec.ts."""
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert isinstance(document["name"], str)
    assert 0 <= document["activeProfileIndex"] < len(document["profiles"])
    frames = document["shared"]["frames"]
    for frame in frames:
        assert isinstance(frame["name"], str)
        assert isinstance(frame.get("file", ""), str)
        assert isinstance(frame.get("line", 0), int)
    for profile in document["profiles"]:
        assert profile["type"] == "sampled"
        assert isinstance(profile["name"], str)
        assert profile["unit"] in {"none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"}
        assert profile["endValue"] >= profile["startValue"]
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(isinstance(weight, NUMBER) for weight in profile["weights"])
        assert all(0 <= place < len(frames) for sample in profile["samples"] for place in sample)


def check_firefox(document: dict[str, Any]) -> None:
    """firefox-devtools/profiler, src/types/profile.js, processed format 48."""
    meta = document["meta"]
    assert meta["preprocessedProfileVersion"] == 48
    for name in ("interval", "startTime", "version", "processType", "stackwalk"):
        assert isinstance(meta[name], NUMBER)
    assert any(category["color"] == "grey" for category in meta["categories"])  # the default one
    assert isinstance(meta["product"], str)
    assert document["libs"] == []
    names = [(thread["pid"], thread["tid"]) for thread in document["threads"]]
    assert names
    assert len(set(names)) == len(names)
    for thread in document["threads"]:
        check_firefox_thread(thread, len(meta["categories"]))


def check_firefox_thread(thread: dict[str, Any], categories: int) -> None:
    assert isinstance(thread["pid"], str)
    assert isinstance(thread["isMainThread"], bool)
    for name, columns in COLUMNS.items():
        table = thread[name]
        for column in columns:
            assert len(table[column]) == table["length"], (name, column)
    strings, stacks, frames = thread["stringArray"], thread["stackTable"], thread["frameTable"]
    functions, samples = thread["funcTable"], thread["samples"]
    assert all(isinstance(text, str) for text in strings)
    assert len(set(strings)) == len(strings)
    for place, prefix in enumerate(stacks["prefix"]):
        assert prefix is None or 0 <= prefix < place  # what a stack stands on comes before it
    assert all(0 <= frame < frames["length"] for frame in stacks["frame"])
    assert all(0 <= category < categories for category in stacks["category"])
    assert all(0 <= function < functions["length"] for function in frames["func"])
    assert all(line is None or line > 0 for line in frames["line"])
    assert all(0 <= name < len(strings) for name in functions["name"])
    assert all(name is None or 0 <= name < len(strings) for name in functions["fileName"])
    assert all(stack is None or 0 <= stack < stacks["length"] for stack in samples["stack"])
    assert samples["time"] == sorted(samples["time"])
    assert samples["weightType"] in {"samples", "tracing-ms", "bytes"}


def firefox_figures(document: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Own and total milliseconds by function, as the profiler's call tree adds them up."""
    figures: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for thread in document["threads"]:
        stacks, strings = thread["stackTable"], thread["stringArray"]
        functions = [thread["frameTable"]["func"][frame] for frame in stacks["frame"]]
        names = [strings[thread["funcTable"]["name"][function]] for function in functions]
        for place, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"], strict=True):
            seen: set[str] = set()
            leaf = place
            while place is not None:
                if names[place] not in seen:
                    own, total = figures[names[place]]
                    figures[names[place]] = own + (weight if place == leaf else 0.0), total + weight
                seen.add(names[place])
                place = stacks["prefix"][place]
    return dict(figures)


@given(profiles())
def test_any_profile_makes_a_sound_speedscope_file(profile: Profile) -> None:
    check_speedscope(json.loads(Speedscope().write(profile)))


@given(profiles())
def test_any_profile_makes_a_sound_firefox_file(profile: Profile) -> None:
    check_firefox(json.loads(Gecko().write(profile)))


@pytest.mark.parametrize("profile", [FULL, Profile()], ids=["full", "empty"])
def test_a_profile_with_all_fields_and_one_without_any_are_sound_too(profile: Profile) -> None:
    check_speedscope(json.loads(Speedscope().write(profile)))
    check_firefox(json.loads(Gecko().write(profile)))


def test_a_thread_that_changed_its_name_is_two_threads_in_the_firefox_profiler() -> None:
    renamed = {StackKey(ThreadId(1, name), (Frame("f", "a.py"),)): 0.5 for name in ("", "late")}
    check_firefox(json.loads(Gecko().write(Profile(renamed, seconds=1.0))))


def test_the_firefox_profiler_adds_up_the_same_own_and_total_times() -> None:
    figures = firefox_figures(json.loads(Gecko().write(FULL)))
    assert figures == {f.function: pytest.approx((f.self_weight * 1000, f.total_weight * 1000)) for f in top(FULL)}


def test_bytes_and_counts_keep_their_kind_of_weight() -> None:
    for unit, kind in (("bytes", "bytes"), ("count", "samples")):
        document = json.loads(Gecko().write(replace(FULL, unit=unit, blocks=())))
        assert document["threads"][0]["samples"]["weightType"] == kind
        assert sum(sum(t["samples"]["weight"]) for t in document["threads"]) == pytest.approx(4.0)


def test_the_firefox_format_says_that_it_is_only_written() -> None:
    with pytest.raises(NotSupported, match="only written"):
        Gecko().read(b"{}")
