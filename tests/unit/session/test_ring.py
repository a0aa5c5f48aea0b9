"""The ring: the last minutes of stacks of each target, bounded in time and bytes."""

from __future__ import annotations

import pytest

from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.gc import GcState
from razorprof.model.profile import StackKey, top
from razorprof.model.scrape import Detected, Ended, KernelState, Scrape, Structure, Tick
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump
from razorprof.session import ring as module
from razorprof.session.ring import Before, Ring

WEB = Target(Identity(7, 99), "web", 50.0)
OTHER = Target(Identity(8, 100), "other", 60.0)
MAIN = ThreadId(7, "MainThread")


def sample(function: str, weight: float = 0.5) -> StackSample:
    return StackSample((Frame("main", "app.py", 1), Frame(function, "app.py", 9)), weight, MAIN)


def batch(start: float, *stacks: StackSample, target: Target = WEB, mode: str = "nonblocking") -> Scrape:
    report = SamplingReport(start, 1.0, 100, len(stacks), 1, 100.0, mode, stopped_seconds=0.0)
    return Scrape(target, "stacks", start + 1.0, 0.01, stacks=stacks, structures=(report,))


def told(structure: Structure, target: Target = WEB, time: float = 1.0) -> Scrape:
    return Scrape(target, "some", time, 0.01, structures=(structure,))


def taken(ring: Ring, target: Target = WEB) -> Before:
    found = ring.take(target.identity)
    assert found is not None
    return found


def test_stacks_of_the_last_minutes_become_a_profile_in_blocks() -> None:
    ring = Ring()
    ring.see(told(Detected(WEB, 1.0, "cpython", "3.11.7", name="gunicorn", command="python web.py")))
    ring.see(batch(100.0, sample("slow", 0.7), sample("quick", 0.2)))
    ring.see(batch(109.5, sample("slow", 0.6)))
    before = taken(ring)
    profile = before.profile()
    assert profile is not None
    assert (before.time, profile.start, profile.seconds) == (110.5, 100.0, 2.0)
    assert (profile.samples, profile.rounds, profile.errors, profile.rate_hz) == (3, 200, 2, 100.0)
    assert [(one.start, one.seconds, one.samples) for one in profile.blocks] == [(100.0, 1.0, 2), (109.5, 1.0, 1)]
    assert top(profile)[0].function == "slow"
    assert top(profile)[0].self_weight == pytest.approx(1.3)
    assert profile.origin is not None
    assert (profile.origin.pid, profile.origin.name, profile.origin.version) == (7, "gunicorn", "3.11.7")
    assert (profile.value, profile.mode) == ("cpu", "nonblocking")
    assert "19% of 10 s" in profile.notes[0]


def test_what_is_taken_stays_as_it_was() -> None:
    ring = Ring(seconds=10.0)
    ring.see(batch(100.0, sample("early")))
    before = taken(ring)
    ring.see(batch(200.0, sample("late")))
    ring.see(Tick(201.0))
    profile = before.profile()
    assert profile is not None
    assert [one.function for one in top(profile)] == ["early", "main"]


def test_what_is_older_than_the_ring_is_gone() -> None:
    ring = Ring(seconds=10.0)
    for start in range(100, 130):
        ring.see(batch(float(start), sample(f"f{start}")))
        ring.see(Tick(start + 1.0))
    profile = taken(ring).profile()
    assert profile is not None
    assert profile.start == 119.0
    assert [(one.start, one.seconds) for one in profile.blocks] == [(119.0, 10.0), (129.0, 1.0)]
    assert all(int(one.function[1:]) >= 119 for one in top(profile) if one.function != "main")


def test_bytes_are_bounded_over_all_targets_and_the_oldest_goes_first() -> None:
    ring = Ring(max_bytes=20_000)
    ring.see(batch(100.0, sample("a"), target=OTHER))
    for start in range(101, 200):
        ring.see(batch(float(start), *(sample(f"f{start}-{n}") for n in range(5))))
        assert ring.bytes <= 20_000
    assert taken(ring, OTHER).profile() is None
    profile = taken(ring).profile()
    assert profile is not None
    assert profile.blocks[-1].start + profile.blocks[-1].seconds == 200.0


def test_one_batch_stays_even_where_it_is_too_large() -> None:
    ring = Ring(max_bytes=100)
    ring.see(batch(100.0, *(sample(f"f{n}") for n in range(50))))
    ring.see(batch(101.0, sample("last")))
    profile = taken(ring).profile()
    assert profile is not None
    assert [one.start for one in profile.blocks] == [101.0]


def test_equal_stacks_are_kept_once_and_given_up_with_their_last_batch() -> None:
    ring = Ring(seconds=10.0)
    for start in range(100, 109):
        ring.see(batch(float(start), sample("same")))
    keys = {id(shared.key) for one in taken(ring).batches for shared in one.stacks}
    assert len(keys) == 1
    ring.see(Tick(500.0))
    assert ring.bytes == 0
    assert taken(ring).profile() is None


def test_equal_stacks_of_one_batch_add_up() -> None:
    ring = Ring()
    ring.see(batch(100.0, sample("same", 0.25), sample("same", 0.5)))
    profile = taken(ring).profile()
    assert profile is not None
    assert profile.weights == {StackKey(MAIN, sample("same").stack): 0.75}


def test_the_newest_dump_and_collector_state_stay() -> None:
    ring = Ring()
    for time in (1.0, 2.0):
        ring.see(told(ThreadDump(time, ())))
        ring.see(told(GcState(time, ())))
    before = taken(ring)
    assert before.dump is not None
    assert before.gc is not None
    assert (before.dump.time, before.gc.time) == (2.0, 2.0)
    assert before.profile() is None


def test_nothing_is_known_of_a_target_that_was_never_seen() -> None:
    assert Ring().take(WEB.identity) is None


def test_a_target_that_ended_is_kept_as_long_as_the_ring_reaches() -> None:
    ring = Ring(seconds=10.0)
    ring.see(batch(100.0, sample("last")))
    ring.see(Ended(WEB, 101.5, "killed"))
    ring.see(Tick(105.0))
    assert taken(ring).profile() is not None
    ring.see(Tick(112.0))
    assert ring.take(WEB.identity) is None
    assert ring.bytes == 0


def test_another_program_under_the_same_pid_begins_anew() -> None:
    ring = Ring()
    ring.see(told(KernelState("R", "one")))
    ring.see(batch(100.0, sample("old")))
    ring.see(told(KernelState("R", "two"), time=101.0))
    assert taken(ring).profile() is None
    ring.see(batch(100.5, sample("old")))  # what was seen before comes in late
    assert taken(ring).profile() is None
    ring.see(batch(101.0, sample("new")))
    profile = taken(ring).profile()
    assert profile is not None
    assert top(profile)[0].function == "new"


def test_a_profile_says_where_threads_were_looked_at_in_several_ways() -> None:
    ring = Ring()
    ring.see(batch(100.0, sample("a")))
    ring.see(batch(110.0, sample("b"), mode="nonblocking-gil"))
    profile = taken(ring).profile()
    assert profile is not None
    assert profile.value == "gil"
    assert "18% of 11 s" in profile.notes[0]
    assert "nonblocking, nonblocking-gil" in profile.notes[1]


def test_blocks_become_longer_where_stacks_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 50)
    ring = Ring()
    for start in range(100, 180):
        ring.see(batch(float(start), sample(f"f{start}"), sample("same")))
    profile = taken(ring).profile()
    assert profile is not None
    assert len(profile.weights) == 81
    assert [one.seconds for one in profile.blocks] == [80.0]  # 81 entries at least: a single block holds them
    added: dict[StackKey, float] = {}
    for block in profile.blocks:
        for key, weight in block.weights.items():
            added[key] = added.get(key, 0.0) + weight
    assert added == pytest.approx(dict(profile.weights))
    monkeypatch.setattr(module, "MOST_ENTRIES", 86)
    profile = taken(ring).profile()
    assert profile is not None
    assert [one.seconds for one in profile.blocks] == [20.0] * 4
