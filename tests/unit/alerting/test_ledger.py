"""Limits of captures: counted from the start, per capture and seat, over restarts, within bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting import ledger as module
from razorprof.alerting.capture_rules import CaptureLimits
from razorprof.alerting.ledger import Entry, Ledger, Reason, parse_ledger
from razorprof.model.target import Identity

NOW = 1_700_000_000.0
LIMITS = CaptureLimits(count=2, window=600.0, cooldown=0.0, max_bytes=1000, min_free_bytes=100)


def refused(ledger: Ledger, time: float, limits: CaptureLimits = LIMITS, free: int | None = 1000) -> Reason | None:
    refusal = ledger.refusal("slow", "web#0", limits, time, free)
    return None if refusal is None else refusal.reason


def take(ledger: Ledger, time: float, size: int = 10, seconds: float = 5.0, seat: str = "web#0") -> Entry:
    entry = ledger.begin("slow", seat, f"/c/{time}", time)
    ledger.end(entry.folder, time + seconds, size)
    return entry


def test_captures_count_from_their_start_in_a_sliding_window() -> None:
    ledger = Ledger()
    take(ledger, NOW, seconds=500.0)
    take(ledger, NOW + 300)
    assert refused(ledger, NOW + 301) is Reason.COUNT
    assert refused(ledger, NOW + 599) is Reason.COUNT
    assert refused(ledger, NOW + 600) is None
    refusal = ledger.refusal("slow", "web#0", LIMITS, NOW + 500, None)
    assert refusal is not None
    assert "again in 100 s" in refusal.words


def test_a_capture_counts_although_it_never_ended() -> None:
    ledger = Ledger()
    ledger.begin("slow", "web#0", "/c/1", NOW)
    ledger.begin("slow", "web#0", "/c/2", NOW)
    assert refused(ledger, NOW + 1) is Reason.COUNT


def test_a_capture_counts_although_it_was_removed() -> None:
    ledger = Ledger()
    for place in range(2):
        ledger.remove(take(ledger, NOW + place).folder)
    assert refused(ledger, NOW + 10) is Reason.COUNT
    assert ledger.kept() == []


def test_captures_and_targets_are_limited_apart() -> None:
    ledger = Ledger()
    take(ledger, NOW)
    take(ledger, NOW + 1)
    assert refused(ledger, NOW + 2) is Reason.COUNT
    assert ledger.refusal("other", "web#0", LIMITS, NOW + 2, None) is None
    assert ledger.refusal("slow", "web#1", LIMITS, NOW + 2, None) is None


def test_the_cooldown_runs_from_the_end_of_the_last_one() -> None:
    ledger = Ledger()
    limits = CaptureLimits(cooldown=60.0)
    take(ledger, NOW, seconds=30.0)
    assert refused(ledger, NOW + 89, limits, None) is Reason.COOLDOWN
    assert refused(ledger, NOW + 90, limits, None) is None


def test_little_free_space_refuses_and_unknown_space_does_not() -> None:
    assert refused(Ledger(), NOW, free=99) is Reason.DISK
    assert refused(Ledger(), NOW, free=100) is None
    assert refused(Ledger(), NOW, free=None) is None


def test_a_clock_that_was_far_ahead_does_not_refuse_for_ever() -> None:
    ledger = Ledger()
    take(ledger, NOW + 1e6)
    take(ledger, NOW + 1e6)
    limits = CaptureLimits(count=2, window=600.0, cooldown=60.0, min_free_bytes=0)
    assert refused(ledger, NOW, limits) is None
    assert refused(ledger, NOW + 1e6 - 10, limits) is Reason.COUNT  # set back a little: they were just now


def test_the_oldest_go_first_where_bytes_run_out() -> None:
    ledger = Ledger()
    first, second, third = (take(ledger, NOW + place, size=400) for place in range(3))
    assert [one.folder for one in ledger.surplus("slow", "web#0", LIMITS)] == [first.folder]
    gone = ledger.surplus("slow", "web#0", LIMITS, more=500)
    assert [one.folder for one in gone] == [first.folder, second.folder]
    assert ledger.surplus("slow", "web#1", LIMITS, more=500) == []
    assert third.folder not in [one.folder for one in gone]


def test_one_that_still_runs_is_not_removed() -> None:
    ledger = Ledger()
    ledger.begin("slow", "web#0", "/c/running", NOW)
    done = take(ledger, NOW + 1, size=10)
    assert [one.folder for one in ledger.surplus("slow", "web#0", LIMITS, more=2000)] == [done.folder]


def test_no_more_than_a_thousand_are_kept_however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    ledger = Ledger()
    for place in range(5):
        take(ledger, NOW + place, size=1)
    assert len(ledger.surplus("slow", "web#0", LIMITS)) == 2


def test_a_process_keeps_its_seat_and_the_next_one_inherits_it() -> None:
    ledger, alive = Ledger(), {Identity(1, 10), Identity(2, 20)}

    def seat(identity: Identity) -> str:
        return ledger.seat("web", identity, alive.__contains__)

    assert seat(Identity(1, 10)) == "web#0"
    assert seat(Identity(2, 20)) == "web#1"
    assert seat(Identity(1, 10)) == "web#0"
    alive.remove(Identity(1, 10))
    alive.add(Identity(1, 99))  # its pid was used again
    assert seat(Identity(1, 99)) == "web#0"
    assert seat(Identity(3, 30)) == "web#2"
    assert ledger.seat("other", Identity(3, 30), alive.__contains__) == "other#0"


def test_seats_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SEATS", 4)
    ledger = Ledger()
    for number in range(10):
        ledger.seat(f"job{number}", Identity(number, 1), lambda _: True)
    assert len(ledger.as_json()["seats"]) == 4


def test_it_is_the_same_after_a_restart() -> None:
    ledger = Ledger()
    ledger.seat("web", Identity(1, 10), lambda _: True)
    take(ledger, NOW)
    ledger.begin("slow", "web#0", "/c/running", NOW + 10)
    again = parse_ledger(json.loads(json.dumps(ledger.as_json())))
    assert again.as_json() == ledger.as_json()
    assert refused(again, NOW + 11) is Reason.COUNT
    assert again.seat("web", Identity(1, 10), lambda _: True) == "web#0"


def test_after_a_restart_what_ran_is_over_and_what_was_deleted_is_gone() -> None:
    ledger = Ledger()
    kept, gone = take(ledger, NOW), take(ledger, NOW + 1)
    running = ledger.begin("slow", "web#0", "/c/running", NOW + 2)
    ledger.close_open({kept.folder: 10, running.folder: 70}.get)
    assert [(one.folder, one.bytes) for one in ledger.kept()] == [(kept.folder, 10), (running.folder, 70)]
    assert all(one.ended is not None for one in ledger.kept())
    assert gone.folder not in [one.folder for one in ledger.kept()]
    assert refused(ledger, NOW + 3) is Reason.COUNT


GOOD: dict[str, Any] = {"version": 1, "captures": [], "seats": []}
ENTRY: dict[str, Any] = {"capture": "a", "seat": "b#0", "started": 1.0, "folder": "/c", "ended": None, "bytes": 1}
SEAT: dict[str, Any] = {"job": "a", "number": 0, "pid": 1, "start_ticks": 2}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        GOOD | {"version": 2},
        GOOD | {"captures": {}},
        GOOD | {"captures": [1]},
        GOOD | {"captures": [ENTRY | {"started": "x"}]},
        GOOD | {"captures": [ENTRY | {"started": True}]},
        GOOD | {"captures": [ENTRY | {"started": float("nan")}]},
        GOOD | {"captures": [ENTRY | {"bytes": -1}]},
        GOOD | {"captures": [ENTRY | {"bytes": 1.5}]},
        GOOD | {"captures": [ENTRY | {"folder": "x" * 5000}]},
        GOOD | {"seats": [SEAT | {"job": 1}]},
        GOOD | {"seats": [SEAT | {"pid": "1"}]},
    ],
)
def test_a_damaged_document_is_refused(document: object) -> None:
    assert parse_ledger(GOOD | {"captures": [ENTRY], "seats": [SEAT]}).kept()
    with pytest.raises(ValueError):
        parse_ledger(document)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from("ab"), st.integers(0, 40)), max_size=60),
    st.integers(1, 4),
    st.integers(1, 300),
)
def test_never_more_than_count_begin_within_any_window(
    asked: list[tuple[int, str, int]], count: int, window: int
) -> None:
    limits = CaptureLimits(count=count, window=float(window), max_bytes=100, min_free_bytes=0)
    ledger, time = Ledger(), NOW
    begun: list[tuple[float, str]] = []
    for wait, seat, size in asked:
        time += wait
        if ledger.refusal("slow", seat, limits, time, None) is None:
            folder = f"/c/{len(begun)}"
            ledger.begin("slow", seat, folder, time)
            ledger.end(folder, time, size)
            begun.append((time, seat))
            for entry in ledger.surplus("slow", seat, limits):
                ledger.remove(entry.folder)
            assert sum(one.bytes for one in ledger.kept() if one.seat == seat) <= 100
        else:
            assert sum(time - window < at <= time and who == seat for at, who in begun) == count
    for at, seat in begun:
        assert sum(at - window < other <= at and who == seat for other, who in begun) <= count
