"""What a recording is asked for a person: profiles of windows, who was looked at, the highest values, gaps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, counter, gauge, histogram
from razorprof.model.profile import top
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.model.series import STALE_BITS, Series
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_peaks import Peak, peaks
from razorprof.recording.rzp_profile import StackCollector
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_summary import summarise
from tests.unit.recording import rzp_samples as made

OTHER = Target(Identity(8, 1), "db")


def test_the_profile_of_a_window_holds_its_stacks_and_says_how_they_were_taken(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(20))
    with RecordingReader(path) as recording:
        profile = recording.profile(made.START + 5, made.START + 9)
        whole = recording.profile()
    assert profile.seconds == 4.0  # batches of a second, whose middle lies within
    assert profile.samples == 40
    assert profile.start == made.START + 5
    assert len(profile.blocks) == 4
    assert profile.total == pytest.approx(4 * 0.6 + 0.1 * (1 + 2 + 3 + 4))
    assert (profile.value, profile.mode, profile.rate_hz, profile.unit) == ("cpu", "nonblocking", 20.0, "seconds")
    assert [one.function for one in top(profile)][:2] == ["work", "wait"]
    assert whole.seconds == 20.0


def test_of_several_targets_one_can_be_picked(tmp_path: Path) -> None:
    scrape = made.a_tick(1)[1]
    assert isinstance(scrape, Scrape)
    path = made.record(tmp_path / "a.rzp", [scrape, replace(scrape, target=OTHER), Tick(made.START + 1, 1)])
    with RecordingReader(path) as recording:
        assert recording.profile().total == pytest.approx(2 * recording.profile(target=OTHER.identity).total)
        assert recording.profile(target=Identity(1, 1)).weights == {}


def test_hours_of_batches_become_a_few_hundred_blocks_of_the_same_weight() -> None:
    collector = StackCollector(-math.inf, math.inf)
    for second in range(5000):
        report = SamplingReport(float(second), 1.0, 10, 3, 1, 10.0, "nonblocking")
        stack = StackSample((Frame(f"f{second % 3}", "a.py", 1),), 0.25, ThreadId(1))
        collector.take(Scrape(OTHER, "stacks", second + 1.0, 0.0, stacks=(stack,), structures=(report,)))
    profile = collector.profile()
    assert len(profile.blocks) < 1300
    assert profile.total == pytest.approx(1250.0)
    assert sum(sum(block.weights.values()) for block in profile.blocks) == pytest.approx(1250.0)
    assert sum(block.seconds for block in profile.blocks) == 5000.0
    assert (profile.samples, profile.errors, profile.rounds) == (15_000, 5000, 50_000)


def test_what_a_reader_must_know_of_the_stacks_is_noted() -> None:
    collector = StackCollector(-math.inf, math.inf)
    for start, rate, mode in ((0.0, 20.0, "nonblocking"), (9.0, 10.0, "nonblocking-gil")):
        report = SamplingReport(start, 1.0, 10, 3, 0, rate, mode)
        stack = StackSample((Frame("f", "a.py", 1),), 0.25, ThreadId(1))
        collector.take(Scrape(OTHER, "stacks", start, 0.0, stacks=(stack,), structures=(report,)))
    notes = " / ".join(collector.profile().notes)
    assert "2.00 s of 10.00 s were covered" in notes
    assert "in 1.0 s of it only the thread that holds the GIL" in notes
    assert "between 10 and 20 Hz" in notes


def test_targets_are_told_with_what_they_ran_and_how_they_ended(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    writer.add(made.TARGET, "web")
    for event in made.events(5):
        writer(event)
    writer.add(OTHER, "postgres")
    writer(Ended(OTHER, made.START + 5.5, "exit code 3"))
    writer(Tick(made.START + 6, 6))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        both = summarise(recording, -math.inf, math.inf, {made.TARGET.identity, OTHER.identity})
        one = summarise(recording, made.START + 4, math.inf, {made.TARGET.identity})
    web, db = both.targets
    assert (web.runtime, web.version, web.command) == ("cpython", "3.11.7", "python web.py")
    assert (web.ended, db.ended, db.how, db.command) == (None, made.START + 5.5, "exit code 3", "postgres")
    assert both.profiles.keys() == {made.TARGET.identity}
    origin = both.profiles[made.TARGET.identity].origin
    assert origin is not None
    assert (origin.pid, origin.host, origin.runtime) == (7, "box", "cpython")
    assert [one.target.pid for one in one.targets] == [7]
    assert one.targets[0].runtime == "cpython"  # told long before the window


def test_gaps_are_where_ticks_are_far_apart(tmp_path: Path) -> None:
    times = [1, 2, 3, 10, 11, 12, 15, 16, 40]
    path = made.record(tmp_path / "a.rzp", [Tick(made.START + time, time) for time in times])
    with RecordingReader(path) as recording:
        gaps = [(gap.start - made.START, gap.end - made.START) for gap in recording.gaps()]
        assert gaps == [(3, 10), (16, 40)]
        assert len(recording.gaps(2.0)) == 3
    slow = made.record(tmp_path / "b.rzp", [Tick(made.START + time, time) for time in (0, 60, 120, 180, 500)])
    with RecordingReader(slow) as recording:  # somebody chose a longer interval meanwhile
        assert [gap.end - made.START for gap in recording.gaps()] == [500]


def series(name: str, times: list[float], values: list[float]) -> Series:
    return Series(Labels(__name__=name), np.array(times), np.array(values))


def one_peak(metric: Metric, times: list[float], values: list[float]) -> Peak | None:
    return next(iter(peaks([series(metric.name, times, values)], [metric])), None)


def test_the_peak_of_a_gauge_is_its_highest_value_and_when() -> None:
    peak = one_peak(gauge("g", "bytes", ""), [1, 2, 3, 4], [5, math.nan, 9, 1])
    assert peak is not None
    assert (peak.value, peak.time, peak.mean, peak.unit, peak.per_second) == (9, 3, 5, "bytes", False)


def test_the_peak_of_a_counter_is_its_fastest_five_seconds_over_a_new_beginning() -> None:
    times = [float(second) for second in range(20)]
    values = [float(second) for second in range(10)] + [0.0, 30.0] + [30.0 + second for second in range(8)]
    values[15] = np.array(STALE_BITS).view(np.float64).item()
    peak = one_peak(counter("c_total", "seconds", ""), times, values)
    assert peak is not None
    assert peak.per_second
    assert peak.value == pytest.approx((30 + 4) / 5, abs=0.7)
    assert 11 <= peak.time <= 16
    assert peak.mean == pytest.approx((9 + 0 + 37) / 19)


def test_a_counter_of_few_seconds_has_its_mean_as_its_peak() -> None:
    peak = one_peak(counter("c_total", "", ""), [1.0, 3.0], [4.0, 8.0])
    assert peak is not None
    assert (peak.value, peak.mean, peak.time) == (2.0, 2.0, 3.0)


@pytest.mark.parametrize("values", [[], [math.nan, math.inf], [3.0]])
def test_what_has_no_value_has_no_peak(values: list[float]) -> None:
    assert one_peak(counter("c_total", "", ""), [float(n) for n in range(len(values))], values) is None


def test_histograms_and_what_nobody_declared_have_no_peak() -> None:
    assert peaks([series("h", [1.0], [1.0]), series("x", [1.0], [1.0])], [histogram("h", "", "")]) == []
