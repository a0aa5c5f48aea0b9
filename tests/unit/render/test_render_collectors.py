"""Collectors of runtimes that are not CPython, as cells and words; what is not known is never a 0."""

from __future__ import annotations

from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState, MemoryPool
from razorprof.model.metric import Quality
from razorprof.render.collectors import collector_facts, collector_rows, knows_cycles, pool_rows
from razorprof.session.document import gc_document

GO = CollectorGc("go", 7, 0.0125, forced=1, pauses=(GcPause(90.0, 0.002), GcPause(99.0, 0.0004)), last_end=99.0)
NOW = GcState(
    100.0,
    collectors=(GO,),
    pools=(MemoryPool("old", 3 << 20, 4 << 20, 12 << 20), MemoryPool("\x1b[2Jmeta", None)),
    figures=(
        GcFigure("heap goal", 4 << 20, "bytes"),
        GcFigure("GOGC", 100, "percent"),
        GcFigure("GOMEMLIMIT", None, "bytes", reason="stripped"),
        GcFigure("live", 1.0, "", Quality.ESTIMATED),
    ),
    cpu_ratio=0.0123,
)
BEFORE = GcState(90.0, collectors=(CollectorGc("go", 5, 0.0025),))


def test_rates_and_the_share_of_time_come_from_two_states() -> None:
    (row,) = collector_rows(NOW, BEFORE)
    assert row == ("go", "7", "0.20/s", "1", "12.5 ms", "0.10 %", "400 µs", "2.00 ms")


def test_what_is_not_known_is_a_dash() -> None:
    (row,) = collector_rows(GcState(1.0, collectors=(CollectorGc("G1", None),)), BEFORE)
    assert row == ("G1", *("–",) * 7)
    (row,) = collector_rows(NOW)
    assert row[2] == row[5] == "–"


def test_a_collector_that_began_anew_has_no_negative_rate() -> None:
    (row,) = collector_rows(GcState(100.0, collectors=(CollectorGc("go", 1, 0.001),)), BEFORE)
    assert (row[2], row[5]) == ("0.00/s", "0.00 %")


def test_an_estimate_says_that_it_is_one() -> None:
    (row,) = collector_rows(GcState(1.0, collectors=(CollectorGc("x", 1, 2.0, Quality.ESTIMATED),)))
    assert row[4] == "~2.00 s"


def test_pools_tell_how_full_they_are_and_names_cannot_reach_the_terminal() -> None:
    old, meta = pool_rows(NOW)
    assert old == ("old", "3.00 MiB", "4.00 MiB", "12.0 MiB", "25.0 %")
    assert meta[1:] == ("–", "–", "no limit", "–")
    assert "\x1b" not in meta[0]


def test_aims_and_settings_are_told_in_their_units_or_with_the_reason() -> None:
    assert collector_facts(NOW) == [
        "1.23 % of the CPU time since it started went into collecting",
        "heap goal 4.00 MiB",
        "GOGC 100 %",
        "GOMEMLIMIT: not known (stripped)",
        "live 1 (estimated)",
    ]
    lost = GcState(1.0, collectors=(CollectorGc("go", 1, lost=3),))
    assert collector_facts(lost) == ["3 pauses are known by their sum only: overwritten before they were seen"]


def test_a_state_of_cpython_has_nothing_to_show_here() -> None:
    assert not knows_cycles(None)
    assert not knows_cycles(GcState(1.0, ()))
    assert knows_cycles(NOW)


def test_the_document_has_the_object_that_the_contract_gives_go_and_the_jvm() -> None:
    go = gc_document(NOW, "go")
    assert go["go"]["collections"] == 7
    assert go["go"]["pause_seconds_total"] == 0.0125
    assert go["go"]["cpu_fraction"] == 0.0123
    assert go["go"]["pauses"] == [{"end": 90.0, "seconds": 0.002}, {"end": 99.0, "seconds": 0.0004}]
    assert go["figures"][2] == {
        "name": "GOMEMLIMIT",
        "value": None,
        "unit": "bytes",
        "quality": "exact",
        "reason": "stripped",
    }
    jvm = gc_document(NOW, "jvm")
    assert jvm["jvm"]["collectors"] == [{"name": "go", "collections": 7, "seconds": 0.0125}]
    assert jvm["jvm"]["pools"][0] == {"name": "old", "used": 3 << 20, "committed": 4 << 20, "max": 12 << 20}
    assert "jvm" not in go
    assert gc_document(GcState(1.0, ()), "cpython")["interpreters"] == []
