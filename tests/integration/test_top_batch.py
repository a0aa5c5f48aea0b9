"""`razorprof top` without a tty, on real targets: what scripts, cron and CI see."""

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

from tests.known_split import true_shares
from tests.live_targets import PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
RAZORPROF = [sys.executable, "-m", "razorprof"]


def run_top(*arguments: object, timeout: float = 60.0, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, "top", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        **more,
    )


def documents(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def value(target: dict[str, Any], name: str, **labels: str) -> float | None:
    for metric in target["metrics"]:
        if metric["name"] == name and metric["labels"] == labels:
            return float(metric["value"])
    return None


def stack_errors(target: dict[str, Any]) -> list[str]:
    return [s["error"]["message"] for s in target["sources"] if s["name"] == "stacks" and s["error"]]


@pytest.mark.edges
def test_shares_of_a_known_split_are_right_on_every_python(
    python_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(python_build, PROGRAMS / "split_60_30_10.py")
    program.wait_for("ready")
    worst: list[float] = []
    document: dict[str, Any] = {}
    target: dict[str, Any] = {}
    for _ in range(3):  # chance (1 point) and a crowded machine spoil one look; a wrong feed spoils all
        done = run_top(program.pid, "-n", "11", "--json")
        assert done.returncode == 0, done.stderr
        document = documents(done)[-1]
        [target] = document["targets"]
        shares = {f["function"]: f["total_ratio"] for f in target["functions"]}
        now = document["time"]
        truth = true_shares(program, now - target["sampling"]["window_seconds"], now)
        worst.append(max(abs(shares[name] - share) for name, share in truth.items()))
        if worst[-1] <= 0.03:
            break
    assert worst[-1] <= 0.03, worst
    assert target["runtime"] == "cpython"
    assert target["version"].startswith(".".join(map(str, python_build.version[:2])))
    names = {thread["name"] for thread in target["threads"]}
    assert "MainThread" in names
    assert len(target["threads"]) == 2
    assert value(target, "process_threads") == 2
    assert document["overhead"]["target_stopped_ratio"] == 0.0
    assert document["overhead"]["self_cpu_ratio"] is not None


def test_every_document_has_the_promised_shape(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "five_threads.py")
    program.wait_for("ready")

    done = run_top(program.pid, "-n", "2", "--json", "--interval", "0.5")

    assert done.returncode == 0, done.stderr
    found = documents(done)
    assert len(found) == 2
    assert found[1]["time"] > found[0]["time"]
    for document in found:
        assert set(document) >= {"time", "targets", "overhead"}
        [target] = document["targets"]
        for part in ("functions", "threads", "gc", "alerts"):
            assert target[part] is not None or target[f"{part}_reason"]
        assert {f["self_ratio"] <= f["total_ratio"] <= 1.0 for f in target["functions"]} == {True}
        assert target["verdict"]["words"]
        assert value(target, "up") == 1.0
        for thread in target["threads"]:
            assert thread["state"] in ("python", "running", "waiting", "idle", "unknown")


def test_text_output_is_plain_and_answers_the_five_questions(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "split_60_30_10.py")
    program.wait_for("ready")

    done = run_top(program.pid, "-n", "3", env={**os.environ, "TERM": "xterm-256color"})

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for word in ("limited by", "sixty", "MainThread", "samples", "memory"):
        assert word in done.stdout, done.stdout


def test_a_target_that_is_not_python_has_figures_and_a_reason_for_the_rest(start_program: StartProgram) -> None:
    program = start_program(Path("/bin/sleep"), "60")

    done = run_top(program.pid, "--once", "--json")

    assert done.returncode == 0, done.stderr
    [target] = documents(done)[0]["targets"]
    assert target["runtime"] is None
    assert value(target, "process_resident_memory_bytes")
    assert target["functions"] is None
    assert "not a runtime" in target["functions_reason"]


def test_a_target_that_is_killed_meanwhile_is_told_with_its_end(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "split_60_30_10.py")
    program.wait_for("ready")
    top = subprocess.Popen(
        [*RAZORPROF, "top", str(program.pid), "-n", "1000", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert top.stdout is not None
    first = json.loads(top.stdout.readline())
    program.process.kill()
    program.process.wait()
    out, _ = top.communicate(timeout=30)

    last = [json.loads(line) for line in out.splitlines() if line.startswith('{"time"')][-1]
    assert first["targets"][0]["state"] == "alive"
    assert last["targets"][0]["state"] == "gone"
    assert (
        "SIGKILL" in last["targets"][0]["ended"]["how"]
        or "could not be seen" in last["targets"][0]["ended"]["how"]
    )
    assert top.returncode == 3


def test_a_stopped_target_is_told_as_stopped_and_left_stopped(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "split_60_30_10.py")
    program.wait_for("ready")
    program.send(signal.SIGSTOP)

    done = run_top(program.pid, "-n", "2", "--json")

    assert done.returncode == 0, done.stderr
    [target] = documents(done)[-1]["targets"]
    assert target["state"] == "stopped"
    assert target["verdict"]["limit"] == "stopped"
    assert Path(f"/proc/{program.pid}/stat").read_text().split()[2] == "T"


def test_workers_are_shown_together_and_the_sick_one_stands_out(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "worker_tree.py", "6")
    pids = [int(pid) for pid in program.wait_for("ready").split()[1:]]

    done = run_top(program.pid, "--children", "-n", "4", "--json")

    assert done.returncode == 0, done.stderr
    targets = documents(done)[-1]["targets"]
    assert {target["pid"] for target in targets} == {program.pid, *pids}
    assert all(target["parent"] == program.pid for target in targets if target["pid"] in pids)
    scores = {t["pid"]: abs(t["deviation"]["score"]) for t in targets if "deviation" in t and t["pid"] in pids}
    assert max(scores, key=scores.__getitem__) == pids[2]
    assert scores[pids[2]] > 3.5
    assert any("selected target only" in (t.get("functions_reason") or "") for t in targets)


def test_several_matches_are_an_error_with_the_list_unless_all_are_wanted(start_program: StartProgram) -> None:
    first = start_program(sys.executable, PROGRAMS / "idle_threads.py")
    second = start_program(sys.executable, PROGRAMS / "idle_threads.py")
    for program in (first, second):
        program.wait_for("ready")

    refused = run_top("name:idle_threads.py", "--once", "--json")
    taken = run_top("name:idle_threads.py", "--all", "--once", "--json")

    assert refused.returncode == 3
    error = json.loads(refused.stdout)["error"]
    assert {candidate["pid"] for candidate in error["candidates"]} >= {first.pid, second.pid}
    assert taken.returncode == 0, taken.stderr
    assert {t["pid"] for t in documents(taken)[0]["targets"]} >= {first.pid, second.pid}


def test_a_target_that_takes_the_place_of_another_is_followed(start_program: StartProgram) -> None:
    first = start_program(sys.executable, PROGRAMS / "idle_threads.py")
    first.wait_for("ready")
    top = subprocess.Popen(
        [*RAZORPROF, "top", "name:idle_threads.py", "--follow", "-n", "1000", "--json", "--interval", "0.5"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert top.stdout is not None
        json.loads(top.stdout.readline())
        first.end()
        second = start_program(sys.executable, PROGRAMS / "idle_threads.py")
        deadline = time.monotonic() + 30
        alive: set[int] = set()
        while second.pid not in alive and time.monotonic() < deadline:
            document = json.loads(top.stdout.readline())
            alive = {t["pid"] for t in document["targets"] if t["state"] == "alive"}
        assert alive == {second.pid}
    finally:
        top.terminate()
        assert top.wait(10) == 143


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["4194303"], 3, "4194303"),
        (["999999999"], 3, "999999999"),
        (["--interval", "0", "PID"], 2, "interval"),
        (["--interval", "fast", "PID"], 2, "duration"),
        (["--rate", "0", "PID"], 2, "rate"),
        (["--rate", "nan", "PID"], 2, "rate"),
        (["-n", "0", "PID"], 2, "-n"),
        (["name:no-such-program-anywhere"], 3, "no-such-program-anywhere"),
        (["port:http"], 2, "port"),
        ([], 2, "target"),
        (["--config", "/nonexistent/razorprof.toml", "PID"], 2, "razorprof.toml"),
    ],
)
def test_bad_input_is_two_lines_and_the_right_code(
    arguments: list[str], code: int, words: str, start_program: StartProgram
) -> None:
    program = start_program(Path("/bin/sleep"), "60")
    given = [str(program.pid) if argument == "PID" else argument for argument in arguments]

    done = run_top(*given, "--once")

    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("razorprof: ")
    assert lines[1].startswith("hint: ")
    assert words.lower() in lines[0].lower()
    assert done.stdout == ""


def test_a_closed_pipe_ends_quietly(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "idle_threads.py")
    program.wait_for("ready")
    top = subprocess.Popen(
        [*RAZORPROF, "top", str(program.pid), "-n", "1000", "--json", "--interval", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert top.stdout is not None
    assert top.stderr is not None
    top.stdout.readline()
    top.stdout.close()
    assert top.wait(30) == 0
    assert top.stderr.read() == ""


@pytest.fixture
def hostile_name(tmp_path: Path) -> Path:
    """A program whose file name has an escape sequence, a newline and broken UTF-8."""
    folder = os.fsencode(tmp_path)
    path = folder + b"/\x1b[31mred\n\xff\xfe.py"
    with open(path, "wb") as file:
        file.write(b"import sys, time\ndef spin():\n    while True: pass\nprint('ready', flush=True)\nspin()\n")
    return Path(os.fsdecode(path))


def test_hostile_names_reach_neither_the_terminal_nor_break_the_document(
    hostile_name: Path, start_program: StartProgram
) -> None:
    program = start_program(sys.executable, hostile_name, "x" * 10_000, "\x1b]0;owned\x07")
    program.wait_for("ready")

    text = run_top(program.pid, "--once")
    as_json = run_top(program.pid, "--once", "--json")

    assert text.returncode == 0, text.stderr
    assert not {c for c in text.stdout + text.stderr if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160}
    assert max(map(len, text.stdout.splitlines())) <= 200
    [document] = documents(as_json)
    assert as_json.stdout.isascii()
    assert document["targets"][0]["functions"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_it_ends_no_tool_stays_and_the_target_runs_on(
    number: signal.Signals, start_program: StartProgram
) -> None:
    program = start_program(sys.executable, PROGRAMS / "split_60_30_10.py")
    program.wait_for("ready")
    top = subprocess.Popen(
        [*RAZORPROF, "top", str(program.pid), "-n", "1000", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert top.stdout is not None
    top.stdout.readline()
    assert tools_on(program.pid), "the feed should be running"
    top.send_signal(number)
    code = top.wait(10)
    top.stdout.close()

    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: -9}[number]
    deadline = time.monotonic() + 5
    while tools_on(program.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not tools_on(program.pid)
    assert program.process.poll() is None
    status = Path(f"/proc/{program.pid}/status").read_text()
    assert "TracerPid:\t0" in status
    assert "State:\tT" not in status


def tools_on(pid: int) -> list[str]:
    """Command lines of py-spy processes that look at `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"py-spy" in arguments[0] and str(pid).encode() in arguments:
                found.append(entry.name)
    return found


def test_a_process_that_execs_another_program_is_seen_anew(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, tmp_path: Path
) -> None:
    first, last = python_builds[0], python_builds[-1]
    turncoat = tmp_path / "turncoat.py"
    turncoat.write_text(
        "import os, sys, time\n"
        "def before():\n    until = time.monotonic() + 7\n    while time.monotonic() < until: pass\n"
        "print('ready', flush=True)\n"
        "before()\n"
        f"os.execv({str(last.executable)!r}, [{str(last.executable)!r}, *sys.argv[1:]])\n"
    )
    program = start_program(first, turncoat, str(PROGRAMS / "split_60_30_10.py"))
    program.wait_for("ready")

    done = run_top(program.pid, "-n", "15", "--json")

    assert done.returncode == 0, done.stderr
    early, late = (documents(done)[place]["targets"][0] for place in (0, -1))
    assert early["name"] == "turncoat.py"
    assert late["name"] == "split_60_30_10.py"
    assert late["version"].startswith(".".join(map(str, last.version[:2])))
    functions = {function["function"] for function in late["functions"]}
    assert "sixty" in functions
    assert "before" not in functions
    assert late["labels"]["pid"] == str(program.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a capability away")
def test_root_without_the_capability_is_told_so_and_not_that_it_is_no_python(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAMS / "idle_threads.py")
    program.wait_for("ready")
    without = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"]

    done = subprocess.run(
        [*without, *RAZORPROF, "top", str(program.pid), "--once", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    [target] = documents(done)[0]["targets"]
    assert target["runtime"] == "cpython"
    assert "no permission" in target["functions_reason"]
    assert value(target, "process_resident_memory_bytes")
