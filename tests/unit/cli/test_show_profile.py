"""A profile as CONTRACT's JSON: what its file does not say is null."""

from __future__ import annotations

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_values import CompareOptions
from razorprof.cli.show_profile import document
from razorprof.formats.collapsed import Collapsed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey


def test_what_a_foreign_file_does_not_tell_is_null() -> None:
    told = document(Collapsed().read(b"main;work 3.5\n"), "function", None)
    assert (told["duration_seconds"], told["samples"], told["total"]) == (None, None, 3.5)
    assert {(f["file"], f["line"]) for f in told["functions"]} == {(None, None)}


def test_what_is_known_is_told() -> None:
    profile = Profile({StackKey(ThreadId(1), (Frame("f", "a.py", 3),)): 1.0}, seconds=2.0, samples=100)
    told = document(profile, "function", None)
    assert (told["duration_seconds"], told["samples"]) == (2.0, 100)
    assert (told["functions"][0]["file"], told["functions"][0]["line"]) == ("a.py", 3)


def test_show_and_diff_tell_the_same_number_of_samples() -> None:
    profile = Collapsed().read(b"main;work 3\nmain;other 5\n")
    assert document(profile, "function", None)["samples"] == 8
    assert compare([profile], [profile], CompareOptions()).base_samples == 8
