"""What is read out of a process's memory equals what its own gc module says, on every Python."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from razorprof.model.metric import Quality, Sample
from razorprof.runtimes.cpython.gc_source import GcSource
from razorprof.runtimes.cpython.metrics import METRICS
from tests.integration.cpython_targets import answering, eventually, gc_reader, gc_state, gil_state, samples
from tests.live_targets import PythonBuild, StartProgram

COUNTERS = ("collections", "collected", "uncollectable")

CYCLES = """
class Node: pass
def cycles(n):
    for _ in range(n):
        node = Node(); node.itself = node
cycles(5000)
gc.collect(); gc.collect(1); gc.collect(0)
gc.garbage.extend([1, 2, 3])
gc.set_threshold(701, 11, 12)
gc.disable()
"""

CHURN = """
class Node: pass
def churn():
    while True:
        for _ in range(500):
            node = Node(); node.itself = node
threading.Thread(target=churn, daemon=True).start()
"""


def test_counters_and_settings_equal_the_gc_module(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    with answering(start_program, python_build, tmp_path, CYCLES) as target, gc_reader(target.pid) as reader:
        said = target.ask()
        readings = list(reader.read())
        (main,) = gc_state(readings).interpreters
        assert main.generations is not None
        for number, (generation, stats) in enumerate(zip(main.generations, said["stats"], strict=True)):
            assert {name: getattr(generation, name) for name in COUNTERS} == stats
            assert generation.threshold == said["threshold"][number]
            labels = (("generation", str(number)),)
            assert samples(readings, "python_gc_collections_total")[labels] == stats["collections"]
            assert samples(readings, "python_gc_objects_collected_total")[labels] == stats["collected"]
            assert samples(readings, "python_gc_threshold")[labels] == said["threshold"][number]
        assert main.enabled is False
        assert main.garbage == said["garbage"] == 3
        assert main.frozen == said["frozen"]  # 3.12 begins with some
        assert samples(readings, "python_interpreters") == {(): 1}
        version = ".".join(map(str, python_build.version))
        assert list(samples(readings, "python_info")) == [(("implementation", "CPython"), ("version", version))]

        target.ask("gc.enable()")
        target.ask("gc.collect()")
        after = target.ask()
        (main,) = gc_state(list(reader.read())).interpreters
        assert main.enabled is True
        assert main.generations is not None
        assert main.generations[2].collections == after["stats"][2]["collections"]


def test_counters_stay_between_what_the_target_says_before_and_after_while_it_churns(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    with answering(start_program, python_build, tmp_path, CHURN) as target, gc_reader(target.pid) as reader:
        first = after = target.ask()
        for _ in range(20):
            before = after
            (main,) = gc_state(list(reader.read())).interpreters
            after = target.ask()
            assert main.generations is not None
            for generation, low, high in zip(main.generations, before["stats"], after["stats"], strict=True):
                for name in COUNTERS:
                    assert low[name] <= getattr(generation, name) <= high[name]
        assert after["stats"][0]["collections"] > first["stats"][0]["collections"], "the target did not churn"


def test_frozen_objects_are_counted_exactly_a_piece_at_a_time(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    body = "keep = [[] for _ in range(20000)]\ngc.freeze()"
    with (
        answering(start_program, python_build, tmp_path, body) as target,
        gc_reader(target.pid, GcSource(frozen_step=1000)) as reader,
    ):
        said = target.ask()
        assert said["frozen"] > 20000
        (main,) = gc_state(list(reader.read())).interpreters
        assert main.frozen is None, "nobody counts 20,000 objects in one step"
        assert eventually(lambda: gc_state(list(reader.read())).interpreters[0].frozen) == said["frozen"]
        target.ask("gc.unfreeze()")
        assert gc_state(list(reader.read())).interpreters[0].frozen == 0


@pytest.mark.edges
def test_time_in_gc_is_estimated_within_three_points_over_ten_seconds(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    body = """
keep = [[] for _ in range(400000)]
spent, started = 0.0, 0.0
def measure(phase, info):
    global spent, started
    if phase == "start":
        started = time.perf_counter()
    else:
        spent += time.perf_counter() - started
gc.callbacks.append(measure)
def work():
    while True:
        gc.collect()
        time.sleep(0.1)
threading.Thread(target=work, daemon=True).start()
plain = say
def say():
    return json.dumps({"spent": spent, "now": time.perf_counter()})
"""
    with (
        answering(start_program, python_build, tmp_path, body) as target,
        gc_reader(target.pid, GcSource(looks_per_second=100)) as reader,
    ):
        readings = list(reader.read())
        before = target.ask()
        first = gc_state(list(reader.read())).interpreters[0].gc_seconds or 0.0
        for _ in range(10):
            time.sleep(1)
            readings = list(reader.read())
        (main,) = gc_state(readings).interpreters
        after = target.ask()
        assert main.gc_seconds is not None
        assert main.gc_seconds_quality is Quality.ESTIMATED
        seconds = after["now"] - before["now"]
        true_share = (after["spent"] - before["spent"]) / seconds
        assert true_share > 0.1, "the target hardly collected"
        # On a crowded machine we are not run when we want to look: that much more may be missed.
        state = gil_state(readings)
        kept_from_looking = max(0.0, 1 - state.looks / (100 * state.seconds))
        allowed = 0.03 + 0.1 * kept_from_looking
        assert (main.gc_seconds - first) / seconds == pytest.approx(true_share, abs=allowed)


def test_a_second_interpreter_is_counted_and_its_end_is_seen(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    body = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
"""
    with answering(start_program, python_build, tmp_path, body) as target, gc_reader(target.pid) as reader:
        target.ask("second = interpreters.create()")
        target.ask("interpreters.run_string(second, 'import gc; gc.collect(); gc.set_threshold(77)')")
        said = target.ask()
        readings = list(reader.read())
        main, second = gc_state(readings).interpreters
        assert (main.id, main.generations is not None) == (0, True)
        assert samples(readings, "python_interpreters") == {(): 2}
        per_interpreter = samples(readings, "python_interpreter_gc_collections_total")
        if python_build.version < (3, 9):
            assert second.generations is None, "3.8 has one collector for the process"
            assert {labels[1] for labels in per_interpreter} == {("interpreter", "0")}
        else:
            assert second.generations is not None
            assert main.generations is not None
            assert second.generations[0].threshold == 77
            assert second.generations[2].collections >= 1
            assert main.generations[2].collections == said["stats"][2]["collections"]
            total = main.generations[2].collections + second.generations[2].collections
            assert samples(readings, "python_gc_collections_total")[("generation", "2"),] == total
            assert len(per_interpreter) == 6
        target.ask("interpreters.destroy(second)")
        assert [i.id for i in gc_state(list(reader.read())).interpreters] == [0]


def test_allocated_blocks_and_arenas_are_told_from_312_on(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    body = "keep = [object() for _ in range(300000)]"
    with answering(start_program, python_build, tmp_path, body) as target, gc_reader(target.pid) as reader:
        said = target.ask()
        readings = list(reader.read())
        if python_build.version < (3, 12):
            assert not samples(readings, "python_allocated_blocks")
            assert not samples(readings, "python_arena_bytes")
        else:
            assert samples(readings, "python_allocated_blocks")[()] == pytest.approx(said["blocks"], rel=0.01)
            assert samples(readings, "python_arena_bytes")[()] >= 300_000 * 16


def test_the_reader_takes_nothing_with_it_when_it_is_closed(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    with answering(start_program, python_build, tmp_path, CHURN) as target:
        opened = len(list(Path("/proc/self/fd").iterdir()))
        with gc_reader(target.pid) as reader:
            list(reader.read())
            assert threading.active_count() > before[1]
        assert len(list(Path("/proc/self/fd").iterdir())) == opened
        assert threading.active_count() == before[1]
        status = Path(f"/proc/{target.pid}/status").read_text()
        assert "TracerPid:\t0\n" in status
        assert "\nState:\tT" not in status


def test_every_declared_metric_has_a_value_or_a_reason(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    with answering(start_program, python_build, tmp_path) as target, gc_reader(target.pid) as reader:
        missing: set[str] = set()
        for _ in range(2):  # the first read comes before the first look
            given = {reading.metric.name for reading in reader.read() if isinstance(reading, Sample)}
            missing = set(reader.reasons)
            assert not given & missing
            # figures of single interpreters are for processes with several
            declared = {metric.name for metric in METRICS if not metric.name.startswith("python_interpreter_")}
            assert given | missing == declared
            assert all(reader.reasons.values())
            time.sleep(0.5)
        newest = {"python_gc_pause_seconds", "python_asyncio_tasks"}
        allocator = {"python_arena_bytes", "python_allocated_blocks"}
        assert missing == (newest | allocator if python_build.version < (3, 12) else newest)
