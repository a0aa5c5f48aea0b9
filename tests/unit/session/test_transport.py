"""Play, pause, speed, step and jump, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.player import Player, Playing
from razorprof.session.transport import SPEEDS, Transport
from tests.unit.session.recorded_house import START, House, live, rule_files


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return live(tmp_path_factory.mktemp("transported") / "a.rzp", 80, tell=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def transport(house: House, clock: ManualClock) -> Iterator[Transport]:
    with RecordingReader(house.recording) as recording:
        player = Player(recording)
        player.seek(START)
        yield Transport(player, clock.monotonic)


def test_it_plays_as_fast_as_it_was(transport: Transport, clock: ManualClock) -> None:
    assert not transport.advance()
    clock.advance(0.9)
    assert not transport.advance()
    clock.advance(0.2)
    assert transport.advance()
    assert transport.time == START + 2
    clock.advance(3.0)
    assert transport.advance()
    assert transport.time == START + 5


def test_a_pause_takes_no_time(transport: Transport, clock: ManualClock) -> None:
    transport.pause(True)
    clock.advance(60)
    assert not transport.advance()
    transport.pause(False)
    clock.advance(1.0)
    assert transport.advance()
    assert transport.time == START + 2


def test_it_plays_faster_and_slower_within_bounds(transport: Transport, clock: ManualClock) -> None:
    assert transport.change_speed(faster=True) == 2.0
    clock.advance(4.0)
    transport.advance()
    assert transport.time == START + 9
    for _ in SPEEDS:
        transport.change_speed(faster=True)
    assert transport.speed == SPEEDS[-1]
    for _ in SPEEDS:
        transport.change_speed(faster=False)
    assert transport.speed == SPEEDS[0]


def test_it_stands_at_the_end(transport: Transport, clock: ManualClock) -> None:
    transport.jump(START + 79)
    clock.advance(100)
    assert transport.advance()
    assert transport.time == START + 80
    clock.advance(100)
    assert not transport.advance()


def test_steps_go_on_and_back_and_no_further_than_the_ends(transport: Transport) -> None:
    assert transport.step(3).time == START + 4
    assert transport.step(-1).time == START + 3
    assert transport.step(-100).time == START + 1
    assert transport.step(1000).time == START + 80


def test_notes_are_found_forward_and_back(transport: Transport, house: House) -> None:
    times = sorted({change.time for change in house.changes})
    found = []
    while transport.jump_note(forward=True):
        found.append(transport.time)
    assert found == times
    back = []
    while transport.jump_note(forward=False):
        back.append(transport.time)
    assert back == times[-2::-1]


def test_changes_of_other_rules_are_found_in_place_of_those_told(house: House) -> None:
    rules = "groups: [{name: g, rules: [{alert: Ended, expr: up == 0}]}]"
    with RecordingReader(house.recording) as recording:
        transport = Transport(Player(recording, Playing(rule_files(rules))), ManualClock().monotonic)
        assert transport.jump_note(forward=True)
        assert transport.time == START + 70
        assert not transport.jump_note(forward=True)
        assert not transport.jump_note(forward=False)


def test_a_mark_between_two_ticks_is_passed(tmp_path: Path, transport: Transport, house: House) -> None:
    from razorprof.recording.rzp_values import Mark

    transport.player.marks = [Mark(START + 4.5, "deploy")]
    told = min(change.time for change in house.changes)
    transport.jump(START + 3)
    assert transport.jump_note(forward=True)
    assert transport.time == START + 5 < told
    assert transport.jump_note(forward=True)
    assert transport.time == told
