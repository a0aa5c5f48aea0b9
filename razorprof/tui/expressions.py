"""Typed PromQL expressions over the window of a plot: kept, evaluated at each tick, the newest answers remembered.

What is quick is evaluated at once, within a small budget; what is not, in a thread, and its last answer stands
until then: keys never wait for it. Used by the time screen, in its thread; knows nothing of widgets.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from razorprof.errors import RazorprofError
from razorprof.model.labels import Labels
from razorprof.model.series import Floats

if TYPE_CHECKING:
    from razorprof.query.limits import Limits
    from razorprof.store.view import SeriesView

_QUICK = 0.02  # seconds of a tick's time that expressions may take together
_QUICK_SAMPLES = 200_000
_PATIENCE = 5.0  # seconds that one may take in the thread
_MOST_SAMPLES = 5_000_000
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an expression was over a window. series: (labels, times in Unix seconds, values), those that have a
    value; end: of the window; error: why there are none, in words."""

    text: str
    series: Sequence[tuple[Labels, Floats, Floats]] = ()
    error: str = ""
    end: float = 0.0

    @property
    def last(self) -> float | None:
        """The value at the end, where there is one series that has one."""
        if len(self.series) != 1 or self.series[0][1][-1] != self.end:
            return None
        return float(self.series[0][2][-1])

    @property
    def values(self) -> Floats:
        """All values of all series that are numbers."""
        if not self.series:
            return _NONE
        together: Floats = np.concatenate([values for _, _, values in self.series])
        return together[np.isfinite(together)]


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, Unix seconds, and how far apart the points are. `end` is always one of them."""

    start: float
    end: float
    step: float


@dataclass(slots=True)
class _Kept:
    answer: Answer
    window: Window | None = None
    seconds: float = 0.0  # that the last evaluation took


@dataclass(slots=True)
class Expressions:
    """told: called from the thread when a slow answer is there."""

    told: Callable[[], None]
    clock: Callable[[], float] = time.perf_counter
    texts: list[str] = field(default_factory=list)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    def put(self, text: str, instead: str = "") -> None:
        """Keep an expression, in the place of another or at the end; empty text only takes that one away."""
        place = self.texts.index(instead) if instead in self.texts else len(self.texts)
        if instead in self.texts:
            self.texts.remove(instead)
            self._kept.pop(instead, None)
        if text and text not in self.texts:
            self.texts.insert(place, text)
            self._kept[text] = _Kept(Answer(text))

    def answers(self, view: SeriesView, window: Window, wanted: Sequence[str]) -> dict[str, Answer]:
        """The newest answer of each, of this window where there was time for it."""
        from razorprof.query.limits import Limits

        left, slow = _QUICK, []
        for text in wanted:
            kept = self._kept.get(text)
            if kept is None or kept.window == window:
                continue
            if kept.seconds > left:
                slow.append(text)
                continue
            began = self.clock()
            answer = evaluate(view, text, window, Limits(samples=_QUICK_SAMPLES, seconds=_QUICK))
            kept.seconds = self.clock() - began
            left -= kept.seconds
            if answer is None:
                kept.seconds = math.inf
                slow.append(text)
            else:
                kept.answer, kept.window = answer, window
        if slow and (self._thread is None or not self._thread.is_alive()):
            # A daemon: who leaves does not wait for it; it holds nothing but what it computes.
            self._thread = threading.Thread(
                target=self._work, args=(view, window, slow), name="expressions", daemon=True
            )
            self._thread.start()
        return {text: self._kept[text].answer for text in wanted if text in self._kept}

    def _work(self, view: SeriesView, window: Window, texts: Sequence[str]) -> None:
        from razorprof.query.limits import Limits

        for text in texts:
            began = self.clock()
            answer = evaluate(view, text, window, Limits(samples=_MOST_SAMPLES, seconds=_PATIENCE))
            kept = self._kept.get(text)
            if kept is not None:
                words = f"takes more than {_PATIENCE:g} s, or too many samples"
                kept.answer = answer or Answer(text, error=words)
                kept.seconds, kept.window = self.clock() - began, window
        self.told()


def plot_window(now: float, seconds: float, points: int, interval: float) -> Window:
    """The last `seconds`, in at most `points` round steps, none shorter than the time between two samples."""
    wanted = max(interval * 0.999, seconds / max(1, points))
    step = next((step for step in _STEPS if step >= wanted), math.ceil(wanted))
    return Window(now - seconds, now, step)


def check_expression(text: str) -> str:
    """Why a text cannot be plotted, in words; empty if it can."""
    from razorprof.query.engine import compile_query
    from razorprof.query.functions.call import Kind

    try:
        kind = compile_query(text).kind
    except RazorprofError as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    if kind is Kind.RANGE:
        return "a range vector is many values at one time: put a function around it, such as rate(...)"
    return "a text cannot be plotted" if kind is Kind.TEXT else ""


def evaluate(view: SeriesView, text: str, window: Window, limits: Limits) -> Answer | None:
    """The answer; None where the limits do not allow it.

    Points stand on multiples of the step, so that the same samples are picked at each tick, and one at the end:
    it is what `query` answers for that moment.
    """
    from razorprof.errors import TimedOut
    from razorprof.query.engine import compile_query
    from razorprof.query.errors import QueryTooLarge
    from razorprof.query.values import Scalar, Vector

    try:
        query = compile_query(text)
        first, last = math.ceil(window.start / window.step), math.floor(window.end / window.step)
        found: dict[Labels, tuple[list[Floats], list[Floats]]] = {}
        if first <= last:
            ranged = query.range(view, first * window.step, last * window.step, window.step, limits)
            times: Floats = ranged.times / 1000
            for place, labels in enumerate(ranged.vector.labels):
                there = ranged.vector.present[:, place]
                found[labels] = ([times[there]], [ranged.vector.values[there, place]])
        if last * window.step < window.end:
            newest = query.instant(view, window.end, limits)
            at = np.array([window.end])
            if isinstance(newest, Scalar):
                newest = Vector((Labels(),), newest.values.reshape(1, 1), np.ones((1, 1), bool))
            if isinstance(newest, Vector):
                for place, labels in enumerate(newest.labels):
                    stamps, numbers = found.setdefault(labels, ([], []))
                    stamps.append(at)
                    numbers.append(newest.values[:, place])
    except (TimedOut, QueryTooLarge):
        return None
    except RazorprofError as error:
        return Answer(text, error=str(error))
    series = [(labels, np.concatenate(t), np.concatenate(v)) for labels, (t, v) in found.items()]
    return Answer(text, series, end=window.end)
