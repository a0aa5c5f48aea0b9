"""Collections and pauses of real programs, read out of their memory, equal what their runtime counts itself."""

from __future__ import annotations

import time

import pytest
from go_programs import STRIPPED, Busy, build, running, without_names
from razorprof_go import Go
from razorprof_go.collector import NOT_FOUND, NOT_YET, Collector
from razorprof_go.gc_source import GcReader

from razorprof.model.gc import CollectorGc, GcState
from razorprof.model.metric import Sample
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView


def reader_of(busy: Busy) -> GcReader:
    go = Go()
    detection = go.detect(ProcessView(busy.process.pid))
    assert detection is not None
    source = next(source for source in go.sources(detection) if source.name == "gc")
    reader = source.open(busy.target, SourceOptions())
    assert isinstance(reader, GcReader)
    return reader


def look(reader: GcReader) -> tuple[CollectorGc, dict[str, float]]:
    readings = reader.read()
    (state,) = (reading for reading in readings if isinstance(reading, GcState))
    samples = {reading.name: reading.value for reading in readings if isinstance(reading, Sample)}
    return state.collectors[0], samples


def figures(reader: GcReader) -> dict[str, float | str | None]:
    """What the collector is set to, or why that is not known."""
    (state,) = (reading for reading in reader.read() if isinstance(reading, GcState))
    return {one.name: one.reason or one.value for one in state.figures}


@pytest.mark.parametrize(
    ("toolchain", "kind"),
    [
        ("system", "plain"),
        ("system", "stripped"),
        ("system", "pie"),
        ("registry", "plain"),
        ("registry", "stripped"),
        pytest.param("registry", "pie", marks=pytest.mark.slow),  # builds the whole library anew
    ],
)
def test_cycles_and_pauses_equal_the_runtimes_own_to_the_nanosecond(toolchain: str, kind: str) -> None:
    with running(build(toolchain, kind), GOGC="off") as busy:
        reader = reader_of(busy)
        first, samples = look(reader)
        assert first.collections == 0
        assert reader.reasons["go_memstats_last_gc_time_seconds"] == NOT_YET
        seen = 0
        for collections in (3, 1, 300):
            busy.ask(f"collect {collections}")
            go, samples = look(reader)
            cycles, total, _, forced, fraction, _, *ring = busy.ask("stats").split()
            seen += collections
            assert go.collections == int(cycles) == seen
            assert go.forced == int(forced)
            assert round(samples["go_gc_pause_seconds_sum"] * 1e9) == int(total)
            assert samples["go_gc_pause_seconds_count"] == seen
            assert samples["go_gc_cpu_ratio"] == pytest.approx(float(fraction), rel=1e-4)
            newest = dict.fromkeys(f"{round(pause.seconds * 1e9)}" for pause in go.pauses)
            assert newest.keys() <= {entry.partition("@")[0] for entry in ring}
        assert samples["go_gc_pauses_lost_total"] == 300 - 256
        reader.close()


def test_looks_while_it_collects_all_the_time_are_each_of_one_moment() -> None:
    with running(build("system", "stripped"), "-churn=512", GOGC="20") as busy:
        busy.ask("collect 2")
        collector = Collector(ProcessView(busy.process.pid), SourceOptions().clock)
        cycles: list[int] = []
        until = time.monotonic() + 20
        while len(cycles) < 3000 or (len(set(cycles)) <= 3 and time.monotonic() < until):
            block = collector.look()
            assert block is not None
            cycles.append(block.cycles)
        collector.close()
        assert cycles == sorted(cycles)
        assert len(set(cycles)) > 3


@pytest.mark.parametrize(("toolchain", "kind"), [("system", "plain"), *(STRIPPED)])
def test_settings_are_those_of_the_program(toolchain: str, kind: str) -> None:
    with running(build(toolchain, kind), GOGC="37", GOMEMLIMIT="200MiB", GOMAXPROCS="2") as busy:
        busy.ask("collect 1")
        told = figures(reader_of(busy))
        assert (told["GOGC"], told["GOMEMLIMIT"], told["GOMAXPROCS"]) == (37, 200 << 20, 2)
        busy.ask("percent 150")
        assert figures(reader_of(busy))["GOGC"] == 150
        busy.ask("percent -1")
        reader = reader_of(busy)
        assert "off" in str(figures(reader)["GOGC"])
        reader.close()


def test_where_code_tells_nothing_pauses_are_found_by_their_content_and_settings_missed_with_a_reason() -> None:
    with running(without_names(build("system", "stripped")), GOGC="off") as busy:
        reader = reader_of(busy)
        assert look(reader)[0].collections is None
        assert reader.reasons["go_memstats_last_gc_time_seconds"] == NOT_FOUND
        assert "stripped" in str(figures(reader)["GOGC"])
        assert "stripped" in str(figures(reader)["GOMAXPROCS"])
        assert "stripped" in reader.reasons["go_gc_gogc_percent"]
        reader.close()
        busy.ask("collect 3")
        reader = reader_of(busy)
        assert look(reader)[0].collections == 3
        reader.close()
