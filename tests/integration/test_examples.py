"""The examples do what they say, on a real process."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.demo import sample_program
from razorprof.cli.long_lived import LONGEST_INTERVAL

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """The pid of a program that works while the examples look at it."""
    with sample_program() as pid:
        yield str(pid)


@pytest.fixture
def nobody() -> str:
    """A pid that was somebody's a moment ago and is nobody's now."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(30)
    return str(process.pid)


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [EXAMPLES / name, *arguments],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


# test_run_in_ci.py, test_rule_library.py, test_notify_pages.py, test_plugin_examples.py
ELSEWHERE = ("ci", "budget.toml", "rules", "silences.yml", "source_in_30_lines", "panel_of_pauses")


def test_every_example_is_tested_here() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if f'"{path.name}"' not in source] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_its_example() -> None:
    checked = ["promtool", "check", "config", str(EXAMPLES / "prometheus.yml")]
    done = subprocess.run(checked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "honor_labels: true" in (EXAMPLES / "prometheus.yml").read_text("utf-8")


def test_the_service_s_command_is_one_that_serve_understands(tmp_path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(EXAMPLES / "systemd" / "razorprof-serve.service", "utf-8")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "razorprof"
    arguments = [argument.replace("gunicorn", "nobody-s-name").replace("1d", "0.2s") for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3, done.stderr  # understood, and nobody of that name


def watch_unit() -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / "systemd" / "razorprof-watch.service", "utf-8")
    return unit


def test_systemd_accepts_the_watch_service_and_it_may_still_look_into_processes(tmp_path: Path) -> None:
    service = watch_unit()["Service"]
    assert (service["Type"], service["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")
    assert float(service["WatchdogSec"]) > LONGEST_INTERVAL
    assert "ProtectProc" not in service
    assert "@debug" in service["SystemCallFilter"]
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_SYS_PTRACE"
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine; the unit was parsed only")
    copy = tmp_path / "razorprof-watch.service"
    text = (EXAMPLES / "systemd" / "razorprof-watch.service").read_text("utf-8")
    copy.write_text(
        text.replace("/usr/local/bin/razorprof", sys.executable).replace("man:razorprof-watch(1)", "man:man(1)")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "razorprof-watch" in line]
    assert complaints == []


def test_the_watch_service_s_command_is_one_that_watch_understands(tmp_path: Path) -> None:
    program, *arguments = shlex.split(watch_unit()["Service"]["ExecStart"])
    assert Path(program).name == "razorprof"
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]")
    given = {
        "/etc/razorprof/rules.yml": str(rules),
        "/etc/razorprof/actions.yml": str(EXAMPLES / "actions.yml"),
        "%S/razorprof-watch": str(tmp_path / "state"),
        "name:gunicorn": "name:nobody-s-name",
        "127.0.0.1:9106": "127.0.0.1:0",
        "http://127.0.0.1:9093": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-m", "razorprof", *(given.get(one, one) for one in arguments), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["event"] == "started"
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_the_monitoring_plugin_s_commands_are_ones_that_check_understands(target: str, tmp_path: Path) -> None:
    text = (EXAMPLES / "monitoring-plugin.cfg").read_text("utf-8")
    lines = [line.split(None, 1)[1] for line in text.splitlines() if line.strip().startswith("command_line")]
    process, watched = ([*shlex.split(line)] for line in lines)
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]")
    given = {"$ARG2$": target, "$ARG3$": str(rules), "http://$HOSTADDRESS$:9106": "http://127.0.0.1:1"}

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        start = next(place for place, word in enumerate(command) if word.endswith("/razorprof"))
        words = [given.get(word, word) for word in command[start + 1 :]]
        return subprocess.run(
            [sys.executable, "-m", "razorprof", *words], capture_output=True, text=True, timeout=90
        )

    done = run(process)
    assert (done.returncode, done.stdout.startswith("RAZORPROF OK - 1 rule, nothing fires")) == (0, True)
    done = run(watched)
    assert (done.returncode, "the watch cannot be asked" in done.stdout) == (3, True)


def test_the_snapshot_is_one_whole_document_that_only_its_owner_may_read(target: str, tmp_path: Path) -> None:
    done = run_example("cron-snapshot.sh", target, str(tmp_path / "kept"))
    assert done.returncode == 0, done.stderr
    [file] = (tmp_path / "kept").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [seen["pid"] for seen in json.loads(file.read_text())["targets"]] == [int(target)]


def test_the_snapshot_removes_old_files_and_no_others(target: str, tmp_path: Path) -> None:
    for name, mtime in (("old.json", 0), ("old.txt", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (mtime, mtime))
    assert run_example("cron-snapshot.sh", target, str(tmp_path)).returncode == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert "old.json" not in names
    assert "old.txt" in names
    assert len(names) == 2


def test_the_snapshot_of_nothing_leaves_no_file_and_says_why(nobody: str, tmp_path: Path) -> None:
    done = run_example("cron-snapshot.sh", nobody, str(tmp_path))
    assert done.returncode == 3
    assert "no such process" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_memory_gate_passes_below_the_limit_and_fails_above_it(target: str) -> None:
    below = run_example("ci-memory-gate.py", target, "4000", "2")
    assert below.returncode == 0, below.stderr
    assert "limit 4000.0 MiB" in below.stdout
    above = run_example("ci-memory-gate.py", target, "1", "1")
    assert above.returncode == 1, above.stderr


def test_the_memory_gate_hands_on_why_razorprof_failed(nobody: str) -> None:
    gone = run_example("ci-memory-gate.py", nobody, "100", "1")
    assert gone.returncode == 3
    assert "no such process" in gone.stderr
    assert run_example("ci-memory-gate.py", "no pid", "100").returncode == 2


def test_the_hottest_worker_is_printed_with_its_hottest_function(target: str) -> None:
    done = run_example("hottest-worker.sh", target)
    assert done.returncode == 0, done.stderr
    pid, score, _, function = done.stdout.strip().split("\t")
    assert (pid, score) == (target, "-")
    assert function == "'price_lines'"
