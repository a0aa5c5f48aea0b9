"""A difference as lines: what a target says is escaped, and everything fits."""

from __future__ import annotations

import pytest

from razorprof.model.alert import AlertState
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.profile import Block, Profile, StackKey
from razorprof.model.target import Identity, Target
from razorprof.render.palette import PLAIN
from razorprof.session.difference import difference
from razorprof.session.sight import Seen, Sight, Window
from razorprof.tui.difference_lines import difference_lines

HOSTILE = "\x1b[31mx\u202e\n" + "y" * 300


def profile(*names: str) -> Profile:
    keys = [StackKey(ThreadId(1), (Frame(name, name, 1),)) for name in names]
    blocks = tuple(Block(float(place), 1.0, dict.fromkeys(keys, 0.2), 100) for place in range(10))
    return Profile(dict.fromkeys(keys, 2.0), seconds=10.0, samples=1000, blocks=blocks)


def sight(identity: bytes, name: str, threads: dict[int, str], figures: dict[str, float], *more: Seen) -> Sight:
    target = Target(Identity(7, 1), name, 1.0)
    seen = Seen(target, profile("calm", name), figures, threads)
    alerts = {(name, Labels(alertname=name, queue=name)): AlertState.FIRING} if name != "calm" else {}
    return Sight(identity, f"{name}.rzp", Window(1e9, 1e9 + 10), (seen, *more), alerts)


def lines(before: Sight, after: Sight, width: int, most_figures: int = 100) -> list[str]:
    found = difference(before, after)
    made = difference_lines(found, found.of(None), width, PLAIN, most_figures=most_figures)
    assert all(line.cell_len <= width for line in made)
    return [line.plain for line in made]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_hostile_names_are_escaped_and_nothing_is_wider_than_the_screen(width: int) -> None:
    gone = Seen(Target(Identity(9, 1), HOSTILE, 1.0), Profile(), {})
    figures = {"cpu": 0.9, "rss": 2e9, "growth": 1e7, "gc_time": 0.4, "threads": 9.0}
    before = sight(b"a", "calm", {1: "main"}, dict.fromkeys(figures, 0.1), gone)
    after = sight(b"b", HOSTILE, {number: HOSTILE + str(number) for number in range(40)}, figures)
    whole = "\n".join(lines(before, after, width))
    assert "\x1b" not in whole
    assert "\u202e" not in whole
    assert "\\x1b[31mx\\u202e" in whole
    assert all(text.isprintable() for text in whole.split("\n"))


def test_threads_alerts_and_targets_are_told_in_a_line_each() -> None:
    other = Seen(Target(Identity(9, 1), "db", 1.0), Profile(), {})
    before = sight(b"a", "calm", {1: "main", 2: "io"}, {"cpu": 0.1}, other)
    after = sight(b"a", "hot", {1: "main", 3: "w", 4: "w"}, {"cpu": 0.9})
    told = lines(before, after, 100)
    assert " threads: 2 came: w 3, w 4; 1 went: io 2; 1 stayed" in told
    assert ' alert hot: inactive → firing  {queue="hot"}' in told
    assert " only in A: 9 db" in told


def test_a_small_screen_shows_the_figures_that_changed() -> None:
    still = dict.fromkeys(("cpu", "run_delay", "gil_held", "rss", "gc_time"), 0.1)
    told = lines(
        sight(b"a", "calm", {}, still), sight(b"a", "calm", {}, {**still, "gc_time": 0.4}), 80, most_figures=2
    )
    assert any(line.startswith(" time in GC ") and line.endswith("*  ") for line in told)
    assert " and 3 figures that changed less" in told
