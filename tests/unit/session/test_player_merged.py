"""Several recordings played as one: the processes of all hosts, at any moment that is jumped to."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from razorprof.alerting.rule_file import examine
from razorprof.model.profile import top
from razorprof.recording.rzp_merged import open_recordings
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.document import top_document
from razorprof.session.player import Player, Playing
from razorprof.store.view import equal
from tests.unit.recording import rzp_samples as made
from tests.unit.session.recorded_hosts import START, feed_host, record_host

RULES = """
groups:
- name: fleet
  rules:
  - {alert: HostBusy, expr: "sum by (instance) (rate(process_cpu_seconds_total[10s])) > 1"}
  - {alert: FleetBusy, expr: "sum(rate(process_cpu_seconds_total[10s])) > 2.2"}
"""


@pytest.fixture
def hosts(tmp_path: Path) -> list[Path]:
    """Two whose times overlap, with the same process id and start."""
    one = record_host(tmp_path / "one.rzp", "one", range(1, 101))
    return [one, record_host(tmp_path / "two.rzp", "two", range(51, 151), late=0.3, rate=2.0)]


def test_each_host_is_there_while_its_recording_tells_of_it(hosts: list[Path]) -> None:
    with open_recordings(hosts) as recording:
        player = Player(recording)
        for second, wanted in ((20, {"one"}), (75, {"one", "two"}), (120, {"two"}), (60, {"one", "two"})):
            state = player.seek(START + second + 0.5)
            assert {status.target.host for status in state.targets} == wanted
            for status in state.targets:
                [function] = top(player.view.profile(status.target.identity))
                assert function.function == f"on_{status.target.host}"
                cpu = player.view.latest(status.target.identity, "process_cpu_seconds_total")
                rate = {"one": 0.5, "two": 2.0}[status.target.host]
                assert cpu == pytest.approx(rate * second)
        document = top_document(player.view, player.view.state())
        told = [(target["pid"], target["host"], target["name"]) for target in document["targets"]]
        assert sorted(told) == [(7, "one", "web@one"), (7, "two", "web@two")]
        assert {target["labels"]["job"] for target in document["targets"]} == {"web"}


def test_playing_and_jumping_show_the_same(hosts: list[Path]) -> None:
    with open_recordings(hosts) as recording:
        played, jumped = Player(recording), Player(recording)
        documents = {}
        while (state := played.step()) is not None:
            documents[state.time] = top_document(played.view, state)
        for second in (140, 30, 60, 110):
            state = jumped.seek(START + second + 0.5)
            assert top_document(jumped.view, state) == documents[state.time]


def test_the_series_of_a_process_are_found_over_the_whole_time(hosts: list[Path]) -> None:
    with open_recordings(hosts) as recording:
        player = Player(recording)
        state = player.seek(START + 149.5)
        [status] = state.targets
        history = player.view.history(status.target.identity, "process_cpu_seconds_total", seconds=1000.0)
        assert history is not None
        assert len(history.times) == 99
        found = player.view.select([equal("__name__", "process_cpu_seconds_total")], -math.inf, math.inf)
        assert {series.labels["instance"] for series in found} == {"one/7", "two/7"}


def test_rules_are_tried_on_all_hosts_together(hosts: list[Path]) -> None:
    examined = examine(RULES, "r.yml")
    assert not examined.problems
    with open_recordings(hosts) as recording:
        player = Player(recording, Playing((examined.file,)))
        assert player.backtest is not None
        player.backtest.advance()
        told = [
            (change.alert.name, change.alert.labels.get("instance"), change.after.value, change.time - START)
            for change in player.backtest.changes
        ]
        busy = [(instance, state) for name, instance, state, _ in told if name == "HostBusy"]
        assert busy == [("two/7", "firing")]
        fleet = sorted(when for name, _, state, when in told if name == "FleetBusy" and state == "firing")
        over = sorted(when for name, _, state, when in told if name == "FleetBusy" and state == "inactive")
        assert len(fleet) == 1
        assert 51 < fleet[0] < 62  # a rate needs some of its ten seconds
        assert 100 <= over[0] <= 112  # one host's series end there, and are not taken to go on


def test_a_copy_of_a_ring_shows_what_was_known_before_it_begins(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", made.HEADER, seconds=20.0, max_bytes=1 << 20)
    writer = RecordingWriter(ring, made.HEADER, bounds=ring.bounds())
    feed_host(writer, "box", range(1, 61))
    ring.dump(tmp_path / "copy.rzp", writer.current())
    writer.close()
    with open_recordings([tmp_path / "copy.rzp"]) as recording:
        assert recording.ticks()[0] > START + 1
        for player in (Player(recording), Player(recording)):
            state = player.seek(-math.inf)
            assert [status.target.pid for status in state.targets] == [7]
            assert player.view.latest(state.targets[0].target.identity, "process_cpu_seconds_total") is not None
