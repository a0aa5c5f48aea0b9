"""The document of `top`: what is missing is null, and the reason is true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from razorprof.model.target import Identity, Life, Target
from razorprof.session.document import top_document
from razorprof.session.view import SourceStatus, TargetStatus
from razorprof.testing.fake_view import FakeTarget, FakeView

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
