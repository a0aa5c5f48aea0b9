"""The dashboard over a recording, driven by keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from razorprof.cli.recording_time import parse_moment
from razorprof.clock import ManualClock
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_values import Mark
from razorprof.render.glyphs import ASCII, UNICODE, Glyphs
from razorprof.session.player import Player, Playing
from razorprof.session.transport import Transport
from razorprof.session.user_marks import UserMarks
from razorprof.tui.options import DashboardOptions
from razorprof.tui.replay_app import ReplayDashboard
from tests.unit.session.recorded_house import START, House, live, rule_files


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return live(tmp_path_factory.mktemp("replayed") / "a.rzp", 100, tell=True)


class Replayed:
    def __init__(self, app: ReplayDashboard, pilot: Pilot[None], clock: ManualClock) -> None:
        self.app, self.pilot, self.clock = app, pilot, clock

    async def press(self, *keys: str) -> str:
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self.app.screen_text()

    async def pass_time(self, seconds: float) -> str:
        """As the app's own timer does."""
        self.clock.advance(seconds)
        self.app._advance()
        await self.pilot.pause()
        return self.app.screen_text()

    @property
    def line(self) -> str:
        """Where it stands."""
        return next(line for line in self.app.screen_text().splitlines() if " of 1 m 39 s " in line)


@asynccontextmanager
async def replayed(
    house: House,
    *,
    at: float,
    rules: bool = False,
    size: tuple[int, int] = (100, 30),
    glyphs: Glyphs = UNICODE,
    marks: UserMarks | None = None,
) -> AsyncIterator[Replayed]:
    clock = ManualClock()
    with RecordingReader(house.recording) as recording:
        player = Player(recording, Playing(rule_files() if rules else ()), marks)
        player.seek(START + at)
        transport = Transport(player, clock.monotonic)
        span = player.ticks[0], player.ticks[-1]
        app = ReplayDashboard(
            transport,
            DashboardOptions(glyphs=glyphs, first_screen="functions"),
            lambda text: parse_moment(text, span),
        )
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Replayed(app, pilot, clock)


async def test_it_shows_the_functions_and_alerts_of_the_moment_and_plays_on(house: House) -> None:
    async with replayed(house, at=55) as shown:
        screen = shown.app.screen_text()
        assert "130 % of a core" in screen
        assert "f2" in screen
        assert "Hot" in screen
        assert "▸ 22:14:15  +54.0 s of 1 m 39 s  ×1 " in shown.line
        assert "f4" not in screen
        screen = await shown.pass_time(40.0)
        assert "f4" in screen
        assert "22:14:55" in shown.line


async def test_a_target_that_ended_long_before_is_shown_with_its_last_figures(house: House) -> None:
    async with replayed(house, at=20) as shown:
        await shown.press("p", "1")
        assert "razorprof 8 db" in shown.app.screen_text()
        before = next(line for line in shown.app.screen_text().splitlines() if "%" in line)
        await shown.press("greater_than_sign")
        screen = shown.app.screen_text()
        assert "gone: killed by signal 9; last figures below" in screen
        assert "31 %" in before
        assert "31 %" in screen
        await shown.press("0")
        row = next(line for line in shown.app.screen_text().splitlines()[3:] if " db " in line)
        assert " 31.0 " in row
        await shown.press("less_than_sign", "1")
        assert "gone" not in shown.app.screen_text()


async def test_space_pauses_and_goes_on(house: House) -> None:
    async with replayed(house, at=10) as shown:
        assert "PAUSED" in await shown.press("space")
        await shown.pass_time(30.0)
        assert "│ 22:13:30" in shown.line
        assert "PAUSED" not in await shown.press("space")
        await shown.pass_time(5.0)
        assert "▸ 22:13:35" in shown.line


async def test_speed_is_changed_and_said(house: House) -> None:
    async with replayed(house, at=10) as shown:
        assert "played 5 times as fast as it was" in await shown.press("plus", "plus")
        assert "×5" in shown.line
        await shown.pass_time(4.0)
        assert "22:13:50" in shown.line
        await shown.press("minus", "minus", "minus")
        assert "×0.5" in shown.line


async def test_brackets_step_and_braces_go_to_what_was_told(house: House) -> None:
    fired = sorted({change.time for change in house.changes})
    async with replayed(house, at=10) as shown:
        await shown.press("right_square_bracket")
        assert "22:13:31" in shown.line
        await shown.press("left_square_bracket", "left_square_bracket")
        assert "22:13:29" in shown.line
        assert "PAUSED" in shown.app.screen_text()
        await shown.press("right_curly_bracket")
        assert shown.app.transport.time == next(time for time in fired if time > START + 9)
        now = shown.app.transport.time
        await shown.press("left_curly_bracket")
        assert shown.app.transport.time == max(time for time in fired if time < now)
        await shown.press("less_than_sign")
        assert "no alert changes and no mark is before" in await shown.press("left_curly_bracket")
        await shown.press("greater_than_sign")
        assert "22:15:00" in shown.line


async def test_parentheses_go_to_spikes_that_are_told_with_their_size_and_stand_on_the_time_line(
    house: House,
) -> None:
    async with replayed(house, at=2, size=(120, 40)) as shown:
        assert "▲" not in shown.line
        screen = await shown.press("right_parenthesis")
        assert "22:13:45" in shown.line
        assert "CPU 130 %, 1.9 x its median" in screen
        assert shown.line.count("▲") == 1, "one is where it stands"
        assert "PAUSED" in screen
        await shown.press("right_parenthesis")
        assert "22:14:00" in shown.line
        assert shown.line.count("▲") == 1
        assert "no spike of this target is after this moment" in await shown.press("right_parenthesis")
        await shown.press("left_parenthesis")
        assert "22:13:45" in shown.line
        assert "no spike of this target is before this moment" in await shown.press("left_parenthesis")


async def test_marks_are_named_jumped_to_and_taken_away(house: House, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    marks = UserMarks(path, b"1")
    async with replayed(house, at=2, marks=marks, size=(120, 40)) as shown:
        assert "a name for this moment" in await shown.press("m")
        screen = await shown.press(*"before", "enter")
        assert "marked: before (in " in screen
        assert marks.marks == (Mark(START + 2, "before"),)
        await shown.press("right_square_bracket", "m")
        field = shown.app.query_one("MarkBox Input", Input)
        field.value = "\x1b[31mred\u202e"
        screen = await shown.press("enter")
        assert "marked: \\x1b[31mred\\u202e" in screen
        await shown.press("right_square_bracket", "m", "enter")
        assert marks.marks[-1] == Mark(START + 4, "mark 3"), "nothing typed is a number"
        assert "mark: before" in await shown.press("left_curly_bracket", "left_curly_bracket")
        assert "22:13:22" in shown.line
        assert "mark: \\x1b[31mred" in await shown.press("right_curly_bracket")
        assert shown.line.count("▼") == 2
        assert "no longer marked: \\x1b[31mred" in await shown.press("M")
        assert "no mark of yours is at this moment" in await shown.press("M")
        assert [mark.text for mark in UserMarks(path, b"1").marks] == ["before", "mark 3"]
        await shown.press("m", "escape")
        assert len(marks.marks) == 2


async def test_keys_of_one_write_go_into_the_name_of_a_mark(house: House, tmp_path: Path) -> None:
    marks = UserMarks(tmp_path / "a.rzp", b"1")
    async with replayed(house, at=2, marks=marks) as shown:
        for key, character in (*((one, one) for one in "mquiet"), ("enter", "\r")):
            shown.app.post_message(events.Key(key, character))
        await shown.pilot.pause()
        await shown.pilot.pause()
        assert marks.marks == (Mark(START + 2, "quiet"),)


async def test_a_mark_that_cannot_be_kept_is_said_not_to_be(house: House) -> None:
    async with replayed(house, at=2) as shown:
        assert "marks belong to one recording (x): show one" in await shown.press("m", "x", "enter")


async def test_two_moments_are_compared(house: House) -> None:
    async with replayed(house, at=18, size=(120, 40)) as shown:
        assert "9 difference" in shown.app.screen_text()
        assert "A sets the first" in await shown.press("9")
        assert "A is 22:13:38 here; now B at the other moment" in await shown.press("A")
        shown.app.transport.jump(START + 56)
        await shown.press("2")
        screen = await shown.press("B")
        assert "B is 22:14:16 here" in screen
        assert "22:13:28 to 22:13:38 (10 s)  →  B 22:14:06 to 22:14:16 (10 s), 38.0 s later" in screen
        lines = screen.splitlines()
        (cpu,) = [line for line in lines if line.startswith(" CPU ")]
        assert cpu.split("│")[0].split() == ["CPU", "70", "%", "130", "%", "+60", "%", "1.9", "x", "*"]
        assert any("alert Hot: inactive → firing" in line for line in lines)
        (new,) = [line for line in lines if " f2 " in line]
        assert new.split()[:3] == ["0.0", "90.0", "+90.0"]
        assert " new " in new
        assert " gone " in next(line for line in lines if " f0 " in line)
        assert "2 changed for certain" in screen
        assert "A" in shown.line.split("×1")[1]
        assert "30 s up to A and to B" in await shown.press("w")
        assert "22:13:20 to 22:13:38 (18 s)  →  B 22:13:46 to 22:14:16 (30 s)" in shown.app.screen_text()
        assert "the windows overlap" not in shown.app.screen_text()
        await shown.press("w")
        assert "the windows overlap" in shown.app.screen_text()


async def test_the_difference_fits_a_small_terminal_and_tells_of_the_target_that_is_shown(
    house: House,
) -> None:
    async with replayed(house, at=18, size=(80, 24)) as shown:
        await shown.press("A", "right_curly_bracket", "B")
        if shown.app._said is not None:
            shown.app._unsay(shown.app._said)
        screen = shown.app.screen_text()
        assert max(map(len, screen.splitlines())) <= 80
        assert "9 difference" in screen
        assert "7 web: the same process" in screen
        assert "8 db: the same process" in await shown.press("n")
        shown.app.transport.jump(START + 95)
        screen = await shown.press("B")
        assert "this target was not read on both sides" in screen
        assert "only in A: 8 db" in screen


async def test_the_moments_are_listed_and_gone_to(house: House) -> None:
    async with replayed(house, at=2, size=(120, 40)) as shown:
        screen = await shown.press("8")
        assert "CPU 130 %, 1.9 x its median" in screen
        assert "Hot firing for" in screen
        await shown.press("slash", *"spike", "enter")
        screen = shown.app.screen_text()
        assert "Hot firing" not in screen.split("moments, matching")[1].split("Hot: web")[0]
        await shown.press("down", "enter")
        assert "22:14:00" in shown.line
        assert "PAUSED" in shown.app.screen_text()


async def test_moments_say_how_far_rules_were_tried(house: House) -> None:
    async with replayed(house, at=30, rules=True, size=(120, 40)) as shown:
        assert "alerts up to 22:13:50: rules were tried no further yet" in await shown.press("8")
        await shown.press("greater_than_sign")
        assert "tried no further" not in shown.app.screen_text()


async def test_a_time_is_typed_in(house: House) -> None:
    async with replayed(house, at=10) as shown:
        assert "a time: 03:12" in await shown.press("at")
        screen = await shown.press(*"noon", "enter")
        assert "is no time" in screen
        await shown.press(*["backspace"] * 4, *"22", "colon", *"14", "colon", *"10", "enter")
        assert "22:14:10" in shown.line
        await shown.press("at")
        await shown.press("escape")
        assert "22:14:10" in shown.line
        await shown.press("at", "plus", *"90s", "enter")
        assert "22:14:51" in shown.line


async def test_screens_fit_with_the_line_and_every_screen_can_be_opened(house: House) -> None:
    async with replayed(house, at=55, rules=True, size=(80, 24)) as shown:
        for key in "1234567":
            screen = await shown.press(key)
            assert len(screen.splitlines()) == 24
            assert "22:14:15" in shown.line
            assert "age 0.0 s" in screen
        assert "step" in await shown.press("question_mark")


async def test_it_can_be_shown_in_ascii(house: House) -> None:
    async with replayed(house, at=55, glyphs=ASCII) as shown:
        assert shown.app.screen_text().isascii()
        assert " of 1 m 39 s " in shown.line
