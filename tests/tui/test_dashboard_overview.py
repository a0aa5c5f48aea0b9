"""What the first screen answers, at 120x40 and at 80x24, for targets in every condition."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from razorprof.render.glyphs import ASCII
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_targets import HOSTILE
from razorprof.testing.fake_view import Wave, series_key
from tests.tui.dashboards import LARGE, SMALL, Show

SCENES = {
    "worker": play.worker,
    "idle": play.idle,
    "unsupported": play.unsupported,
    "gone": play.gone,
    "stopped": play.stopped,
    "hostile": play.hostile,
    "huge": play.huge,
}


async def test_the_small_overview_answers_the_five_questions(show: Show) -> None:
    async with show([play.worker()], size=SMALL) as shown:
        assert "limited by the GIL: 97 % held" in shown.line("limited by")
        assert re.search(r"memory +792 MiB +.*\+1\.21 MiB/min", shown.screen)
        assert re.search(r"38\.2 +61\.4 +render +app/render\.py:88", shown.screen)
        assert "1 py 5 wait 6 idle" in shown.line("container  ")
        footer = shown.screen.splitlines()[-1]
        assert "cost 2.1 %" in footer
        assert "samples/s 20" in footer
        assert "errors 0" in footer
        assert "age 0.4 s" in footer


async def test_the_large_overview_has_cards_and_says_on_what_the_functions_rest(show: Show) -> None:
    async with show([play.worker()]) as shown:
        for card in ("CPU", "memory", "GC", "GIL"):
            assert f"─ {card} ─" in shown.line("╭─ CPU")
        assert "10 s window, 200 samples, 0.2 s old" in shown.line("hot functions")
        assert "79 % of 1.00 GiB" in shown.screen
        assert "own cost 2.1 % 58.0 MiB  target stopped 0.00 %" in shown.screen


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", [LARGE, SMALL, (60, 15), (100, 30), (99, 60), (300, 90)])
async def test_every_line_fits_and_the_footer_is_the_last(show: Show, scene: str, size: tuple[int, int]) -> None:
    async with show([SCENES[scene]()], size=size) as shown:
        lines = shown.screen.splitlines()
        assert len(lines) == size[1]
        assert max(map(cell_len, lines)) <= size[0]
        assert "drop" in lines[-1]
        assert "age" in lines[-1]


async def test_a_target_that_ends_keeps_its_figures_and_says_how_it_went(show: Show) -> None:
    async with show([play.worker()]) as shown:
        resident = re.search(r"(\d+ MiB)", shown.line("MiB  "))
        shown.view.kill(play.worker().identity, "killed by SIGKILL")
        screen = await shown.tick(600)
        assert "!! gone: killed by SIGKILL; last figures below" in screen
        assert "GONE" in screen.splitlines()[0]
        assert resident is not None
        assert resident[1] in screen
        assert "render.py:88" in screen


async def test_a_target_that_was_gone_before_the_first_look_is_shown_as_gone(show: Show) -> None:
    async with show([play.gone()], size=SMALL) as shown:
        assert "!! gone: killed by SIGKILL; the container counted an OOM kill; 1.02 GiB" in shown.screen


async def test_a_stopped_target_says_so(show: Show) -> None:
    async with show([play.stopped()]) as shown:
        assert "!! STOPPED" in shown.screen


async def test_missing_functions_and_failing_sources_give_their_reason(show: Show) -> None:
    async with show([play.unsupported()], size=SMALL) as shown:
        assert "not a Python process: hot functions need CPython 3.8 or newer" in shown.screen
        assert "! cgroup: cannot read memory.max; run as root" in shown.screen
        assert "unclear: two looks disagree" in shown.screen


async def test_before_the_first_tick_nothing_is_invented(show: Show) -> None:
    async with show([play.worker()], ticks=0) as shown:
        assert re.search(r"│ – +│", shown.screen)
        assert "0 %" not in shown.line("│ –")


@pytest.mark.parametrize("keys", ["1", "2", "3", "4", "5", "6", "7", "0", "question_mark"])
async def test_hostile_names_reach_the_screen_escaped_on_every_screen(show: Show, keys: str) -> None:
    async with show([play.hostile()], size=SMALL) as shown:
        for screen in (await shown.press(keys), await shown.press("enter")):
            assert "\x1b" not in screen
            assert "\x07" not in screen
            assert "\u202e" not in screen
            assert HOSTILE not in screen
            assert len(screen.splitlines()) == SMALL[1]
            assert "\\x1b[31m" in screen


async def test_markup_in_names_is_text(show: Show) -> None:
    async with show([play.hostile()]) as shown:
        assert "[bold]x[/]" in shown.line("limited by")


async def test_ascii_glyphs_leave_nothing_else_on_any_screen(show: Show) -> None:
    async with show([play.worker()], glyphs=ASCII) as shown:
        for key in ("1", "2", "enter", "3", "4", "5", "6", "7", "0", "question_mark"):
            screen = await shown.press(key)
            assert screen.isascii()
            assert len(screen.splitlines()) == LARGE[1]
        picture = shown.app.export_screenshot()
        drawn = "".join(re.findall(r"<text[^>]*>(.*?)</text>", picture)).replace("&#160;", " ")
        assert drawn.isascii()


async def test_a_terminal_too_small_says_so_in_one_line_with_the_verdict(show: Show) -> None:
    async with show([play.worker()], size=(50, 12)) as shown:
        lines = [line for line in shown.screen.splitlines() if line.strip()]
        assert len(lines) == 1
        assert lines[0].startswith("50x12: needs 60x15. limited by the GIL")


async def test_the_layout_follows_the_size_of_the_terminal(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "╭─ CPU" in shown.screen
        await shown.pilot.resize_terminal(*SMALL)
        await shown.pilot.pause()
        assert "╭─ CPU" not in shown.screen
        assert len(shown.screen.splitlines()) == SMALL[1]
        await shown.pilot.resize_terminal(20, 5)
        await shown.pilot.pause()
        assert shown.screen.startswith("20x5: needs")
        await shown.pilot.resize_terminal(*LARGE)
        await shown.pilot.pause()
        assert "╭─ CPU" in shown.screen
        assert "render.py:88" in shown.screen


async def test_leaking_memory_is_marked_and_not_by_colour_alone(show: Show) -> None:
    leaking = play.worker()
    key = series_key("process_resident_memory_bytes")
    series = {**leaking.series, key: Wave(50 * play.MIB, slope=play.MIB / 4)}
    async with show([replace(leaking, series=series)]) as shown:
        assert "!!+15.0 MiB/min" in shown.screen


async def test_a_sentence_of_one_style_keeps_its_colour(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("6")
        words = shown.app.query_one("AlertsPane #detail-rule")
        segment = next(part for part in words.render_line(1) if "no rules are loaded" in part.text)
        assert segment.style is not None
        assert segment.style.color == shown.app.palette.look.color


async def test_a_session_that_cannot_keep_up_says_so(show: Show) -> None:
    async with show([play.worker()], size=SMALL) as shown:
        assert "!behind" not in shown.screen
        shown.view.overhead = replace(shown.view.overhead, behind=True, dropped=3)
        screen = await shown.tick()
        assert "!behind" in screen.splitlines()[-1]
        assert "!3" in screen.splitlines()[-1]
