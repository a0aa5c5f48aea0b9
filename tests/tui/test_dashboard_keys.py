"""Every key of the dashboard does what the help says."""

from __future__ import annotations

import re
import stat
import threading
import time
from pathlib import Path

import pytest

from razorprof.errors import UsageError
from razorprof.testing import fake_targets as play
from razorprof.tui.actions import ACTIONS, bound_keys
from razorprof.tui.processes import ProcessesPane
from razorprof.tui.table import Table
from tests.tui.dashboards import SMALL, Show


async def test_q_leaves(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.pilot.press("q")
        await shown.pilot.pause()
        assert not shown.app.is_running


async def test_space_pauses_and_goes_on(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "PAUSED" in await shown.press("space")
        assert "PAUSED" not in await shown.press("space")
        assert shown.controls.calls == [("pause", True), ("pause", False)]


async def test_plus_and_minus_change_the_interval(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "one look every 0.5 s" in await shown.press("plus")
        assert "one look every 2 s" in await shown.press("minus")
        shown.view.interval = 60.0
        assert "the interval stays at 60 s" in await shown.press("minus")
        assert shown.controls.calls == [("set_interval", 0.5), ("set_interval", 2.0)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("2", "── hot functions ──"),
        ("3", "gthread-3"),
        ("t", "gthread-3"),
        ("4", "uncollectable"),
        ("5", "container limit"),
        ("6", "no rules are loaded"),
        ("7", "process_resident_memory_bytes"),
        ("0", "1 of 1 alive"),
        ("P", "the application's own figures"),
        ("question_mark", "screen: hot functions"),
    ],
)
async def test_digits_choose_the_screen_and_escape_leads_back(show: Show, key: str, expected: str) -> None:
    async with show([play.worker()]) as shown:
        assert expected in await shown.press(key)
        assert "[1 overview]" in await shown.press("escape")


async def test_slash_filters_as_one_types_and_escape_clears(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("2", "slash", *"sqlal")
        assert "execute" in screen
        assert "iterencode" not in screen
        screen = await shown.press("enter")
        assert "matching sqlal" in screen
        assert "iterencode" not in screen
        assert "iterencode" in await shown.press("escape")


async def test_letters_typed_into_the_filter_are_no_commands(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("3", "slash", "q", "s", "1")
        assert shown.app.is_running
        assert "nothing matches qs1" in screen


async def test_s_and_capital_s_sort(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "own %▼" in await shown.press("2")
        screen = await shown.press("s")
        assert "total %▼" in screen
        assert screen.splitlines()[5].split()[3] in ("handle_request", "serve_forever", "_bootstrap")
        screen = await shown.press("S")
        assert "total %▲" in screen
        assert "100.0" not in screen.splitlines()[5]


async def test_g_collapses_functions_by_file_package_and_thread(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "hot functions by file" in await shown.press("2", "g")
        assert re.search(r"app/render\.py *█", shown.screen)
        assert "hot functions by package" in await shown.press("g")
        assert "by thread" in await shown.press("g")
        assert "gthread-3 (1243)" in shown.screen
        screen = await shown.press("enter")
        assert "hot functions of thread gthread-3 (1243)" in screen
        assert "of thread" not in await shown.press("escape")


async def test_enter_on_a_file_shows_its_functions(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("2", "g", "enter")
        assert "matching app/render.py" in screen
        assert "render" in screen
        assert "iterencode" not in screen


async def test_enter_on_a_function_shows_callers_callees_and_a_flame_graph(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("enter")
        assert "[2 functions]" in screen
        assert "own 38.2 %   total 61.4 %" in screen
        assert "handle_request" in shown.line("called by   %") + screen
        assert "│escape" in screen
        assert "own time by line   88: 100 %" in screen
        assert "61.4 % of all, own 38.2 %  render" in screen


async def test_arrows_choose_a_box_of_the_flame_graph_enter_zooms_and_escape_leads_out(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("enter")
        assert "escape  markupsafe" in (await shown.press("down")).splitlines()[-2]
        assert "url_for  flask" in (await shown.press("right")).splitlines()[-2]
        assert "build  werkzeug" in (await shown.press("down")).splitlines()[-2]
        assert "url_for" in (await shown.press("up")).splitlines()[-2]
        screen = await shown.press("enter")
        assert "│escape" not in screen
        assert "│build" in screen
        assert "│escape" in await shown.press("escape")
        assert "── hot functions ──" in await shown.press("escape")


async def test_f_shows_the_flame_graph_of_everything(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("f")
        assert "flame graph of the whole process" in screen
        assert "│all" in screen
        assert "│handle_request" in screen


async def test_enter_on_a_thread_shows_its_stack_and_its_age(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("3", "enter")
        assert "4 frames, innermost first, seen 400 ms ago" in screen
        assert "python, holds the GIL" in screen
        assert re.search(r"0 +render +app/render\.py:88", screen)
        assert "gthread-1" in await shown.press("escape")


async def test_equal_stacks_are_grouped_on_demand(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("3")
        assert "pool-4" in shown.screen
        screen = await shown.press("g")
        assert "5 × pool-0" in screen
        assert "pool-4" not in screen


async def test_m_marks_and_capital_d_hides_the_difference(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "no mark yet" in await shown.press("D")
        await shown.press("m")
        screen = await shown.tick(30)
        assert "Δ own" in screen
        assert "Δ since 30" in screen
        assert re.search(r"Δ[+-][\d.]+ (KiB|MiB)", screen)
        assert "Δ own" not in await shown.press("D")
        assert "Δ own" in await shown.press("D")


async def test_n_and_p_switch_the_target_and_move_the_focus(show: Show) -> None:
    targets = play.family(4)
    async with show(targets) as shown:
        assert "target 1 of 4" in shown.screen
        assert "razorprof 2002" in await shown.press("n")  # the sickest comes first, as on the screen of all
        assert "razorprof 2000" in await shown.press("p")
        assert "razorprof 2001" in await shown.press("p")
        assert [call for call, _ in shown.controls.calls] == ["focus"] * 3


async def test_the_sick_worker_is_the_first_row_and_enter_goes_there(show: Show) -> None:
    async with show(play.family(32), size=SMALL) as shown:
        screen = await shown.press("0")
        first = screen.splitlines()[6]
        assert "2030" in first
        assert "!!9.4" in first
        assert "32 of 32 alive" in screen
        assert "razorprof 2030" in await shown.press("enter")


async def test_x_saves_text_and_picture_for_the_owner_only(show: Show, tmp_path: Path) -> None:
    async with show([play.worker()]) as shown:
        assert "saved " in await shown.press("x")
        await shown.press("x")
        files = sorted(tmp_path.iterdir())
        assert [file.suffix for file in files] == [".svg", ".txt"] * 2
        assert all(file.name.startswith("razorprof-1234-20231114-") for file in files)
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
        assert "limited by the GIL" in files[-1].read_text("utf-8")
        assert files[0].read_text("utf-8").startswith("<svg")


async def test_x_never_follows_a_link(show: Show, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", "utf-8")
    async with show([play.worker()]) as shown:
        name = "razorprof-1234-20231114-221620.txt"
        (tmp_path / name).symlink_to(victim)
        assert "saved" in await shown.press("x")
        assert victim.read_text("utf-8") == "precious"
        assert (tmp_path / "razorprof-1234-20231114-221620-1.txt").exists()


async def test_x_says_why_it_could_not_save(show: Show, tmp_path: Path) -> None:
    async with show([play.worker()]) as shown:
        tmp_path.rmdir()
        assert "not saved: " in await shown.press("x")


async def test_the_help_names_every_action_and_every_limit(show: Show) -> None:
    async with show([play.worker()], size=(120, 90)) as shown:
        screen = await shown.press("question_mark")
        for action in ACTIONS:
            assert action.what in screen
        assert "time spent collecting garbage" in screen
        assert "[1 overview]" in await shown.press("question_mark")


async def test_keys_can_be_bound_anew(show: Show) -> None:
    async with show([play.worker()], keys={"functions": "F5,w", "quit": "Q"}) as shown:
        assert "[w functions]" not in shown.screen
        screen = await shown.press("w")
        assert "functions]" in screen
        assert "F5 w" in await shown.press("question_mark")
        await shown.press("q", "2")
        assert shown.app.is_running


def test_an_unknown_action_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no such action"):
        bound_keys({"fly": "y"})


async def test_the_palette_offers_every_action_and_the_themes(show: Show) -> None:
    async with show([play.worker()]) as shown:
        offered = {command.title for command in shown.app.get_system_commands(shown.app.screen)}
        assert {action.name for action in ACTIONS} | {"theme"} == offered
        await shown.press("ctrl+p")
        assert shown.app.screen.is_modal
        await shown.press(*"memory")
        await shown.pilot.pause(0.3)
        await shown.press("enter")
        await shown.pilot.pause(0.1)
        assert "[5 memory]" in shown.screen


@pytest.mark.parametrize("theme", ["razorprof-light", "textual-dark", "textual-ansi", "nord"])
async def test_themes_change_the_colours_and_nothing_else(show: Show, theme: str) -> None:
    async with show([play.worker()]) as shown:
        before = shown.screen
        if theme not in shown.app.available_themes:
            theme = next(name for name, value in shown.app.available_themes.items() if value.ansi)
        shown.app.theme = theme
        await shown.pilot.pause()
        assert shown.screen == before


async def test_the_time_screen_overlays_series_with_their_extremes(show: Show) -> None:
    async with show([play.worker()]) as shown:
        screen = await shown.press("7")
        assert "● process_resident_memory_bytes" in screen
        assert "MiB┤" in screen
        screen = await shown.press("down", "enter")
        assert "● container_memory_working_set_bytes" in screen
        assert "[2]" in shown.line("▸")
        screen = await shown.press("down", "enter")
        assert "each on its own scale" in screen
        assert "● container_memory_working_set_bytes" not in await shown.press("up", "enter")


async def test_a_click_on_a_tab_opens_its_screen(show: Show) -> None:
    async with show([play.worker()]) as shown:
        column = shown.line("[1 overview]").index("threads")
        await shown.pilot.click("#head", offset=(column, 2))
        await shown.pilot.pause()
        assert "[3 threads]" in shown.screen


async def test_a_burst_of_ticks_from_another_thread_is_drawn_once(show: Show) -> None:
    async with show([play.worker()]) as shown:
        before = shown.app.draws
        shown.view.advance()

        def burst() -> None:
            for _ in range(1000):
                shown.app.tick()

        thread = threading.Thread(target=burst)
        thread.start()
        thread.join(timeout=30)  # the app's loop stands still meanwhile: all thousand come at once
        await shown.pilot.pause()
        assert 1 <= shown.app.draws - before <= 2


async def test_ticks_after_the_end_are_ignored(show: Show) -> None:
    async with show([play.worker()]) as shown:
        app = shown.app
    app.tick()
    app.tick()


async def test_the_cursor_stays_on_its_row_while_the_order_changes(show: Show) -> None:
    async with show(play.family(20)) as shown:
        await shown.press("0", "down", "down", "down")
        table = shown.app.query_one(ProcessesPane).query_one(Table)
        held = table.chosen_key
        await shown.press("S")
        await shown.press("down", "down")
        held = table.chosen_key
        await shown.tick(7)
        assert table.chosen_key == held


async def test_only_changed_lines_are_drawn_again(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("6")
        pane = shown.app.query_one("AlertsPane Pager")
        drawn: list[object] = []
        monkeypatch.setattr(pane, "refresh", lambda *regions, **more: drawn.append(regions))
        await shown.tick()
        assert drawn == []


async def test_age_grows_in_the_footer_when_no_tick_comes(show: Show) -> None:
    async with show([play.worker()]) as shown:
        shown.clock.advance(45)
        await shown.pilot.pause(1.3)
        assert "age !!45.4 s" in shown.screen.splitlines()[-1]


async def test_old_figures_alarm_nobody_while_paused(show: Show) -> None:
    async with show([play.worker()]) as shown:
        await shown.press("space")
        shown.clock.advance(45)
        await shown.pilot.pause(1.3)
        assert "age 45.4 s" in shown.screen.splitlines()[-1]


async def test_five_hundred_threads_and_five_thousand_functions_draw_within_a_tick(show: Show) -> None:
    async with show([play.huge()]) as shown:
        for key in ("1", "2", "3"):
            await shown.press(key)
            took = []
            for _ in range(3):  # the fastest: a neighbour on the same core makes each dearer
                shown.view.advance()
                started = time.process_time()
                shown.app.draw()
                took.append(time.process_time() - started)
            assert min(took) < 0.5
        assert "of 500" in shown.screen
        screen = await shown.press("end")
        assert "worker-" in screen.splitlines()[-2]
        assert "▸" in screen.splitlines()[-2]


async def test_two_hundred_targets_draw_within_a_tick(show: Show) -> None:
    async with show(play.family(200)) as shown:
        await shown.press("0")
        started = time.process_time()
        shown.view.advance()
        shown.app.draw()
        assert time.process_time() - started < 1.0
        assert "200 of 200 alive" in shown.screen
        assert "of 200" in await shown.press("pagedown")
