"""The View of a recording that is played: the pipeline's at the moment shown, and all series up to it.

What a pipeline that was made anew does not reach back to is read in the recording's own columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from razorprof.errors import ToolFailed
from razorprof.model.frame import SamplingReport
from razorprof.model.metric import Metric
from razorprof.model.profile import Profile
from razorprof.model.series import Series
from razorprof.model.target import Identity
from razorprof.model.verdict import Verdict
from razorprof.session.live_view import LiveView
from razorprof.session.view import SessionState
from razorprof.store.view import Matcher, SeriesBlock, SeriesView, equal

T = TypeVar("T")


class _Moment(Protocol):
    def __call__(self) -> SeriesView:
        """All series at the moment that is shown. Raises ToolFailed where they are too many."""


class PlayedView:
    """Implements session.view.View. `show` in the player's thread, all else in any."""

    def __init__(self, series: _Moment, *, kept: float) -> None:
        """kept: seconds that a pipeline's series reach back at most."""
        self._series, self._kept = series, kept
        self._live: LiveView
        self._began = -math.inf
        self._is_too_large = False

    def show(self, live: LiveView, began: float) -> None:
        """Tell of this pipeline from now on. began: since when it took events, Unix seconds."""
        self._live, self._began = live, began

    def state(self) -> SessionState:
        return self._live.state()

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return self._all().select(matchers, start, end)

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        return self._all().blocks(matchers, start, end)

    def metrics(self) -> Iterable[Metric]:
        return self._live.metrics()

    def latest(self, target: Identity, name: str, **labels: str) -> float | None:
        return self._live.latest(target, name, **labels)

    def history(self, target: Identity, name: str, *, seconds: float, **labels: str) -> Series | None:
        """Of a target that ended, over the last seconds of its life."""
        state = self._live.state()
        status = next((one for one in state.targets if one.target.identity == target), None)
        if status is None:
            return None
        end = math.inf if status.ended is None else status.ended
        start = min(state.time, end) - seconds
        if status.ended is None and seconds <= self._kept and start >= self._began:
            return self._live.history(target, name, seconds=seconds, **labels)
        wanted = {**status.labels, **labels, "__name__": name}
        matchers = [equal(label, value) for label, value in wanted.items()]
        found = self._all().select(matchers, start, end)
        return next((series for series in found if dict(series.labels) == wanted), None)

    def series_of(self, target: Identity) -> Sequence[tuple[str, dict[str, str], float]]:
        return self._live.series_of(target)

    def profile(self, target: Identity, *, seconds: float | None = None) -> Profile:
        return self._live.profile(target, seconds=seconds)

    def sampling(self, target: Identity) -> SamplingReport | None:
        return self._live.sampling(target)

    def structure(self, target: Identity, kind: type[T]) -> T | None:
        return self._live.structure(target, kind)

    def verdict(self, target: Identity) -> Verdict | None:
        return self._live.verdict(target)

    def _all(self) -> SeriesView:
        if not self._is_too_large:
            try:
                return self._series()
            except ToolFailed:
                self._is_too_large = True
        return self._live


class Until:
    """Series that were given and those that rules made of them, these up to a time: rules may be further on."""

    def __init__(self, time: float, computed: SeriesView, given: SeriesView) -> None:
        self._time, self._computed, self._given = time, computed, given

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        made = self._computed.select(matchers, start, min(end, self._time))
        return self._given.select(matchers, start, end) + made

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        made = self._computed.blocks(matchers, start, min(end, self._time))
        return self._given.blocks(matchers, start, end) + made

    def metrics(self) -> Iterable[Metric]:
        return (*self._given.metrics(), *self._computed.metrics())
