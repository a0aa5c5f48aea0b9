"""A session that runs behind a bundle's captures, so that metrics, GC, GIL and verdict cover the same seconds.

For session.bundle only: `start`, ask `seconds` and `is_alive` meanwhile, `finish` once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from razorprof.analysis.advice_observation import SHORTEST_SECONDS
from razorprof.errors import RazorprofError
from razorprof.model.advice import Advice
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.metric import Sample
from razorprof.model.target import Life, Target
from razorprof.model.verdict import Verdict
from razorprof.plugin import loading
from razorprof.plugin.protocols import Detection
from razorprof.remote.process import ProcessView
from razorprof.render.catalog import FIGURES, Figure
from razorprof.render.trace import Trace, level_trace, rate_trace
from razorprof.session.advising import advise
from razorprof.session.gc_series import gc_time_series
from razorprof.session.observing import Observing, look_at_workers, read_now
from razorprof.session.series_document import series_document
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import TargetStatus


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the session saw. ended: how the target ended, empty where it lives; reasons: why a part is None or
    empty, by its name; series: for metrics.json; traces: by the key of render.catalog."""

    seconds: float
    status: TargetStatus | None = None
    ended: str = ""
    verdict: Verdict | None = None
    advice: tuple[Advice, ...] = ()
    gc: GcState | None = None
    gil: GilState | None = None
    series: Mapping[str, Any] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


class Watching:
    """One target. All methods in the collecting thread."""

    def __init__(self, target: Target, *, probe: bool = False) -> None:
        """probe: its own loopback ports may be asked for a page of metrics."""
        self._target = target
        self._observing = Observing(target, _detected(target))
        self._session = Session(
            SessionOptions(probe=probe),
            sources=loading.sources,
            runtimes=loading.runtimes,
            taps=(self._observing.see,),
        )
        self._first = look_at_workers(target)
        self._session.watch(target)
        self._session.start()

    @property
    def seconds(self) -> float:
        """How much time the figures span so far."""
        state = self._session.view.state()
        first = self._history(FIGURES["threads"])
        return state.time - float(first.times[0]) if len(first.times) else 0.0

    @property
    def collector_seconds(self) -> float:
        return self._observing.seconds

    def is_alive(self) -> bool:
        return self._session.alive()

    def stop(self) -> None:
        """Let go of the target, whatever happened."""
        self._session.stop()

    def finish(self) -> Seen:
        """End the session, and judge."""
        is_alive, (gc, gil) = self.is_alive(), self._observing.last
        if is_alive and gc is not None:  # allocated blocks, which the session reads too seldom
            readings = read_now(self._target, "gc")
            self._observing.note(gc.time, (reading for reading in readings if isinstance(reading, Sample)))
        workers = look_at_workers(self._target)
        self._session.stop()
        view = self._session.view
        verdict = view.verdict(self._target.identity)
        found = self._observing.observation(verdict=verdict, before=self._first, now=workers)
        status = next((one for one in view.state().targets if one.target.identity == self._target.identity), None)
        reasons = _reasons(status)
        if verdict is None:
            reasons["verdict"] = "too little was seen"
        if found is None:
            reasons["advice"] = reasons.get("gc", "its garbage collector was not seen")
        elif not found.is_long_enough:
            reasons["advice"] = f"seen for {found.seconds:.1f} s: advice needs {SHORTEST_SECONDS:g} s at least"
        advice: tuple[Advice, ...] = ()
        if "advice" not in reasons and found is not None:
            try:
                advice = advise(found)
            except RazorprofError as error:
                reasons["advice"] = str(error)
        if gc is None:
            reasons.setdefault("gc", "its garbage collector was not seen")
        is_gone = status is not None and status.life is Life.GONE
        return Seen(
            seconds=self.seconds,
            status=status,
            ended=(status.how or "it ended") if is_gone and status is not None else "",
            verdict=verdict,
            advice=advice,
            gc=gc,
            gil=gil,
            series=series_document(view, self._target.pid),
            traces={key: trace for key, one in FIGURES.items() if len((trace := self._history(one)).values) > 1},
            reasons=reasons,
        )

    def _history(self, figure: Figure) -> Trace:
        view, identity = self._session.view, self._target.identity
        if figure.key == "gc_time":
            series = gc_time_series(view, identity, math.inf)
        else:
            series = view.history(identity, figure.metric, seconds=math.inf, **figure.labels)
        if series is None:
            return Trace()
        return rate_trace(series) if figure.rate else level_trace(series)


def _detected(target: Target) -> Detection | None:
    try:
        found = loading.detect_runtime(ProcessView(target.pid))
    except RazorprofError:
        return None
    return None if found is None else found[1]


def _reasons(status: TargetStatus | None) -> dict[str, str]:
    if status is None:
        return {}
    found = {one.name: one.error.message for one in status.sources if one.error is not None}
    if status.stack_reason:
        found.setdefault("stacks", status.stack_reason)
    return found
