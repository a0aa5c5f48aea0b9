from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.errors import TimedOut, ToolFailed
from razorprof.profilers.supervisor import FIRST_EXTRA, STDERR, SharedSupervisor, Supervisor
from tests.integration.pyspy_processes import cpu_seconds, is_alive, sampling, wait_until
from tests.live_targets import PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
STUBBORN = "trap '' INT TERM; while :; do sleep 0.05; done"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as one:
        yield one


def pid_of(supervisor: Supervisor) -> int:
    pid = supervisor.pid
    assert pid is not None
    return pid


def test_a_tool_writes_to_memory_files_and_reports_its_end(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sh", "-c", "echo out; echo err >&2; echo extra >/dev/fd/3; exit 7"], extra=1)
    ended = child.wait(20)
    assert ended is not None
    assert (ended.code, ended.signal) == (7, None)
    assert ended.started <= ended.ended
    assert (child.output(), child.output(STDERR), child.output(FIRST_EXTRA)) == (b"out\n", b"err\n", b"extra\n")
    child.close()
    child.close()


def test_cpu_seconds_of_a_tool_are_measured(supervisor: Supervisor) -> None:
    code = "import time\nwhile time.process_time() < 0.3: pass"
    child = supervisor.start([sys.executable, "-I", "-S", "-c", code])
    ended = child.wait(60)
    assert ended is not None
    assert 0.25 < ended.cpu_seconds < 0.8
    child.close()


def test_a_tool_gets_no_descriptors_but_its_own_and_default_signals(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sh", "-c", "ls /proc/self/fd; grep SigIgn /proc/self/status"], extra=1)
    assert child.wait(20) is not None
    *descriptors, _, ignored = child.output().split()
    assert set(descriptors) <= {b"0", b"1", b"2", b"3", b"4"}  # 4 is the folder that ls reads
    assert int(ignored, 16) & 0x7FFFFFFF == 0  # 32 and 33 belong to the C library
    child.close()


def test_stop_interrupts_a_tool(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sleep", "100"])
    assert child.wait(0.05) is None
    ended = child.stop(20)
    assert ended.signal == signal.SIGINT
    child.close()


def test_a_tool_that_ignores_the_interrupt_is_killed_after_its_grace(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sh", "-c", STUBBORN], grace=0.3)
    child.wait(0.3)
    began = time.monotonic()
    assert child.stop(20).signal == signal.SIGKILL
    assert time.monotonic() - began >= 0.3
    child.close()


def test_a_wait_that_is_too_short_says_so(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sh", "-c", STUBBORN], grace=5)
    child.wait(0.2)
    with pytest.raises(TimedOut):
        child.stop(0.1)
    child.kill()
    assert child.wait(20) is not None
    child.close()


def test_closing_a_child_ends_its_tool(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sleep", "100"])
    child.wait(0.2)
    assert child.pid is not None
    child.close()
    pid = child.pid
    assert wait_until(lambda: not is_alive(pid), 10)


def test_a_tool_that_writes_too_much_is_ended_and_what_it_wrote_stays(supervisor: Supervisor) -> None:
    child = supervisor.start(["/usr/bin/head", "-c", "1000000", "/dev/zero"], most_bytes=5000)
    ended = child.wait(20)
    assert ended is not None
    assert (ended.code, ended.signal) != (0, None)
    assert len(child.output()) <= 5000
    child.close()


def test_a_missing_program_is_a_failure_with_its_reason(supervisor: Supervisor) -> None:
    child = supervisor.start(["/nowhere/py-spy"])
    with pytest.raises(ToolFailed, match="No such file"):
        child.wait(20)
    child.close()
    assert supervisor.start(["/bin/true"]).wait(20) is not None


def test_the_supervisor_lives_in_a_session_of_its_own_and_outlives_the_terminals_signals(
    supervisor: Supervisor,
) -> None:
    child = supervisor.start(["/bin/sleep", "100"])
    child.wait(0.2)
    pid = pid_of(supervisor)
    assert os.getsid(pid) == pid
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGPIPE):
        os.kill(pid, number)
    assert child.wait(0.3) is None
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
    child.close()


def test_a_terminated_supervisor_takes_its_tools_along(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sh", "-c", STUBBORN], grace=0.2)
    child.wait(0.3)
    os.kill(pid_of(supervisor), signal.SIGTERM)
    ended = child.wait(20)
    assert ended is not None
    assert ended.signal == signal.SIGKILL
    child.close()


def test_a_killed_supervisor_is_noticed_and_replaced(supervisor: Supervisor) -> None:
    child = supervisor.start(["/bin/sleep", "1"])
    child.wait(0.2)
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ToolFailed):
        child.wait(20)
    child.close()
    assert wait_until(lambda: supervisor.pid is None, 10)
    second = supervisor.start(["/bin/echo", "again"])
    assert second.wait(20) is not None
    assert second.output() == b"again\n"
    assert pid_of(supervisor) != first
    second.close()


def test_closing_the_supervisor_ends_every_tool(supervisor: Supervisor) -> None:
    children = [supervisor.start(["/bin/sleep", "100"]) for _ in range(5)]
    pids = [child.pid for child in children if child.wait(0.2) is None and child.pid is not None]
    assert len(pids) == 5
    pid = pid_of(supervisor)
    supervisor.close()
    assert not is_alive(pid)
    assert not any(is_alive(pid) for pid in pids)
    with pytest.raises(ToolFailed):
        supervisor.start(["/bin/true"])
    for child in children:
        child.close()


def test_many_tools_at_once_are_told_apart(supervisor: Supervisor) -> None:
    children = [supervisor.start(["/bin/sh", "-c", f"echo {number}; exit {number}"]) for number in range(40)]
    for number, child in enumerate(children):
        ended = child.wait(60)
        assert ended is not None
        assert ended.code == number
        assert child.output() == f"{number}\n".encode()
        child.close()


def test_the_supervisor_is_small_and_idle(supervisor: Supervisor) -> None:
    supervisor.start(["/bin/true"]).wait(20)
    pid = pid_of(supervisor)
    before = cpu_seconds(pid)
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    resident = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:"))
    assert resident <= 10 * 1024  # 8.9 MiB where it was written
    time.sleep(1.0)
    assert cpu_seconds(pid) == before


def test_the_shared_supervisor_ends_with_its_last_user() -> None:
    shared = SharedSupervisor()
    first, second = shared.acquire(), shared.acquire()
    assert first is second
    first.start(["/bin/true"]).wait(20)
    pid = shared.pid
    assert pid is not None
    shared.release()
    assert is_alive(pid)
    shared.release()
    assert not is_alive(pid)
    assert shared.pid is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_tools_end_soon_after_the_death_of_who_started_them(
    number: signal.Signals, start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    target = start_program(python_builds[-1], PROGRAMS / "five_threads.py", "60")
    target.wait_for("ready")
    controller = start_program(sys.executable, PROGRAMS / "feed_controller.py", str(target.pid))
    controller.wait_for("supervisor")
    supervisor = int(controller.wait_for("window").split("supervisor ")[1].split()[0])
    assert wait_until(lambda: sampling(target.pid), 20)
    controller.send(number)
    controller.process.wait(10)
    assert wait_until(lambda: not is_alive(supervisor) and not sampling(target.pid), 2.0)
    assert is_alive(target.pid)
    before = cpu_seconds(target.pid)
    assert wait_until(lambda: cpu_seconds(target.pid) > before + 0.1, 20)


def test_a_window_ends_by_itself_when_even_the_supervisor_is_killed(
    start_program: StartProgram, python_builds: tuple[PythonBuild, ...]
) -> None:
    target = start_program(python_builds[-1], PROGRAMS / "five_threads.py", "60")
    target.wait_for("ready")
    controller = start_program(sys.executable, PROGRAMS / "feed_controller.py", str(target.pid))
    supervisor = int(controller.wait_for("window").split("supervisor ")[1].split()[0])
    assert wait_until(lambda: sampling(target.pid), 20)
    controller.send(signal.SIGSTOP)  # so that it cannot start another supervisor first
    os.kill(supervisor, signal.SIGKILL)
    controller.send(signal.SIGKILL)
    controller.process.wait(10)
    assert wait_until(lambda: not sampling(target.pid), 15)
    assert is_alive(target.pid)
