"""`razorprof show` as a shell sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.recording.profile_files import plan_output, read_profile, write_profile
from tests.unit.formats.sample_profiles import FULL


@dataclass(frozen=True, slots=True)
class Answer:
    returncode: int
    stdout: str
    stderr: str


Show = Callable[..., Answer]


@pytest.fixture
def show(capfd: pytest.CaptureFixture[str]) -> Show:
    """The command line answered in this process, which is many times quicker than in one of its own."""

    def answer(*arguments: str | Path) -> Answer:
        code = run(["show", *map(str, arguments)])
        told = capfd.readouterr()
        return Answer(code, told.out, told.err)

    return answer


def written(folder: Path, name: str, profile: Profile = FULL) -> Path:
    path = write_profile(plan_output(str(folder / name)), profile)
    assert path is not None
    return path


def test_the_table_shows_the_hottest_functions_with_their_seconds_and_shares(show: Show, tmp_path: Path) -> None:
    answer = show(written(tmp_path, "p.pb.gz"), "--top", "2")
    assert answer.returncode == 0
    head, *rest = answer.stdout.splitlines()
    assert head == "p.pb.gz: 4.00 s of cpu in 4.00 s, 401 samples, 3 errors, nonblocking, 100 Hz, 2 threads"
    assert "note: the rate lagged behind" in rest
    assert " ".join(rest[-2].split()) == "2.50 s 62.5 2.50 s 62.5 price.<locals>.<lambda> shop/pricing.py:12"
    assert "and 2 more" in answer.stderr


def test_the_json_is_the_contract_s_and_whole(show: Show, tmp_path: Path) -> None:
    answer = show(written(tmp_path, "p.json"), "--json")
    document = json.loads(answer.stdout)
    assert (document["unit"], document["duration_seconds"], document["samples"]) == ("seconds", 4.0, 401)
    assert document["total"] == pytest.approx(4.0)
    hottest = document["functions"][0]
    assert (hottest["function"], hottest["file"], hottest["line"]) == (
        "price.<locals>.<lambda>",
        "shop/pricing.py",
        12,
    )
    assert (hottest["self"], hottest["total"], hottest["self_ratio"], hottest["total_ratio"]) == (
        *(2.5, 2.5),
        *(0.625, 0.625),
    )
    assert len(document["functions"]) == 4


def test_the_tree_has_callers_above_callees(show: Show, tmp_path: Path) -> None:
    lines = show(written(tmp_path, "p.json"), "--tree").stdout.splitlines()
    column = lines[lines.index("") + 1].index("FUNCTION")
    names = [line[column:] for line in lines[lines.index("") + 2 :]]
    depths = [(name.split()[0], len(name) - len(name.lstrip())) for name in names[:3]]
    assert depths == [("<module>", 0), ("Day.run", 2), ("price.<locals>.<lambda>", 4)]


def test_a_part_of_the_profile_is_shown_and_says_so(show: Show, tmp_path: Path) -> None:
    path = written(tmp_path, "p.json")
    answer = show(path, "--focus", "pricing", "--by", "file")
    assert "shown: 2.50 s, 62.5 % of it" in answer.stdout
    assert "work<T>" not in answer.stdout
    assert json.loads(show(path, "--thread", "8", "--json").stdout)["total"] == pytest.approx(1.25)
    assert json.loads(show(path, "--ignore", "Day.*", "--json").stdout)["functions"] == []


def test_it_converts_between_all_formats_with_the_same_total(show: Show, tmp_path: Path) -> None:
    path = written(tmp_path, "0.json")
    for number, ending in enumerate(("pb.gz", "speedscope.json", "collapsed", "json"), 1):
        target = tmp_path / f"{number}.{ending}"
        answer = show(path, "-o", target)
        assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
        assert str(target) in answer.stderr
        assert read_profile(target).total == pytest.approx(FULL.total)
        path = target


def test_bad_usage_is_told_with_a_hint(show: Show, tmp_path: Path) -> None:
    path = written(tmp_path, "p.json")
    for arguments, words in (
        (["-o", tmp_path / "x.csv"], ".pb.gz"),
        (["-o", path], "--force"),
        (["-o", tmp_path / "missing" / "x.json"], "no such folder"),
        (["--focus", "/(/"], "not a regular expression"),
        (["--thread", "99"], "7 main"),
        (["--tree", "--json"], "exclude each other"),
    ):
        answer = show(path, *arguments)
        assert answer.returncode == 2, answer
        assert words in answer.stderr + answer.stdout


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b\x08 no gzip", b"{", b'{"razorprof_profile": 2}', b"\0" * 50], ids=range(5)
)
def test_a_damaged_file_is_exit_6_and_one_line(show: Show, tmp_path: Path, content: bytes) -> None:
    for ending in ("pb.gz", "json", "speedscope.json"):
        path = tmp_path / f"bad.{ending}"
        path.write_bytes(content)
        answer = show(path)
        assert (answer.returncode, answer.stdout) == (6, "")
        assert answer.stderr.startswith("razorprof: ")
        assert "Traceback" not in answer.stderr


def test_hostile_names_reach_neither_the_terminal_nor_more_than_one_line(show: Show, tmp_path: Path) -> None:
    evil = StackKey(ThreadId(1, "\x1b[31m"), (Frame("a\x1b]0;x\x07\nforged", "b\u202e.py\r", 1),))
    profile = replace(FULL, weights={evil: 1.0}, blocks=(), mode="\x1b[2J", notes=("\x1b[1m\nx",))
    path = written(tmp_path, "p.json", profile)
    for arguments in ((), ("--tree",), ("--json",), ("--thread", "nobody")):
        answer = show(path, *arguments)
        shown = (answer.stdout + answer.stderr).replace("\n", "")
        assert shown.isprintable(), arguments
        assert "\u202e" not in shown
    assert len(show(path, "--tree").stdout.splitlines()) == 5


def test_a_closed_pipe_ends_it_quietly(tmp_path: Path) -> None:
    many = {StackKey(ThreadId(1), (Frame(f"function_{n}", "x" * 200, n),)): 1.0 for n in range(5000)}
    path = written(tmp_path, "p.json", Profile(many))
    shown = subprocess.Popen(
        [sys.executable, "-m", "razorprof", "show", path, "--top", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert shown.stdout is not None
    assert shown.stderr is not None
    os.read(shown.stdout.fileno(), 10)
    shown.stdout.close()
    assert shown.wait(30) == 0
    assert shown.stderr.read() == b""
    shown.stderr.close()


def test_a_stack_deeper_than_python_s_own_is_shown(show: Show, tmp_path: Path) -> None:
    deep = StackKey(ThreadId(1), tuple(Frame(f"f{n % 7}", "deep.py", n) for n in range(50_000)))
    path = written(tmp_path, "p.json", Profile({deep: 1.0}))
    answer = show(path, "--tree", "--top", "100")
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.splitlines()) == 103
