"""Text, glyphs, sparklines, tables: what is drawn is exactly as wide as asked, and says what it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.render import figures, thresholds
from razorprof.render.glyphs import ASCII, UNICODE, choose
from razorprof.render.palette import PLAIN
from razorprof.render.spark import bar, buckets, sparkline
from razorprof.render.table import Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import cut_end, cut_middle, fit, printable
from razorprof.render.thresholds import Level, level
from razorprof.render.trace import EMPTY, Trace, level_trace, rate_trace

COLUMNS = (
    Column("own", "own %", 6, right=True),
    Column("name", "function", 8, stretch=1),
    Column("file", "file", 8, stretch=2),
    Column("bar", "", 10, drop=1),
)


def series(times: list[float], values: list[float]) -> Series:
    return Series(Labels({"__name__": "x"}), np.array(times), np.array(values))


@given(st.text(), st.integers(1, 60))
def test_any_text_is_made_safe_and_fits_its_width_exactly(text: str, width: int) -> None:
    safe = printable(text)
    assert "\x1b" not in safe
    assert "\n" not in safe
    assert cell_len(fit(safe, width)) == width
    assert cell_len(cut_middle(safe, width)) <= width
    assert cell_len(cut_end(safe, width)) <= width


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm"}, UNICODE),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, ASCII),
        ({"LC_ALL": "", "LC_CTYPE": "C.utf8"}, UNICODE),
        ({"LANG": "de_DE.ISO-8859-1"}, ASCII),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, ASCII),
        ({"LANG": "C.UTF-8", "TERM": "vt100"}, ASCII),
        ({}, ASCII),
    ],
)
def test_glyphs_follow_the_locale_and_the_terminal(environment: dict[str, str], expected: object) -> None:
    assert choose(environment) == expected


@given(st.text())
def test_ascii_glyphs_keep_the_width_of_any_printable_text(text: str) -> None:
    safe = printable(text)
    plain = ASCII.apply(safe)
    assert plain.isascii()
    assert len(plain) == cell_len(safe)
    assert UNICODE.apply(safe) == safe


def test_a_sparkline_spans_its_values_and_leaves_gaps_blank() -> None:
    assert sparkline([0, 1, None, 7]) == "▁▂ █"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([None, None]) == "  "
    assert sparkline([0.5], low=0.0, high=1.0) == "▅"
    assert sparkline([9.0, -9.0, float("nan")], low=0.0, high=1.0) == "█▁ "


def test_buckets_stay_where_they_are_while_time_moves_on_within_one() -> None:
    times = np.arange(100.0, 160.0)
    values = np.arange(60.0)
    early = buckets(times, values, 6, end=155.0, seconds=60.0)
    late = buckets(times, values, 6, end=159.0, seconds=60.0)
    assert early == late
    moved = buckets(times, values, 6, end=165.0, seconds=60.0)
    assert moved[:-1] == late[1:]
    assert moved[-1] is None


def test_rare_points_hold_their_value_and_a_long_silence_is_a_gap() -> None:
    times = np.array([100.0, 102.0, 104.0, 116.0, 118.0])
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    drawn = buckets(times, values, 20, end=119.0, seconds=20.0)
    assert drawn == [1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, None, None, None, None, None, 4, 4, 5, 5]


def test_a_bar_is_as_long_as_its_share_to_an_eighth_of_a_cell() -> None:
    assert bar(0.5, 8) == "████    "
    assert bar(1.0, 3) == "███"
    assert bar(0.0, 3) == "   "
    assert bar(2.0, 2) == "██"
    assert bar(1 / 16, 2) == "▏ "


def test_columns_that_do_not_fit_are_dropped_and_the_rest_is_shared() -> None:
    wide = lay_out(COLUMNS, 80)
    assert sum(wide.widths) + 1 + 2 * len(wide.widths) == 80
    narrow = lay_out(COLUMNS, 35)
    assert [column.key for column in narrow.columns] == ["own", "name", "file"]


def test_a_number_is_never_cut_and_a_name_gives_way() -> None:
    layout = lay_out(COLUMNS, 44)
    line = row_line(layout, ["1234567890.5", "name", "some/file.py", ""], PLAIN)
    assert "1234567890.5" in line.plain
    assert line.cell_len == 44


def test_the_sorted_column_carries_an_arrow() -> None:
    layout = lay_out(COLUMNS, 60)
    assert "own %▼" in head_line(layout, PLAIN, sort="own").plain
    assert "own %▲" in head_line(layout, PLAIN, sort="own", reverse=True).plain


@given(st.text(max_size=30), st.integers(40, 120), st.text(max_size=50))
def test_a_rule_is_exactly_as_wide_as_asked(title: str, width: int, note: str) -> None:
    assert rule_line(printable(title)[:30], width, PLAIN, note=printable(note)[:60]).cell_len == max(
        width, 4 + cell_len(printable(title)[:30])
    )


def test_counters_become_rates_and_resets_leave_a_gap() -> None:
    trace = rate_trace(series([0, 1, 2, 4, 5], [0, 10, 5, 9, 10]))
    assert trace.times.tolist() == [1, 4, 5]
    assert trace.values.tolist() == [10, 2, 1]
    assert rate_trace(series([0], [1])).now is None
    assert rate_trace(None) is EMPTY


def test_stale_markers_are_no_values() -> None:
    values = np.array([1.0, 2.0, 0.0])
    values.view(np.uint64)[2] = STALE_BITS
    trace = level_trace(Series(Labels(), np.array([1.0, 2.0, 3.0]), values))
    assert trace.now == 2.0
    assert (trace.low, trace.high) == (1.0, 2.0)


def test_growth_is_a_slope_and_nothing_before_twenty_seconds() -> None:
    times = np.arange(0.0, 60.0)
    assert Trace(times, 100 + 3 * times).growth() == pytest.approx(3.0)
    assert Trace(times[:15], times[:15]).growth() is None
    assert EMPTY.growth() is None


def test_levels_begin_at_their_thresholds_and_carry_marks() -> None:
    for limit in thresholds.THRESHOLDS.values():
        assert level(limit.key, limit.act) is Level.ACT
        assert level(limit.key, limit.look - 1e-9) is Level.FINE
        if limit.look < limit.act:
            assert level(limit.key, limit.look) is Level.LOOK
    assert level("growth", None) is Level.FINE
    assert [each.mark for each in Level] == ["", "!", "!!"]


def test_spans_say_no_zeros() -> None:
    spans = {0.5: "0.5 s", 10.0: "10 s", 120.0: "2 m", 130.0: "2 m 10 s", 3600.0: "1 h"}
    assert {seconds: figures.span(seconds) for seconds in spans} == spans
    assert figures.span(None) == "–"
