"""What the writer promises: a tick is one write, segments stand alone, bounds hold, nothing raises meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from razorprof.clock import ManualClock
from razorprof.model.frame import Frame, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.scrape import Ended, ReadError, Scrape, Tick
from razorprof.recording import rzp_tables
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_values import CLOCK_STEP, LEFT_OUT, Added, Declared, Mark
from tests.unit.recording import rzp_samples as made


def test_a_tick_lies_in_the_file_as_soon_as_it_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    writer = made.a_writer(path)
    for second in range(1, 4):
        for event in made.a_tick(second):
            writer(event)
        writer.commit()
        with RecordingReader(path) as recording:
            assert recording.ticks().tolist() == [made.START + n for n in range(1, second + 1)]
            assert recording.is_live
            assert not recording.is_complete
            assert recording.damage == []
    writer.close()
    with RecordingReader(path) as recording:
        assert recording.is_complete
        assert not recording.is_live


def test_a_tick_that_nobody_committed_is_written_with_the_next_event(tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    for event in [*made.a_tick(1), *made.a_tick(2)]:
        writer(event)
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert len(recording.ticks()) == 1
    writer.close()


def test_every_segment_can_be_read_alone(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(20), bounds=SegmentBounds(ticks=5))
    with RecordingReader(path) as recording:
        assert [segment.ticks for segment in recording.segments] == [5, 5, 5, 5]
        assert [segment.number for segment in recording.segments] == [1, 2, 3, 4]
        fourth = list(recording.events(made.START + 16))
        assert fourth == [event for second in range(16, 21) for event in made.a_tick(second)]


def test_what_was_known_before_a_moment_is_told_for_it(tmp_path: Path) -> None:
    other = replace(made.TARGET, identity=replace_pid(8), name="db")
    refused = Scrape(made.TARGET, "heap", made.START + 2, 0.0, error=ReadError("not_supported", "no", final=True))
    writer = made.a_writer(tmp_path / "a.rzp", bounds=SegmentBounds(ticks=4))
    writer.declare("process", (made.CPU, made.RSS))
    writer.declare("application", (), open_ended=True)
    writer.add(made.TARGET, "python web.py")
    for event in [made.DETECTED, refused, *made.a_tick(3)]:
        writer(event)
    writer.add(other)
    writer(Ended(other, made.START + 3.5, "exited"))
    for second in range(4, 12):
        if second == 8:
            writer.forget(other.identity)
        writer(Tick(made.START + second, second))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert recording.context(made.START + 3) == []  # it all comes with the first tick
        early = recording.context(made.START + 6)
        assert Declared("process", (made.CPU, made.RSS)) in early
        assert Declared("application", (), True) in early
        assert [item for item in early if isinstance(item, Added)] == [
            Added(made.TARGET, "python web.py"),
            Added(other),
        ]
        assert made.DETECTED in early
        assert refused in early
        assert Ended(other, made.START + 3.5, "exited") in early
        late = recording.context(made.START + 11)
        assert not [item for item in late if "db" in repr(item)]
        assert recording.targets() == [made.TARGET, other]
        # and nothing of it is told twice to whoever reads from the start
        assert list(recording.events()).count(made.DETECTED) == 1


def test_a_source_that_works_again_is_no_longer_told_as_refused(tmp_path: Path) -> None:
    refused = Scrape(made.TARGET, "gc", made.START, 0.0, error=ReadError("x", "no", final=True))
    writer = made.a_writer(tmp_path / "a.rzp", bounds=SegmentBounds(ticks=1))
    for event in (
        refused,
        Tick(made.START, 1),
        Scrape(made.TARGET, "gc", made.START + 1, 0.0),
        Tick(made.START + 1, 2),
        Tick(made.START + 2, 3),
    ):
        writer(event)
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert refused in recording.context(made.START + 1)
        assert refused not in recording.context(made.START + 2)


def test_it_ends_in_order_when_the_bound_of_bytes_is_reached(tmp_path: Path) -> None:
    path, bound = tmp_path / "a.rzp", 20_000
    writer = made.a_writer(path, max_bytes=bound, bounds=SegmentBounds(ticks=30))
    for event in made.events(5000):
        writer(event)
    assert writer.is_full
    assert writer.error is None
    writer.close()
    assert 0.9 * bound < path.stat().st_size <= bound
    with RecordingReader(path) as recording:
        assert recording.is_complete
        assert recording.damage == []
        assert len(recording.ticks()) == writer.ticks > 50
        assert recording.span == (writer.first, writer.last)


def test_a_step_of_the_machine_s_clock_is_noted_and_ticks_go_on(tmp_path: Path) -> None:
    class Stepping(ManualClock):
        step = 0.0

        def time(self) -> float:
            return super().time() + self.step

    clock = Stepping()
    writer = made.a_writer(tmp_path / "a.rzp", clock=clock)
    for second in range(1, 8):
        clock.advance(1.0)
        clock.step = -3600.0 if second >= 4 else 0.0
        writer(Tick(made.START + second, second))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        [mark] = recording.marks()
        assert mark.kind == CLOCK_STEP
        assert "back by 3600.000 s" in mark.text
        assert made.START + 3 <= mark.time <= made.START + 5  # on the time line of the ticks
        assert recording.ticks().tolist() == [made.START + second for second in range(1, 8)]


@pytest.mark.parametrize("time", [made.START - 5, float("nan"), float("inf")])
def test_a_tick_that_goes_back_is_left_out_and_noted(time: float, tmp_path: Path) -> None:
    writer = made.a_writer(tmp_path / "a.rzp")
    scrape = Scrape(made.TARGET, "s", made.START + 1, 0.0)
    for event in (Tick(made.START, 1), scrape, Tick(time, 2), Tick(made.START + 1, 3)):
        writer(event)
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert recording.ticks().tolist() == [made.START, made.START + 1]
        assert scrape in list(recording.events())
        assert [mark.kind for mark in recording.marks()] == [LEFT_OUT]


@pytest.mark.parametrize(
    "bad",
    [
        {"source": None},
        {"time": "soon"},
        {"samples": (Sample(made.RSS, [1.0]),)},  # type: ignore[arg-type]
        {"samples": (None,)},
        {"missing": ((1, 2),)},
        {"structures": (object(),)},
        {"stacks": (3,)},
        {"duration": 10**400},
    ],
)
def test_an_event_of_wrong_types_is_left_out_and_noted_once(bad: dict[str, Any], tmp_path: Path) -> None:
    good = Scrape(made.TARGET, "process", made.START, 0.1, (Sample(made.RSS, 1.0),))
    writer = made.a_writer(tmp_path / "a.rzp")
    for second in range(3):
        writer(replace(good, **bad))
        writer(replace(good, samples=(Sample(made.RSS, float(second)),)))
        writer(Tick(made.START + second, second))
    writer.close()
    assert writer.error is None
    with RecordingReader(tmp_path / "a.rzp") as recording:
        scrapes = [event for event in recording.events() if isinstance(event, Scrape)]
        assert [scrape.samples[0].value for scrape in scrapes] == [0.0, 1.0, 2.0]
        assert [mark.kind for mark in recording.marks()] == [LEFT_OUT]


def test_a_value_that_is_no_number_is_left_out_of_its_scrape(tmp_path: Path) -> None:
    samples: Any = (Sample(made.RSS, 1.0), Sample(made.CPU, "much"), Sample(made.CPU, 10**400))  # type: ignore[arg-type]
    writer = made.a_writer(tmp_path / "a.rzp")
    writer(Scrape(made.TARGET, "process", made.START, 0.1, samples))
    writer(Tick(made.START, 1))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        [scrape, _] = recording.events()
        assert isinstance(scrape, Scrape)
        assert scrape.samples == (Sample(made.RSS, 1.0),)


def test_marks_of_people_are_written_with_the_next_tick(tmp_path: Path) -> None:
    clock = ManualClock(time=made.START)
    writer = made.a_writer(tmp_path / "a.rzp", clock=clock)
    writer.mark("before the first tick")
    writer(Tick(made.START + 1, 1))
    clock.advance(1.5)
    writer.mark("deployed \x1b[31m")
    writer.commit()
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert recording.marks() == [
            Mark(made.START, "before the first tick"),
            Mark(made.START + 2.5, "deployed \x1b[31m"),
        ]


def test_many_texts_begin_new_segments_so_that_tables_stay_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rzp_tables, "MOST_ENTRIES", 1000)
    writer = made.a_writer(tmp_path / "a.rzp")
    for second in range(1, 7):
        stacks = tuple(StackSample((Frame(f"f{second}-{n}", "web.py", n),), 0.1, ThreadId(7)) for n in range(200))
        writer(Scrape(made.TARGET, "stacks", made.START + second, 0.0, stacks=stacks))
        writer(Tick(made.START + second, second))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert len(recording.segments) >= 3
        found = [len(event.stacks) for event in recording.events() if isinstance(event, Scrape)]
        assert found == [200] * 6
        assert recording.damage == []


def test_what_never_changes_packs_very_well_and_is_read_back(tmp_path: Path) -> None:
    """Thousands of series that stand still: no reader may take them for a bomb."""
    samples = tuple(Sample(made.RSS, 1.0, Labels(n=str(number))) for number in range(2000))
    writer = made.a_writer(tmp_path / "a.rzp")
    for second in range(150):
        writer(Scrape(made.TARGET, "page", made.START, 0.0, samples))
        writer(Tick(made.START + second, second))
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert sum(len(event.samples) for event in recording.events() if isinstance(event, Scrape)) == 300_000
        assert recording.damage == []
    assert (tmp_path / "a.rzp").stat().st_size < 60_000


def test_an_event_that_is_too_large_to_be_read_is_left_out_and_noted(tmp_path: Path) -> None:
    thread = ThreadId(7)
    stacks = (StackSample((Frame("f", "web.py", 1),), 0.1, thread),) * 650_000
    writer = made.a_writer(tmp_path / "a.rzp")
    for event in made.events(2):
        writer(event)
    writer(Scrape(made.TARGET, "stacks", made.START + 3, 0.0, stacks=stacks))
    for event in made.a_tick(4):
        writer(event)
    writer.close()
    with RecordingReader(tmp_path / "a.rzp") as recording:
        assert list(recording.events()) == [*made.events(2), *made.a_tick(4)]
        assert [mark.kind for mark in recording.marks()] == [LEFT_OUT]
        assert recording.damage == []


def test_closing_twice_and_telling_more_afterwards_does_nothing(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(2))
    writer = made.a_writer(tmp_path / "b.rzp")
    for event in made.events(2):
        writer(event)
    writer.close()
    size = (tmp_path / "b.rzp").stat().st_size
    writer.close()
    writer(Tick(made.START + 9, 9))
    writer.commit()
    assert (tmp_path / "b.rzp").stat().st_size == size == path.stat().st_size


def test_an_hour_of_a_small_program_takes_little_more_than_a_megabyte(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.rzp", made.events(600))
    assert path.stat().st_size / 10 < 20_000  # bytes a minute


def replace_pid(pid: int) -> Any:
    return made.TARGET.identity._replace(pid=pid)
