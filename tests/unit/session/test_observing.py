"""What a session's events become for advice, fed by hand."""

from __future__ import annotations

import pytest

from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.scrape import Detected, Ended, Scrape, Structure, Tick
from razorprof.model.target import Identity, Target
from razorprof.session.observing import Observing, WorkerLook

TARGET = Target(Identity(1234, 99), "app")
OTHER = Target(Identity(1235, 99), "other")
CPU = counter("process_cpu_seconds_total", "seconds", "")
RESIDENT = gauge("process_resident_memory_bytes", "bytes", "")
BLOCKS = gauge("python_allocated_blocks", "", "")


def state(time: float, *, full: int = 0) -> GcState:
    generations = tuple(Generation(n, 0, 700, full if n == 2 else 0, 0, 0) for n in range(3))
    return GcState(time, (InterpreterGc(0, True, False, 0, 0, generations, time / 10),))


def gil(time: float, held: float, switches: int) -> GilState:
    return GilState(time, (Gil((0,), held, mean_waiters=0.5, switches=switches),), 2.0, 100)


def scrape(
    time: float, *samples: Sample, structures: tuple[Structure, ...] = (), target: Target = TARGET
) -> Scrape:
    return Scrape(target, "gc", time, 0.001, samples=samples, structures=structures)


@pytest.fixture
def observing() -> Observing:
    return Observing(TARGET)


def test_nothing_seen_of_the_collector_is_no_observation(observing: Observing) -> None:
    observing.see(Tick(1.0))
    observing.see(scrape(1.0, Sample(RESIDENT, 5.0)))
    observing.see(Ended(TARGET, 2.0))
    assert observing.observation(verdict=None) is None
    assert observing.seconds == 0.0


def test_the_first_and_the_last_state_span_the_observation(observing: Observing) -> None:
    observing.see(scrape(100.0, structures=(Detected(TARGET, 100.0, "cpython", "3.12.1"),)))
    for time in (100.0, 104.0, 110.0):
        observing.see(scrape(time, structures=(state(time),)))
    seen = observing.observation(verdict=None)
    assert seen is not None
    assert (seen.before.time, seen.now.time, seen.seconds) == (100.0, 110.0, 10.0)
    assert seen.version == (3, 12, 1)
    assert seen.gc_share == pytest.approx(0.1)
    assert observing.last[0] == seen.now


def test_gauges_become_trends_and_the_cpu_counter_a_rate(observing: Observing) -> None:
    for time in (100.0, 105.0, 110.0):
        samples = Sample(CPU, time / 4), Sample(RESIDENT, 1000.0 * time)
        observing.see(scrape(time, *samples, structures=(state(time),)))
    observing.note(100.0, [Sample(BLOCKS, 50.0)])
    observing.note(110.0, [Sample(BLOCKS, 80.0)])
    seen = observing.observation(verdict=None)
    assert seen is not None
    assert seen.cpu == pytest.approx(0.25)
    assert seen.resident is not None
    assert seen.resident.growth == 10_000.0
    assert seen.blocks is not None
    assert seen.blocks.growth == 30.0
    assert seen.arenas is None


def test_the_gils_shares_are_averaged_without_the_first_and_its_switches_counted(observing: Observing) -> None:
    for time, held, switches in ((100.0, 0.0, 5), (101.0, 0.8, 50), (102.0, 1.0, 95)):
        observing.see(scrape(time, structures=(state(time), gil(time, held, switches))))
    seen = observing.observation(verdict=None)
    assert seen is not None
    assert seen.gil_held == pytest.approx(0.9)
    assert seen.gil_waiters == pytest.approx(0.5)
    assert seen.gil_switches == 90


def test_a_gil_that_was_never_read_is_unknown_not_free(observing: Observing) -> None:
    observing.see(scrape(100.0, structures=(state(100.0),)))
    seen = observing.observation(verdict=None)
    assert seen is not None
    assert (seen.gil_held, seen.gil_waiters, seen.gil_switches, seen.cpu) == (None, None, None, None)


def test_what_belongs_to_another_target_is_not_taken(observing: Observing) -> None:
    observing.see(scrape(100.0, Sample(RESIDENT, 1.0), structures=(state(100.0),), target=OTHER))
    assert observing.observation(verdict=None) is None


def test_workers_are_told_by_their_two_looks_and_new_ones_have_no_beginning(observing: Observing) -> None:
    observing.see(scrape(100.0, structures=(state(100.0),)))
    old, new = Identity(2, 5), Identity(3, 6)
    before = [WorkerLook(old, 10.0, state(100.0, full=3))]
    now = [WorkerLook(old, 30.0, state(110.0, full=7)), WorkerLook(new, 40.0, None)]
    seen = observing.observation(verdict=None, before=before, now=now)
    assert seen is not None
    first, second = seen.workers
    assert (first.unique_before, first.unique_now, first.full_collections, first.frozen) == (10.0, 30.0, 4, 0)
    assert (second.unique_before, second.unique_now, second.frozen, second.enabled) == (None, 40.0, None, None)
