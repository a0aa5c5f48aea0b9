from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump, ThreadInfo, ThreadState
from razorprof.plugin.protocols import SourceOptions
from razorprof.profilers import pyspy
from razorprof.profilers.supervisor import SharedSupervisor
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.threads import PYTHON_THREADS, ThreadsReader, ThreadsSource
from tests.integration.pyspy_processes import StopWatch, sampling, wait_until
from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAMS = Path(__file__).parents[1] / "programs"
Open = Callable[[int], ThreadsReader]


@pytest.fixture
def open_reader() -> Iterator[Open]:
    """Open a threads reader on a pid; closed with the test, and its supervisor must be gone then."""
    readers: list[ThreadsReader] = []
    shared = SharedSupervisor()

    def open_one(pid: int) -> ThreadsReader:
        source = ThreadsSource(supervisor=shared)
        readers.append(source.open(Target(ProcessView(pid).identity, "target"), SourceOptions()))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()
        reader.close()
    assert shared.pid is None


def dump_of(reader: ThreadsReader) -> ThreadDump:
    (dump,) = [reading for reading in reader.read() if isinstance(reading, ThreadDump)]
    return dump


def first_with_stacks(reader: ThreadsReader, timeout: float = 20.0) -> ThreadDump:
    """The first read that carries frames; at most `timeout` seconds of reads."""
    end = time.monotonic() + timeout
    while True:
        dump = dump_of(reader)
        if any(thread.frames for thread in dump.threads):
            return dump
        assert time.monotonic() < end, dump.stacks_reason
        time.sleep(0.05)


def by_name(dump: ThreadDump) -> dict[str, ThreadInfo]:
    return {thread.name: thread for thread in dump.threads}


def told_ids(program: Program) -> dict[str, int]:
    """Native ids as the program itself told them."""
    lines = [line.split() for line in program.wait_for("ready").splitlines() if line != "ready"]
    return {words[0]: int(words[1]) for words in lines}


def test_names_and_native_ids_are_right_on_every_python(
    python_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_build, PROGRAMS / "five_threads.py", "60")
    told = told_ids(program)
    reader = open_reader(program.pid)
    dump = first_with_stacks(reader)
    named = {name: thread.native_id for name, thread in by_name(dump).items() if name.startswith("worker")}
    assert named == told
    assert by_name(dump)["MainThread"].native_id == program.pid
    assert dump.stacks_reason == ""
    busy = by_name(dump)["worker-0"]
    assert busy.frames[-1].file == "threading.py"  # innermost first, the root last
    assert {"descend", "work"} <= {frame.function for frame in busy.frames}
    pthreads = {int(line.split()[2]) for line in program.output.splitlines() if line.startswith("worker")}
    assert pthreads <= {thread.id for thread in dump.threads}


def test_idle_threads_are_told_by_what_they_wait_for(
    python_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_build, PROGRAMS / "idle_threads.py", "60")
    told_ids(program)
    threads = by_name(first_with_stacks(open_reader(program.pid)))
    kinds = {name: thread.waits_on.kind for name, thread in threads.items() if thread.waits_on is not None}
    assert kinds == {"MainThread": "sleep", "sleeper": "sleep", "locked": "lock", "listener": "io", "reader": "io"}
    states = {name: thread.state for name, thread in threads.items()}
    assert states.pop("locked") is ThreadState.WAITING
    assert set(states.values()) == {ThreadState.IDLE}
    assert threads["locked"].waits_for_gil is False


@pytest.mark.edges
def test_who_waits_for_the_gil_is_seen_and_at_most_one_thread_holds_it(
    python_build: PythonBuild, start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_build, PROGRAMS / "five_threads.py", "60")
    told_ids(program)
    reader = open_reader(program.pid)
    states: dict[ThreadState, int] = defaultdict(int)
    waiting = 0
    for _ in range(12):
        dump = dump_of(reader)
        assert sum(thread.holds_gil is True for thread in dump.threads) <= 1
        for thread in dump.threads:
            states[thread.state] += 1
            waiting += thread.waits_for_gil is True
        time.sleep(0.2)
    assert waiting > 12  # five threads, one lock
    assert states[ThreadState.RUNNING] + states[ThreadState.PYTHON] > 0


def test_cpu_shares_of_threads_come_from_the_kernel(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "split_60_30_10.py", "60")
    program.wait_for("ready")
    reader = open_reader(program.pid)
    assert all(thread.cpu_ratio is None for thread in dump_of(reader).threads)
    time.sleep(2)
    threads = {thread.native_id: thread for thread in dump_of(reader).threads}
    main = threads.pop(program.pid)
    assert main.cpu_ratio is not None
    assert 0.1 < main.cpu_ratio <= 1.1
    assert all(thread.cpu_ratio is not None and thread.cpu_ratio < 0.05 for thread in threads.values())


def test_threads_are_counted_by_state(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "idle_threads.py", "60")
    told_ids(program)
    reader = open_reader(program.pid)
    first_with_stacks(reader)
    samples = [reading for reading in reader.read() if isinstance(reading, Sample)]
    assert {sample.metric for sample in samples} == {PYTHON_THREADS}
    assert {sample.labels["state"] for sample in samples} == {state.value for state in ThreadState}
    assert sum(sample.value for sample in samples) == 5


def test_150_threads_are_never_stopped_and_a_read_stays_short(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "many_threads.py")
    program.wait_for("ready")
    reader = open_reader(program.pid)
    durations, counts = [], set()
    with StopWatch(program.pid) as watch:
        for _ in range(6):
            began = time.monotonic()
            counts.add(len(dump_of(reader).threads))
            durations.append(time.monotonic() - began)
            time.sleep(0.4)
    assert watch.stopped == []
    assert counts == {151}
    assert sorted(durations)[len(durations) // 2] < 0.2  # 0.01-0.06 s on a quiet machine


def test_a_stopped_target_is_listed_as_stopped(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "five_threads.py", "60")
    told_ids(program)
    program.send(signal.SIGSTOP)
    assert wait_until(lambda: ProcessView(program.pid).stat().state == "T", 10)
    dump = dump_of(open_reader(program.pid))
    assert {thread.kernel_state for thread in dump.threads} == {"T"}
    assert {thread.state for thread in dump.threads} == {ThreadState.UNKNOWN}


def test_without_stacks_the_threads_are_listed_and_the_reason_is_told(
    start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program("/bin/sleep", "60")
    reader = open_reader(program.pid)
    assert wait_until(lambda: "finds no Python" in dump_of(reader).stacks_reason, 20)
    (thread,) = dump_of(reader).threads
    assert (thread.native_id, thread.name, thread.frames) == (program.pid, "sleep", ())


def test_a_missing_py_spy_leaves_the_kernels_figures(
    python_builds: tuple[PythonBuild, ...],
    start_program: StartProgram,
    open_reader: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "idle_threads.py", "60")
    told = told_ids(program)
    monkeypatch.setattr(pyspy, "find_distribution", lambda name: None)
    dump = dump_of(open_reader(program.pid))
    assert "not installed" in dump.stacks_reason
    assert set(told.values()) <= {thread.native_id for thread in dump.threads}


def test_a_target_that_ends_is_gone_and_its_dump_is_let_go(
    python_builds: tuple[PythonBuild, ...], start_program: StartProgram, open_reader: Open
) -> None:
    program = start_program(python_builds[-1], PROGRAMS / "many_threads.py")
    program.wait_for("ready")
    reader = open_reader(program.pid)
    dump_of(reader)
    program.send(signal.SIGKILL)
    program.process.wait(10)
    with pytest.raises(TargetGone):
        dump_of(reader)
    assert wait_until(lambda: not sampling(program.pid), 10)
