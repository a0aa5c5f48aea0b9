"""What watch is made of, without running: other files taken over or refused, history, whom to look at closely."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.cli.rule_files import BookFiles
from razorprof.cli.select import Choice
from razorprof.cli.watch_works import WatchPlan, WatchWorks, history_seconds
from razorprof.config.settings import Settings
from razorprof.errors import UsageError
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import SamplingReport
from razorprof.model.labels import Labels
from razorprof.model.scrape import Scrape
from razorprof.model.target import Identity, Target
from razorprof.session.dispatch import Dispatcher
from razorprof.session.state_folder import StateFolder

RULES = "groups: [{name: g, rules: [{alert: Busy, expr: 'rate(load[%s]) > 1'}]}]"
ACTIONS = "{version: 1, directory: %s, captures: [{name: a, matchers: [x=y], do: [{%s}]}]}"


class Room:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules, self.actions, self.silences = (folder / name for name in ("r.yml", "a.yml", "s.yml"))
        self.rules.write_text(RULES % "5m")
        self.actions.write_text(ACTIONS % ("captures", "threads: {}"))
        self.silences.write_text(
            "{version: 1, silences: [{comment: c, matchers: [pid=7], ends: 2100-01-01T00:00:00Z}]}"
        )
        self.files = BookFiles((str(self.rules),), str(self.actions), str(self.silences), heartbeat=True)
        self.plan = WatchPlan(
            texts=("1",),
            choice=Choice(),
            files=self.files,
            routes=(),
            external_labels={},
            external_url="",
            state=None,
            evaluation_interval=15.0,
            interval=1.0,
            listening=None,
            settings=Settings(),
            probe=False,
            as_json=False,
        )
        self.state = StateFolder(folder / "state")
        self.works = WatchWorks(self.plan, self.files.read(), self.state, Dispatcher([]))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.state.close()


def test_series_are_kept_for_as_long_as_rules_look_back_and_captures_show(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    assert history_seconds(room.files.read(), room.plan) == 660.0
    room.rules.write_text(RULES % "1s")
    assert history_seconds(room.files.read(), room.plan) == 361.0
    assert caplog.text == ""
    room.rules.write_text(RULES % "7d")
    assert history_seconds(room.files.read(), room.plan) == 604_800.0 + 360.0
    assert "may be more than fits into 32 MiB" in caplog.text


def test_other_files_are_taken_over_as_a_whole_or_not_at_all(room: Room) -> None:
    before = room.works.book
    room.actions.write_text(ACTIONS % ("captures", "command: {argv: [/bin/true]}"))
    with pytest.raises(UsageError, match="this action runs a command"):
        room.works.adopt(room.files.read())
    assert room.works.book is before
    (room.folder / "open").mkdir(mode=0o777)
    (room.folder / "open").chmod(0o777)
    room.actions.write_text(ACTIONS % (room.folder / "open", "threads: {}"))
    with pytest.raises(UsageError):
        room.works.adopt(room.files.read())
    assert room.works.book is before
    room.actions.write_text(ACTIONS % ("other", "gc: {}"))
    room.rules.write_text(RULES % "1m")
    book = room.files.read()
    room.works.adopt(book)
    board = room.works.desk(1_700_000_000.0)
    assert [status.query for status in board.rules] == ["rate(load[1m]) > 1", "vector(1)"]
    assert room.works.book is book
    assert (room.folder / "state" / "other").is_dir()


def test_the_process_that_an_alert_is_about_is_looked_at_closely(room: Room) -> None:
    session = room.works.session
    for pid in (7, 8):
        session.watch(Target(Identity(pid, 1), "web"))
    labels = Labels(alertname="Busy", pid="8", instance=f"{os.uname().nodename}/8", job="web")
    key = RuleKey("f", "g", 0, "Busy")
    assert session._focused == Identity(7, 1)
    room.works._hear(AlertChange(1.0, AlertState.INACTIVE, Alert(key, labels)), False)
    assert session._focused == Identity(8, 1)
    other = Alert(key, labels.with_(pid="7", instance=""), state=AlertState.INACTIVE)
    room.works._hear(AlertChange(1.0, AlertState.FIRING, other), False)
    assert session._focused == Identity(8, 1)
    assert room.works.changes.qsize() == 2


def test_a_reader_that_reads_nothing_costs_no_memory(room: Room) -> None:
    alert = Alert(RuleKey("f", "g", 0, "Busy"), Labels(alertname="Busy"))
    for _ in range(10_100):
        room.works._hear(AlertChange(1.0, AlertState.INACTIVE, alert), False)
    assert room.works.changes.qsize() == 10_000


def test_the_last_minutes_lie_on_the_disk_and_not_in_memory_too(room: Room) -> None:
    works, target = room.works, Target(Identity(7, 1), "web")
    assert works.recorder is not None
    assert works.recorder.folder == room.folder / "state" / "ring"
    report = SamplingReport(0.0, 1.0, 10, 10, 0, 10.0, "nonblocking")
    scrape = Scrape(target, "stacks", 1.0, 0.1, structures=(report,))
    works._see(scrape)
    assert works._ring.take(target.identity) is None
    works.recorder.close()  # as after a full disk
    works._see(scrape)
    assert works._ring.take(target.identity) is not None


def test_what_cannot_be_recorded_or_is_not_to_be_leaves_the_alerts(
    room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    state = StateFolder(tmp_path / "other")
    (tmp_path / "other" / "ring").write_text("in the way")
    works = WatchWorks(room.plan, room.files.read(), state, Dispatcher([]))
    assert works.recorder is None
    assert "nothing is recorded on the disk" in caplog.text
    caplog.clear()
    plan = replace(room.plan, ring_seconds=0.0)
    assert WatchWorks(plan, room.files.read(), state, Dispatcher([])).recorder is None
    assert caplog.text == ""
    state.close()
