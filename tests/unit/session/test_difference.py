"""What changed between two windows of recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.errors import UsageError
from razorprof.model.alert import AlertState
from razorprof.model.labels import Labels
from razorprof.model.profile import Profile
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.comparing import Comparing
from razorprof.session.difference import Difference, difference
from razorprof.session.difference_document import difference_document
from razorprof.session.player import Player, Playing
from razorprof.session.recorded_figures import RECORDED_FIGURES
from razorprof.session.sight import Seen, Sight, Window, look, moment
from tests.unit.session.recorded_house import DB, OTHER_HEADER, START, WEB, House, live, rule_files

CPU = next(figure for figure in RECORDED_FIGURES if figure.key == "cpu")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return live(tmp_path_factory.mktemp("differing") / "a.rzp", 100, tell=True)


def between(house: House, before: Window, after: Window) -> Difference:
    with RecordingReader(house.recording) as recording:
        return difference(look(recording, before), look(recording, after))


def seen(pid: int, name: str, job: str = "", threads: dict[int, str] | None = None, cpu: float = 0.5) -> Seen:
    return Seen(Target(Identity(pid, 1), name, 1.0, job=job), Profile(), {"cpu": cpu}, threads)


def sight(*targets: Seen, identity: bytes = b"a", alerts: dict[str, AlertState] | None = None) -> Sight:
    told = {(name, Labels(alertname=name, pid="1")): state for name, state in (alerts or {}).items()}
    return Sight(identity, f"{identity.decode()}.rzp", Window(0, 10), targets, told)


def test_figures_functions_and_alerts_of_two_moments_are_compared(house: House) -> None:
    found = between(house, moment(START + 19), moment(START + 56))
    assert [one.after.target.identity for one in found.targets] == [WEB.identity, DB.identity]
    web, db = found.targets
    cpu = next(one for one in web.figures if one.figure is CPU)
    assert cpu.before == pytest.approx(0.7, abs=0.01)
    assert cpu.after == pytest.approx(1.3, abs=0.01)
    assert cpu.matters
    assert web.functions is not None
    changed = {one.function: (one.own.base, one.own.new) for one in web.functions.functions if one.significant}
    assert changed == {"f0": (pytest.approx(0.9), 0), "f2": (0, pytest.approx(0.9))}
    assert db.functions is None
    assert db.functions_reason == "no stacks were sampled in A and B"
    assert web.threads_reason == "threads were not read in A and B"
    alerts = {(one.name, one.before, one.after) for one in found.alerts}
    assert ("Hot", AlertState.INACTIVE, AlertState.FIRING) in alerts


def test_targets_that_came_or_went_between_the_windows_are_told(house: House) -> None:
    found = between(house, moment(START + 60), Window(START + 75, START + 95))
    assert [one.target.identity for one in found.only_before] == [DB.identity]
    assert found.only_after == ()
    back = between(house, Window(START + 75, START + 95), moment(START + 60))
    assert [one.target.identity for one in back.only_after] == [DB.identity]


def test_equal_windows_do_not_differ(house: House) -> None:
    found = between(house, moment(START + 30), moment(START + 30))
    (web, _) = found.targets
    assert not any(one.matters for one in web.figures)
    assert web.functions is not None
    assert not any(one.significant for one in web.functions.functions)
    assert "overlap" in found.notes[0]


def test_a_window_in_which_nothing_was_recorded_is_refused(house: House) -> None:
    with RecordingReader(house.recording) as recording, pytest.raises(UsageError, match="nothing was recorded"):
        look(recording, Window(START + 500, START + 600))


def test_threads_of_one_process_are_told_by_their_ids() -> None:
    before, after = {1: "main", 2: "worker", 3: "worker"}, {1: "main", 3: "worker", 4: "worker"}
    found = difference(sight(seen(1, "x", threads=before)), sight(seen(1, "x", threads=after)))
    threads = found.targets[0].threads
    assert threads is not None
    assert [(one.name, one.native_id, one.before, one.after) for one in threads] == [
        ("worker", 2, 1, 0),
        ("worker", 4, 0, 1),
    ]
    assert found.targets[0].stayed == 2


def test_threads_of_two_processes_are_counted_by_name() -> None:
    before, after = {1: "main", 2: "worker"}, {11: "main", 12: "worker", 13: "worker"}
    found = difference(sight(seen(1, "x", threads=before)), sight(seen(9, "x", threads=after), identity=b"b"))
    threads = found.targets[0].threads
    assert threads is not None
    assert [(one.name, one.native_id, one.before, one.after) for one in threads] == [("worker", 0, 1, 2)]
    assert found.targets[0].stayed == 2


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        (["1 web"], ["1 web"], ["1 web identity"]),
        (["1 web", "2 db"], ["5 db", "6 web"], ["2 db job", "1 web job"]),
        (["1 web"], ["5 site"], ["1 site only"]),
        (["1 web", "2 db"], ["5 site", "6 db"], ["2 db job"]),
        (["1 web", "2 web"], ["5 web", "6 web"], []),
        (["1 web", "2 web"], ["2 web", "6 web"], ["2 web identity", "1 web job"]),
        ([], ["1 web"], []),
    ],
)
def test_targets_of_two_recordings_are_matched_or_not_at_all(
    left: list[str], right: list[str], pairs: list[str]
) -> None:
    def side(names: list[str], identity: bytes) -> Sight:
        return sight(*(seen(int(name.split()[0]), name.split()[1]) for name in names), identity=identity)

    found = difference(side(left, b"a"), side(right, b"b"))
    told = [f"{one.before.target.pid} {one.after.target.name} {one.matched}" for one in found.targets]
    assert told == pairs
    assert len(found.only_before) == len(left) - len(pairs)
    assert len(found.only_after) == len(right) - len(pairs)


def test_a_job_counts_more_than_a_name() -> None:
    found = difference(
        sight(seen(1, "python", "web"), seen(2, "python", "db")),
        sight(seen(3, "python", "db"), seen(4, "python3", "web"), identity=b"b"),
    )
    assert {(one.before.target.pid, one.after.target.pid) for one in found.targets} == {(2, 3), (1, 4)}


def test_alerts_of_two_recordings_are_the_same_whatever_process_they_are_of() -> None:
    firing, pending = AlertState.FIRING, AlertState.PENDING
    old = sight(seen(1, "x"), alerts={"Hot": firing, "Deep": pending, "Gone": firing})
    new = sight(seen(9, "x"), identity=b"b", alerts={"Hot": firing, "New": pending})
    new = replace(new, alerts={(n, labels.with_(pid="9")): state for (n, labels), state in new.alerts.items()})
    assert [(one.name, one.before.value, one.after.value) for one in difference(old, new).alerts] == [
        ("Hot", "firing", "firing"),
        ("New", "inactive", "pending"),
        ("Deep", "pending", "inactive"),
        ("Gone", "firing", "inactive"),
    ]


def test_the_document_holds_plain_values_only(house: House) -> None:
    document = difference_document(between(house, moment(START + 19), moment(START + 56)))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    (web, db) = document["targets"]
    assert web["matched"] == "identity"
    assert {one["name"] for one in web["figures"]} >= {"cpu", "rss", "growth"}
    assert web["functions"][0]["change"] in ("new", "gone")
    assert db["functions"] is None


@pytest.mark.parametrize("rules", [False, True])
def test_what_is_compared_is_chosen_where_one_stands(house: House, rules: bool) -> None:
    with RecordingReader(house.recording) as recording:
        player = Player(recording, Playing(rule_files() if rules else ()))
        comparing = Comparing(player)
        assert "A sets the first" in str(comparing.found())
        player.seek(START + 19)
        assert comparing.set_base() == START + 19
        assert isinstance(comparing.found(), str)
        player.seek(START + 56)
        comparing.set_new()
        found = comparing.found()
        assert isinstance(found, Difference)
        assert found is comparing.found(), "kept"
        assert ("Hot", AlertState.FIRING) in {(one.name, one.after) for one in found.alerts}
        assert (found.before.window.start, found.after.window.end) == (START + 9, START + 56)
        assert comparing.lengthen() == 30.0
        longer = comparing.found()
        assert isinstance(longer, Difference)
        assert longer.before.window.start == START, "no longer than the recording, with its first interval"
        for _ in range(4):
            comparing.lengthen()
        assert comparing.length == 10.0


def test_a_moment_of_another_recording_is_as_far_after_its_start(house: House, tmp_path: Path) -> None:
    other = live(tmp_path / "b.rzp", 60, header=OTHER_HEADER)
    with RecordingReader(house.recording) as recording, RecordingReader(other.recording) as base:
        comparing = Comparing(Player(recording), base)
        comparing.player.seek(START + 40)
        assert comparing.set_base() == START + 40
        comparing.set_new()
        found = comparing.found()
        assert isinstance(found, Difference)
        assert (found.before.name, found.after.name) == ("b.rzp", "a.rzp")
        comparing.player.seek(START + 90)
        comparing.set_base()
        assert "nothing was recorded" in str(comparing.found())
