"""A recording played: the same pipeline, the same alerts, at any moment that is jumped to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from razorprof.alerting.backtest import Backtest
from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.errors import ToolFailed
from razorprof.model.alert import Alert, AlertState
from razorprof.model.profile import top
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.document import top_document
from razorprof.session.player import WARM_UP, Player, Playing
from razorprof.session.view import View
from tests.unit.session.recorded_house import DB, START, WEB, House, bits_of, live, rule_files

RULED = ("ALERTS", "ALERTS_FOR_STATE", "job:cpu:rate10s")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return live(tmp_path_factory.mktemp("played") / "a.rzp", 200)


def set_of(alerts: Sequence[Alert]) -> set[str]:
    return {repr(alert) for alert in alerts}


def test_rules_over_a_recording_come_to_what_they_came_to_live_bit_for_bit(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        series = recording.series(ruled=False)
        test = Backtest(rule_files(), recording.ticks(), series.as_of, EvaluatorOptions(interval=1.0))
        test.advance()
        assert [repr(change) for change in test.changes] == [repr(change) for change in house.changes]
        assert bits_of(test.computed) == bits_of(house.store, *RULED)
        happened = {(change.alert.name, change.after) for change in test.changes}
        states = (AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE)
        assert happened >= {("Hot", state) for state in states}
        assert {name for name, _ in happened} == {"Hot", "Deep", "Gone", "HotHere", "Large"}


def test_what_came_in_late_is_not_seen_too_early(house: House) -> None:
    """Over all series at once, and not over those of the tick, the answer is another one: else the test above
    says nothing."""
    with RecordingReader(house.recording) as recording:
        whole = recording.series(ruled=False).view
        test = Backtest(rule_files(), recording.ticks(), lambda tick: whole, EvaluatorOptions(interval=1.0))
        test.advance()
        assert bits_of(test.computed) != bits_of(house.store, *RULED)


def test_a_player_with_rules_tells_at_each_tick_what_was_told_live(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        player = Player(recording, Playing(rule_files()))
        for known in house.alerts:
            state = player.step()
            assert state is not None
            assert state.alerts is not None
            assert set_of(state.alerts.alerts) == set_of(known)
        assert player.step() is None
        assert player.is_at_end
        assert bits_of(player.view, *RULED) == bits_of(house.store, *RULED)


def test_a_jump_shows_what_playing_there_shows(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        played, jumped = Player(recording, Playing(rule_files())), Player(recording, Playing(rule_files()))
        documents = {}
        while (state := played.step()) is not None:
            documents[state.time] = told(played.view)
        for second in (190, 20, 199, 1, 150, 151, 120):
            assert jumped.seek(START + second + 0.5).time == START + second
            jumped.recall_all()
            assert told(jumped.view) == documents[START + second]


def test_a_jump_sees_series_from_the_beginning_on(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        player = Player(recording)
        player.seek(START + 180)
        assert WARM_UP < 180
        for seconds in (60.0, 1000.0):
            series = player.view.history(WEB.identity, "process_cpu_seconds_total", seconds=seconds)
            assert series is not None
            wanted = house.view.select([], START + 180 - seconds, START + 180.5)
            same = next(one for one in wanted if one.labels == series.labels)
            assert (series.times.tolist(), series.values.tolist()) == (same.times.tolist(), same.values.tolist())
        latest = max(float(one.times[-1]) for one in player.view.select([], -math.inf, math.inf))
        assert latest < START + 181


def test_functions_and_ends_are_those_of_the_moment(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        player = Player(recording)
        player.seek(START + 55)
        names = {function.function for function in top(player.view.profile(WEB.identity))}
        assert names == {"main", "f2"}
        assert [status.ended for status in player.view.state().targets] == [None, None]
        player.seek(START + 195)
        ended = {status.target.identity: status.ended for status in player.view.state().targets}
        assert ended == {WEB.identity: None, DB.identity: START + 70}
        player.seek(START - 1000)
        assert player.view.state().time == START + 1
        player.seek_place(10**9)
        assert player.view.state().time == START + 200


def test_the_next_change_is_found_without_evaluating_further(house: House) -> None:
    with RecordingReader(house.recording) as recording:
        player = Player(recording, Playing(rule_files()))
        assert player.backtest is not None
        times = sorted({change.time for change in house.changes})
        at, found = START, []
        while (following := player.backtest.next_change(at)) is not None:
            assert player.backtest.end == following
            found.append(following)
            at = following
        assert found == times


def test_without_rules_alerts_are_those_that_were_told_live(tmp_path: Path) -> None:
    house = live(tmp_path / "a.rzp", 90, tell=True)
    with RecordingReader(house.recording) as recording:
        player = Player(recording)
        for second in (50, 58, 30, 90):
            alerts = player.seek(START + second).alerts
            assert alerts is not None
            active = [alert for alert in house.alerts[second - 1] if alert.state is not AlertState.INACTIVE]
            known = [alert for alert in alerts.alerts if alert.state is not AlertState.INACTIVE]
            assert {(a.labels, a.state, a.fired_at) for a in known} == {
                (a.labels, a.state, a.fired_at) for a in active
            }


def test_an_empty_recording_is_said_to_be_empty(tmp_path: Path) -> None:
    house = live(tmp_path / "a.rzp", 0)
    with RecordingReader(house.recording) as recording, pytest.raises(ToolFailed, match="nothing was recorded"):
        Player(recording)


def told(view: View) -> object:
    """What a program is told, but for totals over the time that was played."""
    document = top_document(view, view.state())
    for name in ("sampling_errors", "dropped", "target_stopped_ratio"):
        del document["overhead"][name]
    for target in document["targets"]:
        target["metrics"] = [one for one in target["metrics"] if one["name"] != "razorprof_target_stopped_ratio"]
    return document
