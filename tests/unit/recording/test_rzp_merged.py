"""Several recordings read as one: hosts beside one another, times one after the other, copies of a ring."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, ToolFailed, UsageError
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import SamplingReport
from razorprof.model.gil import GilState
from razorprof.model.labels import Labels
from razorprof.model.profile import top
from razorprof.model.scrape import Ended, KernelState, Scrape, Tick
from razorprof.model.series import is_stale
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_merged import MOST_RECORDINGS, MergedRecording, open_recordings
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_shifted import shifted
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_together import names_of, together
from razorprof.recording.rzp_values import Added, Forgotten
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.store.view import equal
from tests.unit.recording import rzp_samples as made
from tests.unit.session.recorded_hosts import START, a_target, feed_host, record_host

CPU = equal("__name__", "process_cpu_seconds_total")


def merged(*paths: Path) -> MergedRecording:
    found = open_recordings(paths)
    assert isinstance(found, MergedRecording)
    return found


def cpu_of(recording: MergedRecording | RecordingReader) -> dict[str, list[tuple[float, float]]]:
    """Second and value of all samples, by instance; a stale marker is -1."""
    return {
        series.labels["instance"]: [
            (round(time - START, 2), -1.0 if stale else value)
            for time, value, stale in zip(series.times, series.values, is_stale(series.values), strict=True)
        ]
        for series in recording.series().view.select([CPU], -math.inf, math.inf)
    }


def seconds(times: Sequence[float]) -> list[float]:
    return [round(time - START, 2) for time in times]


def test_ticks_of_several_that_are_near_are_one_and_none_is_lost() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([1.3, 2.3, 7.3])
    ticks = together([b"a", b"b"], [a, b], 1.0)
    assert ticks.times.tolist() == [1.3, 2.3, 3.0, 7.3]
    assert [of.tolist() for of in ticks.of] == [[0, 1, 2], [0, 1, 3]]


def test_copies_of_one_recording_tell_each_tick_once() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    ticks = together([b"a", b"a"], [a, b], 1.0)
    assert ticks.times.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert [of.tolist() for of in ticks.of] == [[0, 1, 2], [1, 2, 3]]
    assert [fresh.tolist() for fresh in ticks.fresh] == [[True] * 3, [False, False, True]]


def test_names_are_those_of_the_files_and_all_different() -> None:
    paths = [Path("x/a.rzp"), Path("y/a.rzp"), Path("b.rzp.ring"), Path(".rzp")]
    assert names_of(paths) == ["a", "a-2", "b", "recording"]


def test_hosts_stand_beside_one_another_as_they_are_called(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 4))
    two = record_host(tmp_path / "two.rzp", "two", range(2, 6), late=0.25, rate=2.0)
    with merged(one, two) as recording:
        found = cpu_of(recording)
        assert found == {
            "one/7": [(0.99, 0.5), (1.99, 1.0), (2.99, 1.5), (4.0, -1.0)],
            "two/7": [(2.24, 4.0), (3.24, 6.0), (4.24, 8.0), (5.24, 10.0)],
        }
        assert seconds(recording.ticks().tolist()) == [1.0, 2.25, 3.25, 4.25, 5.25]
        assert [(one.pid, one.host) for one in recording.targets()] == [(7, "one"), (7, "two")]
        assert len({one.identity for one in recording.targets()}) == 2
        assert recording.header.host == "one, two"


def test_the_same_instance_at_one_time_is_kept_apart_by_the_files_names(tmp_path: Path) -> None:
    """Containers that were cloned with their host's name, or one process that two have recorded."""
    one = record_host(tmp_path / "one.rzp", "box", range(1, 4))
    other = record_host(tmp_path / "other.rzp", "box", range(1, 4), rate=3.0, target=a_target(8))
    (tmp_path / "again").mkdir()
    with pytest.raises(UsageError, match="same recording twice"):
        open_recordings([one, record_host(tmp_path / "again/one.rzp", "box", range(1, 4))])
    ring = Ring.create(tmp_path / "two.ring", _header("box"), seconds=900.0, max_bytes=1 << 20)
    record_host(tmp_path / "two.ring", "box", range(1, 4), rate=2.0, ring=ring)
    with merged(one, tmp_path / "two.ring") as recording:
        assert cpu_of(recording) == {
            "box@one/7": [(0.99, 0.5), (1.99, 1.0), (2.99, 1.5)],
            "box@two/7": [(0.99, 2.0), (1.99, 4.0), (2.99, 6.0)],
        }
        ups = recording.series().view.select([equal("__name__", "razorprof_self_cpu_ratio")], -math.inf, math.inf)
        assert {series.labels["instance"] for series in ups} <= {"box@one", "box@two"}
        assert {target.host for target in recording.targets()} == {"box@one", "box@two"}
    assert other.exists()


def test_one_after_the_other_is_one_series_and_stale_between(tmp_path: Path) -> None:
    early = record_host(tmp_path / "early.rzp", "box", range(1, 4))
    ring = Ring.create(tmp_path / "late.ring", _header("box"), seconds=900.0, max_bytes=1 << 20)
    record_host(tmp_path / "late.ring", "box", range(10, 12), ring=ring)
    with merged(tmp_path / "late.ring", early) as recording:
        assert cpu_of(recording) == {
            "box/7": [(0.99, 0.5), (1.99, 1.0), (2.99, 1.5), (4.0, -1.0), (9.99, 5.0), (10.99, 5.5)]
        }
        assert [target.identity for target in recording.targets()] == [a_target().identity]
        assert [(round(gap.start - START), round(gap.end - START)) for gap in recording.gaps()] == [(3, 10)]


def test_copies_of_a_ring_are_one_recording(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", made.HEADER, seconds=20.0, max_bytes=1 << 20)
    writer = RecordingWriter(ring, made.HEADER, bounds=ring.bounds())
    feed_host(writer, "box", range(1, 31))
    ring.dump(tmp_path / "first.rzp", writer.current())
    feed_host(writer, "box", range(31, 46))
    ring.dump(tmp_path / "second.rzp", writer.current())
    writer.close()
    with RecordingReader(tmp_path / "second.rzp") as second:
        span = second.span
        assert span is not None
        assert START + 1 < span[0] < START + 30
    with merged(tmp_path / "first.rzp", tmp_path / "second.rzp") as recording:
        assert list(cpu_of(recording)) == ["box/7"]
        assert seconds(recording.ticks().tolist()) == [float(second) for second in range(1, 46)]
        events = [event for recorded in recording.recorded() for event in recorded.events]
        assert [event.time for event in events if isinstance(event, Tick)] == recording.ticks().tolist()
        scraped = [event.time for event in events if isinstance(event, Scrape) and event.source == "process"]
        assert scraped == [START + second - 0.01 for second in range(1, 46)]
        assert recording.profile().rounds == 45 * 10
        half = recording.profile(START + 20, START + 40)
        assert half.rounds == 20 * 10


def test_events_come_tick_by_tick_with_the_hosts_processes(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 4), ends=True)
    two = record_host(tmp_path / "two.rzp", "two", range(2, 8), late=0.25)
    with merged(two, one) as recording:
        told = list(recording.recorded())
        assert [one.tick and round(one.tick.time - START, 2) for one in told] == [
            1.0,
            2.25,
            3.25,
            4.25,
            5.25,
            6.25,
            7.25,
        ]
        assert [one.tick and one.tick.number for one in told] == [1, 2, 3, 4, 5, 6, 7]
        by_second = [
            sorted(item.target.host for item in one.items if isinstance(item, Scrape) and item.source == "process")
            for one in told
        ]
        assert by_second == [["one"], ["one", "two"], ["one", "two"], ["two"], ["two"], ["two"], ["two"]]
        assert [item.target.host for one in told for item in one.items if isinstance(item, Added)] == [
            "one",
            "two",
        ]
        assert [item.target.host for item in told[2].items if isinstance(item, Ended)] == ["one"]
        gone = [place for place, one in enumerate(told) for item in one.items if isinstance(item, Forgotten)]
        assert gone == [3]  # nobody tells of it any more
        for start in (1.5, 3.0, 6.0):  # from anywhere
            later = list(recording.recorded(START + start))
            assert later == [one for one in told if one.tick is not None and one.tick.time >= START + start]
        known = recording.context(START + 3)
        assert {item.target.host for item in known if isinstance(item, Added)} == {"one", "two"}
        assert {item.target.host for item in recording.context(START + 6) if isinstance(item, Added)} == {"two"}


def test_the_stacks_of_a_window_are_those_of_all_hosts_or_of_one(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 11))
    two = record_host(tmp_path / "two.rzp", "two", range(1, 11), rate=2.0)
    with merged(one, two) as recording:
        weights = {function.function: function.self_weight for function in top(recording.profile())}
        assert weights == {"on_one": pytest.approx(5.0), "on_two": pytest.approx(20.0)}
        second = next(target for target in recording.targets() if target.host == "two")
        profile = recording.profile(START + 2, START + 5, target=second.identity)
        assert {function.function: function.self_weight for function in top(profile)} == {
            "on_two": pytest.approx(6.0)
        }


def test_the_same_file_by_whatever_name_is_refused(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 4))
    os.symlink(one, tmp_path / "link.rzp")
    os.link(one, tmp_path / "hard.rzp")
    (tmp_path / "copy.rzp").write_bytes(one.read_bytes())
    for other in (one, tmp_path / "link.rzp", tmp_path / "hard.rzp"):
        with pytest.raises(UsageError, match="named twice"):
            open_recordings([one, other])
    with pytest.raises(UsageError, match="same recording twice"):
        open_recordings([one, tmp_path / "copy.rzp"])
    with pytest.raises(UsageError, match="too many"):
        open_recordings([one] * (MOST_RECORDINGS + 1))


def test_one_that_cannot_be_read_is_named_and_no_file_stays_open(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 4))
    newer = bytearray(one.read_bytes())
    newer[8] = 9
    (tmp_path / "newer.rzp").write_bytes(newer)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(NotSupported, match="newer"):
        open_recordings([one, tmp_path / "newer.rzp"])
    with pytest.raises(ToolFailed, match="no such file"):
        open_recordings([one, tmp_path / "none.rzp"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_damage_of_each_is_told_and_the_rest_is_there(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 61))
    two = record_host(tmp_path / "two.rzp", "two", range(1, 61))
    content = bytearray(two.read_bytes())
    content[len(content) // 2] ^= 1
    two.write_bytes(content[: len(content) * 3 // 4])
    with merged(one, two) as recording:
        found = cpu_of(recording)
        assert len(found["one/7"]) == 60
        assert 0 < len(found["two/7"]) < 60
        assert {Path(damage.file).name for damage in recording.damage} == {"two.rzp"}


def test_an_empty_one_among_others_says_nothing(tmp_path: Path) -> None:
    one = record_host(tmp_path / "one.rzp", "one", range(1, 4))
    empty = record_host(tmp_path / "empty.rzp", "two", range(0))
    also = record_host(tmp_path / "also.rzp", "three", range(0))
    with merged(empty, one) as recording:
        assert seconds(recording.ticks().tolist()) == [1.0, 2.0, 3.0]
        assert len(list(recording.recorded())) == 3
    with pytest.raises(ToolFailed, match="nothing was recorded"):
        open_recordings([empty, also])


def _header(host: str) -> Header:
    return Header(bytes(16), START, host, "test", 1.0)


def test_alerts_and_marks_of_all_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    key = RuleKey("r.yml", "g", 0, "Hot")
    for name, seconds in (("one", (1, 4)), ("two", (2, 3))):
        header = Header(name.encode().ljust(16), START, "box", "test", 1.0)
        path = tmp_path / f"{name}.rzp"
        clock = ManualClock(START)
        writer = RecordingWriter(SingleFile.create(path, header), header, clock=clock)
        for second in range(1, 6):
            feed_host(writer, "box", range(second, second + 1))
            if second in seconds:
                labels = [Labels(alertname="Hot", instance="box/7", pid="7"), Labels(alertname="Sum")]
                writer.alerts([AlertChange(START + second, AlertState.PENDING, Alert(key, one)) for one in labels])
                writer.mark(f"at {second}")
                writer.commit()
        writer.close()
    with merged(tmp_path / "one.rzp", tmp_path / "two.rzp") as recording:
        changes, marks = recording.notes()
        assert [change.time - START for change in changes] == [1, 1, 2, 2, 3, 3, 4, 4]
        instances = [change.alert.labels.get("instance") for change in changes]
        assert instances[:4] == ["box@one/7", "box@one", "box@two/7", "box@two"]  # Sum had none
        assert sorted(mark.text for mark in marks) == ["one: at 1", "one: at 4", "two: at 2", "two: at 3"]
        assert recording.changes(START + 2, START + 3) == changes[2:6]


def test_a_clock_that_went_otherwise_is_corrected_everywhere(tmp_path: Path) -> None:
    """What one of them tells is the same as if its clock had been right."""
    one = record_host(tmp_path / "one.rzp", "one", range(1, 61))
    late = record_host(tmp_path / "late.rzp", "two", range(21, 81), rate=2.0)
    right = record_host(tmp_path / "right.rzp", "two", range(21, 81), late=-10.0, rate=2.0)
    with merged(one, right) as wanted, open_recordings([one, late], [0.0, -10.0]) as found:
        assert isinstance(found, MergedRecording)
        assert cpu_of(found) == cpu_of(wanted)
        assert found.span == wanted.span
        assert found.ticks().tolist() == wanted.ticks().tolist()
        for start in (-math.inf, START + 40):
            assert told(found, start) == told(wanted, start)
        assert found.profile(START + 20, START + 30) == wanted.profile(START + 20, START + 30)
        seen = [series.times for series in found.series(START + 15, START + 20).view.select([CPU], 0, math.inf)]
        assert all(START + 15 <= time <= START + 20 for times in seen for time in times)


def told(recording: MergedRecording, start: float) -> list[tuple[str, float]]:
    """What comes, and when, to the microsecond."""
    items = [item for recorded in recording.recorded(start) for item in recorded.items]
    times = [(type(item).__name__, item.time) for item in items if isinstance(item, Scrape | Tick)]
    reports = [
        (type(one).__name__, one.start)
        for item in items
        if isinstance(item, Scrape)
        for one in item.structures
        if isinstance(one, SamplingReport)
    ]
    return [(name, round(time - START, 6)) for name, time in [*times, *reports]]


def test_copies_of_one_recording_have_one_clock(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", made.HEADER, seconds=900.0, max_bytes=1 << 20)
    writer = RecordingWriter(ring, made.HEADER, bounds=ring.bounds())
    feed_host(writer, "box", range(1, 5))
    ring.dump(tmp_path / "first.rzp", writer.current())
    feed_host(writer, "box", range(5, 9))
    writer.close()
    with pytest.raises(UsageError, match="two clocks"):
        open_recordings([tmp_path / "r", tmp_path / "first.rzp"], [0.0, 2.0])
    with open_recordings([tmp_path / "r", tmp_path / "first.rzp"], [2.0, 2.0]) as recording:
        assert seconds(recording.ticks().tolist()) == [float(second) for second in range(3, 11)]


def test_an_alert_of_another_clock_is_shifted_with_all_its_times() -> None:
    alert = Alert(
        RuleKey("r.yml", "g", 0, "Hot"), Labels(), active_at=10.0, fired_at=15.0, resolved_at=None, evaluated=16.0
    )
    change = shifted(AlertChange(16.0, AlertState.PENDING, alert), 2.5)
    times = (change.time, change.alert.active_at, change.alert.fired_at, change.alert.resolved_at)
    assert times == (18.5, 12.5, 17.5, None)
    assert change.alert.evaluated == 18.5
    state = GilState(5.0, (), 1.0, 3)
    scrape = Scrape(a_target(), "gil", 4.0, 0.1, structures=(state, KernelState("S", "x")))
    moved = shifted(scrape, -1.0)
    assert (moved.time, moved.structures) == (3.0, (replace(state, time=4.0), KernelState("S", "x")))
    assert shifted(scrape, 0.0) is scrape
