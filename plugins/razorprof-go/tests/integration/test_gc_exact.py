"""Collections and pauses of real programs, read out of their memory, equal what their runtime counts itself."""

from __future__ import annotations

import pytest
from go_programs import Busy, build, running
from razorprof_go import Go
from razorprof_go.collector import NOT_FOUND, NOT_YET, Collector
from razorprof_go.gc_source import GcReader

from razorprof.model.gc import GcState, GoGc
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


def look(reader: GcReader) -> tuple[GoGc, dict[str, float]]:
    readings = reader.read()
    state = next(reading for reading in readings if isinstance(reading, GcState))
    assert state.go is not None
    samples = {reading.name: reading.value for reading in readings if isinstance(reading, Sample)}
    return state.go, samples


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
        assert first.collections == (None if kind == "stripped" else 0)
        assert first.reason == (NOT_FOUND if kind == "stripped" else NOT_YET)
        seen = 0
        for collections in (3, 1, 300):
            busy.ask(f"collect {collections}")
            if not seen:  # without symbols it is searched for, at a pace that follows the cost
                reader.close()
                reader = reader_of(busy)
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
        cycles = [block.cycles for _ in range(3000) if (block := collector.look()) is not None]
        collector.close()
        assert cycles == sorted(cycles)
        assert len(set(cycles)) > 3


def test_settings_are_told_with_symbols_and_missed_with_a_reason_without() -> None:
    with running(build("system", "plain"), GOGC="37", GOMEMLIMIT="200MiB", GOMAXPROCS="2") as busy:
        busy.ask("collect 1")
        go, samples = look(reader_of(busy))
        assert (go.percent, go.memory_limit, go.max_processors) == (37, 200 << 20, 2)
        assert samples["go_gc_gogc_percent"] == 37
        busy.ask("percent 150")
        assert look(reader_of(busy))[0].percent == 150
    with running(build("system", "stripped")) as busy:
        reader = reader_of(busy)
        go, samples = look(reader)
        assert go.percent is None
        assert "stripped" in go.settings_reason
        assert "go_gc_gogc_percent" not in samples
        assert "stripped" in reader.reasons["go_gc_gogc_percent"]
