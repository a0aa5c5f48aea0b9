"""Expressions on the time screen: typed, completed, told what is wrong, plotted live, changed and taken away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.render.figures import in_unit
from razorprof.serve.exposition import Exposition
from razorprof.serve.families import TextFormat
from razorprof.store.openmetrics import read_openmetrics
from razorprof.testing import fake_targets as play
from razorprof.tui import expressions
from razorprof.tui.time_rows import ExpressionRow
from razorprof.tui.timeline import TimePane
from tests.tui.dashboards import SMALL, Show, Shown

RATE = "rate(process_cpu_seconds_total[1m])"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a crowded machine everything is slow: what is meant to be quick here has half a minute."""
    monkeypatch.setattr(expressions, "_QUICK", 30.0)


async def enter(shown: Shown, text: str) -> str:
    return await shown.press("e", *(_KEYS.get(character, character) for character in text), "enter")


_KEYS = {" ": "space", "(": "left_parenthesis", ")": "right_parenthesis", "[": "left_square_bracket",
         "]": "right_square_bracket", "_": "underscore", "/": "slash", "*": "asterisk", "+": "plus",
         "{": "left_curly_bracket", "}": "right_curly_bracket", "=": "equals_sign", "~": "tilde",
         '"': "quotation_mark", ",": "comma", ".": "full_stop"}  # fmt: skip


async def test_e_opens_a_line_from_any_screen_and_the_expression_is_plotted(show: Show) -> None:
    async with show([play.worker()], size=SMALL) as shown:
        screen = await enter(shown, RATE)
        assert "[7 time]" in screen
        assert shown.line("●").strip() == f"● {RATE}"
        assert "[1]" in shown.line("▸")
        assert "process_resident" not in shown.line("●")  # nobody had asked for that one
        assert not shown.app.query("#expression")


async def test_the_number_is_that_of_a_query_for_the_same_moment(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await enter(shown, f"100 * {RATE}")
        for _ in range(2):
            value = compile_query(f"100 * {RATE}").instant(shown.view, shown.view.time)
            assert isinstance(value, Vector)
            assert shown.line("▸").split()[-3] == in_unit(float(value.values[0, 0]), "")
            await shown.tick(7)


async def test_letters_and_digits_of_an_expression_are_no_commands(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("e", *"q1s")
        assert shown.app.is_running
        assert "q1s" in shown.screen
        assert "[7 time]" in await shown.press("escape")
        assert "q1s" not in shown.screen


async def test_what_is_wrong_is_said_under_the_line_and_nothing_is_kept(show: Show) -> None:
    async with show([play.worker()], size=SMALL) as shown:
        screen = await enter(shown, "sum(process_threads")
        assert "a bracket is not closed" in screen.splitlines()[-1]
        screen = await shown.press("escape")
        assert "sum(" not in screen
        screen = await enter(shown, "process_threads[5m]")
        assert "a range vector is many values at one time" in screen
        assert "[1]" not in screen


async def test_tab_completes_as_far_as_the_names_go_together(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("e", *"process_cp")
        assert "process_cpu_seconds_total" in screen.splitlines()[-1]
        await shown.press("tab")
        assert "process_cpu" in shown.screen.splitlines()[-2]
        await shown.press(*"se", "tab")
        assert shown.screen.splitlines()[-2].strip() == "process_cpu_seconds_total"
        await shown.press("left_curly_bracket", *"pro")
        await shown.press("tab")
        assert shown.screen.splitlines()[-2].strip() == "process_cpu_seconds_total{pro"


async def test_several_are_kept_and_enter_takes_one_off_the_plot(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await enter(shown, "process_threads")
        await shown.press("down")
        await enter(shown, "process_threads*2")
        assert [line.split()[:2] for line in shown.screen.splitlines() if "process_threads" in line][1:3] == [
            ["[1]", "process_threads"],
            ["▸[2]", "process_threads*2"],
        ]
        await shown.press("enter")
        assert "[ ]" in shown.line("process_threads*2")
        assert "process_threads*2" not in shown.line("●")


async def test_e_on_an_expression_changes_it_and_an_empty_line_takes_it_away(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await enter(shown, "process_threads")
        await enter(shown, "+1")
        assert "process_threads+1" in shown.line("▸")
        assert "process_threads+1" in shown.line("●")
        await shown.press("e", *["backspace"] * 30, "enter")
        assert "process_threads+1" not in shown.screen
        assert "nothing to plot yet" in shown.screen


async def test_many_series_are_told_apart_by_their_labels_and_counted(show: Show) -> None:
    async with show(play.family(9)) as shown:
        screen = await enter(shown, "process_threads")
        assert '{pid="2000"}' in shown.line("●")
        assert "the first 6 of 9 series are drawn" in screen
        assert "9 series" in shown.line("▸")


async def test_it_stays_live_and_goes_on_when_an_evaluation_fails(show: Show) -> None:
    async with show(play.family(3)) as shown:
        await enter(shown, "process_threads + on() process_threads")
        assert "error" in shown.line("▸")
        assert "found duplicate series" in shown.line("process_threads + on() process_threads: ")
        await shown.press("down")
        await enter(shown, "time()-1.7e9")
        assert shown.line("▸").split()[-3] == "180"
        await shown.tick(5)
        assert shown.line("▸").split()[-3] == "185"
        assert "error" in shown.screen


async def test_a_slow_expression_is_worked_out_beside_the_screen(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with show([play.worker()]) as shown:
        monkeypatch.setattr(expressions, "_QUICK_SAMPLES", 1)
        await enter(shown, "process_threads")
        for _ in range(200):
            if "no series" not in shown.line("▸"):
                break
            await asyncio.sleep(0.05)
            await shown.pilot.pause()
        assert "no series" not in shown.line("▸")
        assert "process_threads" in shown.line("●")


async def test_dashboard_query_and_metrics_page_tell_the_same_number(show: Show, tmp_path: Path) -> None:
    async with show([play.worker()]) as shown:
        page = tmp_path / "page.om"
        page.write_bytes(Exposition(shown.view).render(TextFormat.OPEN_METRICS))
        read = read_openmetrics(page)
        for text in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_threads*3"):
            on_page = compile_query(text).instant(read.view, read.end)
            in_store = compile_query(text).instant(shown.view, shown.view.time)
            assert isinstance(on_page, Vector)
            assert isinstance(in_store, Vector)
            assert on_page.values.tolist() == in_store.values.tolist()
            await shown.press("7", "end")  # on no expression: e would change it
            await enter(shown, text)
            pane = shown.app.pane
            assert isinstance(pane, TimePane)
            row = pane.table.chosen
            assert isinstance(row, ExpressionRow)
            assert row.answer.text == text
            assert row.answer.last == on_page.values[0, 0]
            assert row.figures()[0] in shown.line("▸")
