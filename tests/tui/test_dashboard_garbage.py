"""The GC screen, the GIL on it and on the threads screen, and the figures that could not be read."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from razorprof.testing import fake_targets as play
from tests.tui.dashboards import LARGE, SMALL, Show


async def test_the_large_gc_screen_shows_all_of_it_at_once(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("4")
        for part in ("count/threshold", "collections and resident memory", "objects freed", "held 96 %", "pauses"):
            assert part in screen
        assert "more lines" not in screen
        assert re.search(r"0 +412/700 +█+▉░+ ", screen)
        assert shown.line("   full").count("▼") == 10  # of the last two minutes
        assert "2 m ago" in screen


async def test_the_small_gc_screen_has_the_most_important_first_and_says_that_there_is_more(show: Show) -> None:
    async with show([play.worker()], size=SMALL) as shown:
        screen = await shown.press("4")
        assert "of the time goes into collecting, estimated from looks" in screen
        assert "collections and resident memory" in screen
        assert re.search(r"▼ \d+ more lines", screen.splitlines()[-2])
        screen = await shown.press("end")
        assert "more lines" not in screen
        assert "gthread-0 (1240)" in screen
        assert "only Python 3.15 and newer" in screen


async def test_where_python_keeps_the_lengths_of_collections_they_are_plotted(show: Show) -> None:
    async with show([play.modern()]) as shown:
        await shown.press("4")
        screen = await shown.press("end")
        assert "up to 2.50 ms" in screen
        assert re.search(r"up to 100 µs +[▁-█ ]+ 1\.08k █+", screen)
        assert "only Python 3.15" not in screen
        shown.view.kill(play.modern().identity, "killed")
        assert "up to 2.50 ms" in await shown.tick(10)


async def test_a_gone_target_keeps_its_collections(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("4")
        before = shown.line("   full")
        shown.view.kill(play.worker().identity, "killed")
        await shown.tick(200)
        assert shown.line("   full") == before


@pytest.mark.parametrize("size", [LARGE, SMALL, (60, 15), (99, 60), (200, 50)])
@pytest.mark.parametrize("scene", ["worker", "modern", "idle", "unsupported", "gone", "hostile"])
async def test_the_gc_screen_fits_every_terminal(show: Show, size: tuple[int, int], scene: str) -> None:
    async with show([getattr(play, scene)()], size=size) as shown:
        lines = (await shown.press("4")).splitlines()
        assert len(lines) == size[1]
        assert max(map(cell_len, lines)) <= size[0]


async def test_before_the_first_tick_the_gc_screen_invents_nothing(show: Show) -> None:
    async with show([play.worker()], ticks=0) as shown:
        screen = await shown.press("4")
        assert "0.0 %" not in screen
        assert "▼" not in screen.replace("▼ one full", "")


async def test_a_process_that_is_not_python_gets_the_reason(show: Show) -> None:
    async with show([play.unsupported()], size=SMALL) as shown:
        assert "no figures: not a Python process" in await shown.press("4")


async def test_threads_show_their_share_of_the_gil_and_sort_by_it(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "gthread-0 41 %" in shown.screen  # the card's remark
        await shown.press("3")
        assert re.search(r"31\.0 +41\.0 +python\* +gthread-0", shown.screen)
        assert re.search(r"0\.0 +0\.0 +idle +pool-0", shown.screen)
        screen = await shown.press("s")
        assert "gil %▼" in screen
        assert "held 41.0 % of the time" in await shown.press("enter")


async def test_where_the_gil_was_not_read_the_share_is_a_dash(show: Show) -> None:
    async with show([play.idle()]) as shown:
        await shown.press("3")
        assert re.search(r"0\.2 +– +idle +MainThread", shown.screen)


@pytest.mark.parametrize("key", ["5", "7"])
async def test_figures_that_could_not_be_read_are_named_with_the_reason(show: Show, key: str) -> None:
    async with show([play.unsupported()]) as shown:
        screen = await shown.press(key)
        assert "not read: process_io_bytes_total, process_unique_memory_bytes: no permission" in screen
        assert "not read: process_open_fds: permission denied" in screen


async def test_the_overview_names_the_sick_one_of_several_targets_while_another_is_shown(show: Show) -> None:
    async with show(play.family(8), size=SMALL) as shown:
        assert "!! 2006 gunicorn: worker [app] is far from its siblings in cpu (9.4)" in shown.screen
        while "2006" not in shown.screen.splitlines()[0]:
            await shown.press("n")
        await shown.press("1")
        assert "far from its siblings" not in shown.screen


async def test_no_figure_has_two_cards(show: Show) -> None:
    async with show([play.unsupported()], ticks=1) as shown:
        cards = [title.strip("─ ") for title in shown.line("╭─").replace("╮", "").split("╭") if title.strip()]
        assert len(cards) == 4
        assert len(set(cards)) == 4
