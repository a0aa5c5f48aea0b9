"""What is recorded comes back as it was: every event, every bit of every value, in its order."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.model.alert import AlertChange
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.scrape import Event, Scrape, Tick
from razorprof.model.series import MISSING_BITS, STALE_BITS
from razorprof.model.threads import Local, ThreadDump, ThreadInfo
from razorprof.recording import rzp_writer
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_values import Cost, StoredRow
from tests.unit.recording import rzp_samples as made
from tests.unit.recording import rzp_strategies as any_

GENEROUS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Entry:
    """One series of a row, as the store's index has them."""

    def __init__(self, **labels: str) -> None:
        self.labels = Labels(labels)


def read_back(path: Path) -> list[Event]:
    with RecordingReader(path) as recording:
        found = list(recording.events())
        assert recording.damage == []
    return found


@GENEROUS
@given(events=any_.ticked_events(), ticks=st.integers(1, 3))
def test_arbitrary_events_come_back_equal(
    events: list[Event], ticks: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.rzp"
    made.record(path, events, bounds=SegmentBounds(ticks=ticks))
    assert read_back(path) == events


@GENEROUS
@given(events=any_.ticked_events(), data=st.data())
def test_any_window_holds_the_events_of_its_ticks(
    events: list[Event], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However ticks are cut into blocks and segments, and wherever the window begins."""
    path = tmp_path_factory.mktemp("window") / "a.rzp"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rzp_writer, "_LARGEST_BLOCK", data.draw(st.sampled_from([50, 400, 10_000])))
        bounds = SegmentBounds(ticks=data.draw(st.integers(1, 3)), raw=data.draw(st.sampled_from([100, 10_000])))
        made.record(path, events, bounds=bounds)
    groups: list[list[Event]] = [[]]
    for event in events:
        groups[-1].append(event)
        if isinstance(event, Tick):
            groups.append([])
    times = [group[-1].time for group in groups[:-1]]
    start = data.draw(st.sampled_from([-math.inf, *times, times[-1] + 1]))
    end = data.draw(st.sampled_from([*times, math.inf]))
    wanted = [e for group, time in zip(groups, times, strict=False) if start <= time <= end for e in group]
    with RecordingReader(path) as recording:
        assert list(recording.events(start, end)) == wanted
        assert recording.ticks(start, end).tolist() == [time for time in times if start <= time <= end]
        assert recording.damage == []


@GENEROUS
@given(rows=st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_values_keep_every_bit_whatever_nan_they_are(
    rows: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bits") / "a.rzp"
    metric = gauge("m", "", "")
    labels = [Labels(n=str(place)) for place in range(3)]
    events: list[Event] = []
    for number, bits in enumerate(rows):
        values = [struct.unpack("<d", struct.pack("<Q", one))[0] for one in bits]
        samples = tuple(Sample(metric, value, own) for value, own in zip(values, labels, strict=True))
        events += [Scrape(made.TARGET, "s", 1.0, 0.0, samples), Tick(float(number), number)]
    made.record(path, events)
    found = [
        [struct.unpack("<Q", struct.pack("<d", sample.value))[0] for sample in event.samples]
        for event in read_back(path)
        if isinstance(event, Scrape)
    ]
    assert found == rows


@GENEROUS
@given(changes=st.lists(any_.CHANGES, max_size=4))
def test_alert_changes_come_back_equal(
    changes: list[AlertChange], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("alerts") / "a.rzp"
    writer = made.a_writer(path)
    writer(Tick(made.START, 1))
    writer.alerts(changes)
    writer.commit()
    writer.close()
    with RecordingReader(path) as recording:
        assert recording.changes() == changes
        assert [event for event in recording.events() if not isinstance(event, Tick)] == []


def test_rows_of_the_store_come_back_with_stale_and_missing_values(tmp_path: Path) -> None:
    series = [Entry(__name__="a"), Entry(__name__="b", x="1")]
    wanted = np.array([[1.5, 2.5], [np.nan, -0.0], [3.0, 7.0]])
    wanted.view(np.uint64)[1, 0] = STALE_BITS
    wanted.view(np.uint64)[2, 1] = MISSING_BITS
    writer = made.a_writer(tmp_path / "a.rzp")
    for second, row in enumerate(wanted):
        writer(Tick(made.START + second, second))
        writer.row(made.START + second, series, row.view(np.uint64), ruled=second == 2)
        writer.commit()
    series.append(Entry(__name__="c"))  # the group has one more series from now on
    writer.row(made.START + 3, series, np.zeros(3, dtype=np.uint64))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        rows = [i for tick in recording.recorded(rows=True) for i in tick.items if isinstance(i, StoredRow)]
    assert [len(row.series) for row in rows] == [2, 2, 2, 3]
    assert [row.ruled for row in rows] == [False, False, True, False]
    assert rows[3].series[2] == Labels(__name__="c")
    for row, values in zip(rows, wanted, strict=False):
        assert row.values.view(np.uint64).tolist() == values.view(np.uint64).tolist()


def test_whole_numbers_come_back_as_the_store_takes_them(tmp_path: Path) -> None:
    """Sources give integers here and there: the store holds floats."""
    sample = Sample(gauge("m", "", ""), 3)
    [scrape, _] = read_back(
        made.record(tmp_path / "a.rzp", [Scrape(made.TARGET, "s", 1.0, 0.0, (sample,)), Tick(1.0)])
    )
    assert isinstance(scrape, Scrape)
    assert repr(scrape.samples[0].value) == "3.0"


def test_variables_of_the_program_are_not_kept(tmp_path: Path) -> None:
    thread = ThreadInfo(1, locals=((Local("password", "'hunter2'"),),))
    dump = ThreadDump(made.START, (thread,))
    scrape = Scrape(made.TARGET, "threads", made.START, 0.0, structures=(dump,))
    path = made.record(tmp_path / "a.rzp", [scrape, Tick(made.START, 1)])
    assert read_back(path)[0] == replace(scrape, structures=(replace(dump, threads=(ThreadInfo(1),)),))


def test_own_cost_comes_back_with_what_is_not_known(tmp_path: Path) -> None:
    costs = [Cost(1.0, None, 5e6), Cost(2.0, 0.01, None, behind=True)]
    writer = made.a_writer(tmp_path / "a.rzp")
    for number, cost in enumerate(costs):
        writer(Tick(float(number), number))
        writer.cost(cost)
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert recording.costs() == costs


def test_a_text_that_is_too_long_is_cut(tmp_path: Path) -> None:
    target = replace(made.TARGET, name="é" * 50_000)
    path = made.record(tmp_path / "a.rzp", [Scrape(target, "s", 1.0, 0.0), Tick(1.0)])
    [scrape, _] = read_back(path)
    assert isinstance(scrape, Scrape)
    assert scrape.target.name == "é" * 32_768
