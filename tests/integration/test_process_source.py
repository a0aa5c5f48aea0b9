"""The process source on real processes: right figures, the right process, and what cannot be read left out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from razorprof.clock import ManualClock
from razorprof.errors import TargetGone
from razorprof.model.metric import Sample
from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.sources.process import ProcessReader, ProcessSource
from tests.integration.source_targets import (
    AS_NOBODY,
    TIMEOUT,
    Obedient,
    skip_unless_other_users_can_run,
    wait_until,
)


@pytest.fixture
def child() -> Iterator[Obedient]:
    started = Obedient()
    yield started
    started.end()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reader(child: Obedient, clock: ManualClock) -> ProcessReader:
    return ProcessReader(child.target, SourceOptions(clock=clock))


def values(samples: list[Sample]) -> dict[str, float]:
    """ "name" or "name{label value}" -> value."""
    return {
        sample.name + ("{" + ",".join(sample.labels.values()) + "}" if sample.labels else ""): sample.value
        for sample in samples
    }


def test_every_declared_metric_is_read_of_an_own_process(reader: ProcessReader) -> None:
    assert {sample.metric for sample in reader.read()} == set(ProcessSource.metrics)
    assert reader.reasons == {}


def test_figures_agree_with_psutil(child: Obedient, reader: ProcessReader) -> None:
    child.do("block = bytearray(50 << 20); files = [open('/dev/null') for _ in range(20)]")
    child.do("import threading; stop = threading.Event()")
    child.do("for _ in range(5): threading.Thread(target=stop.wait, daemon=True).start()")
    found, process = values(reader.read()), psutil.Process(child.pid)
    assert found["process_resident_memory_bytes"] == process.memory_info().rss > 50 << 20
    assert found["process_virtual_memory_bytes"] == process.memory_info().vms
    assert found["process_unique_memory_bytes"] == process.memory_full_info().uss
    assert found["process_open_fds"] == process.num_fds()
    assert found["process_max_fds"] == process.rlimit(psutil.RLIMIT_NOFILE)[0]
    assert found["process_threads"] == process.num_threads() == 6
    assert found["process_start_time_seconds"] == pytest.approx(process.create_time(), abs=1.1)
    assert found["process_io_chars_total{read}"] == process.io_counters().read_chars


def test_cpu_time_is_what_the_process_used(child: Obedient, reader: ProcessReader) -> None:
    before = values(reader.read())
    child.do("import time; t = time.process_time()")
    child.do("while time.process_time() < t + 1.0: pass")
    after = values(reader.read())
    assert after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"] == pytest.approx(1.0, abs=0.1)
    parts = after["process_cpu_user_seconds_total"] + after["process_cpu_system_seconds_total"]
    assert parts == pytest.approx(after["process_cpu_seconds_total"])


def test_switches_of_all_threads_count_not_only_of_the_main_one(
    child: Obedient, reader: ProcessReader, clock: ManualClock
) -> None:
    before = values(reader.read())
    child.do("import threading, time; f = lambda: [time.sleep(0.0001) for _ in range(500)]")
    child.do("t = threading.Thread(target=f); t.start(); time.sleep(0.02)")
    wait_until(lambda: _switches(reader, clock) > before["process_context_switches_total{voluntary}"] + 400)
    child.do("t.join()")
    assert _switches(reader, clock) > before["process_context_switches_total{voluntary}"] + 400


def _switches(reader: ProcessReader, clock: ManualClock) -> float:
    clock.advance(10.0)
    return values(reader.read())["process_context_switches_total{voluntary}"]


def test_dear_figures_are_read_at_a_slow_rate(child: Obedient, reader: ProcessReader, clock: ManualClock) -> None:
    before = values(reader.read())["process_unique_memory_bytes"]
    child.do("block = bytearray(30 << 20)")
    clock.advance(1.0)
    assert values(reader.read())["process_unique_memory_bytes"] == before
    clock.advance(60.0)
    assert values(reader.read())["process_unique_memory_bytes"] >= before + (29 << 20)


def test_a_stopped_process_still_gives_figures(child: Obedient, reader: ProcessReader) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    wait_until(lambda: child.view.stat().state == "T")
    assert values(reader.read())["process_resident_memory_bytes"] > 0


def test_a_process_that_ended_is_gone_as_a_zombie_and_after(child: Obedient, reader: ProcessReader) -> None:
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: child.view.stat().is_zombie)
    with pytest.raises(TargetGone):
        reader.read()
    child.process.wait(TIMEOUT)
    with pytest.raises(TargetGone):
        reader.read()


def test_another_process_under_the_same_pid_is_not_read(child: Obedient) -> None:
    other = Target(Identity(child.pid, child.target.identity.start_ticks - 1), "before")
    with pytest.raises(TargetGone):
        ProcessSource().open(other, SourceOptions())


def test_a_process_whose_main_thread_ended_lives_on(child: Obedient, reader: ProcessReader) -> None:
    child.do("import ctypes, threading; e = threading.Event(); t = threading.Thread(target=e.wait); t.start()")
    child.tell("ctypes.CDLL(None).pthread_exit(None)")
    wait_until(lambda: child.view.stat().is_zombie)
    found = values(reader.read())
    assert found["process_threads"] == 2
    assert found["process_cpu_seconds_total"] > 0


_READ_AS_STRANGER = """
import json, sys
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.sources.process import ProcessReader
reader = ProcessReader(Target(ProcessView(int(sys.argv[1])).identity, "other"), SourceOptions())
names = sorted({sample.name for sample in reader.read()})
print(json.dumps([names, reader.reasons]))
"""


def test_of_another_users_process_the_figures_that_may_be_read_are_given(child: Obedient) -> None:
    skip_unless_other_users_can_run()
    answer = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", _READ_AS_STRANGER, str(child.pid)],
        capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    names, reasons = json.loads(answer.stdout)
    assert {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_max_fds",
        "process_threads",
    } <= {*names}
    assert "process_io_bytes_total" not in names
    assert reasons["process_io_bytes_total"] == "no permission"
    assert reasons["process_unique_memory_bytes"] == "no permission"


def test_a_read_is_cheap(reader: ProcessReader) -> None:
    for _ in range(5):
        reader.read()
    began = time.thread_time()
    for _ in range(100):
        reader.read()
    assert (time.thread_time() - began) / 100 < 0.003  # measured 0.25 ms; a tenth of a loaded machine's doubt
