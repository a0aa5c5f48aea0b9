"""The figures in a pipe: the same as on the dashboard, without Textual, colour or escapes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from rich.cells import cell_len

from razorprof.render.glyphs import ASCII, UNICODE
from razorprof.testing import fake_alert_scenes as scenes
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_view import FakeView
from razorprof.tui.batch import BatchPrinter, batch_text
from razorprof.tui.collect import Collector


def printed(view: FakeView, width: int = 100) -> str:
    return BatchPrinter(view, width=width, glyphs=UNICODE).text(view.state())


def test_one_target_is_told_with_verdict_figures_functions_threads_and_own_cost() -> None:
    text = printed(FakeView([play.worker()]))
    assert "! limited by the GIL: 97 % held" in text
    assert "+1.21 MiB/min" in text
    assert "app/render.py:88" in text
    assert "gthread-3" in text
    assert "errors 0" in text.splitlines()[-1]
    assert "processes" not in text


def test_a_family_is_told_as_a_table_first() -> None:
    lines = printed(FakeView(play.family(8))).splitlines()
    assert "processes" in lines[0]
    assert "2006" in lines[2]
    assert "8 of 8 alive" in "\n".join(lines[:12])


def test_the_runtimes_of_a_mixed_company_are_told_and_not_those_of_a_family() -> None:
    lines = printed(FakeView([play.worker(), play.modern(), play.unsupported()])).splitlines()
    assert "runtime" in lines[1]
    rows = {line.split()[0]: line for line in lines[2:5]}
    assert "cpython 3.11.7" in rows["1234"]
    assert "cpython" not in rows["1400"]
    assert "cpython 3.15.0" in rows["1900"]
    assert not any("runtime" in line for line in printed(FakeView(play.family(8))).splitlines()[:2])


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("make", [play.worker, play.gone, play.hostile, play.unsupported, play.stopped, play.huge])
def test_no_line_is_wider_than_asked_and_no_escape_gets_out(width: int, make: object) -> None:
    assert callable(make)
    text = printed(FakeView([make()]), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_alerts_are_told_below_the_targets_with_what_fires_in_words() -> None:
    target = play.worker()
    lines = printed(FakeView([target], alerting=scenes.worker_alerts(target))).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("── alerts"))
    assert "7 rules, 2 without an alert" in lines[start]
    assert "!!firing   MemoryGrowth" in lines[start + 2]
    assert "812 MiB > 768 MiB  2 m 10 s" in lines[start + 2]
    assert [line.split()[0] for line in lines[start + 3 : start + 6]] == ["!!error", "!pending", "resolved"]
    assert "MemoryGrowth: gunicorn: worker [app] holds 812 MiB" in lines[start + 6]
    assert "cost 2.1 %" in lines[-1]


def test_no_rules_give_no_section_and_quiet_ones_one_line() -> None:
    target = play.worker()
    assert "alerts" not in printed(FakeView([target]))
    script = scenes.worker_alerts(target)
    script.episodes, script.rules = [], script.rules[:3]
    lines = printed(FakeView([target], alerting=script)).splitlines()
    assert "3 rules, 3 without an alert" in lines[-3]
    assert not lines[-2]


def test_alerts_of_a_family_name_their_targets() -> None:
    targets = play.family(8)
    text = printed(FakeView(targets, alerting=scenes.family_alerts(targets)), 140)
    assert re.search(r"!!firing +WorkerCpuHigh +37.0 % > 30 % +54 s +2006 gun", text)
    assert "silenced" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_hostile_alerts_stay_within_their_lines(width: int) -> None:
    target = play.hostile()
    text = printed(FakeView([target], alerting=scenes.hostile_alerts(target)), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(line.isprintable() for line in text.splitlines())
    assert "Evil\\x1b[2J" in text


def test_ascii_terminals_get_ascii() -> None:
    view = FakeView([play.worker(), play.hostile()])
    assert BatchPrinter(view, glyphs=ASCII).text(view.state()).isascii()


def test_colour_marks_by_level_where_asked_for() -> None:
    view = FakeView([play.worker()])
    text = BatchPrinter(view, colour=True, glyphs=UNICODE).text(view.state())
    assert "\x1b[1;33m" in text


def test_a_target_that_goes_between_two_looks_keeps_its_figures() -> None:
    view = FakeView([play.worker()])
    printer = BatchPrinter(view, glyphs=UNICODE)
    printer.text(view.state())
    view.kill(play.worker().identity, "killed by SIGTERM")
    view.advance(500)
    text = printer.text(view.state())
    assert "!! gone: killed by SIGTERM" in text
    assert "MiB" in text


def test_batch_text_is_the_printer_used_once() -> None:
    view = FakeView([play.worker()])
    assert batch_text(view, view.state(), 100) == BatchPrinter(view, width=100).text(view.state())


def test_rows_of_two_hundred_targets_need_no_profiles() -> None:
    view = FakeView(play.family(200))
    collector = Collector(view)
    rows = [collector.row(view.state(), status) for status in view.state().targets]
    assert len(rows) == 200
    assert all(row.verdict is None and not row.profile.weights for row in rows)
    assert all(row.now("cpu") is not None for row in rows)


def test_batch_output_loads_neither_textual_nor_plotext() -> None:
    code = (
        "import sys, razorprof.tui.batch; print([m for m in ('textual', 'plotext', 'psutil') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"
