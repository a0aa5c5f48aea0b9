"""Weeks of simulated time with flapping alerts, outages and restarts: no notification is lost, none is told twice.

The evaluator is played: what fires is evaluated every 15 s, what resolved is kept for 15 minutes, and both survive
a restart. Everything else is real.
"""

from __future__ import annotations

import json
import logging
import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.notices import Noticing
from razorprof.clock import ManualClock
from razorprof.errors import TimedOut
from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.session.dispatch import Dispatcher
from razorprof.session.route import Route
from razorprof.testing.fake_notifier import FakeSender, fake_notifier

START = 1_700_000_000.0
STEP = 15.0
RESEND = 60.0
KEPT = 900.0
KEY = RuleKey("rules.yml", "group", 0, "Flapping")
Span = tuple[float, float]
Told = tuple[str, float, bool]  # which alert, since when it fires, whether it is resolved


@dataclass
class Plan:
    """What happens, in seconds since the start. firing: by alert; down: when the endpoints are; restarts: when and
    for how long we are away; crashes: whether without a farewell."""

    seconds: float
    firing: dict[str, list[Span]]
    down: list[Span] = field(default_factory=list)
    restarts: list[Span] = field(default_factory=list)
    crashes: bool = False


class Endpoint(FakeSender):
    """Somebody who is told, and who is there or not."""

    def __init__(self, plan: Plan, clock: ManualClock) -> None:
        super().__init__()
        self._plan = plan
        self._clock = clock
        self.fail = self._look

    def _look(self, notices: Sequence[Notice]) -> None:
        if is_in(self._plan.down, self._clock.time() - START):
            raise TimedOut("no answer")


class World:
    """One run of a plan. episodes: as the evaluator saw them, by alert: (fired, resolved)."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = ManualClock(START)
        self.people, self.machine = Endpoint(plan, self.clock), Endpoint(plan, self.clock)
        self.episodes: dict[str, list[Span]] = {name: [] for name in plan.firing}
        self.unsaved: set[tuple[int, Told]] = set()  # told after the state was saved for the last time
        self.again: set[tuple[int, Told]] = set()  # of those, what a crash made us forget
        self._alerts: dict[str, Alert] = {}
        self._saved = "{}"
        self._begin()

    def run(self) -> None:
        """To the end of the plan, and on for as long as it takes to tell what is left."""
        restarts = sorted(self.plan.restarts)
        time = 0.0
        while time <= self.plan.seconds + 7200:
            if restarts and restarts[0][0] <= time:
                begin, end = restarts.pop(0)
                time += max(STEP, STEP * round((end - begin) / STEP))
                self._restart(START + time)
            self._tick(START + time)
            time += STEP
        self.dispatcher.stop(1.0)

    def _begin(self) -> None:
        saved = json.loads(self._saved)
        self.noticing = Noticing()
        self.dispatcher = Dispatcher(
            [
                Route("people", fake_notifier(self.people), self.people),
                Route("machine", fake_notifier(self.machine, wants_repeats=True), self.machine),
            ],
            self.clock,
        )
        if saved:
            self.noticing.recall(saved["noticing"], self.clock.time())
            self.dispatcher.recall(saved["dispatcher"])

    def _save(self) -> str:
        self.unsaved.clear()
        return json.dumps(
            {"noticing": self.noticing.remembered(), "dispatcher": self.dispatcher.remembered()}, allow_nan=False
        )

    def _restart(self, time: float) -> None:
        if not self.plan.crashes:
            self.dispatcher.stop(1.0)
            self._saved = self._save()
        self.again |= self.unsaved
        self._go_to(time)
        self._begin()

    def _tick(self, time: float) -> None:
        self._go_to(time)
        self._evaluate(time)
        self.dispatcher.offer(self.noticing.due(list(self._alerts.values()), time))
        if self.plan.crashes:
            self._saved = self._save()
        counts = len(self.people.batches), len(self.machine.batches)
        for delivery in self.dispatcher.deliveries:
            while (wait := delivery.step()) is not None and self.clock.time() + wait < time + STEP:
                self.clock.advance(wait)
        for number, endpoint in enumerate((self.people, self.machine)):
            new = endpoint.batches[counts[number] :]
            self.unsaved.update((number, identity(notice)) for batch in new for notice in batch)

    def _evaluate(self, time: float) -> None:
        for name, spans in self.plan.firing.items():
            fires, alert = is_in(spans, time - START), self._alerts.get(name)
            if fires and (alert is None or alert.state is AlertState.INACTIVE):
                labels = Labels(alertname="Flapping", name=name)
                alert = Alert(KEY, labels, {}, AlertState.FIRING, 1.0, time, time)
            elif not fires and alert is not None and alert.state is AlertState.FIRING:
                assert alert.fired_at is not None
                self.episodes[name].append((alert.fired_at, time))
                alert = replace(alert, state=AlertState.INACTIVE, resolved_at=time)
            elif alert is not None and alert.resolved_at is not None and time - alert.resolved_at > KEPT:
                del self._alerts[name]
                alert = None
            if alert is not None:
                self._alerts[name] = replace(alert, evaluated=time)

    def _go_to(self, time: float) -> None:
        self.clock.advance(max(0.0, time - self.clock.time()))


def is_in(spans: Sequence[Span], time: float) -> bool:
    place = bisect_right(spans, (time, math.inf))
    return place > 0 and time < spans[place - 1][1]


def identity(notice: Notice) -> Told:
    """What makes a notice the same as another one to somebody who hears it."""
    return notice.labels["name"], notice.starts_at, notice.is_resolved


def check(world: World) -> None:
    """Everything that lasted was told with its end, in order, and once."""
    for number, endpoint in enumerate((world.people, world.machine)):
        news = [notice for notice in endpoint.told if not notice.is_repeat]
        if number == 0:
            assert len(news) == len(endpoint.told), "people are never told again"
        for name, episodes in world.episodes.items():
            told = [notice for notice in news if notice.labels["name"] == name]
            if not world.plan.crashes:
                assert [notice.is_resolved for notice in told] == [bool(place % 2) for place in range(len(told))]
            said = [identity(notice) for notice in told]
            for fired, resolved in episodes:
                if resolved - fired > RESEND:
                    assert (name, fired, False) in said
                    assert (name, fired, True) in said
                    assert said.index((name, fired, False)) < said.index((name, fired, True))
            for one, times in Counter(said).items():
                assert times == 1 or (world.plan.crashes and (number, one) in world.again)
            ends = {notice.starts_at: notice.ends_at for notice in told if notice.is_resolved}
            assert ends.items() <= dict(episodes).items()
    for delivery in world.dispatcher.deliveries:
        assert delivery.status().waiting == 0
    assert all(
        s.value == 0 for s in world.dispatcher.samples() if s.name == "razorprof_notifications_dropped_total"
    )


def a_plan(seed: int, seconds: float, *, crashes: bool = False) -> Plan:
    """Alerts that flap, that last, and that do both; outages and restarts of all lengths."""
    chance = random.Random(seed)

    def spans(gap: tuple[float, float], length: tuple[float, float]) -> list[Span]:
        found, time = [], chance.uniform(*gap)
        while time < seconds:
            end = min(seconds, time + chance.uniform(*length))
            found.append((time, end))
            time = end + chance.uniform(*gap)
        return found

    firing = {
        "quick": spans((15, 90), (15, 60)),
        "slow": spans((600, 20_000), (61, 20_000)),
        "both": spans((15, 3000), (15, 600)),
    }
    return Plan(seconds, firing, spans((60, 40_000), (1, 15_000)), spans((600, 40_000), (1, 3000)), crashes)


spans = st.lists(
    st.tuples(st.integers(1, 100), st.integers(1, 100)).map(lambda pair: (15.0 * pair[0], 15.0 * pair[1])),
    max_size=8,
)


def one_after_the_other(pairs: list[Span]) -> list[Span]:
    """Gaps and lengths as spans."""
    found, time = [], 0.0
    for gap, length in pairs:
        found.append((time + gap, time + gap + length))
        time += gap + length
    return found


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weeks of outages make long logs."""
    monkeypatch.setattr(logging.getLogger("razorprof.session.delivery"), "disabled", True)


@settings(max_examples=40, deadline=None)
@given(st.lists(spans, min_size=1, max_size=3), spans, spans)
def test_no_notification_is_lost_or_doubled(firing: list[list[Span]], down: list[Span], away: list[Span]) -> None:
    alerts = {str(number): one_after_the_other(pairs) for number, pairs in enumerate(firing)}
    plan = Plan(0.0, alerts, one_after_the_other(down), one_after_the_other(away))
    plan.seconds = max(
        span[1] for part in (*alerts.values(), plan.down, plan.restarts, [(0.0, 0.0)]) for span in part
    )
    world = World(plan)
    world.run()
    check(world)


@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_week_of_flapping_outages_and_restarts(seed: int) -> None:
    world = World(a_plan(seed, 7 * 86_400))
    world.run()
    check(world)
    assert sum(map(len, world.episodes.values())) > 5000
    assert len(world.people.told) < len(world.machine.told)


@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_day_of_crashes_loses_nothing_and_doubles_only_what_was_told_in_the_last_moment(seed: int) -> None:
    plan = a_plan(seed, 86_400, crashes=True)
    plan.restarts = [(time, time + 30) for time in range(1000, 86_400, 2000)]
    world = World(plan)
    world.run()
    check(world)
