"""What is told of collections from counters alone: which were full, what memory did, how long they took."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.metric import Quality
from razorprof.model.target import Identity, Life, Target
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.render.garbage import gc_lines
from razorprof.render.garbage_history import GarbageHistory, around, full_collections, pause_buckets
from razorprof.render.garbage_time import full_collection_lines, pause_lines, time_lines
from razorprof.render.gil import gil_lines
from razorprof.render.glyphs import ASCII
from razorprof.render.missing import missing_lines
from razorprof.render.palette import PLAIN
from razorprof.render.snapshot import Mark, Missing, Snapshot, Trouble
from razorprof.render.spark import area, bucket_sums, gauge
from razorprof.render.trace import EMPTY, Trace

EVIL = "\x1b[31m\nname"


def trace(times: list[float], values: list[float]) -> Trace:
    return Trace(np.array(times, dtype=float), np.array(values, dtype=float))


LOOKS = [100.0, 101.0, 102.0, 103.0]
PAST = GarbageHistory(
    collections={0: trace(LOOKS, [10, 20, 30, 40]), 1: trace(LOOKS, [1, 2, 2, 4]), 2: trace(LOOKS, [5, 5, 7, 7])},
    collected={2: trace(LOOKS, [50, 50, 90, 90])},
    seconds=trace(LOOKS, [1.0, 1.01, 1.21, 1.22]),
    resident=trace([99.9, 100.9, 101.9, 102.9], [1000.0, 2000.0, 1900.0, 1200.0]),
)
GENERATIONS = (Generation(0, 350, 700, 40, 9, 0), Generation(1, 12, 10, 4, 8, 0), Generation(2, 1, 0, 7, 90, 3))
SNAPSHOT = Snapshot(
    Target(Identity(7, 1), "x"),
    Life.ALIVE,
    103.0,
    15.0,
    runtime="cpython",
    traces={"gc_time": trace(LOOKS[1:], [0.01, 0.2, 0.01]), "gc2": trace(LOOKS[1:], [0.0, 2.0, 0.0])},
    gc=GcState(103.0, (InterpreterGc(0, True, False, 0, 2, GENERATIONS, 1.2),)),
)


def text(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def test_full_collections_are_found_with_what_was_seen_around_them() -> None:
    (found,) = full_collections(PAST)
    assert (found.start, found.end, found.number) == (101.0, 102.0, 2)
    assert found.collected == 40
    assert found.seconds == pytest.approx(0.2)
    # from the last value before the first look to the first one after the second
    assert (found.resident, found.resident_change) == (1200.0, -800.0)
    assert found.arenas_change is None


def test_memory_that_was_not_read_yet_after_a_collection_is_unknown() -> None:
    early = replace(PAST, resident=trace([99.9, 100.9, 101.9], [1000.0, 2000.0, 1900.0]))
    (found,) = full_collections(early)
    assert found.resident_change is None
    line = text(full_collection_lines(SNAPSHOT, early, 100, PLAIN, most=3)).splitlines()[-1]
    assert line.split() == ["1", "s", "ago", "2", "40", "200", "ms", "–", "–"]


def test_a_figure_read_long_before_or_after_tells_nothing_of_a_collection() -> None:
    seldom = trace([90.0, 150.0], [1.0, 2.0])
    assert around(seldom, 101.0, 102.0) == (None, None)
    assert around(EMPTY, 101.0, 102.0) == (None, None)


def test_a_counter_that_was_reset_is_no_collection() -> None:
    assert full_collections(GarbageHistory({2: trace(LOOKS, [9, 0, 0, 1])}))[0].start == 102.0
    assert len(full_collections(GarbageHistory({2: trace(LOOKS, [9, 0, 0, 1])}))) == 1
    assert full_collections(GarbageHistory()) == []


def test_pauses_are_counted_by_length_and_empty_lengths_at_both_ends_are_left_out() -> None:
    cumulative = {
        0.001: [0, 0, 0, 0],
        0.01: [0, 3, 3, 4],
        0.1: [0, 3, 3, 4],
        1.0: [0, 3, 4, 5],
        math.inf: [0, 3, 4, 5],
    }
    past = GarbageHistory(pauses={bound: trace(LOOKS, list(map(float, v))) for bound, v in cumulative.items()})
    found = [(bucket.over, bucket.up_to, float(bucket.counts.sum())) for bucket in pause_buckets(past)]
    assert found == [(0.1, 1.0, 1.0), (0.01, 0.1, 0.0), (0.001, 0.01, 4.0)]
    shown = text(pause_lines(SNAPSHOT, past, 80, PLAIN))
    assert "up to 1.00 s" in shown
    assert "3.15" not in shown


def test_without_lengths_the_screen_says_why_and_gives_the_estimated_mean() -> None:
    shown = text(pause_lines(SNAPSHOT, PAST, 120, PLAIN))
    assert "only Python 3.15 and newer keep them" in shown
    assert "6.29 ms on average, all generations together (estimated)" in shown  # 0.22 s over 30 + 3 + 2


def test_where_times_are_exact_the_reason_of_old_pythons_is_not_given() -> None:
    assert SNAPSHOT.gc is not None
    exact = replace(SNAPSHOT.gc.interpreters[0], gc_seconds_quality=Quality.EXACT)
    snapshot = replace(SNAPSHOT, gc=GcState(103.0, (exact,)))
    assert "3.15" not in text(pause_lines(snapshot, PAST, 120, PLAIN))
    assert "min 1.0 max 20.0 %, exact" in text(gc_lines(snapshot, PAST, 120, 36, PLAIN))


def test_marks_stand_above_the_moment_of_their_collections() -> None:
    lines = [line.plain for line in time_lines(SNAPSHOT, PAST, 44, 4, PLAIN)]
    assert lines[1].strip().split() == ["full", "2"]
    assert lines[2].strip().startswith("gen 1")
    assert lines[-1].split()[0:3] == ["15", "s", "ago"]
    assert lines[-1].endswith("now")
    assert {cell_len(line) <= 44 for line in lines} == {True}
    one = replace(PAST, collections={2: trace(LOOKS, [5, 5, 6, 26])})
    assert time_lines(SNAPSHOT, one, 44, 4, PLAIN)[1].plain.split() == ["full", "▼", "+"]


def test_generations_tell_how_full_they_are_and_what_they_could_not_free() -> None:
    shown = text(gc_lines(SNAPSHOT, PAST, 120, 36, PLAIN))
    assert "350/700  █████░░░░░" in shown
    assert "12/10  ██████████" in shown  # over its threshold: full, and no longer
    assert "1/never  ░░░░░░░░░░" in shown
    assert "!3 uncollectable   !2 in gc.garbage" in shown
    assert "20.0 %, estimated from looks" in shown


def test_a_mark_shows_how_rates_changed_since() -> None:
    marked = text(gc_lines(SNAPSHOT, PAST, 120, 36, PLAIN, Mark(90.0, {"gc2": 0.5}, {})))
    assert "Δ mark" in marked
    assert "-0.50" in marked


@pytest.mark.parametrize("width", [60, 79, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [11, 20, 36])
def test_the_screen_fits_every_width_and_stays_ascii_where_asked(width: int, height: int) -> None:
    for line in gc_lines(SNAPSHOT, PAST, width, height, PLAIN):
        assert cell_len(line.plain.rstrip()) <= width
        assert len(ASCII.apply(line.plain)) == cell_len(line.plain)
        assert "?" not in ASCII.apply(line.plain)


def test_several_interpreters_have_their_own_rates_and_never_the_sum() -> None:
    assert SNAPSHOT.gc is not None
    main = SNAPSHOT.gc.interpreters[0]
    gc = GcState(103.0, (main, replace(main, id=1, enabled=False), replace(main, id=2, generations=None)))
    past = replace(PAST, rates={(1, 2): trace(LOOKS, [0.0, 0.0, 0.0, 0.25])})
    shown = text(gc_lines(replace(SNAPSHOT, gc=gc), past, 120, 36, PLAIN))
    lines = [line.split() for line in shown.splitlines() if line.strip().startswith("2 ")]
    assert [line[3] for line in lines] == ["–", "0.25"]
    assert "!disabled" in shown
    assert "shares the collector of interpreter 0" in shown


def test_without_figures_the_reason_is_told_and_nothing_else() -> None:
    bare = replace(SNAPSHOT, gc=None, traces={}, troubles=(Trouble("gc", f"cannot read {EVIL}", "use sudo"),))
    (_, line) = gc_lines(bare, GarbageHistory(), 120, 36, PLAIN)
    assert line.plain == " no figures: gc: cannot read \\x1b[31m\\x0aname; use sudo"
    other = replace(bare, troubles=(), runtime="", stack_reason="not a Python process")
    assert "no figures: not a Python process" in text(gc_lines(other, GarbageHistory(), 120, 36, PLAIN))


GIL = Gil((0,), 0.9, 11, (HolderShare(11, 0.5), HolderShare(None, 0.3)), (12, 13), 1.4)


def test_the_gil_is_told_with_the_names_of_holders_and_waiters() -> None:
    dump = ThreadDump(103.0, (ThreadInfo(11, EVIL), ThreadInfo(12, "mailer")))
    snapshot = replace(SNAPSHOT, dump=dump, gil=GilState(103.0, (GIL,), 2.0, 60))
    lines = [line.plain for line in gil_lines(snapshot, 120, PLAIN)]
    assert "60 looks in 2 s" in lines[0]
    assert "held 90 %" in lines[1]
    assert "waiting !1.4 threads on average" in lines[1]
    assert lines[2].split()[:4] == ["50.0", "%", "\\x1b[31m\\x0aname", "(11)"]
    assert lines[2].endswith("holds it now")
    assert "a thread that could not be named" in lines[3]
    assert lines[4] == " waits now  mailer (12), thread 13"


def test_a_gil_that_cannot_be_read_says_why_and_an_unknown_share_is_a_dash() -> None:
    snapshot = replace(SNAPSHOT, gil=GilState(103.0, (Gil((0,)),), reason=f"no looks {EVIL}"))
    lines = [line.plain for line in gil_lines(snapshot, 120, PLAIN)]
    assert "held –" in lines[1]
    assert lines[2] == " not all is known: no looks \\x1b[31m\\x0aname"
    assert gil_lines(SNAPSHOT, 120, PLAIN)[1].plain == " not seen yet"


def test_metrics_that_could_not_be_read_stand_together_by_reason() -> None:
    snapshot = replace(
        SNAPSHOT, missing=(Missing("a", "no permission"), Missing("b", EVIL), Missing("c", "no permission"))
    )
    lines = [line.plain for line in missing_lines(snapshot, 80, PLAIN)]
    assert lines == [" not read: a, c: no permission", " not read: b: \\x1b[31m\\x0aname"]
    assert missing_lines(snapshot, 80, PLAIN, most=1)[0].plain.endswith("no permission (+1)")
    assert missing_lines(SNAPSHOT, 80, PLAIN) == []


def test_a_filled_curve_spans_its_rows_and_leaves_gaps_blank() -> None:
    assert area([0.0, None, 8.0, 16.0], 2, low=0.0, high=16.0) == ["   █", "▁ ██"]
    assert area([5.0], 2, low=5.0, high=5.0) == [" ", "▁"]


def test_events_are_summed_into_the_spans_that_curves_are_drawn_in() -> None:
    times, counts = np.array([100.0, 104.0, 104.5, 109.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert bucket_sums(times, counts, 5, end=109.0, seconds=10.0) == [1, 0, 5, 0, 4]


def test_a_gauge_shows_its_empty_part() -> None:
    assert gauge(0.5, 4) == "██░░"
    assert gauge(0.0, 2) == "░░"
    assert gauge(3.0, 2) == "██"
