"""``razorprof diff`` as a shell sees it: files, reports, refusals, and two live processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from razorprof.model.profile import Profile
from razorprof.recording.profile_files import plan_output, write_profile
from tests.live_targets import PythonBuild, StartProgram
from tests.unit.analysis.sampled_programs import Paper, profile_of

RAZORPROF = (sys.executable, "-m", "razorprof")
TIME_OUT = 90.0
PROGRAM = Paper(seconds=20, machine=0.0)
SPIN = """
import sys
def sick():
    for _ in range(int(sys.argv[1])): pass
def healthy():
    for _ in range(20000): pass
print("ready", flush=True)
while True:
    sick(); healthy()
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, "diff", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        check=False,
    )


def save(path: Path, profile: Profile) -> Path:
    write_profile(plan_output(str(path)), profile)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save(tmp_path / "base.json", profile_of(PROGRAM, 1, rate=250))


@pytest.fixture
def dearer(tmp_path: Path) -> Path:
    paper = Paper(seconds=20, machine=0.0, dearer={"b": 1.5})
    return save(tmp_path / "new.json", profile_of(paper, 2, rate=250))


def test_the_gate_fails_with_1_and_writes_its_reports(base: Path, dearer: Path, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "gate.xml", tmp_path / "gate.md"
    done = run(base, dearer, "--fail-above", "20%", "--junit", junit, "--markdown", markdown)
    assert done.returncode == 1, done.stderr
    assert "TOO MUCH" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "<failure" in junit.read_text()
    assert "**FAIL**" in markdown.read_text()
    assert (junit.stat().st_mode & 0o777, markdown.stat().st_mode & 0o777) == (0o600, 0o600)


def test_the_same_program_passes_and_json_says_so(base: Path, tmp_path: Path) -> None:
    same = save(tmp_path / "same.json", profile_of(PROGRAM, 3, rate=250))
    done = run(base, same, "--fail-above", "20%", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["significance"]) == (0, "pass", "blocks")
    assert (found["unit"], found["of"]) == ("seconds", "seconds")
    [a] = [f for f in found["functions"] if f["function"] == "a"]
    assert a["delta"] == pytest.approx(a["new_self_ratio"] - a["base_self_ratio"])
    assert a["significant"] is False


def test_too_little_seen_ends_with_6(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{n}.json", profile_of(Paper(seconds=2), n, rate=50)) for n in (1, 2)]
    done = run(*files, "--fail-above", "20%")
    assert (done.returncode, done.stdout.splitlines()[-1][:12]) == (6, "inconclusive")
    assert run(*files).returncode == 0


def test_further_runs_of_a_side_are_counted(base: Path, dearer: Path, tmp_path: Path) -> None:
    more = save(tmp_path / "base2.json", profile_of(PROGRAM, 5, rate=250))
    found = json.loads(run(base, dearer, "--base-run", more, "--json").stdout)
    assert (found["base_runs"], found["new_runs"]) == (2, 1)


def test_only_one_thread_is_compared_when_asked(base: Path, dearer: Path) -> None:
    assert run(base, dearer, "--thread", "main", "--fail-above", "20%").returncode == 1
    refused = run(base, dearer, "--thread", "nobody")
    assert (refused.returncode, "main (1)" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--fail-above", "20"), 2),
        (("--of", "minutes"), 2),
        (("--min-share", "200%"), 2),
        (("-o", "x.json"), 2),
        (("--junit", "/nowhere/x.xml"), 2),
        (("--base-run", "missing.json"), 6),
    ],
)
def test_what_cannot_be_meant_is_refused_in_two_lines(
    base: Path, dearer: Path, arguments: tuple[str, ...], code: int
) -> None:
    done = run(base, dearer, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("razorprof: ")
    assert len(done.stderr.splitlines()) <= 2


def test_a_damaged_file_ends_with_6_and_an_existing_report_with_2(base: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"razorprof_profile": 1, "stacks": [')
    assert run(base, damaged).returncode == 6
    report = tmp_path / "there.md"
    report.write_text("mine")
    assert run(base, base, "--markdown", report).returncode == 2
    assert report.read_text() == "mine"


def wait_for_samplers(pid: int, count: int) -> None:
    deadline = time.monotonic() + TIME_OUT
    while time.monotonic() < deadline:
        children = psutil.Process(pid).children(recursive=True)
        if sum(child.name() == "py-spy" for child in children) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("no samplers were started")


def test_a_sick_process_is_told_from_a_healthy_one(
    start_program: StartProgram, python_builds: tuple[PythonBuild, ...], tmp_path: Path
) -> None:
    source = tmp_path / "spin.py"
    source.write_text(SPIN)
    programs = [start_program(python_builds[-1], source, work) for work in ("5000", "60000")]
    for program in programs:
        program.wait_for("ready")
    done = run(str(programs[0].pid), str(programs[1].pid), "-d", "6", "--fail-above", "50%", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["of"], found["verdict"]) == (1, "share", "fail"), done.stderr
    assert [f["function"] for f in found["functions"] if f["failed"]] == ["sick"]
    assert run(str(programs[0].pid), str(programs[0].pid), "-d", "1").returncode == 2
    assert run(str(programs[0].pid), "4194000").returncode == 3

    with subprocess.Popen(
        [*RAZORPROF, "diff", str(programs[0].pid), str(programs[1].pid), "-d", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        wait_for_samplers(command.pid, 2)
        time.sleep(4)
        asked = time.monotonic()
        command.send_signal(signal.SIGINT)
        text, words = command.communicate(timeout=TIME_OUT)
    assert command.returncode == 130, words
    assert "sick" in text
    assert time.monotonic() - asked < 30
