"""`show` and `query` of recordings, as a shell sees them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.cli.recording_time import parse_moment
from razorprof.errors import UsageError
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.scrape import Detected, Ended, Scrape, Tick
from razorprof.model.target import Identity
from razorprof.recording.profile_files import read_profile
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore
from tests.unit.recording import rzp_samples as made

START = made.START  # 2023-11-14 22:13:20 UTC
HOSTILE = "evil\x1b[31m\n\u202e"


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Shell = Callable[..., Answer]


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def shell(capfd: pytest.CaptureFixture[str], utc: None) -> Shell:
    def answer(*arguments: str | Path) -> Answer:
        code = run(list(map(str, arguments)))
        told = capfd.readouterr()
        return Answer(code, told.out, told.err)

    return answer


def recorded(path: Path, *, host: str = "box", pid: int = 7, seconds: int = 90) -> Path:
    """A minute and a half of a process whose memory has a peak, with a pause, a mark and an alert."""
    header = Header(bytes([pid] * 16), START, host, "razorprof test", 1.0)
    writer = RecordingWriter(SingleFile.create(path, header), header)
    pipeline = Pipeline(
        MemoryStore(seconds=1e6), host=host, overhead=lambda time: Overhead(self_cpu_ratio=0.01), recorder=writer
    )
    target = replace(made.TARGET, identity=Identity(pid, 99), name=HOSTILE)
    other = replace(target, identity=Identity(pid + 1, 3), name="worker")
    pipeline.declare("process", (made.CPU, made.RSS))
    pipeline.declare("stacks", ())
    for one in (target, other):
        pipeline.add(one)
        detected = Detected(one, START, "cpython", "3.11.7", command=f"python {one.name}")
        pipeline.feed(Scrape(one, "runtime", START, 0.001, structures=(detected,)))
    for second in [*range(1, 40), *range(50, seconds + 1)]:
        now = START + second
        for one in (target, other):
            figures = (Sample(made.CPU, 0.5 * second), Sample(made.RSS, 9e6 if second == 60 else 5e6))
            pipeline.feed(Scrape(one, "process", now + 0.001, 0.002, figures))
            if one is target or second == 20:
                stacks = made.a_tick(second)[1]
                assert isinstance(stacks, Scrape)
                pipeline.feed(replace(stacks, target=one))
        if second == 70:
            pipeline.feed(Ended(other, now, "killed by signal 9 (SIGKILL)"))
        if second == 61:
            alert = Alert(
                RuleKey("r.yml", "g", 0, "Hot"), Labels(alertname="Hot", pid=str(pid)), state=AlertState.FIRING
            )
            writer.alerts([AlertChange(now, AlertState.PENDING, alert)])
            writer.mark(HOSTILE)
        pipeline.feed(Tick(now, second))
    writer.close()
    assert writer.error is None
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded") / "a.rzp")


def test_the_summary_tells_targets_peaks_functions_and_what_happened(shell: Shell, recording: Path) -> None:
    answer = shell("show", recording)
    assert answer.code == 0
    assert answer.err == ""
    head = answer.out.splitlines()[0]
    assert head == "a.rzp: 2 targets on box, 2023-11-14 22:13:21 to 22:14:50 (1 m 29 s)"
    assert "razorprof test" in answer.out.splitlines()[1]
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "CPU 50.0 % 50.0 % 22:13:26" in lines
    assert any(line.startswith("resident memory 8.58 MiB 4.8") and line.endswith("22:14:20") for line in lines)
    assert any("work web.py:9" in line for line in lines)
    assert any(line.startswith("8 worker, cpython 3.11.7, ended 2023-11-14 22:14:30: killed by") for line in lines)
    assert "2023-11-14 22:13:59 nothing was recorded for 11.0 s" in lines
    assert any("alert Hot firing" in line for line in lines)


def test_what_a_target_says_never_reaches_the_terminal_as_it_is(shell: Shell, recording: Path) -> None:
    answer = shell("show", recording)
    assert "\x1b" not in answer.out + answer.err
    assert "\u202e" not in answer.out
    assert "evil" in answer.out


def test_json_tells_all_of_it(shell: Shell, recording: Path) -> None:
    document = shell("show", recording, "--json").document
    assert (document["host"], document["version"], document["ticks"]) == ("box", 1, 80)
    assert (document["start"], document["end"], document["duration_seconds"]) == (START + 1, START + 90, 89.0)
    assert document["complete"] is True
    assert document["damage"] == []
    assert document["gaps"] == [{"start": START + 39, "end": START + 50}]
    web, worker = document["targets"]
    assert (web["pid"], web["name"], web["runtime"], web["ended"]) == (7, HOSTILE, "cpython", None)
    assert worker["ended"] == START + 70
    peaks = {peak["name"]: peak for peak in web["peaks"]}
    assert peaks["process_resident_memory_bytes"]["value"] == 9e6
    assert peaks["process_cpu_seconds_total"]["value"] == pytest.approx(0.5)
    assert peaks["process_cpu_seconds_total"]["per_second"] is True
    assert web["functions"][0]["function"] == "work"
    [alert] = document["alerts"]
    assert (alert["name"], alert["before"], alert["after"]) == ("Hot", "pending", "firing")


def test_a_part_is_told_by_times_and_by_pid(shell: Shell, recording: Path) -> None:
    part = shell("show", recording, "--from", "+49s", "--to", "22:14:20", "--pid", "7", "--json").document
    assert (part["start"], part["end"]) == (START + 50, START + 60)
    assert [one["pid"] for one in part["targets"]] == [7]
    assert part["gaps"] == [{"start": START + 39, "end": START + 50}]
    empty = shell("show", recording, "--from", "-1s", "--to", "-1s")
    assert empty.code == 0
    assert "22:14:49 to 22:14:49 (0 s)" in empty.out
    assert "no tick in this time" in shell("show", recording, "--from", "+40s", "--to", "+45s").out


def test_a_window_becomes_a_profile_of_any_format(shell: Shell, recording: Path, tmp_path: Path) -> None:
    for name in ("w.pb.gz", "w.html", "w.collapsed", "w.json", "w.speedscope.json", "w.gecko.json", "w.svg"):
        answer = shell("show", recording, "--from", "+9s", "--to", "+19s", "--pid", "7", "-o", tmp_path / name)
        assert answer.code == 0, answer.err
        assert (tmp_path / name).stat().st_size > 100
    profile = read_profile(tmp_path / "w.pb.gz")
    assert profile.seconds == pytest.approx(10.0)
    both = shell("show", recording, "--from", "+9s", "--to", "+19s", "-o", tmp_path / "both.json")
    assert both.code == 0
    assert read_profile(tmp_path / "both.json").total == pytest.approx(
        profile.total + (0.6 + 0.1 * 0), abs=0.01
    )  # the worker was seen at 20 s once
    assert shell("show", recording, "--tree", "--from", "+9s", "--to", "+19s").out.count("descend") >= 1


def test_promtool_takes_the_open_metrics_text(shell: Shell, recording: Path, tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine")
    answer = shell("show", recording, "-o", tmp_path / "a.om", "--json")
    assert answer.code == 0
    made_of = answer.document
    done = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", tmp_path / "a.om", tmp_path / "blocks"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "blocks" / "wal").mkdir()  # dump looks for one
    dumped = subprocess.run(
        ["promtool", "tsdb", "dump", tmp_path / "blocks"], capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    assert len(dumped) == made_of["samples"]
    memory = [line for line in dumped if 'process_resident_memory_bytes"' in line and 'pid="7"' in line]
    assert len(memory) == 80
    assert f"9e+06 {round((START + 60.001) * 1000)}" in memory[49]
    assert any("evil\\x1b[31m\\n" in line for line in memory)  # told as it is


def test_csv_has_one_sample_a_line_and_nothing_that_a_spreadsheet_computes(
    shell: Shell, recording: Path, tmp_path: Path
) -> None:
    assert shell("show", recording, "-o", tmp_path / "a.csv", "--pid", "8").code == 0
    with open(tmp_path / "a.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["time", "name", "labels", "value"]
    assert not [cell for row in rows for cell in row[1:3] if cell[:1] in "=+-@\t\r"]
    assert all('pid="8"' in row[2] for row in rows)
    ups = [row for row in rows if row[1] == "up"]
    assert [ups[0][3], ups[-1][3]] == ["1", "0"]
    assert float(ups[-1][0]) == START + 70


def test_what_exists_is_overwritten_only_by_force(shell: Shell, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "a.om").write_text("precious")
    assert shell("show", recording, "-o", tmp_path / "a.om").code == 2
    assert (tmp_path / "a.om").read_text() == "precious"
    assert shell("show", recording, "-o", tmp_path / "a.om", "--force").code == 0


def test_promql_is_answered_as_it_was_live(shell: Shell, recording: Path) -> None:
    answer = shell("query", 'rate(process_cpu_seconds_total{pid="7"}[30s])', "--recording", recording, "--json")
    [result] = answer.document["result"]
    assert float(result["value"][1]) == pytest.approx(0.5)
    assert result["value"][0] == START + 90
    ended = shell("query", 'up{pid="8"} or process_resident_memory_bytes{pid="8"}', "--recording", recording)
    assert ended.out.splitlines()[1:][0].startswith("up{")
    assert len(ended.out.splitlines()) == 2  # the others are stale
    early = shell("query", "count(up)", "--recording", recording, "--time", "22:13:40")
    assert early.out.splitlines()[1].split()[-1] == "2"
    functions = shell("query", "topk(1, python_function_cpu_ratio)", "--recording", recording, "--json")
    [result] = functions.document["result"]
    assert result["metric"]["function"] == "work"


def test_several_recordings_are_asked_as_one(shell: Shell, recording: Path, tmp_path: Path) -> None:
    other = recorded(tmp_path / "b.rzp", host="elsewhere", pid=40, seconds=95)
    answer = shell(
        "query",
        "sum by (instance) (up)",
        "--recording",
        recording,
        "--recording",
        other,
        "--time",
        "-20s",
        "--json",
    )
    hosts = {one["metric"]["instance"]: one["value"][1] for one in answer.document["result"]}
    assert hosts == {"box/7": "1", "box/8": "0", "elsewhere/40": "1", "elsewhere/41": "0"}
    again = shell("query", "count(up)", "--recording", recording, "--recording", recording)
    assert again.code == 2
    assert "named twice" in again.err


def test_a_batch_asks_a_recording_too(shell: Shell, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "batch").write_text(f'{{"query": "count(up)", "time": {START + 30}}}\n')
    answer = shell("query", "--batch", tmp_path / "batch", "--recording", recording)
    assert answer.document["data"]["result"][0]["value"][1] == "2"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "FILE", "--from", "soon"], 2, "the start is no time (soon)"),
        (["show", "FILE", "--from", "+20s", "--to", "+10s"], 2, "the end lies before the start"),
        (["show", "FILE", "--pid", "99"], 2, "no such process in the recording (99)"),
        (["show", "FILE", "--file", "x"], 2, "--file is for bundles"),
        (["show", "OTHER", "--from", "+1s"], 2, "--from is for recordings"),
        (["show", "FILE", "-o", "x.unknown"], 2, "no format has this ending"),
        (["query", "up", "--recording", "FILE", "--time", "24:00"], 2, "the time is no time (24:00)"),
        (["query", "up", "--recording", "OTHER"], 6, "this is no recording"),
        (["query", "up", "--recording", "NONE"], 6, "there is no such file"),
        (
            ["query", "up", "--recording", "FILE", "--max-samples", "10"],
            6,
            "the recording holds too many samples (more than 10)",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_clear_error(
    shell: Shell, recording: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "other").write_text("nothing")
    places = {"FILE": str(recording), "OTHER": str(tmp_path / "other"), "NONE": str(tmp_path / "none")}
    answer = shell(*(places.get(argument, argument) for argument in arguments))
    assert answer.code == code
    assert f"razorprof: {words}" in answer.err


def test_a_damaged_recording_is_shown_up_to_the_damage_with_6(
    shell: Shell, recording: Path, tmp_path: Path
) -> None:
    content = bytearray(recording.read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "d.rzp").write_bytes(content)
    answer = shell("show", tmp_path / "d.rzp")
    assert answer.code == 6
    assert "damaged: " in answer.err
    assert "a checksum is wrong at byte" in answer.err
    assert "resident memory" in answer.out
    [damage] = shell("show", tmp_path / "d.rzp", "--json").document["damage"]
    assert 0 < damage["offset"] <= len(content) // 2
    queried = shell("query", "count(up)", "--recording", tmp_path / "d.rzp", "--time", "+3s")
    assert queried.code == 0
    assert "damaged" in queried.err


def test_one_that_was_not_ended_in_order_says_so(shell: Shell, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "c.rzp").write_bytes(recording.read_bytes()[:-400])
    assert "not ended in order" in shell("show", tmp_path / "c.rzp").out.splitlines()[1]


def test_one_without_a_tick_says_so(shell: Shell, tmp_path: Path) -> None:
    path = made.record(tmp_path / "e.rzp", [])
    answer = shell("show", path)
    assert (answer.code, "no tick in this time" in answer.out) == (0, True)
    asked = shell("query", "up", "--recording", path)
    assert (asked.code, "nothing was recorded" in asked.err) == (6, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+90s", 90),
        ("+1m30s", 90),
        ("+0", 0),
        ("-10s", 90),
        (str(START + 5), 5),
        ("2023-11-14T22:13:25Z", 5),
        ("22:13:25", 5),
        ("22:13:25.500", 5.5),
        ("22:15", 100),
        ("22:13", 86_380),  # the next day
        ("3:00", 17_200),
    ],
)
@pytest.mark.usefixtures("utc")
def test_moments_are_written_in_many_ways(text: str, seconds: float) -> None:
    assert parse_moment(text, (START, START + 100)) == pytest.approx(START + seconds)
    assert datetime.fromtimestamp(START).hour == 22


@pytest.mark.parametrize("text", ["", "+", "-", "25:00", "12:60", "yesterday", "+1x", "1e400", "-1s-"])
def test_what_is_no_moment_is_bad_usage(text: str) -> None:
    with pytest.raises(UsageError, match="the time is no time"):
        parse_moment(text, (START, START + 100))
