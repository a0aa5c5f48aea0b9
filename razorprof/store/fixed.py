"""A SeriesView over series that do not change: query files, rule tests, recordings read whole.

Not for live series (store.memory). Series are grouped by equal time stamps once, at the start, so that queries
compute on columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Series
from razorprof.store.reading import columns_of
from razorprof.store.view import Matcher, MatchOp, SeriesBlock

_REMEMBERED = 256  # selections


class FixedView:
    """Answers from the series given. A label set may come once only: ValueError otherwise."""

    def __init__(self, series: Iterable[Series], metrics: Iterable[Metric] = ()) -> None:
        by_times: dict[bytes, list[Series]] = {}
        for one in series:
            by_times.setdefault(one.times.tobytes(), []).append(one)
        blocks = []
        for members in by_times.values():
            values = np.stack([one.values for one in members], axis=1)
            blocks.append(SeriesBlock(tuple(one.labels for one in members), members[0].times, values))
        self._hold(blocks, metrics)

    @classmethod
    def of_blocks(cls, blocks: Sequence[SeriesBlock], metrics: Iterable[Metric] = ()) -> FixedView:
        """The same of series that lie in columns already. ValueError where a label set comes twice."""
        view = cls.__new__(cls)
        view._hold(blocks, metrics)
        return view

    def with_rows(self, rows: Sequence[slice]) -> FixedView:
        """The same series, of each block only some rows. Shares what was picked before: cheap."""
        view = type(self).__new__(type(self))
        view._metrics, view._picked = self._metrics, self._picked
        view._blocks = [
            SeriesBlock(block.labels, block.times[some], block.values[some])
            for block, some in zip(self._blocks, rows, strict=True)
        ]
        return view

    def _hold(self, blocks: Sequence[SeriesBlock], metrics: Iterable[Metric]) -> None:
        seen: set[Labels] = set()
        for block in blocks:
            for name in block.labels:
                if name in seen:
                    raise ValueError(f"series comes twice: {name}")
                seen.add(name)
        self._metrics = tuple(metrics)
        self._blocks = list(blocks)
        self._picked: dict[tuple[Matcher, ...], list[list[int]]] = {}

    def metrics(self) -> Iterable[Metric]:
        return self._metrics

    def newest(self) -> float:
        """Unix seconds of the newest sample of all; minus infinity where there is none."""
        return max((float(block.times[-1]) for block in self._blocks if len(block.times)), default=-np.inf)

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return [series for block in self.blocks(matchers, start, end) for series in columns_of(block)]

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        found: list[SeriesBlock] = []
        for block, picked in zip(self._blocks, self._columns(tuple(matchers)), strict=True):
            low = int(np.searchsorted(block.times, start, "left"))
            high = int(np.searchsorted(block.times, end, "right"))
            if low == high or not picked:
                continue
            if len(picked) == len(block.labels):
                found.append(SeriesBlock(block.labels, block.times[low:high], block.values[low:high]))
            else:
                labels = tuple(block.labels[column] for column in picked)
                found.append(SeriesBlock(labels, block.times[low:high], block.values[low:high, picked]))
        return found

    def _columns(self, matchers: tuple[Matcher, ...]) -> list[list[int]]:
        """The places of the series that fulfil all matchers, for each block. The last few answers are kept."""
        picked = self._picked.get(matchers)
        if picked is None:
            tests = [(matcher.label, condition_of(matcher)) for matcher in matchers]
            picked = [
                [
                    column
                    for column, labels in enumerate(block.labels)
                    if all(test(labels.get(label, "")) for label, test in tests)  # absent equals empty
                ]
                for block in self._blocks
            ]
            if len(self._picked) >= _REMEMBERED:
                self._picked.clear()
            self._picked[matchers] = picked
        return picked


def condition_of(matcher: Matcher) -> Callable[[str], bool]:
    """Whether a label's value fulfils a matcher: regexes are RE2, fully anchored, and `.` matches a line's end."""
    wanted = matcher.op in (MatchOp.EQUAL, MatchOp.REGEX)
    if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL):
        return lambda value: (value == matcher.value) is wanted
    import re2

    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    fullmatch = re2.compile(matcher.value, options).fullmatch
    return lambda value: (fullmatch(value) is not None) is wanted
