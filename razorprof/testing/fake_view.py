"""A View and Controls with scripted data: what the dashboard's tests, its pictures and plugin authors' screens
show.

Deterministic: every figure is a function of the tick. Nothing here looks at a process. Time moves by `advance`
only. The programs that it plays are in razorprof.testing.fake_targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from razorprof.model.alert import AlertBoard
from razorprof.model.frame import SamplingReport, Stack, ThreadId
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.profile import Profile, StackKey
from razorprof.model.series import Floats, Series
from razorprof.model.target import Identity, Life
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.model.verdict import Verdict
from razorprof.session.view import Overhead, SessionState, TargetStatus
from razorprof.store.view import Matcher, MatchOp, SeriesBlock, blocks_of

T = TypeVar("T")
START = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Wave:
    """A figure that swings around `level` by `swing`, `period` ticks long, and grows by `slope` a tick. A
    counter is the sum of such a figure over the ticks; whole: of events, which happen or do not."""

    level: float
    swing: float = 0.0
    period: float = 20.0
    slope: float = 0.0
    counter: bool = False
    whole: bool = False

    def at(self, ticks: Floats) -> Floats:
        angle = 2 * np.pi / self.period
        if not self.counter:
            return self.level + self.swing * np.sin(angle * ticks) + self.slope * ticks
        total: Floats = (
            self.level * ticks
            + self.swing / angle * (1 - np.cos(angle * ticks))
            + self.slope * ticks * ticks / 2
            + 1000.0
        )
        return np.floor(total) if self.whole else total


SeriesKey = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class FakeTarget:
    """One scripted target. series: figure by (name, labels); stacks: (thread, stack root first) -> seconds a
    window."""

    status: TargetStatus
    series: Mapping[SeriesKey, Wave] = field(default_factory=dict)
    stacks: Mapping[tuple[ThreadId, Stack], float] = field(default_factory=dict)
    threads: tuple[ThreadInfo, ...] = ()
    gc: GcState | None = None
    verdict: Verdict | None = None
    gil: GilState | None = None

    @property
    def identity(self) -> Identity:
        return self.status.target.identity


def series_key(name: str, **labels: str) -> SeriesKey:
    """How a series of a FakeTarget is addressed."""
    return name, tuple(sorted(labels.items()))


class Alerting(Protocol):
    """What a session's rules say: see razorprof.testing.fake_alerts."""

    def board(self, time: float) -> AlertBoard:
        """As of a time, Unix seconds."""

    def series(self, start: float, end: float) -> Iterable[Series]:
        """The ALERTS series with their samples in [start, end]."""


class FakeView:
    """A session's answers at a tick. `window`: seconds of the stack window."""

    def __init__(
        self,
        targets: Sequence[FakeTarget],
        *,
        ticks: int = 180,
        interval: float = 1.0,
        window: float = 10.0,
        overhead: Overhead | None = None,
        alerting: Alerting | None = None,
    ) -> None:
        self.targets = {target.identity: target for target in targets}
        self.ticks = ticks
        self.interval = interval
        self.window = window
        self.overhead = overhead or Overhead(0.021, 58 * 2**20, 0.0, 20.0, 0, 0)
        self.alerting = alerting

    def advance(self, ticks: int = 1) -> None:
        """Let time pass."""
        self.ticks += ticks

    def kill(self, identity: Identity, how: str) -> None:
        """Let a target end: from now on its series are stale, as a store's are."""
        target = self.targets[identity]
        status = replace(target.status, life=Life.GONE, how=how, ended=self.time)
        self.targets[identity] = replace(target, status=status, stacks={}, verdict=None)

    @property
    def time(self) -> float:
        return START + self.ticks * self.interval

    def state(self) -> SessionState:
        statuses = tuple(_labelled(target.status) for target in self.targets.values())
        if self.ticks == 0:
            return SessionState(0.0, 0, statuses, self.overhead, self.interval)
        alerts = None if self.alerting is None else self.alerting.board(self.time)
        return SessionState(self.time, self.ticks, statuses, self.overhead, self.interval, alerts)

    def latest(self, target: Identity, name: str, **labels: str) -> float | None:
        found = self.targets[target]
        wave = found.series.get(series_key(name, **labels))
        if wave is None or found.status.life is Life.GONE or self.ticks == 0:
            return None
        return float(wave.at(np.array([float(self.ticks)]))[0])

    def history(self, target: Identity, name: str, *, seconds: float, **labels: str) -> Series | None:
        found = self.targets[target]
        key = series_key(name, **labels)
        wave = found.series.get(key)
        if wave is None or self.ticks == 0:
            return None
        last = float(self.ticks)
        if found.status.ended is not None:
            last = (found.status.ended - START) / self.interval
        first = max(1.0, float(self.ticks) - seconds / self.interval)
        ticks = np.arange(first, last + 1)
        if not len(ticks):
            return None
        return Series(Labels({"__name__": name, **dict(key[1])}), START + ticks * self.interval, wave.at(ticks))

    def series_of(self, target: Identity) -> Sequence[tuple[str, dict[str, str], float]]:
        found = self.targets[target]
        live = found.status.life is not Life.GONE and self.ticks > 0
        return [
            (name, dict(labels), float(wave.at(np.array([float(self.ticks)]))[0]))
            for (name, labels), wave in found.series.items()
            if live
        ]

    def profile(self, target: Identity, *, seconds: float | None = None) -> Profile:
        stacks = self.targets[target].stacks
        weights = {StackKey(thread, stack): weight for (thread, stack), weight in stacks.items()}
        return Profile(weights, seconds=seconds or self.window, samples=200 if stacks else 0, rate_hz=20.0)

    def sampling(self, target: Identity) -> SamplingReport | None:
        if not self.targets[target].stacks:
            return None
        return SamplingReport(self.time - 1.2, 1.0, 20, 20, 0, 20.0, "nonblocking", 0.02)

    def structure(self, target: Identity, kind: type[T]) -> T | None:
        found = self.targets[target]
        dump = ThreadDump(self.time, found.threads, found.status.stack_reason) if found.threads else None
        for held in (dump, found.gc, found.gil):
            if isinstance(held, kind):
                return held
        return None

    def verdict(self, target: Identity) -> Verdict | None:
        return self.targets[target].verdict

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        return blocks_of(self.select(matchers, start, end))

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        named = next((m.value for m in matchers if m.label == "__name__" and m.op is MatchOp.EQUAL), "")
        return [
            series
            for series in self._all(start, end, named)
            if all(
                (series.labels.get(m.label, "") == m.value) is (m.op is MatchOp.EQUAL)
                for m in matchers
                if m.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL)
            )
        ]

    def metrics(self) -> Iterable[Metric]:
        return ()

    def _all(self, start: float, end: float, named: str) -> Iterator[Series]:
        """Those of a name, or of any."""
        if self.alerting is not None and named in ("", "ALERTS"):
            yield from self.alerting.series(start, min(end, self.time))
        for identity, target in self.targets.items():
            for name, labels in [key for key in target.series if named in ("", key[0])]:
                series = self.history(identity, name, seconds=self.time - start, **dict(labels))
                if series is not None:
                    inside = series.times <= end
                    pid = str(identity.pid)
                    yield Series(series.labels.with_(pid=pid), series.times[inside], series.values[inside])


def _labelled(status: TargetStatus) -> TargetStatus:
    """With the labels that a session gives to all series of a target."""
    target = status.target
    labels = {"job": target.name, "instance": f"host/{target.pid}", "pid": str(target.pid)}
    return status if status.labels else replace(status, labels={**labels, "runtime": status.runtime})


class FakeControls:
    """Controls that write down what was asked of them, in `calls`. no_capture: why none can be taken."""

    def __init__(self, *, no_capture: str = "") -> None:
        self.calls: list[tuple[str, object]] = []
        self.no_capture = no_capture

    def set_interval(self, seconds: float) -> None:
        self.calls.append(("set_interval", seconds))

    def focus(self, target: Identity) -> None:
        self.calls.append(("focus", target))

    def pause(self, paused: bool) -> None:
        self.calls.append(("pause", paused))

    def stop(self) -> None:
        self.calls.append(("stop", None))

    def capture(self, target: Identity) -> str:
        self.calls.append(("capture", target))
        return self.no_capture
