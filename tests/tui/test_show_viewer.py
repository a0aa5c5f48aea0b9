"""The viewer of profiles, driven by keys, over hand-made profiles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import pytest
from textual.pilot import Pilot

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_tree import diff_tree
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.tui.show_app import Viewer
from razorprof.tui.show_difference import branches_with, labelled
from razorprof.tui.show_run import difference_viewer, profile_viewer
from tests.tui.dashboards import SMALL
from tests.unit.formats.sample_profiles import FULL

EVIL = "\x1b[31m\u202e[bold]x\n"
SLOWER = replace(
    FULL, weights={key: 2 * w if key.stack[-1].function == "Day.run" else w for key, w in FULL.weights.items()}
)


class Compare(Protocol):
    def __call__(
        self, app: Viewer, *, press: tuple[str, ...] = (), terminal_size: tuple[int, int] = SMALL
    ) -> bool: ...


@dataclass(slots=True)
class Seen:
    viewer: Viewer
    pilot: Pilot[None]

    async def press(self, *keys: str) -> str:
        """Press keys; the screen afterwards."""
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self.viewer.screen_text()


@asynccontextmanager
async def seen(viewer: Viewer, size: tuple[int, int] = SMALL) -> AsyncIterator[Seen]:
    async with viewer.run_test(size=size) as pilot:
        await pilot.pause()
        yield Seen(viewer, pilot)


def of_difference(base: Sequence[Profile] = (FULL,), new: Sequence[Profile] = (SLOWER,)) -> Viewer:
    return difference_viewer(compare(base, new), base, new, "base.json → new.json")


def line(screen: str, part: str) -> str:
    found = [one for one in screen.splitlines() if part in one]
    assert found, f"{part!r} is not on the screen:\n{screen}"
    return found[0]


async def test_the_table_has_the_hottest_first_and_the_head_says_how_it_was_taken() -> None:
    async with seen(profile_viewer(FULL, "p.json")) as view:
        screen = await view.press()
    assert "4.00 s of cpu in 4.00 s, a complete run" in line(screen, "p.json")
    assert "note: the rate lagged behind  (+1: ?)" in screen
    rows = [row.split()[:3] for row in screen.splitlines()[5:9]]
    assert rows[0] == ["▸", "62.5", "62.5"]
    assert "shop/pricing.py:12" in screen.splitlines()[5]
    assert all(len(row) <= 80 for row in screen.splitlines())


async def test_a_search_narrows_all_pages_until_it_is_cleared() -> None:
    async with seen(profile_viewer(FULL, "p.json")) as view:
        screen = await view.press("slash", *"pricing", "enter")
        assert "1 of 4" in screen
        assert "work<T>" not in screen
        screen = await view.press("2")
        assert "stacks with pricing: 62.5 %" in screen
        assert "work<T>" not in screen
        screen = await view.press("3")
        assert "stacks with pricing: 62.5 %" in screen
        screen = await view.press("escape", "1")
        assert "work<T>" in screen
        screen = await view.press("slash", *"nowhere", "enter", "2")
        assert "no stack contains nowhere" in screen


async def test_a_function_opens_with_callers_callees_and_its_flame_graph() -> None:
    async with seen(profile_viewer(FULL, "p.json"), (120, 40)) as view:
        screen = await view.press("enter")
        assert "own 2.50 s  62.5 %" in screen
        assert "62.5  Day.run" in screen[screen.index("called by") :]
        screen = await view.press("escape")
        assert "by function" in screen


async def test_branches_of_the_tree_open_and_close() -> None:
    async with seen(profile_viewer(FULL, "p.json", first="tree")) as view:
        screen = await view.press()
        assert "▾ <module>" in screen
        screen = await view.press("left")
        assert "▸ <module>" in screen
        assert "Day.run" not in screen
        screen = await view.press("enter", "right", "right")
        cursor = line(screen, "price")
        assert cursor.startswith("▸")
        assert cursor.split()[1:5] == ["2.50", "s", "62.5", "62.5"]


async def test_the_flame_graph_zooms_and_comes_back() -> None:
    async with seen(profile_viewer(FULL, "p.json", first="flame")) as view:
        screen = await view.press("down", "down", "down")
        assert "62.5 % of all, own 62.5 %  price.<locals>.<lambda>" in screen
        screen = await view.press("enter")
        assert "│all" not in screen
        screen = await view.press("escape")
        assert "│all" in screen


async def test_threads_are_chosen_one_after_the_other() -> None:
    async with seen(profile_viewer(FULL, "p.json")) as view:
        screen = await view.press("t")
        assert "thread main (7)" in screen
        assert "work<T>" not in screen
        screen = await view.press("t")
        assert "thread (8)" in screen
        assert "work<T>" in screen
        screen = await view.press("t")
        assert "thread main" not in screen
        assert "thread (8)" in await view.press("T")
    async with seen(profile_viewer(Profile({StackKey(ThreadId(1), ()): 1.0}), "p.json")) as view:
        assert "one thread only" in await view.press("t")


async def test_groups_orders_pages_and_help_are_a_key_away() -> None:
    async with seen(profile_viewer(FULL, "p.json")) as view:
        assert "by file" in await view.press("g")
        assert "total %▼" in await view.press("s")
        assert "total %▲" in await view.press("S")
        assert "[2 tree]" in await view.press("tab")
        screen = await view.press("question_mark")
        assert "[? help]" in screen
        assert "search functions and files" in screen
        about = await view.press("end")
        assert "note         second note" in screen + about
        assert "[2 tree]" in await view.press("escape")
        assert "not on this page" in await view.press("g")


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+c", 130)])
async def test_it_is_left_by_key_with_its_exit_code(key: str, code: int) -> None:
    viewer = profile_viewer(FULL, "p.json")
    async with viewer.run_test(size=SMALL) as pilot:
        await pilot.press(key)
    assert viewer.return_code == code


async def test_an_empty_profile_and_a_tiny_terminal_say_so() -> None:
    async with seen(profile_viewer(Profile(), "p.json")) as view:
        for key, words in (("1", "no stacks"), ("2", "no stacks"), ("3", "no stack to draw"), ("t", "no threads")):
            assert words in await view.press(key)
    async with seen(profile_viewer(FULL, "p.json"), (30, 8)) as view:
        assert "30x8: needs 50x10" in await view.press()


async def test_hostile_names_are_escaped_on_every_page() -> None:
    stack = (Frame(EVIL, EVIL, 1), Frame(EVIL * 50, EVIL, 2))
    profile = Profile(
        {StackKey(ThreadId(n, EVIL), stack): 1.0 for n in (1, 2)}, mode=EVIL, value=EVIL, notes=(EVIL,)
    )
    for viewer in (profile_viewer(profile, EVIL), of_difference([profile], [profile])):
        async with seen(viewer) as view:
            for key in ("1", "2", "3", "question_mark", "1", "t", "enter", "escape", "g"):
                screen = await view.press(key)
                assert "\x1b" not in screen
                assert "\u202e" not in screen
                assert screen.replace("\n", "").isprintable()


async def test_a_stack_deeper_than_python_s_own_is_shown() -> None:
    deep = StackKey(ThreadId(1), tuple(Frame(f"f{n}", "deep.py", n) for n in range(2_000)))
    async with seen(profile_viewer(Profile({deep: 1.0}), "p.json")) as view:
        assert "f1999" in await view.press("1")
        assert "f0" in await view.press("2")
        assert "f0" in await view.press("3", "down")
        assert re.search(r"…(\d+) f\1 ", await view.press("2", *(["right"] * 40)))
    profile = Profile({deep: 1.0})
    async with seen(of_difference([profile], [profile])) as view:
        assert "f0" in await view.press("3")
        assert "f0" in await view.press("slash", *"f199", "enter")


async def test_a_comparison_has_changes_a_tree_and_a_flame_graph() -> None:
    async with seen(of_difference(), (120, 30)) as view:
        screen = await view.press()
        assert "+100 %" in line(screen, "Day.run")
        screen = await view.press("2")
        assert "+250 ms" in line(screen, "▾ Day.run")
        screen = await view.press("slash", *"pricing", "enter")
        assert "work<T>" not in screen
        screen = await view.press("3", "escape")
        assert "│+250 ms all" in screen
        assert "+0 s price" in screen


def test_a_search_keeps_the_branches_that_lead_to_it_and_what_is_below() -> None:
    root = diff_tree([FULL], [SLOWER])
    assert branches_with(root, "") is root
    names = [node.frame.function for node in branches_with(root, "PRICING").walk()]
    assert names == ["all", "<module>", "Day.run", "price.<locals>.<lambda>"]
    below = [node.frame.function for node in branches_with(root, "day.run").walk()]
    assert below.count("work<T>(int)") == 1
    assert branches_with(root, "nowhere").children == ()


def test_the_flame_graph_of_a_change_is_as_wide_as_new() -> None:
    gone = Profile({key: w for key, w in FULL.weights.items() if key.thread.native == 7})
    tree = labelled(diff_tree([FULL], [gone]), "seconds")
    assert tree.weight == pytest.approx(2.75)
    assert [node.frame.function for node in tree.walk()] == [
        "-1.25 s all",
        "-1.25 s <module>",
        "-1.25 s Day.run",
        "+0 s price.<locals>.<lambda>",
    ]
    assert labelled(diff_tree([FULL], [Profile()]), "seconds").children == ()


async def test_without_colours_everything_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with seen(profile_viewer(FULL, "p.json", first="flame")) as view:
        assert "<module>" in await view.press()
        strips = view.viewer.screen._compositor.render_strips(view.viewer.size)
        colours = {
            s.style.color
            for strip in strips
            for s in view.viewer.get_line_filters()[0].apply(list(strip), view.viewer.styles.background)
            if s.style
        }
        assert colours == {None}


@pytest.mark.parametrize(
    ("kind", "keys"),
    [("profile", ()), ("profile", ("3", "down", "down")), ("difference", ())],
    ids=["table", "flame", "changes"],
)
def test_the_viewer_looks_as_it_did(snap_compare: Compare, kind: str, keys: tuple[str, ...]) -> None:
    viewer = profile_viewer(FULL, "p.json") if kind == "profile" else of_difference()
    assert snap_compare(viewer, press=keys, terminal_size=SMALL)
