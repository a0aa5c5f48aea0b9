"""Whom the dashboard shows when a target restarts, and what keys do that come in one burst."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events
from textual.filter import LineFilter

from razorprof.model.target import Identity
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_view import FakeTarget
from tests.tui.dashboards import SMALL, Show


def selected(found: FakeTarget, pid: int, ticks: int) -> FakeTarget:
    target = replace(found.status.target, identity=Identity(pid, ticks), selector="port:8000")
    return replace(found, status=replace(found.status, target=target))


async def test_a_restarted_target_takes_the_place_of_the_one_that_ended(show: Show) -> None:
    old, new = selected(play.worker(), 1234, 100), selected(play.worker(), 4321, 200)
    async with show([old]) as shown:
        shown.view.kill(old.identity, "killed by SIGKILL")
        assert "gone: killed by SIGKILL" in await shown.tick()
        shown.view.targets[new.identity] = new
        screen = await shown.tick()
        assert "restarted as pid 4321" in screen
        assert "razorprof 4321" in screen
        assert ("focus", new.identity) in shown.controls.calls


async def test_a_gone_target_chosen_by_hand_stays(show: Show) -> None:
    old, new = selected(play.worker(), 1234, 100), selected(play.worker(), 4321, 200)
    async with show([old]) as shown:
        shown.view.targets[new.identity] = new
        shown.view.kill(old.identity, "killed by SIGKILL")
        await shown.tick()
        assert "razorprof 1234" in await shown.press("n")
        assert "razorprof 1234" in await shown.tick()


async def test_keys_in_one_burst_with_the_slash_are_no_commands(show: Show) -> None:
    async with show([play.worker()]) as shown:
        for key in ("2", "/", "t", "e", "q", "3", "n"):
            name = "slash" if key == "/" else key
            shown.app.post_message(events.Key(name, key))
        for _ in range(5):
            await shown.pilot.pause()
        assert shown.app.is_running
        assert "[2 functions]" in shown.screen
        assert "teq3n" in shown.screen


@pytest.mark.parametrize("keys", ["1", "2"])
async def test_no_color_leaves_no_colours_and_reverses_the_chosen_row(
    show: Show, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with show([play.worker()]) as shown:
        await shown.press(keys)
        filters: list[LineFilter] = list(shown.app.get_line_filters())
        assert filters
        strips = shown.app.screen._compositor.render_strips(shown.app.size)
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        assert all(style.color is None and style.bgcolor is None for style in styles)
        chosen = next(strip for strip in strips if strip.text.startswith("▸"))
        assert any(segment.style is not None and segment.style.reverse for segment in chosen)


async def test_several_targets_open_on_all_of_them_with_the_sick_one_named(show: Show) -> None:
    async with show(play.family(8), size=SMALL) as shown:
        assert "[0 all]" in shown.screen
        assert "2006" in shown.line("is far from its siblings")
        assert shown.line("!!9.4").rstrip().endswith("cpu")


async def test_the_help_cuts_no_threshold_at_80_columns(show: Show) -> None:
    async with show([play.worker()], size=(80, 90)) as shown:
        await shown.press("question_mark")
        assert "!! act from" in shown.line("! look from")
        assert "15.0 %" in shown.line("time spent collecting garbage")
