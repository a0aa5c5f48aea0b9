"""Alerts in the dashboard: the screen, the line on every screen, the runbook, captures and the bell."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.model.alert import AlertBoard
from razorprof.model.series import Series
from razorprof.render.glyphs import ASCII
from razorprof.testing import fake_alert_scenes as scenes
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_alerts import FakeAlerts, capture_of
from razorprof.tui.table import Table
from tests.tui.dashboards import SMALL, Show

RULES = str(Path(__file__).with_name("worker.yml"))


def worker_alerts() -> FakeAlerts:
    return scenes.worker_alerts(play.worker(), file=RULES)


async def test_the_screen_lists_alerts_worst_first_with_value_limit_and_time(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        screen = await shown.press("6")
        rows = [line.split()[0] for line in screen.splitlines()[5:11]]
        assert rows == ["▸!!firing", "!!error", "!pending", "resolved", "ok", "ok"]
        assert "812 MiB > 768 MiB  2 m 10 s" in shown.line("▸")
        assert "96.8 % > 90 %  1 m 10 s of 5 m" in shown.line("GilSaturated")
        assert "1 m 25 s ago" in shown.line("GcThrash")
        assert "█" in shown.line("GcThrash")
        assert "6 alerting rules, 1 recording, 1 failing" in screen


async def test_the_detail_follows_the_cursor(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        assert "── MemoryGrowth of 1234" in await shown.press("6")
        assert "slow-worker: done, /var/lib/razorprof" in shown.screen
        screen = await shown.press("down")
        assert "── SlowRequests ──" in screen
        assert "its evaluation fails: many-to-many" in screen
        assert "── GilSaturated of 1234" in await shown.press("down")
        assert "── MemoryGrowth of 1234" in await shown.press("home")
        assert "the condition holds for nothing" in await shown.press("end")


async def test_the_cursor_stays_on_its_alert_while_states_change(show: Show) -> None:
    alerting = worker_alerts()
    async with show([play.worker()], alerting=alerting) as shown:
        await shown.press("6", "down", "down")
        pending = alerting.episodes[0]
        alerting.episodes = [replace(pending, fired=181), *alerting.episodes[1:]]
        screen = await shown.tick(5)
        assert "── GilSaturated of 1234" in screen
        assert "!!firing" in shown.line("▸")


async def test_an_opened_alert_stays_open_while_another_takes_its_place(show: Show) -> None:
    alerting = worker_alerts()
    async with show([play.worker()], alerting=alerting) as shown:
        assert "── MemoryGrowth of 1234" in await shown.press("6", "enter")
        pending, firing, *others = alerting.episodes
        alerting.episodes = [replace(pending, fired=181), replace(firing, over=181), *others]
        assert "── MemoryGrowth of 1234" in await shown.tick(5)


async def test_enter_shows_all_of_an_alert_and_escape_leads_back(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts(), size=SMALL) as shown:
        assert "evaluated" not in await shown.press("6")
        screen = await shown.press("enter")
        assert "state▼" not in screen
        assert "/var/lib/razorprof/captures/20231114-221410-slow-worker-1234" in screen
        told = " ".join(screen.split())  # the file's path may fill the line
        assert re.search(r"evaluated [0-5] s ago", told)  # the dashboard goes on while it is looked at
        assert "state▼" in await shown.press("escape")
        await shown.press("down")
        assert "SlowRequests" in shown.line("▸")
        assert "[1 overview]" in await shown.press("escape")


async def test_r_on_any_screen_shows_the_runbook_of_what_fires(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        screen = await shown.press("3", "r")
        assert "[6 alerts (1)]" in screen
        assert "── runbook: MemoryGrowth" in screen
        assert "runbooks/memory-growth.md, esc back" in screen
        assert "systemctl reload app.service" in screen
        assert "state▼" in await shown.press("escape")
        assert "systemctl" in await shown.press("r")
        assert "state▼" in await shown.press("r")
        await shown.press("end")
        assert "TargetGone" in shown.line("▸")


async def test_r_says_why_there_is_no_runbook(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        screen = await shown.press("6", "down", "r")
        assert "no runbook to show: the alert has no annotation runbook or runbook_url" in screen


async def test_r_needs_something_that_fires(show: Show) -> None:
    async with show([play.worker()]) as shown:
        assert "nothing fires" in await shown.press("r")
        assert "no alert is chosen" in await shown.press("6", "r")


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "7", "0", "question_mark"])
async def test_what_fires_is_told_on_every_screen(show: Show, key: str) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        lines = (await shown.press(key)).splitlines()
        assert lines[-2].startswith(" ▲ MemoryGrowth firing 2 m 10 s  resident 812 MiB > 768 MiB   1 pending")
        assert "r runbook   c capture" in lines[-2]
        assert "own cost" in lines[-1]
        assert "6 alerts (1)" in lines[2]


async def test_the_line_comes_and_goes_with_the_alert(show: Show) -> None:
    alerting = worker_alerts()
    alerting.episodes = [replace(alerting.episodes[1], active=185, fired=190, over=200)]
    alerting.rules = alerting.rules[:1]
    async with show([play.worker()], alerting=alerting, size=SMALL) as shown:
        assert "MemoryGrowth" not in shown.screen
        assert "6 alerts  " in shown.screen
        assert "6 alerts (~1)" in await shown.tick(5)
        assert " ▲ MemoryGrowth firing 0 s" in await shown.tick(5)
        assert len(shown.screen.splitlines()) == SMALL[1]
        screen = await shown.tick(10)
        assert "▲ MemoryGrowth" not in screen
        assert "6 alerts  " in screen


async def test_a_click_on_the_line_opens_the_alerts(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts()) as shown:
        await shown.pilot.click("#foot", offset=(10, 0))
        await shown.pilot.pause()
        assert "[6 alerts (1)]" in shown.screen


async def test_c_takes_a_capture_of_the_target_and_tells_what_becomes_of_it(show: Show) -> None:
    alerting = worker_alerts()
    target = play.worker()
    async with show([target], alerting=alerting) as shown:
        assert "capturing 1234 ..." in await shown.press("c")
        assert shown.controls.calls == [("capture", target.identity)]
        alerting.captures = [*alerting.captures, capture_of(target.identity, "now", "", 181, folder="/captures/x")]
        await shown.tick()
        assert "capture now of 1234: running, /captures/x" in shown.screen
        done = replace(alerting.captures[-1], state="done", detail="4 files")
        alerting.captures = [*alerting.captures[:-1], done]
        await shown.tick()
        assert "capture now of 1234: done, /captures/x, 4 files" in shown.screen


async def test_c_says_why_there_is_no_capture(show: Show) -> None:
    async with show([play.worker()]) as shown:
        shown.controls.no_capture = "captures are\nnot set up"
        assert "no capture of 1234: captures are\\x0anot set up" in await shown.press("c")


async def test_c_on_the_alert_screen_captures_the_alert_s_own_target(show: Show) -> None:
    targets = play.family(8)
    async with show(targets, alerting=scenes.family_alerts(targets)) as shown:
        await shown.press("6", "down", "c")
        assert "2006" in shown.line("▸")
        assert ("capture", targets[6].identity) in shown.controls.calls


async def test_alerts_of_several_targets_say_whose_they_are(show: Show) -> None:
    targets = play.family(8)
    async with show(targets, alerting=scenes.family_alerts(targets)) as shown:
        screen = await shown.press("6")
        assert "silenced" in shown.line("2003 gun")
        assert " ▲ WorkersBusy firing 30 s  CPU 271 % > 200 %   +2 firing, 5 pending" in screen
        screen = await shown.press("slash", *"2004", "enter")
        assert "alerts, matching 2004" in screen
        assert "2005" not in screen


async def test_the_bell_rings_once_for_what_begins_to_fire_and_only_if_asked(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wanted, expected in ((True, [0, 1, 1]), (False, [0, 0, 0])):
        alerting = worker_alerts()
        alerting.episodes = [replace(alerting.episodes[1], active=100, fired=185, over=None)]
        async with show([play.worker()], alerting=alerting, bell=wanted) as shown:
            rung: list[int] = []
            monkeypatch.setattr(shown.app, "bell", lambda rung=rung: rung.append(1))
            counts = [len(rung)]
            for _ in range(2):
                await shown.tick(5)
                counts.append(len(rung))
            assert counts == expected


async def test_rules_in_trouble_are_told_at_the_tab_and_above_the_table(show: Show) -> None:
    alerting = worker_alerts()
    alerting.episodes, alerting.error = [], "rules/worker.yml:3 unknown key"
    async with show([play.worker()], alerting=alerting) as shown:
        assert "6 alerts (!)" in shown.screen
        screen = await shown.press("6")
        assert "!! the rules in force are not those of the file: rules/worker.yml:3 unknown key" in screen


async def test_captures_are_shown_without_rules_too(show: Show) -> None:
    alerting = FakeAlerts(captures=[capture_of(play.worker().identity, "now", "", 100, folder="/c", state="done")])
    async with show([play.worker()], alerting=alerting) as shown:
        screen = await shown.press("6")
        assert "no rules are loaded" in screen
        assert "now: done, /c" in screen


@pytest.mark.parametrize("keys", [("6",), ("6", "enter"), ("6", "r"), ("6", "down", "enter"), ("1",)])
async def test_hostile_alerts_reach_no_terminal_unescaped(show: Show, keys: tuple[str, ...]) -> None:
    target = play.hostile()
    for size in (SMALL, (120, 40)):
        async with show([target], alerting=scenes.hostile_alerts(target), size=size) as shown:
            screen = await shown.press(*keys)
            assert all(line.isprintable() for line in screen.splitlines())
            assert len(screen.splitlines()) == size[1]
            assert "Evil\\x1b[2J firing" in screen


async def test_ascii_terminals_show_the_histories_too(show: Show) -> None:
    async with show([play.worker()], alerting=worker_alerts(), glyphs=ASCII, size=SMALL) as shown:
        screen = await shown.press("6")
        assert screen.isascii()
        assert "###" in shown.line("MemoryGrowth")
        assert "..==" in shown.line("GilSaturated")


class Still:
    """Alerting that always says the same."""

    def __init__(self, script: FakeAlerts, time: float) -> None:
        self._board = script.board(time)
        self._series = list(script.series(time - 3600, time))

    def board(self, time: float) -> AlertBoard:
        return self._board

    def series(self, start: float, end: float) -> Iterable[Series]:
        return self._series


async def test_a_thousand_alerts_draw_within_a_tick(show: Show) -> None:
    targets = play.family(200)
    alerting = scenes.family_alerts(targets)
    alerting.episodes = [
        replace(one, labels=one.labels.with_(part=str(part))) for one in alerting.episodes for part in range(5)
    ]
    async with show(targets, alerting=alerting, ticks=2200) as shown:
        await shown.press("6", "end")
        assert shown.app.query_one("AlertsPane Table", Table).cursor > 900
        shown.view.alerting = Still(alerting, shown.view.time)  # what the script costs is not to be measured
        started = time.process_time()
        shown.app.draw()
        assert time.process_time() - started < 2.0
