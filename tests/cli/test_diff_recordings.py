"""`razorprof diff` of recordings and of their windows, as a shell sees it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.clock import ManualClock
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.scrape import Detected, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

START = 1_700_000_000.0
CPU = counter("process_cpu_seconds_total", "seconds", "cpu")
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
GC = counter("python_gc_seconds_total", "seconds", "gc", "quality")
INCIDENT = 120  # the second in which `slow` begins


def record(path: Path, *, seconds: int = 240, pids: tuple[int, ...] = (7,), id: int = 1) -> Path:
    """A program whose function `slow` takes most of the time from two minutes on, while memory doubles."""
    header = Header(bytes([id] * 16), START, "box", "test", 1.0)
    writer = RecordingWriter(SingleFile.create(path, header), header, clock=ManualClock())
    pipeline = Pipeline(MemoryStore(), host="box", overhead=lambda time: Overhead(), recorder=writer)
    pipeline.declare("process", (CPU, RSS))
    pipeline.declare("gc", (GC,))
    chance = random.Random(7)
    cpu = dict.fromkeys(pids, 0.0)
    targets = [Target(Identity(pid, 99), "web", 50.0) for pid in pids]
    for target in targets:
        pipeline.add(target)
        found = Detected(target, START, "cpython", "3.11.7")
        pipeline.feed(Scrape(target, "runtime", START, 0.001, structures=(found,)))
    for second in range(1, seconds + 1):
        now, sick = START + second, second > INCIDENT
        for target in targets:
            share = {"handle": 0.5, "slow": 0.4 if sick else 0.1}
            cpu[target.pid] += sum(share.values())
            stacks = tuple(
                StackSample(
                    (Frame("main", "app.py", 1), Frame(name, "app.py", 9)),
                    weight * chance.uniform(0.9, 1.1),
                    ThreadId(target.pid),
                )
                for name, weight in share.items()
            )
            report = SamplingReport(now - 1, 1.0, 20, 20, 0, 20.0, "nonblocking")
            rss = (2e8 if sick else 1e8) * target.pid / 7
            pipeline.feed(
                Scrape(target, "process", now - 0.01, 0.001, (Sample(CPU, cpu[target.pid]), Sample(RSS, rss)))
            )
            pipeline.feed(Scrape(target, "stacks", now - 0.005, 0.0, stacks=stacks, structures=(report,)))
        pipeline.feed(Tick(now, second))
    writer.close()
    assert writer.error is None
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("diff") / "a.rzp")


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_two_windows_of_one_recording_tell_what_grew(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", f"{recording}@..+100s", f"{recording}@+130s..", "--json"]) == 0
    document = answer(capsys)
    assert (document["of"], document["significance"]) == ("share", "blocks")
    slow = next(one for one in document["functions"] if one["function"] == "slow")
    assert slow["base_self_ratio"] == pytest.approx(1 / 6, rel=0.1)
    assert slow["new_self_ratio"] == pytest.approx(4 / 9, rel=0.1)
    assert slow["significant"]
    figures = {one["name"]: one for one in document["figures"]}
    cpu, rss = figures["process_cpu_seconds_total"], figures["process_resident_memory_bytes"]
    assert cpu["per_second"]
    assert cpu["base"]["mean"] == pytest.approx(0.6, rel=0.05)
    assert cpu["new"]["mean"] == pytest.approx(0.9, rel=0.05)
    assert cpu["growth_ratio"] == pytest.approx(0.5, rel=0.1)
    assert (rss["base"]["mean"], rss["new"]["highest"], rss["difference"]) == (1e8, 2e8, 1e8)


def test_people_see_both_tables(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", f"{recording}@+1s..+100s", f"{recording}@+130s..+230s"]) == 0
    out = capsys.readouterr().out
    assert "slow" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "CPU 60.0 % 90.0 % +50 % 60.0 % 90.0 %" in lines
    assert "resident memory 95.4 MiB 191 MiB +100 % 95.4 MiB 191 MiB" in lines


def test_a_window_can_break_a_build(recording: Path) -> None:
    windows = [f"{recording}@..+100s", f"{recording}@+130s.."]
    assert run(["diff", *windows, "--fail-above", "20%"]) == 1
    assert run(["diff", f"{recording}@..+50s", f"{recording}@+55s..+105s", "--fail-above", "50%"]) == 0


def test_seconds_are_compared_where_somebody_says_so(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    windows = [f"{recording}@+1s..+101s", f"{recording}@+131s..+231s"]
    assert run(["diff", *windows, "--of", "seconds", "--json"]) == 0
    document = answer(capsys)
    assert document["of"] == "seconds"
    assert document["base_total"] == pytest.approx(60.0, rel=0.05)
    assert document["new_total"] == pytest.approx(90.0, rel=0.05)
    assert any("does not cover a complete run" in note for note in document["notes"])


def test_a_recording_is_compared_with_a_profile_and_with_another(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(recording), "--to", "+100s", "-o", str(tmp_path / "base.json")]) == 0
    capsys.readouterr()
    assert run(["diff", str(tmp_path / "base.json"), f"{recording}@+130s..", "--json"]) == 0
    document = answer(capsys)
    assert document["figures"] is None
    assert "both sides must be recordings" in document["figures_reason"]
    other = record(tmp_path / "b.rzp", seconds=100, pids=(7, 14), id=2)
    assert run(["diff", str(recording), str(other), "--json"]) == 0
    assert "several processes" in answer(capsys)["figures_reason"]
    assert run(["diff", str(recording), str(other), "--new-pid", "14", "--json"]) == 0
    document = answer(capsys)
    figures = {one["name"]: one for one in document["figures"]}
    assert figures["process_resident_memory_bytes"]["new"]["mean"] == 2e8
    assert document["new_total"] == pytest.approx(60.0, rel=0.05)  # of one of the two


def test_a_file_with_an_at_sign_in_its_name_is_that_file(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "a@b..c.rzp"
    odd.write_bytes(recording.read_bytes())
    assert run(["diff", str(odd), f"{odd}@+130s..", "--json"]) == 0
    assert answer(capsys)["base_total"] > 100


@pytest.mark.parametrize(
    ("base", "more", "code", "words"),
    [
        ("{}@03:12", [], 2, "no window of a recording"),
        ("{}@..", [], 2, "no window of a recording"),
        ("{}@soon..later", [], 2, "is no time"),
        ("{}@+50s..+10s", [], 2, "the end lies before the start"),
        ("{}@+1h..", [], 2, "the end lies before the start"),
        ("{}@1600000000..1600000100", [], 6, "no stacks were sampled in this time"),
        ("{}", ["--base-pid", "99"], 2, "no such process in the recording"),
        ("profile", ["--base-pid", "7"], 2, "a pid is told of a recording's processes"),
        ("none.rzp@+1s..", [], 6, "no such file"),
    ],
)
def test_what_cannot_be_meant_is_a_clear_error(
    recording: Path,
    tmp_path: Path,
    base: str,
    more: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.collapsed").write_text("f 1\n")
    text = str(tmp_path / "a.collapsed") if base == "profile" else base.format(recording)
    assert run(["diff", text, str(recording), *more]) == code
    assert words in capsys.readouterr().err


def test_a_damaged_one_is_compared_up_to_the_damage_and_that_is_told(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.rzp"
    content = recording.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    assert run(["diff", str(cut), str(recording)]) == 0
    assert "damaged" in capsys.readouterr().err
