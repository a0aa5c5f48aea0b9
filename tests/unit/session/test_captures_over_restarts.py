"""Captures of a razorprof that ended or was killed, as the next one on the same state finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.session.capture_room import Room, actions, fires

TAKEN = "razorprof_captures_total"


def test_limits_hold_over_a_restart(tmp_path: Path) -> None:
    file = actions("[threads: {}]", limits="count: 1, window: 10m")
    Room(tmp_path, file).take(fires())
    again = Room(tmp_path, file)
    assert again.order(fires()) == {}
    again.clock.advance(601)
    assert len(again.order(fires())) == 1


def test_one_that_was_killed_while_it_captured_counts_as_well(tmp_path: Path) -> None:
    file = actions("[threads: {}]", limits="count: 1")
    room = Room(tmp_path, file)
    ordered_after: list[object] = []
    room.hands.before["threads"] = lambda: ordered_after.append(Room(tmp_path, file).order(fires()))
    room.take(fires())
    assert ordered_after == [{}]


def test_one_that_was_cut_off_by_a_kill_is_told_and_counted_by_the_next(tmp_path: Path) -> None:
    file = actions("[{threads: {}}, {cpu: {duration: 1s}}, {gc: {}}]")
    room = Room(tmp_path, file)
    seen: list[Any] = []

    def killed() -> None:
        again = Room(tmp_path, file)  # as after a kill -9: nobody told how it went on
        [folder] = (tmp_path / "captures").iterdir()
        document = json.loads((folder / "capture.json").read_text())
        seen.append((document["state"], [(one["state"], one["reason"]) for one in document["actions"]]))
        seen.append(again.counted(TAKEN))
        seen.append(Room(tmp_path, file).counted(TAKEN))

    room.hands.before["cpu"] = killed
    room.take(fires())
    assert seen[0] == (
        "partial",
        [
            ("done", None),
            ("failed", "razorprof was killed meanwhile"),
            ("skipped", "razorprof was killed before its turn came"),
        ],
    )
    assert seen[1] == {"partial": 1.0}
    assert seen[2] == {}, "it is told once"
