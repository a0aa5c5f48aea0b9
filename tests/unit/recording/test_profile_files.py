"""Profiles as files: the plan before the work, formats by ending and by content, and what is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, ToolFailed, UsageError
from razorprof.model.target import Identity, Target
from razorprof.recording.profile_files import (
    decode_profile,
    plan_output,
    read_bounded,
    read_profile,
    write_profile,
)
from tests.unit.formats.sample_profiles import FULL

TARGETS = (Target(Identity(11, 1), "web"), Target(Identity(12, 1), "../web"))


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("p.collapsed", "collapsed"),
        ("p.folded", "collapsed"),
        ("p.txt", "collapsed"),
        ("p.speedscope.json", "speedscope"),
        ("P.PB.GZ", "pprof"),
        ("p.gecko.json", "gecko"),
        ("p.json", "razorprof"),
        ("speedscope.json", "razorprof"),
    ],
)
def test_the_longest_ending_tells_the_format(tmp_path: Path, name: str, format_name: str) -> None:
    assert plan_output(str(tmp_path / name)).format.name == format_name


@pytest.mark.parametrize("name", ["p", "p.csv", ".json", "p.json.bak"])
def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        plan_output(str(tmp_path / name))
    assert ".pb.gz" in refused.value.hint
    assert plan_output(str(tmp_path / name), format_name="pprof").format.name == "pprof"


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        plan_output(str(tmp_path / "p.json"), format_name="xml")
    assert "speedscope" in refused.value.hint


def test_each_target_gets_a_file_of_its_own_inside_the_folder(tmp_path: Path) -> None:
    plan = plan_output(str(tmp_path / "{name}-{pid}.json"), TARGETS, clock=ManualClock())
    paths = [output.path for output in plan.outputs]
    assert paths == [tmp_path / "web-11.json", tmp_path / "_web-12.json"]
    for output in plan.outputs:
        write_profile(output, FULL)
    assert sorted(os.listdir(tmp_path)) == ["_web-12.json", "web-11.json"]


def test_several_targets_are_never_written_into_one_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        plan_output(str(tmp_path / "p.json"), TARGETS)
    assert "{pid}" in refused.value.hint
    with pytest.raises(UsageError):
        plan_output("-", TARGETS, format_name="pprof")


def test_standard_output_wants_a_format_and_gets_the_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(UsageError):
        plan_output("-")
    assert write_profile(plan_output("-", format_name="pprof"), FULL) is None
    assert decode_profile(capfdbinary.readouterr().out, "-").total == pytest.approx(FULL.total)


@pytest.mark.parametrize("format_name", ["collapsed", "speedscope", "pprof", "razorprof"])
def test_a_file_is_read_by_its_content_whatever_its_name(tmp_path: Path, format_name: str) -> None:
    plan = plan_output(str(tmp_path / "download"), format_name=format_name)
    path = write_profile(plan, FULL)
    assert path is not None
    assert read_profile(path).total == pytest.approx(FULL.total)


def test_a_format_that_is_only_written_says_so(tmp_path: Path) -> None:
    path = write_profile(plan_output(str(tmp_path / "p.gecko.json")), FULL)
    assert path is not None
    with pytest.raises(NotSupported, match="only written"):
        read_profile(path)


def test_a_damaged_file_is_named_without_words_of_our_insides() -> None:
    for name, content in (
        ("p.json", b'{"a":'),
        ("p.json", b"\xff{"),
        ("p.pb.gz", b"\x1f\x8b x"),
        ("p.txt", b"x\n"),
    ):
        with pytest.raises(ToolFailed, match=rf"\({name}.*\)") as refused:
            decode_profile(content, name)
        assert not re.search(r"\w(Error|Exception)\b", str(refused.value))
        assert "take the profile again" in refused.value.hint
    with pytest.raises(ToolFailed, match=r"the file is empty \(p.collapsed\)"):
        decode_profile(b"", "p.collapsed")


def test_a_pipe_is_refused_at_once_and_a_large_file_before_it_is_read_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "p.json"
    os.mkfifo(pipe)
    with pytest.raises(ToolFailed, match="no regular file"):
        read_profile(pipe)
    large = tmp_path / "large.json"
    large.write_bytes(b"x" * 1001)
    with pytest.raises(ToolFailed, match="too large"):
        read_bounded(large, 1000)
    with pytest.raises(ToolFailed, match="no such file"):
        read_profile(tmp_path / "missing.json")
