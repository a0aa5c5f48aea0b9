"""What --rules and --actions of `top` take, what they refuse before anything is shown, and captures by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from razorprof.cli.top_alerting import TopAlerting, Wishes, read_wishes
from razorprof.errors import UsageError
from razorprof.model.target import Identity, Target
from razorprof.store.memory import MemoryStore
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_view import FakeView

GOOD = "groups: [{name: g, rules: [{alert: Up, expr: 'up == 0'}, {record: a, expr: vector(1)}]}]\n"
ACTIONS = """
version: 1
captures:
  - name: look
    matchers: ['alertname="Up"']
    do:
      - {action}
"""


def write(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def rules(tmp_path: Path) -> str:
    return write(tmp_path / "rules.yml", GOOD)


def test_no_option_means_no_rules() -> None:
    assert read_wishes([]) == Wishes()


def test_rules_are_evaluated_at_each_look_unless_said_otherwise(rules: str) -> None:
    found = read_wishes([rules], looks=2.0)
    assert found.book is not None
    assert (found.interval, found.book.number) == (2.0, 2)
    other = read_wishes([rules, rules], interval="15s", looks=2.0)
    assert other.book is not None
    assert (other.interval, other.book.number) == (15.0, 2)


def test_series_are_kept_as_long_as_rules_look_back(tmp_path: Path, rules: str) -> None:
    assert read_wishes([]).history(600.0) == 600.0
    assert read_wishes([rules]).history(600.0) == 600.0
    far = write(tmp_path / "far.yml", "groups: [{name: g, rules: [{alert: A, expr: 'rate(a_total[6h]) > 1'}]}]\n")
    assert read_wishes([far]).history(600.0) >= 6 * 3600 + 300


def test_the_desk_evaluates_and_tells_of_every_rule(rules: str) -> None:
    board = TopAlerting(read_wishes([rules]))(MemoryStore(), FakeView([]))(100.0)
    assert [rule.key.name for rule in board.rules] == ["Up", "a"]
    assert board.captures == ()


@pytest.mark.parametrize("interval", ["0", "2h", "x"])
def test_an_interval_out_of_range_is_refused(rules: str, interval: str) -> None:
    with pytest.raises(UsageError):
        read_wishes([rules], interval=interval)


def test_options_of_rules_without_rules_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing to evaluate") as failed:
        read_wishes([], actions="a.yml", silences="s.yml", interval="5s")
    assert failed.value.value == "--actions a.yml --silences s.yml --evaluation-interval 5s"


@pytest.mark.parametrize(
    "text",
    ["groups: [", "groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]", "groups: []", "gruops: []", "\0"],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str) -> None:
    rules = write(tmp_path / "rules.yml", text)
    with pytest.raises(UsageError) as failed:
        read_wishes([rules])
    assert rules in str(failed.value.value)


def test_a_file_that_is_missing_or_that_others_may_write_is_refused(rules: str) -> None:
    os.chmod(rules, 0o666)
    with pytest.raises(UsageError, match="written by others"):
        read_wishes([rules])
    os.unlink(rules)
    with pytest.raises(UsageError):
        read_wishes([rules])


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("command: {argv: [/bin/true]}", "--allow-commands"),
        ("heap: {duration: 1s, attach: true}", "--allow-attach"),
    ],
)
def test_what_a_capture_may_do_has_to_be_allowed(rules: str, tmp_path: Path, action: str, allowed: str) -> None:
    actions = write(tmp_path / "captures.yml", ACTIONS.replace("{action}", action))
    with pytest.raises(UsageError) as failed:
        read_wishes([rules], actions=actions)
    assert allowed in failed.value.hint
    found = read_wishes([rules], actions=actions, attach=True, commands=True)
    assert found.actions is not None
    assert TopAlerting(found).taps


def test_a_bad_action_file_is_named(rules: str, tmp_path: Path) -> None:
    actions = write(tmp_path / "captures.yml", "version: 2\n")
    with pytest.raises(UsageError) as failed:
        read_wishes([rules], actions=actions)
    assert actions in str(failed.value.value)


def test_silenced_alerts_are_marked(tmp_path: Path) -> None:
    rules = write(tmp_path / "r.yml", "groups: [{name: g, rules: [{alert: Always, expr: vector(1)}]}]\n")
    hush = "{comment: known, matchers: ['alertname=Always'], ends: 2100-01-01T00:00:00Z}"
    silences = write(tmp_path / "silences.yml", f"version: 1\nsilences: [{hush}]\n")
    board = TopAlerting(read_wishes([rules], silences=silences))(MemoryStore(), FakeView([]))(100.0)
    assert board.silenced == {board.alerts[0].labels}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where captures of this user go."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


def test_a_capture_by_hand_of_a_process_that_is_gone_fails_and_is_told_on_the_board(state: Path) -> None:
    alerting = TopAlerting(Wishes())
    evaluate = alerting(MemoryStore(), FakeView([play.worker()]))
    assert evaluate(1.0).captures == ()
    assert alerting.take(Target(Identity(2**22 - 3, 1), "gone")) == ""
    found = alerting.stop(30.0)
    [note] = evaluate(2.0).captures
    assert found == (note,)
    assert note.state == "failed"
    assert note.detail
    assert Path(note.folder).is_relative_to(state / "razorprof")


def test_a_capture_that_cannot_be_begun_gives_the_reason(state: Path) -> None:
    (state / "razorprof").mkdir(mode=0o700)
    (state / "razorprof" / "captures").write_text("a file stands in the way")
    alerting = TopAlerting(Wishes())
    alerting(MemoryStore(), FakeView([play.worker()]))
    assert alerting.take(Target(Identity(1, 1), "x"))
    assert alerting.stop(5.0) == ()
