"""Advice follows from the collector's figures, and there is none where they do not bear it out."""

from __future__ import annotations

from dataclasses import replace

from razorprof_go import Go

from razorprof.analysis.advice_observation import Observation, Trend
from razorprof.model.advice import Confidence
from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState

MEBI = 1 << 20


def state(
    cycles: int,
    *,
    forced: int = 0,
    stopped: float = 0.0,
    cpu: float = 0.02,
    longest: float = 0.0001,
    **figures: float,
) -> GcState:
    collector = CollectorGc("go", cycles, stopped, forced=forced, pauses=(GcPause(1.0, longest),))
    told = tuple(GcFigure(name.replace("_", " "), value) for name, value in figures.items())
    return GcState(1.0, collectors=(collector,), figures=told, cpu_ratio=cpu)


def seen(before: GcState, now: GcState) -> Observation:
    return Observation(pid=7, seconds=10.0, version=None, before=before, now=now, runtime="go")


def names(observation: Observation) -> list[str]:
    return [advice.name for advice in Go().advise(observation)]


def test_a_collector_that_costs_little_gets_no_advice() -> None:
    assert names(seen(state(100), state(110, live_heap=10.0 * MEBI, GOGC=100.0))) == []


def test_many_cycles_over_a_small_heap_ask_for_a_larger_gogc() -> None:
    now = state(500, cpu=0.2, live_heap=4.0 * MEBI, GOGC=100.0)
    (advice,) = Go().advise(seen(state(100), now))
    assert advice.name == "frequent-cycles"
    assert advice.confidence is Confidence.HIGH
    assert "GOGC=" in advice.change
    assert advice.figures[0].value == 40.0


def test_without_symbols_the_same_is_said_with_less_certainty() -> None:
    (advice,) = Go().advise(seen(state(100), state(500, cpu=0.2)))
    assert advice.confidence is Confidence.MEDIUM


def test_the_rate_of_allocation_is_told_where_it_is_known() -> None:
    observation = seen(state(100), state(500, cpu=0.2))
    trend = Trend(((0.0, 0.0), (10.0, 5000.0 * MEBI)))
    (advice,) = Go().advise(replace(observation, series={"go_gc_heap_allocs_bytes_total": trend}))
    assert "500 MiB are allocated a second" in advice.reasoning


def test_collections_that_the_program_asks_for_are_named() -> None:
    assert names(seen(state(100, forced=90), state(300, forced=285, cpu=0.3))) == ["forced-cycles"]


def test_a_live_heap_near_the_memory_limit_is_named_first() -> None:
    now = state(700, cpu=0.4, live_heap=95.0 * MEBI, GOMEMLIMIT=100.0 * MEBI, GOGC=100.0)
    assert names(seen(state(100), now))[0] == "near-memory-limit"


def test_a_collector_that_is_off_without_a_limit_is_named_when_memory_grows() -> None:
    observation = replace(seen(state(1), state(1)), detail={"GOGC": "off"})
    growing = replace(observation, resident=Trend(((0.0, 10.0 * MEBI), (10.0, 90.0 * MEBI))))
    assert names(growing) == ["collector-off"]
    assert names(replace(growing, detail={"GOGC": "off", "GOMEMLIMIT": "1GiB"})) == []


def test_long_pauses_point_to_missing_cpu() -> None:
    (advice,) = Go().advise(seen(state(100), state(120, longest=0.08)))
    assert advice.name == "long-pauses"
    assert "80 ms" in advice.title


def test_nothing_is_said_of_what_was_not_seen() -> None:
    unknown = GcState(1.0, collectors=(CollectorGc("go", None),))
    assert names(seen(unknown, unknown)) == []
    assert names(replace(seen(state(100), state(900, cpu=0.5)), seconds=2.0)) == []
    assert names(seen(state(900), state(3, cpu=0.5))) == []
