"""A week with flapping, outages and restarts: what must hold at every tick, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.model.alert import Alert, AlertState
from razorprof.model.labels import Labels
from tests.unit.alerting.by_hand import MINUTE, START, Session, alerting, group

PIDS = 2
TICK = 2 * MINUTE
WEEK = 7 * 24 * 30  # ticks
FIRING, PENDING, INACTIVE = AlertState.FIRING, AlertState.PENDING, AlertState.INACTIVE


@dataclass(frozen=True)
class Moment:
    """A tick of a session: for which processes the condition holds, whether it is evaluated at all, and
    whether the session began anew before."""

    high: tuple[bool, ...]
    is_evaluated: bool = True
    is_restart: bool = False


@dataclass(frozen=True)
class Timing:
    hold: float
    keep_firing: float


def session(timing: Timing, grace: float) -> Session:
    rules = group(alerting("High", "x > 5", timing.hold, timing.keep_firing), interval=TICK)
    return Session(rules, options=EvaluatorOptions(grace=grace))


@dataclass(frozen=True)
class Step:
    """What happened at one tick. restarted: when the session last began anew."""

    time: float
    high: frozenset[Labels]
    changed: Sequence[tuple[AlertState, Alert]]
    alerts: dict[Labels, Alert]
    restarted: float


def steps(
    moments: Sequence[Moment], timing: Timing, grace: float = 600.0, *, stays: bool = False
) -> Iterator[Step]:
    """Run the moments. stays: a restart takes up the alerts of the moment of the last evaluation."""
    run, restarted, evaluated = session(timing, grace), -1e9, START
    for number, moment in enumerate(moments):
        time = START + number * TICK
        if moment.is_restart:
            again = session(timing, grace)
            restarted = evaluated if stays else time
            again.evaluator.recall(run.evaluator.remembered(), restarted)
            run = again
        if not moment.is_evaluated:
            continue
        evaluated = time
        run.put(number * TICK, {f"x pid={pid}": 9.0 if high else 1.0 for pid, high in enumerate(moment.high)})
        changed = [(change.before, change.alert) for change in run.evaluator.evaluate(time)]
        run.store.expire(time)
        high = frozenset(Labels(alertname="High", pid=str(pid)) for pid in range(PIDS) if moment.high[pid])
        yield Step(time, high, changed, {alert.labels: alert for alert in run.evaluator.alerts()}, restarted)


def check_for(done: Sequence[Step], timing: Timing, grace: float) -> None:
    """Nothing fires before the condition held for `for`, nor right after a restart that interrupted its waiting;
    nothing is resolved while the condition holds, nor before keep_firing_for is over."""
    for place, step in enumerate(done):
        for before, alert in step.changed:
            name = alert.labels
            if alert.state is FIRING:
                assert step.time - alert.active_at >= timing.hold
                since = max(alert.active_at, step.restarted + 2 * TICK)
                assert all(name in one.high for one in back_to(since, done, place))
                if step.restarted >= alert.active_at and timing.hold:
                    assert step.time - step.restarted >= min(grace, timing.hold)
            elif before is FIRING:
                assert alert.resolved_at == step.time
                past = back_to(step.time - timing.keep_firing, done, place)
                assert all(name not in one.high for one in past)


def back_to(since: float, done: Sequence[Step], place: int) -> Iterator[Step]:
    while place >= 0 and done[place].time >= since:
        yield done[place]
        place -= 1


def check_chain(done: Sequence[Step]) -> None:
    """Every change begins where the last one ended, and together they make what alerts() tells. A restart may
    leave pending alerts behind, nothing else."""
    known: dict[Labels, AlertState] = {}
    restarted = -1e9
    for step in done:
        for before, alert in step.changed:
            was = known.get(alert.labels, INACTIVE)
            assert before is was or (restarted != step.restarted and (was, before) == (PENDING, INACTIVE))
            known[alert.labels] = alert.state
        active = {name: alert.state for name, alert in step.alerts.items() if alert.state is not INACTIVE}
        told = {name: state for name, state in known.items() if state is not INACTIVE}
        if restarted != step.restarted:
            assert {name for name, state in told.items() if state is FIRING} == {
                name for name, state in active.items() if state is FIRING
            }
            known, restarted = dict(active), step.restarted
        else:
            assert told == active


def check_told(done: Sequence[Step]) -> None:
    """For each alert, firing and resolved are told in turns, over restarts too; what fires is not forgotten."""
    fires: dict[Labels, bool] = {}
    for step in done:
        for before, alert in step.changed:
            if alert.state is FIRING:
                assert not fires.get(alert.labels)
                fires[alert.labels] = True
            elif before is FIRING:
                assert fires[alert.labels]
                fires[alert.labels] = False
        assert {name for name, is_firing in fires.items() if is_firing} == {
            name for name, alert in step.alerts.items() if alert.state is FIRING
        }


TIMINGS = st.builds(
    Timing, st.sampled_from([0.0, 120.0, 300.0, 1200.0, 3600.0]), st.sampled_from([0.0, 240.0, 900.0])
)
HIGHS = st.tuples(*[st.booleans()] * PIDS)
STRETCHES = st.lists(
    st.tuples(
        st.sampled_from(["steady", "steady", "flapping", "outage", "restart", "restart after an outage"]),
        st.integers(1, 40),
        HIGHS,
    ),
    max_size=12,
)


def moments_of(stretches: Sequence[tuple[str, int, tuple[bool, ...]]], chance: random.Random) -> list[Moment]:
    moments: list[Moment] = []
    for kind, length, high in stretches:
        for place in range(length):
            flaps = tuple(one and chance.random() < 0.7 for one in high) if kind == "flapping" else high
            is_evaluated = "outage" not in kind or ("restart" in kind and place == length - 1)
            is_restart = "restart" in kind and is_evaluated and place in (0, length - 1) and length > 1
            moments.append(Moment(flaps, is_evaluated, is_restart))
    return moments


@settings(deadline=None, max_examples=40)
@given(STRETCHES, TIMINGS, st.randoms(use_true_random=False), st.sampled_from([0.0, 600.0]))
def test_for_keep_firing_for_and_what_is_told_hold_over_outages_and_restarts(
    stretches: list[tuple[str, int, tuple[bool, ...]]], timing: Timing, chance: random.Random, grace: float
) -> None:
    done = list(steps(moments_of(stretches, chance), timing, grace))
    check_chain(done)
    check_told(done)
    if grace:
        check_for(done, timing, grace)


@settings(deadline=None, max_examples=25)
@given(STRETCHES, TIMINGS, st.randoms(use_true_random=False))
def test_a_restart_between_two_ticks_that_see_the_same_makes_no_difference(
    stretches: list[tuple[str, int, tuple[bool, ...]]], timing: Timing, chance: random.Random
) -> None:
    moments = moments_of(stretches, chance)
    live = [Moment(moment.high) for moment in moments]
    restarting = live[:1] + [
        Moment(moment.high, True, moment.is_restart and before.high == moment.high)
        for before, moment in pairwise(moments)
    ]
    for one, other in zip(steps(live, timing), steps(restarting, timing, 0.0, stays=True), strict=True):
        assert one.alerts == other.alerts
        assert one.changed == other.changed


@pytest.mark.parametrize("timing", [Timing(300.0, 0.0), Timing(1800.0, 600.0)], ids=str)
def test_a_week_loses_and_doubles_nothing(timing: Timing) -> None:
    chance = random.Random(7)
    stretches = []
    length = 0
    while length < WEEK:
        kind = chance.choice(["steady", "steady", "flapping", "outage", "restart", "restart after an outage"])
        stretches.append((kind, chance.randint(1, 120), tuple(chance.random() < 0.5 for _ in range(PIDS))))
        length += stretches[-1][1]
    quiet = ("steady", 30, (False,) * PIDS)
    done = list(steps(moments_of([*stretches, quiet], chance)[-WEEK:], timing))
    check_for(done, timing, 600.0)
    check_chain(done)
    check_told(done)
    assert not [alert for alert in done[-1].alerts.values() if alert.state is not INACTIVE]
    fired = [alert for step in done for _, alert in step.changed if alert.state is FIRING]
    assert len(fired) > 20
