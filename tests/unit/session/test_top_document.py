"""The document of `top`: what is missing is null, and the reason is true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from razorprof.model.target import Identity, Life, Target
from razorprof.session.document import top_document
from razorprof.session.view import SourceStatus, TargetStatus
from razorprof.testing import fake_alert_scenes as scenes
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_alerts import FakeAlerts, capture_of
from razorprof.testing.fake_view import START, FakeTarget, FakeView

YOUNG = TargetStatus(
    Target(Identity(7, 1), "web"),
    Life.ALIVE,
    runtime="cpython",
    version="3.12.1",
    sources=(SourceStatus("threads", None), SourceStatus("gc", None)),
)


def document_of(status: TargetStatus) -> dict[str, Any]:
    view = FakeView([FakeTarget(status)])
    [found] = top_document(view, view.state())["targets"]
    assert isinstance(found, dict)
    return found


def test_what_was_not_read_by_the_first_tick_says_that_it_is_still_to_come() -> None:
    found = document_of(YOUNG)
    assert (found["gc"], found["gc_reason"]) == (None, "not read yet")


def test_many_targets_say_that_only_the_selected_one_is_read() -> None:
    assert "selected target only" in document_of(replace(YOUNG, focused=False))["gc_reason"]


def test_without_rules_alerts_are_null_with_a_reason() -> None:
    view = FakeView([FakeTarget(YOUNG)])
    document = top_document(view, view.state())
    for part in (document, document["targets"][0]):
        assert (part["alerts"], part["alerts_reason"]) == (None, "no rules given")


def test_captures_without_rules_are_told() -> None:
    note = capture_of(YOUNG.target.identity, "now", "", 3, folder="/c", state="done")
    view = FakeView([FakeTarget(YOUNG)], alerting=FakeAlerts(captures=[note]))
    document = top_document(view, view.state())
    assert document["alerts"] is None
    assert document["captures"] == [
        {
            "name": "now",
            "alert": None,
            "time": START + 3,
            "pid": 7,
            "folder": "/c",
            "state": "done",
            "detail": None,
        }
    ]


def test_alerts_stand_with_their_target_with_value_limit_and_times() -> None:
    target = play.worker()
    view = FakeView([target], alerting=scenes.worker_alerts(target))
    document = top_document(view, view.state())
    found = document["targets"][0]["alerts"]
    assert [(each["name"], each["state"]) for each in found] == [
        ("GilSaturated", "pending"),
        ("MemoryGrowth", "firing"),
        ("GcThrash", "resolved"),
    ]
    fires = found[1]
    assert fires["value"] > fires["threshold"]["value"] == 768 * 2**20
    assert fires["threshold"]["operator"] == ">"
    assert (fires["active_at"], fires["fired_at"], fires["resolved_at"]) == (START, START + 50, None)
    assert (fires["file"], fires["group"], fires["silenced"]) == ("rules/worker.yml", "worker", False)
    assert fires["labels"]["severity"] == "page"
    assert fires["annotations"]["runbook_url"] == "runbooks/memory-growth.md"
    assert found[2]["resolved_at"] == START + 95
    assert document["alerts"] == []
    assert document["rules"]["loaded"] == 7
    assert [each["name"] for each in document["rules"]["failing"]] == ["SlowRequests"]
    assert [each["state"] for each in document["captures"]] == ["done", "skipped"]


def test_alerts_of_no_single_target_stand_at_the_top() -> None:
    targets = play.family(3)
    view = FakeView(targets, ticks=200, alerting=scenes.family_alerts(targets))
    document = top_document(view, view.state())
    assert [each["name"] for each in document["alerts"]] == ["WorkersBusy"]
    assert [len(target["alerts"]) for target in document["targets"]] == [1, 1, 1]


def test_a_limit_that_moves_is_no_threshold() -> None:
    target = play.worker()
    script = scenes.worker_alerts(target)
    script.rules = [replace(rule, query="process_open_fds > process_max_fds") for rule in script.rules]
    view = FakeView([target], alerting=script)
    assert {each["threshold"] for each in top_document(view, view.state())["targets"][0]["alerts"]} == {None}
