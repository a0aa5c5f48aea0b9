"""The session hands the wish for a capture on, for targets that are there."""

from __future__ import annotations

from razorprof.model.target import Identity, Target
from razorprof.session.session import Session, SessionOptions

TARGET = Target(Identity(7, 1), "web")


def test_a_capture_is_begun_of_a_watched_target_and_its_reason_handed_back() -> None:
    asked: list[Target] = []

    def take(target: Target) -> str:
        asked.append(target)
        return "no room" if len(asked) > 1 else ""

    session = Session(SessionOptions(), sources=list, runtimes=list, take_capture=take)
    session.watch(TARGET)
    assert session.capture(TARGET.identity) == ""
    assert session.capture(TARGET.identity) == "no room"
    assert asked == [TARGET, TARGET]


def test_an_unknown_target_and_a_session_without_captures_give_reasons() -> None:
    session = Session(SessionOptions(), sources=list, runtimes=list)
    assert session.capture(TARGET.identity) == "it has ended"
    session.watch(TARGET)
    assert session.capture(TARGET.identity) == "captures are not set up here"
