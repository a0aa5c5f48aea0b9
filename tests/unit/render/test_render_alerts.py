"""Alerts as cells and words: rows, histories, the line on every screen, the detail, the runbook."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from razorprof.model.alert import Alert, AlertState, CaptureNote, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.model.target import Identity, Target
from razorprof.render.alert_detail import capture_lines, detail_lines, time_words
from razorprof.render.alert_history import history_span, state_strip, strip_text
from razorprof.render.alerts import (
    AlertRow,
    Standing,
    alert_line,
    cells,
    columns,
    select_rows,
    since_words,
    tab_mark,
    told_first,
)
from razorprof.render.palette import PLAIN
from razorprof.render.runbook import MOST_LINES, runbook_lines
from razorprof.render.table import lay_out

NOW = 1_700_000_000.0
STALE = float(np.array([STALE_BITS]).view(np.float64)[0])
TARGET = Target(Identity(7, 1), "api")


def row(
    standing: Standing, name: str = "Memory", *, ago: float = 130.0, hold: float = 60.0, **labels: str
) -> AlertRow:
    key = RuleKey("rules/a.yml", "g", 0, name)
    rule = RuleStatus(key, "alerting", "x > 5", Health.GOOD, "", NOW - 3, 0.002, 1, hold)
    states = {Standing.FIRING: AlertState.FIRING, Standing.PENDING: AlertState.PENDING}
    alert = Alert(
        key,
        Labels({"alertname": name, **labels}),
        {"summary": "it grows"},
        states.get(standing, AlertState.INACTIVE),
        9.0,
        NOW - ago - (0 if standing is Standing.PENDING else 30),
        None if standing is Standing.PENDING else NOW - ago - (100 if standing is Standing.RESOLVED else 0),
        NOW - ago if standing is Standing.RESOLVED else None,
    )
    without = standing in (Standing.ERROR, Standing.QUIET)
    return AlertRow(
        standing, name, NOW, rule, None if without else alert, "9 > 5", "x", TARGET, tuple(sorted(labels.items()))
    )


def series(state: str, *samples: tuple[float, float]) -> Series:
    times, values = zip(*samples, strict=True)
    return Series(Labels(__name__="ALERTS", alertstate=state), NOW + np.array(times), np.array(values))


def strip(*found: Series, seen: float = 100.0) -> str:
    return strip_text(state_strip(found, 10, end=NOW - 1, seconds=100.0, seen=seen))


def test_a_history_holds_each_state_until_the_next_sample() -> None:
    pending = series("pending", (-90, 1), (-75, 1), (-60, STALE))
    firing = series("firing", (-60, 1), (-45, 1), (-30, STALE))
    assert strip(pending, firing) == "▁▄▄▄███▁▁▁"


def test_the_last_sample_speaks_until_now_and_the_worst_of_a_cell_is_shown() -> None:
    assert strip(series("pending", (-100, 1)), series("firing", (-15, 1), (-14, STALE))) == "▄▄▄▄▄▄▄▄█▄"


def test_a_sample_speaks_for_five_minutes_at_most() -> None:
    old = series("firing", (-900, 1), (-15, 1))
    assert strip_text(state_strip([old], 10, end=NOW - 1, seconds=1000.0, seen=1000.0)) == "▁███▁▁▁▁▁█"


def test_of_the_time_before_nothing_is_known() -> None:
    assert strip(seen=35.0) == "      ▁▁▁▁"
    assert strip(series("firing", (-95, 1), (-90, STALE)), seen=35.0) == "█     ▁▁▁▁"


def test_a_history_without_room_or_samples_is_empty() -> None:
    assert state_strip([], 0, end=NOW, seconds=10, seen=5) == ()
    nothing = Series(Labels(alertstate="firing"), np.array([]), np.array([]))
    assert strip(nothing) == "▁" * 10


def test_a_history_spans_as_much_as_was_seen() -> None:
    assert [history_span(seen) for seen in (0, 300, 301, 2000, 1e6)] == [300, 300, 900, 3600, 3600]


def test_rows_come_worst_first_severe_before_others_and_silenced_last() -> None:
    rows = [
        row(Standing.QUIET, "Quiet"),
        row(Standing.RESOLVED, "Over"),
        row(Standing.PENDING, "Soon"),
        row(Standing.ERROR, "Broken"),
        replace(row(Standing.FIRING, "Hush"), silenced=True),
        row(Standing.FIRING, "Mild", ago=5),
        row(Standing.FIRING, "Severe", severity="page"),
    ]
    names = [each.name for each in select_rows(rows, "", "state", reverse=False)]
    assert names == ["Severe", "Mild", "Broken", "Soon", "Over", "Quiet", "Hush"]
    assert select_rows(rows, "", "name", reverse=True)[0].name == "Soon"
    assert select_rows(rows, "", "since", reverse=False)[0].name == "Mild"


@pytest.mark.parametrize("text", ["MEM", "severity=page", "7 api", "firing"])
def test_rows_are_found_by_name_label_target_and_state(text: str) -> None:
    rows = [row(Standing.FIRING, severity="page"), replace(row(Standing.QUIET, "Other"), target=None)]
    assert [each.name for each in select_rows(rows, text, "state", reverse=False)] == ["Memory"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (row(Standing.FIRING), "2 m 10 s"),
        (row(Standing.PENDING, ago=20), "20 s of 1 m"),
        (row(Standing.PENDING, ago=20, hold=0), "20 s"),
        (row(Standing.RESOLVED), "2 m 10 s ago"),
        (row(Standing.QUIET), ""),
        (row(Standing.FIRING, ago=-5), "0 s"),
    ],
)
def test_how_long_it_stands_so(made: AlertRow, expected: str) -> None:
    assert since_words(made) == expected


def test_cells_stand_in_the_order_of_the_columns() -> None:
    made = cells(row(Standing.FIRING, severity="page"), PLAIN, several=True)
    assert [cell if isinstance(cell, str) else cell[0] for cell in made] == [
        "!!firing",
        "Memory",
        "9 > 5",
        "2 m 10 s",
        "",
        "7 api",
        "severity=page",
    ]
    assert len(made) == len(columns(120, several=True))
    assert len(cells(row(Standing.QUIET), PLAIN, several=False)) == len(columns(120, several=False))


def test_silenced_alerts_say_so() -> None:
    assert cells(replace(row(Standing.FIRING), silenced=True), PLAIN, several=False)[0][0] == "silenced"


def test_a_narrow_table_gives_up_labels_first_and_never_the_value() -> None:
    kept = [column.key for column in lay_out(columns(80, several=True), 79).columns]
    assert kept == ["state", "name", "value", "since", "history"]
    assert [c.key for c in lay_out(columns(60, several=True), 59).columns][-1] == "value"


def test_the_line_tells_the_most_severe_and_counts_the_others() -> None:
    rows = [
        row(Standing.FIRING, "Newer", ago=5),
        row(Standing.FIRING, "Severe", severity="critical"),
        row(Standing.PENDING, "Soon"),
        replace(row(Standing.FIRING, "Hush", severity="page"), silenced=True),
    ]
    line = alert_line(rows, 120, PLAIN, several=True, keys=[("r", "runbook"), ("c", "capture")])
    assert line is not None
    assert line.plain == " ▲ Severe 7 firing 2 m 10 s  x 9 > 5   +1 firing, 1 pending   r runbook   c capture"
    assert told_first(rows) == rows[1]


def test_the_line_fits_and_keeps_name_state_and_counts() -> None:
    rows = [row(Standing.FIRING, "N" * 200), row(Standing.PENDING)]
    for width in (60, 80, 120):
        line = alert_line(rows, width, PLAIN, several=True, keys=[("r", "runbook")])
        assert line is not None
        assert line.cell_len <= width
        assert "firing 2 m 10 s" in line.plain
        assert "1 pending" in line.plain


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.RESOLVED, Standing.ERROR, Standing.QUIET])
def test_there_is_no_line_while_nothing_fires(standing: Standing) -> None:
    assert alert_line([row(standing)], 80, PLAIN, several=False) is None


def test_the_tab_is_marked_by_the_worst() -> None:
    quiet, failing, soon = row(Standing.QUIET), row(Standing.ERROR), row(Standing.PENDING)
    firing, hushed = row(Standing.FIRING), replace(row(Standing.FIRING), silenced=True)
    marks = [
        tab_mark(rows, PLAIN)[0] for rows in ([quiet, hushed], [failing], [failing, soon], [soon, firing, firing])
    ]
    assert marks == ["", "(!)", "(~1)", "(2)"]


def text_of(made: AlertRow, width: int = 120, most: int = 100) -> str:
    return "\n".join(line.plain for line in detail_lines(made, 300, width, PLAIN, runbook_key="r", most=most))


def test_the_detail_tells_all_of_a_firing_alert() -> None:
    made = row(Standing.FIRING, severity="page")
    assert made.alert is not None
    note = CaptureNote("slow", "Memory", NOW - 100, 7, "/captures/1", "done")
    alert = replace(made.alert, annotations={"summary": "it grows", "runbook_url": "runbooks/memory.md"})
    text = text_of(replace(made, alert=alert, captures=(note,), strip=(AlertState.FIRING,)))
    assert f"x 9 > 5   firing 2 m 10 s, since {time_words(NOW - 130, NOW)}, after 30 s of pending" in text
    assert "last 5 m     █   █ firing  ▄ pending" in text
    assert "summary      it grows" in text
    assert "labels       severity=page" in text
    assert "expr         x > 5   (for 1 m)" in text
    assert "runbook      runbooks/memory.md   (r: read it here)" in text
    assert f"captures     {time_words(NOW - 100, NOW)} slow: done, /captures/1" in text
    assert "rules/a.yml, group g, evaluated 3 s ago in 2.00 ms" in text


def test_value_and_times_stand_on_two_lines_where_one_is_too_short() -> None:
    assert "value        x 9 > 5\n state        firing 2 m 10 s" in text_of(row(Standing.FIRING), width=60)


def test_the_detail_of_one_that_is_over_says_how_long_it_fired() -> None:
    text = text_of(row(Standing.RESOLVED))
    assert "resolved 2 m 10 s ago, at " in text
    assert "it fired for 1 m 40 s" in text


def test_an_alert_that_is_kept_firing_says_since_when_it_is_over() -> None:
    made = row(Standing.FIRING)
    assert made.alert is not None
    text = text_of(replace(made, alert=replace(made.alert, keep_firing_since=NOW - 20)), 160)
    assert f"over since {time_words(NOW - 20, NOW)}, kept firing" in text


def test_a_rule_that_fails_gives_its_reason_and_a_quiet_one_says_so() -> None:
    failing = row(Standing.ERROR)
    assert failing.rule is not None
    assert "its evaluation fails: no match" in text_of(
        replace(failing, rule=replace(failing.rule, error="no match"))
    )
    assert "the condition holds for nothing" in text_of(row(Standing.QUIET))
    unseen = replace(failing.rule, evaluated=None)
    assert "not evaluated yet" in text_of(replace(row(Standing.QUIET), rule=unseen))


def test_hostile_annotations_and_labels_stay_on_their_lines_and_within_bounds() -> None:
    made = row(Standing.FIRING, evil="a\nb\x1b[2J")
    assert made.alert is not None
    hostile = {"a\x1b\n": "\x1b[1;1H\u202e", "long": "word " * 100_000, "lines": "\n" * 5000 + "end"}
    lines = detail_lines(replace(made, alert=replace(made.alert, annotations=hostile)), 300, 80, PLAIN, most=4)
    assert len(lines) < 30
    assert all(line.cell_len <= 80 and line.plain.isprintable() for line in lines)
    text = "\n".join(line.plain for line in lines)
    assert "evil=a\\x0ab\\x1b[2J" in text
    assert any(line.rstrip().endswith(" …") for line in text.splitlines())


def test_captures_are_listed_newest_first_and_bounded() -> None:
    notes = [CaptureNote("c", "", NOW - age, None, "", "failed", "disk full") for age in range(9)]
    text = [line.plain for line in capture_lines(notes, NOW, 100, PLAIN)]
    assert len(text) == 6
    assert "c: !failed, disk full" in text[0]
    assert text[-1].strip() == "and 4 older ones"


def test_another_day_is_named() -> None:
    assert len(time_words(NOW - 200_000, NOW)) == len("2023-11-12 00:00:00")


def book(text: str, width: int = 40) -> list[str]:
    return [line.plain.rstrip() for line in runbook_lines(text, width, PLAIN)]


def test_a_runbook_is_wrapped_lists_hang_and_code_is_left() -> None:
    text = "# Memory #\n\nOne sentence that is\nwrapped anew over the lines.\n\n"
    text += "1. first of all\n   look at it well and long\n- then\n\n```sh\nkill   -TERM 1234\n```\nend"
    assert book(text, 30) == [
        " Memory",
        "",
        " One sentence that is",
        " wrapped anew over the",
        " lines.",
        "",
        " 1. first of all look at it",
        "    well and long",
        " - then",
        "",
        " kill   -TERM 1234",
        " end",
    ]


def test_a_runbook_reaches_no_terminal_unescaped() -> None:
    lines = book("\x1b[2J [link](http://x) \u202e\n```\n\x1b]0;t\x07\n```\n# \x9b\n- \x00")
    assert all(line.isprintable() for line in lines)
    assert "[link](http://x)" in "".join(lines)


def test_a_runbook_is_bounded_in_lines_and_in_their_length() -> None:
    assert len(book("\n".join("- x" for _ in range(50_000)))) == MOST_LINES + 1
    assert all(len(line) <= 42 for line in book("    " + "x" * 1_000_000))
    assert book("\n\n\n") == []
