"""The series of a test of rules: what the file gives, seen up to the moment of evaluation, and what rules wrote.

promtool appends what is given as it goes, so that an offset into the future finds nothing; here it is all there,
and cut off. Used by alerting.rule_test_run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from razorprof.alerting.rule_test_file import InputSeries
from razorprof.errors import NotSupported, UsageError
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Series
from razorprof.query.labelsets import shown
from razorprof.query.series_notation import parse_series
from razorprof.store.fixed import FixedView
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, SeriesBlock, blocks_of

MOST_SAMPLES = 20_000_000
MOST_BYTES = 1 << 30
_HALF = 0.0005  # half a millisecond: times are whole ones


class BadSeries(Exception):
    """A line of input series that cannot be read, or that is not supported."""

    def __init__(self, line: int, error: UsageError | NotSupported) -> None:
        super().__init__(line, error)
        self.line = line
        self.error = error


def read_inputs(given: Sequence[InputSeries], start: int, interval: int) -> list[Series]:
    """The series of a test, samples at start, start + interval, ..., milliseconds. Raises BadSeries."""
    found: dict[Labels, Series] = {}
    left = MOST_SAMPLES
    for number, line in lines_of(given)[0]:
        try:
            series = _series(line, start, interval)
        except (UsageError, NotSupported) as error:
            raise BadSeries(number, error) from None
        left -= len(series.times)
        if left < 0:
            raise BadSeries(number, UsageError("too many samples", hint=f"at most {MOST_SAMPLES} a test"))
        found[series.labels] = series  # of two with the same labels the last counts
    return [series for series in found.values() if len(series.times)]


def lines_of(given: Sequence[InputSeries]) -> tuple[list[tuple[int, str]], int]:
    """The series with their points, as promtool writes them into a query script, each with its line in the test
    file; and the line of the first series that it passes over, 0 for none. A line break within a series begins
    another one, and an empty line or a comment ends them all."""
    found: list[tuple[int, str]] = []
    for place, one in enumerate(given):
        for text in f"{one.series} {one.values}".split("\n"):
            line = text.strip()
            if not line or line.startswith("#"):
                return found, given[place + 1].line if place + 1 < len(given) else 0
            found.append((one.line, line))
    return found, 0


class RuleTestSeries:
    """A SeriesView. until: the moment, ms, after which inputs are not seen; written: where rules write."""

    def __init__(self, inputs: Sequence[Series], names: Iterable[str]) -> None:
        """names: of the series that rules write."""
        self.written = MemoryStore(seconds=1e12, max_bytes=MOST_BYTES, max_series=1_000_000)
        self.until = 0
        self._inputs = FixedView(inputs)
        names = frozenset(names)
        self._both = [series for series in inputs if series.name in names]  # that rules may write, too

    def metrics(self) -> Iterable[Metric]:
        return ()

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        given = self._inputs.select(matchers, start, self._cut(end))
        written = self.written.select(matchers, start, end)
        if not self._both:
            return given + written
        together: dict[Labels, Series] = {}
        for series in (*written, *given):
            known = together.get(series.labels)
            together[series.labels] = series if known is None else _merged(known, series)
        return list(together.values())

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        if self._both:
            return blocks_of(self.select(matchers, start, end))
        given = self._inputs.blocks(matchers, start, self._cut(end))
        return given + self.written.blocks(matchers, start, end)

    @property
    def is_full(self) -> bool:
        """Whether rules wrote more than a test may."""
        return self.written.bytes > MOST_BYTES

    def clash(self, time: int) -> Labels | None:
        """A series that was given and written with different values at `time`, milliseconds."""
        for series in self._both:
            written = self.written.read(series.labels, time / 1000 - _HALF, time / 1000 + _HALF)
            place = int(np.searchsorted(series.times, time / 1000 - _HALF))
            if written is None or place == len(series.times) or series.times[place] > time / 1000 + _HALF:
                continue
            if written.values[0].tobytes() != series.values[place].tobytes():
                return series.labels
        return None

    def _cut(self, end: float) -> float:
        return min(end, self.until / 1000 + _HALF)


def _series(line: str, start: int, interval: int) -> Series:
    found = parse_series(line)
    points = found.points
    if points.native:
        raise NotSupported("native histograms", value=line[:80], hint="razorprof knows classic ones only")
    if not found.labels and points.there.any():
        raise UsageError("a series without a name or any label", value=line[:80])
    times = start + np.flatnonzero(points.there) * interval
    return Series(found.labels, times / 1000, points.values[points.there])


def _merged(older: Series, newer: Series) -> Series:
    """Both series' samples; at one time the newer's."""
    times = np.concatenate([newer.times, older.times])
    values = np.concatenate([newer.values, older.values])
    kept, first = np.unique(times, return_index=True)
    return Series(newer.labels, kept, values[first])


def clash_words(labels: Labels) -> str:
    """Prometheus's words for it."""
    return f"duplicate sample for timestamp: {shown(labels)} is among the input series, with another value"
