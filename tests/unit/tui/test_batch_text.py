"""The figures in a pipe: the same as on the dashboard, without Textual, colour or escapes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from rich.cells import cell_len

from razorprof.render.glyphs import ASCII, UNICODE
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


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("make", [play.worker, play.gone, play.hostile, play.unsupported, play.stopped, play.huge])
def test_no_line_is_wider_than_asked_and_no_escape_gets_out(width: int, make: object) -> None:
    assert callable(make)
    text = printed(FakeView([make()]), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


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
