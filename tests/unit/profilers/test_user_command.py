"""A user's command: its output, its end, its group, and what it is told."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed
from razorprof.profilers.user_command import CommandEnd, command_environment, run_command


def run(code: str, *arguments: str, timeout: float = 60.0, most_output: int = 1 << 20) -> CommandEnd:
    argv = [sys.executable, "-c", code, *arguments]
    return run_command(argv, command_environment({}, {}), timeout, most_output=most_output)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 20.0
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_output_of_both_streams_and_the_exit_code_are_told() -> None:
    ended = run("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.code, ended.signal, ended.reason, ended.is_cut) == (3, None, "", False)
    assert ended.output == b"out\nerr\n"
    assert ended.words == "exit code 3"
    assert run("pass").words == ""


def test_a_signal_that_ended_it_is_told() -> None:
    ended = run("import os; os.kill(os.getpid(), 9)")
    assert (ended.code, ended.signal) == (None, signal.SIGKILL)
    assert "signal 9" in ended.words


def test_arguments_reach_no_shell() -> None:
    text = "$(id) `id`; id > /tmp/x 'a\" \\ *"
    assert run("import sys; print(sys.argv[1], end='')", text).output.decode() == text


def test_it_runs_in_the_root_folder_without_input_in_a_session_of_its_own() -> None:
    ended = run("import os, sys; print(os.getcwd(), sys.stdin.read() == '', os.getsid(0) == os.getpid())")
    assert ended.output == b"/ True True\n"


def test_a_large_output_is_cut_and_never_blocks_it() -> None:
    ended = run("import sys; sys.stdout.write('x' * 3_000_000)", most_output=1000)
    assert (ended.code, ended.output, ended.is_cut) == (0, b"x" * 1000, True)


def test_after_its_time_the_whole_group_is_ended(tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    with open(sys.argv[1], "w") as file:
        file.write(f"{os.getpid()} {child}")
    print("there", flush=True)
while True:
    time.sleep(1)
"""
    ended = run(code, str(tmp_path / "pids"), timeout=5.0)
    assert ended.reason == "not done after 5 s"
    assert ended.output == b"there\n"
    assert ended.signal == signal.SIGKILL
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert wait_until_gone(pid)


def test_one_that_ends_at_the_first_signal_is_not_killed() -> None:
    ended = run("import signal, time; signal.signal(15, lambda *_: exit(7)); time.sleep(60)", timeout=4.0)
    assert ended.reason
    assert ended.signal in (None, signal.SIGTERM)  # SIGTERM where the machine is so slow that it was not ready


def test_enough_ends_it_early() -> None:
    enough = threading.Event()
    enough.set()
    began = time.monotonic()
    ended = run_command(["/bin/sleep", "100"], {}, 100.0, enough=enough)
    assert "razorprof ends" in ended.words
    assert time.monotonic() - began < 50.0


def test_a_child_that_keeps_the_output_open_is_not_waited_for() -> None:
    code = "import subprocess, sys; p = subprocess.Popen(['/bin/sleep', '50']); print(p.pid)"
    began = time.monotonic()
    ended = run(code)
    os.kill(int(ended.output), signal.SIGKILL)
    assert ended.code == 0
    assert time.monotonic() - began < 40.0


@pytest.mark.parametrize("name", ["/nonexistent/tool", "/", "/etc/passwd"])
def test_what_cannot_be_started_is_told(name: str) -> None:
    with pytest.raises(ToolFailed, match="could not be started"):
        run_command([name], {}, 1.0)


def test_data_comes_by_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "yes")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    told = command_environment(
        {"ALERT": "Slow", "PID": "7"},
        {"severity": "page", "a-b.c": "x\0y\nz", "pid": "\udce4", "long": "x" * 99_999},
    )
    assert told["RAZORPROF_ALERT"] == "Slow"
    assert told["RAZORPROF_LABEL_severity"] == "page"
    assert told["RAZORPROF_LABEL_a_b_c"] == "xy\nz"
    assert told["RAZORPROF_LABEL_pid"] == "?"
    assert len(told["RAZORPROF_LABEL_long"]) == 8192
    assert told["KEPT"] == "yes"
    assert "NOTIFY_SOCKET" not in told
    ended = run_command([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"], told, 60.0)
    seen = json.loads(ended.output)
    assert {name: seen[name] for name in told if name.startswith("RAZORPROF_")} == {
        name: value for name, value in told.items() if name.startswith("RAZORPROF_")
    }


def test_what_would_be_too_much_for_a_program_is_left_out() -> None:
    told = command_environment({f"V{n}": "\U0001f600" * 99_999 for n in range(200)}, {"late": "x" * 99_999})
    assert sum(len(value.encode()) for name, value in told.items() if name.startswith("RAZORPROF_")) <= 512 << 10
    assert run_command(["/bin/true"], told, 60.0).code == 0
