"""`razorprof dump` on real programs (what is in it, hostile names, ends, signals, refusals) and `show` of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from razorprof.cli.edge import run
from razorprof.recording.bundle_read import Bundle, open_bundle
from razorprof.recording.profile_files import decode_profile
from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
SPLIT, DEADLOCKS = PROGRAMS / "split_60_30_10.py", PROGRAMS / "deadlocks.py"
COMMAND = [sys.executable, "-m", "razorprof"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def razorprof(*arguments: str | Path, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [*(prefix or []), *COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def dumped(target: Program | int, out: Path, *options: str) -> Bundle:
    pid = target if isinstance(target, int) else target.pid
    done = razorprof("dump", str(pid), "-o", out, "--cpu", "2", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    bundle = open_bundle(out)
    assert (bundle.problems, bundle.unlisted, bundle.damage) == ({}, (), "")
    return bundle


def document(bundle: Bundle, name: str) -> Any:
    return json.loads(bundle.read(name))


def reasons(bundle: Bundle) -> dict[str, str]:
    return {one.kind: one.reason for one in bundle.manifest.skipped}


@pytest.fixture(scope="module")
def quick_build(python_builds: tuple[PythonBuild, ...]) -> PythonBuild:
    return next((build for build in python_builds if build.version[:2] == (3, 12)), python_builds[-1])


def assert_everything(bundle: Bundle, program: Program) -> None:
    kinds = {one.kind for one in bundle.manifest.files}
    wanted = {"report", "process", "metrics", "threads", "cpu", "memory", "gc", "findings", "doctor"}
    assert wanted <= kinds, reasons(bundle)
    assert set(reasons(bundle)) <= {"heap"}, reasons(bundle)
    assert bundle.manifest.target["pid"] == program.pid
    assert bundle.manifest.target["runtime"] == "cpython"
    profile = decode_profile(bundle.read("cpu.json"), "cpu.json")
    assert profile.samples > 10
    assert any(frame.function == "sixty" for key in profile.weights for frame in key.stack)
    series = document(bundle, "metrics.json")["series"]
    seconds = next(one for one in series if one["name"] == "process_cpu_seconds_total")
    assert seconds["times"][-1] - seconds["times"][0] >= 4.0
    assert document(bundle, "findings.json")["verdict"]["words"]
    assert document(bundle, "gc.json")["interpreters"][0]["generations"]
    assert "no deadlock found" in bundle.read("threads.txt").decode()


def test_a_bundle_holds_everything_and_show_opens_it(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = start_program(quick_build, SPLIT, "60", "--db-password", "hunter2", API_TOKEN="swordfish")
    program.wait_for("ready")
    out = tmp_path / "dump.tar.gz"
    bundle = dumped(program, out, "--json")
    assert_everything(bundle, program)
    everything = b"".join(bundle.contents.values())
    assert b"hunter2" not in everything
    assert b"swordfish" not in everything
    assert "API_TOKEN" in document(bundle, "process.json")["environment_names"]
    assert "[redacted]" in str(bundle.manifest.target["command"])
    assert program.process.poll() is None

    told = razorprof("show", out)
    assert told.returncode == 0, told.stderr
    assert "limited by:" in told.stdout
    assert "report.html" in told.stdout
    shown = json.loads(razorprof("show", out, "--json").stdout)
    assert shown["target"]["pid"] == program.pid
    assert shown["problems"] == []
    capfd.readouterr()
    for options in (("--file", "cpu.json"), ("--file", "cpu.collapsed"), ("--tree",), ("--focus", "sixty")):
        assert run(["show", str(out), *options]) == 0
        assert "sixty" in capfd.readouterr().out
    assert run(["show", str(out), "--file", "threads.txt"]) == 0
    assert "GIL" in capfd.readouterr().out
    assert run(["show", str(out), "-o", str(tmp_path / "cpu.svg")]) == 0
    assert (tmp_path / "cpu.svg").read_text().startswith("<")
    assert run(["show", str(out), "--file", "nothing"]) == 6


@pytest.mark.slow
def test_every_python_gives_a_whole_bundle(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program(python_build, SPLIT, "60")
    program.wait_for("ready")
    assert_everything(dumped(program, tmp_path / "dump"), program)


@pytest.mark.slow
def test_a_recording_of_allocations_comes_after_the_figures(start_program: StartProgram, tmp_path: Path) -> None:
    program = start_program(sys.executable, SPLIT, "60")  # has memray
    program.wait_for("ready")
    bundle = dumped(program, tmp_path / "dump", "--heap", "2", "--attach")
    assert "heap.json" in bundle.contents, reasons(bundle)
    heap = decode_profile(bundle.read("heap.json"), "heap.json")
    assert heap.unit == "bytes"
    assert heap.start is not None
    # what memray adds to the target's memory would be taken for a leak of its own
    last = max(one["times"][-1] for one in document(bundle, "metrics.json")["series"])
    assert last <= heap.start
    assert program.process.poll() is None


@pytest.mark.slow
def test_a_deadlock_stands_first_and_no_redact_keeps_the_command(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program(quick_build, DEADLOCKS, "rlock2", "60")
    program.wait_for("ready")
    bundle = dumped(program, tmp_path / "dump", "--no-redact")
    assert document(bundle, "findings.json")["deadlocks"][0]["confidence"] == "confirmed"
    page = bundle.read("report.html").decode()
    assert page.index("Deadlock confirmed") < page.index("Limited by")
    assert "Redaction was switched off" in page
    assert not bundle.manifest.redacted
    assert "DEADLOCK confirmed" in razorprof("show", tmp_path / "dump").stdout
    assert (tmp_path / "dump").stat().st_mode & 0o777 == 0o700


HOSTILE_PROGRAM = """
import sys, threading, time
evil = "</script><b>\\x1b[31m\\u202e&"
exec(compile(f"def work():\\n while True: sum(range(1000))\\n", evil, "exec"))
threading.Thread(target=work, name=evil, daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""


def test_hostile_names_reach_neither_terminal_nor_page_unescaped(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "<b>evil\x1b[31m.py"
    script.write_text(HOSTILE_PROGRAM)
    program = start_program(quick_build, script, "--x\x1b]0;owned\x07", **{"</script><b>\x1b[31m": "1"})
    program.wait_for("ready")
    out = tmp_path / "dump-{name}"
    done = razorprof("dump", str(program.pid), "-o", out, "--cpu", "2")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr
    (folder,) = (path for path in tmp_path.iterdir() if path.name.startswith("dump-"))
    assert folder.name == "dump-_b_evil_31m.py"
    page = open_bundle(folder).read("report.html").decode()
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    for name in ("threads.txt", "process.json", "cpu.collapsed"):
        assert run(["show", str(folder), "--file", name]) == 0
        assert "\x1b" not in capfd.readouterr().out


def wait_until_it_looks(running: subprocess.Popen[str]) -> None:
    """Until a dump has started the first of its tools, which it does when it has seen the target."""
    deadline = time.monotonic() + 60
    while not any(path.read_text() for path in Path(f"/proc/{running.pid}/task").glob("*/children")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)


def test_a_target_that_ends_leaves_what_was_seen(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program(quick_build, SPLIT, "60")
    program.wait_for("ready")
    command = [*COMMAND, "dump", str(program.pid), "-o", str(tmp_path / "d.tar.gz"), "--cpu", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_until_it_looks(running)
        program.process.kill()
        program.process.wait(10)
        _, words = running.communicate(timeout=60)
    assert running.returncode == 0, words
    assert "ended meanwhile" in words
    bundle = open_bundle(tmp_path / "d.tar.gz")
    assert bundle.manifest.ended
    assert "process.json" in bundle.contents
    assert "report.html" in bundle.contents


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_it_early_and_keeps_a_whole_bundle(
    number: signal.Signals, quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program(quick_build, SPLIT, "90")
    program.wait_for("ready")
    command = [*COMMAND, "dump", str(program.pid), "-o", str(tmp_path / "d"), "--cpu", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_until_it_looks(running)
        running.send_signal(number)
        _, words = running.communicate(timeout=60)
    assert running.returncode == (130 if number is signal.SIGINT else 143), words
    bundle = open_bundle(tmp_path / "d")
    assert bundle.manifest.interrupted
    assert bundle.problems == {}
    assert {"report.html", "process.json", "findings.json"} <= bundle.contents.keys()
    kinds = {one.kind for one in bundle.manifest.files} | set(reasons(bundle))
    assert {"cpu", "threads", "metrics", "memory", "heap"} <= kinds
    assert sorted(os.listdir(tmp_path)) == ["d", "programs"]


def test_refusals_come_before_the_work(
    quick_build: PythonBuild, start_program: StartProgram, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = start_program(quick_build, SPLIT, "60")
    program.wait_for("ready")
    (tmp_path / "there").mkdir()
    for code, options in {
        2: ("-o", str(tmp_path / "there")),
        5: ("-o", str(tmp_path / "new"), "--heap", "3"),
    }.items():
        assert run(["dump", str(program.pid), *options]) == code
        assert "hint:" in capfd.readouterr().err
    for options in (("--cpu", "x"), ("--cpu", "-1"), ("--attach",), ("--heap", "0", "--attach")):
        assert run(["dump", str(program.pid), "-o", str(tmp_path / "new"), *options]) == 2
    assert run(["dump", "999999999", "-o", str(tmp_path / "new")]) == 3
    assert sorted(os.listdir(tmp_path)) == ["programs", "there"]


@pytest.mark.slow
def test_without_permission_it_ends_with_4_and_keeps_what_everybody_may_see(
    quick_build: PythonBuild, start_program: StartProgram
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    import tempfile

    program = start_program(quick_build, SPLIT, "60")
    program.wait_for("ready")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        out = Path(folder) / "d.tar.gz"
        done = razorprof("dump", str(program.pid), "-o", out, "--cpu", "1", prefix=NOBODY)
        assert done.returncode == 4, done.stdout + done.stderr
        assert "only what everybody may see" in done.stderr
        bundle = open_bundle(out)
    assert "permission" in reasons(bundle)["threads"]
    assert "process.json" in bundle.contents


def test_a_damaged_bundle_is_told_and_ends_with_6(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bundle = dumped_by_hand(tmp_path)
    assert run(["show", str(bundle)]) == 0
    (bundle / "process.json").write_text("{}")
    assert run(["show", str(bundle)]) == 6
    assert "its hash is another" in capfd.readouterr().out
    assert run(["show", str(bundle), "--file", "process.json"]) == 6
    assert run(["show", str(bundle), "--file", "threads.txt"]) == 0
    (bundle / "manifest.json").unlink()
    assert run(["show", str(bundle)]) == 6
    assert run(["show", str(tmp_path / "nothing")]) == 6


def dumped_by_hand(folder: Path) -> Path:
    from razorprof.recording.bundle_write import plan_bundle, write_bundle
    from tests.unit.recording.bundle_samples import MANIFEST, PIECES

    plan = plan_bundle(str(folder / "dump"), pid=7, name="shop")
    write_bundle(plan, MANIFEST, PIECES)
    return plan.path
