"""Columns put together from rows whose series change, overlap or come and go: as the store would answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.errors import ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.scrape import Tick
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_series import RecordedSeries, Rows, merged
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView, equal
from tests.unit.recording import rzp_samples as made

METRIC = gauge("m", "", "")
Answers = dict[Labels, tuple[list[float], list[float]]]


def rows(
    names: Sequence[str], times: Sequence[float], values: Sequence[Sequence[float]], arrived: float = 0
) -> Rows:
    labels = tuple(Labels(__name__="m", n=name) for name in names)
    return Rows(labels, np.array(times), np.array(values, dtype=float), np.full(len(times), arrived))


def answers(view: SeriesView) -> Answers:
    return {
        series.labels: (series.times.tolist(), series.values.tolist())
        for series in view.select([], -math.inf, math.inf)
    }


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    scrapes=st.lists(
        st.tuples(st.integers(0, 1), st.sets(st.integers(0, 5), max_size=4), st.booleans()),
        min_size=1,
        max_size=25,
    ),
    ticks=st.integers(1, 4),
    hold=st.sampled_from([0.0, 2.5]),
)
def test_a_store_whose_rows_were_recorded_is_answered_for_alike(
    scrapes: list[tuple[int, set[int], bool]],
    ticks: int,
    hold: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Two groups, each scrape with some series; now and then a group goes stale as a whole and begins anew."""
    path = tmp_path_factory.mktemp("series") / "a.rzp"
    writer = made.a_writer(path, bounds=SegmentBounds(ticks=ticks))
    store = MemoryStore()
    store.journal = lambda time, series, bits: writer.row(time, series, bits)
    groups = [store.group(Labels(job=str(n)), hold=hold) for n in (0, 1)]
    for number, (which, series, ends) in enumerate(scrapes):
        time = made.START + number
        samples = [Sample(METRIC, float(number), Labels(n=str(n))) for n in sorted(series)]
        groups[which].append(time, samples)
        if ends:
            groups[which].mark_stale(time + 0.5)
            groups[which] = store.group(Labels(job=str(which)), hold=hold)
        writer(Tick(time, number))
        writer.commit()
    writer.close()
    with RecordingReader(path) as recording:
        found = recording.series().view
        assert recording.damage == []
    live = {one.labels: one for one in store.select([], -math.inf, math.inf)}
    again = {one.labels: one for one in found.select([], -math.inf, math.inf)}
    assert again.keys() == live.keys()
    for labels, wanted in live.items():
        assert again[labels].times.tolist() == wanted.times.tolist()
        assert again[labels].values.view(np.uint64).tolist() == wanted.values.view(np.uint64).tolist()
    names = [label for block in found.blocks([], -math.inf, math.inf) for label in block.labels]
    assert len(set(names)) == len(names)


def test_of_two_recordings_the_later_one_counts_where_both_tell_the_same() -> None:
    first = RecordedSeries([rows(["a", "b"], [1, 2], [[1, 10], [2, 20]])], [METRIC])
    second = RecordedSeries([rows(["b", "c"], [2, 3], [[99, 5], [30, 6]])], [METRIC])
    assert answers(merged([first, second]).view) == {
        Labels(__name__="m", n="a"): ([1, 2], [1, 2]),
        Labels(__name__="m", n="b"): ([1, 2, 3], [10, 99, 30]),
        Labels(__name__="m", n="c"): ([2, 3], [5, 6]),
    }


def test_series_that_come_and_go_do_not_make_a_matrix_of_gaps() -> None:
    """A thousand short lives, each of which shares one series with the next."""
    lives = [rows([f"s{n}", f"s{n + 1}"], [float(n)], [[1.0, 2.0]]) for n in range(3000)]
    recorded = RecordedSeries(lives, [])
    blocks = recorded.view.blocks([], -math.inf, math.inf)
    assert sum(block.values.size for block in blocks) == 6000
    assert recorded.samples == 6000
    [middle] = recorded.view.select([equal("n", "s5")], -math.inf, math.inf)
    assert (middle.times.tolist(), middle.values.tolist()) == ([4.0, 5.0], [2.0, 1.0])


def test_as_of_a_tick_what_came_in_later_is_not_there() -> None:
    early, late = rows(["a"], [1, 2], [[1], [2]], arrived=10), rows(["a"], [3], [[3]], arrived=20)
    recorded = RecordedSeries([early, late], [])
    assert answers(recorded.as_of(9)) == {}
    assert answers(recorded.as_of(10)) == {Labels(__name__="m", n="a"): ([1, 2], [1, 2])}
    assert answers(recorded.as_of(20)) == answers(recorded.view)


def test_more_samples_than_may_be_are_refused(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    store = MemoryStore()
    store.journal = lambda time, series, bits: writer.row(time, series, bits)
    group = store.group(Labels())
    for second in range(50):
        group.append(made.START + second, [Sample(METRIC, 1.0)])
        writer(Tick(made.START + second, second))
        writer.commit()
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert recording.series(samples=50).samples == 50
        with pytest.raises(ToolFailed, match="too many samples"):
            recording.series(samples=49)
        heard: list[tuple[int, int]] = []
        recording.series(progress=lambda done, whole: heard.append((done, whole)))
        assert heard[-1][0] == heard[-1][1] > 0
