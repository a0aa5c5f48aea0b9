"""Damaged recordings: read up to the damage and behind it, and told where."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from razorprof.errors import RazorprofError
from razorprof.model.scrape import Event, Tick
from razorprof.recording import rzp_format as form
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_sink import SegmentBounds
from tests.unit.recording import rzp_samples as made

TICKS = 12
FLIPS = int(os.environ.get("RAZORPROF_FUZZ_EXAMPLES", "100"))
EVENTS = list(made.events(TICKS))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three segments of four ticks."""
    path = tmp_path_factory.mktemp("whole") / "a.rzp"
    return made.record(path, EVENTS, bounds=SegmentBounds(ticks=4)).read_bytes()


def borders(content: bytes) -> list[int]:
    """Where frames begin, the end of the file too."""
    _, at = form.parse_header(content)
    found = [at]
    while at < len(content):
        at += form.HEAD_BYTES + form.frame_head(content, at)[1]
        found.append(at)
    assert at == len(content)
    return found


def read(path: Path, content: bytes) -> tuple[list[Event], RecordingReader]:
    path.write_bytes(content)
    with RecordingReader(path) as recording:
        found = list(recording.events())
        recording.ticks()
        recording.series()
        recording.context(made.START + 6)
        recording.profile()
    return found, recording


def ticks_of(events: list[Event]) -> list[int]:
    return [event.number for event in events if isinstance(event, Tick)]


def test_a_recording_cut_at_any_border_of_a_frame_is_read_up_to_there(content: bytes, tmp_path: Path) -> None:
    before = 0
    for border in borders(content):
        found, recording = read(tmp_path / "a.rzp", content[:border])
        assert found == EVENTS[: len(found)]
        assert len(ticks_of(found)) - before in (0, 1)
        before = len(ticks_of(found))
        assert recording.damage == []
        assert recording.is_complete is (border == len(content))
    assert before == TICKS


def test_a_recording_cut_anywhere_loses_what_was_cut_and_no_more(content: bytes, tmp_path: Path) -> None:
    places = borders(content)
    for cut in range(places[0], len(content), 31):
        found, recording = read(tmp_path / "a.rzp", content[:cut])
        whole, _ = read(tmp_path / "a.rzp", content[: max(place for place in places if place <= cut)])
        assert found == whole
        if cut not in places:
            [damage] = recording.damage
            assert damage.offset == max(place for place in places if place <= cut)
            assert "breaks off" in damage.what


def test_a_header_that_is_cut_or_changed_is_refused(content: bytes, tmp_path: Path) -> None:
    begin = borders(content)[0]
    for cut in range(begin):
        with pytest.raises(RazorprofError):
            read(tmp_path / "a.rzp", content[:cut])
    for place in range(begin):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(RazorprofError):
            read(tmp_path / "a.rzp", bytes(changed))


def test_any_flipped_bit_is_found_and_costs_one_segment_at_most(content: bytes, tmp_path: Path) -> None:
    places = borders(content)
    numbers = random.Random(7)
    for _ in range(FLIPS):
        bit = numbers.randrange(places[0] * 8, len(content) * 8)
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        found, recording = read(tmp_path / "a.rzp", bytes(changed))
        kept = ticks_of(found)
        lost = [number for number in range(1, TICKS + 1) if number not in kept]
        assert len(lost) <= 4
        assert not lost or (lost[-1] - 1) // 4 == (lost[0] - 1) // 4, "in one segment"
        assert not lost or lost[-1] % 4 == 0, "up to its end"
        for number in kept:  # what is there is right
            wanted = made.a_tick(number)
            assert [event for event in found if event in wanted] == wanted
        if lost:
            begin = max(place for place in places if place <= bit // 8)
            assert any(damage.offset <= bit // 8 and damage.offset <= begin for damage in recording.damage)


def test_garbage_in_the_middle_is_passed_over_to_the_next_segment(content: bytes, tmp_path: Path) -> None:
    places = borders(content)
    middle = places[3]
    garbage = random.Random(3).randbytes(5000) + made.HEADER.id + b"\x01\x2c\0\0\0" + made.HEADER.id
    found, recording = read(tmp_path / "a.rzp", content[:middle] + garbage + content[places[-3] - 900 :])
    assert ticks_of(found)[:2] == [1, 2]
    assert ticks_of(found)[-1] == TICKS
    assert recording.damage[0].offset == middle


def test_what_was_known_before_a_moment_is_told_also_behind_damage(content: bytes, tmp_path: Path) -> None:
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1  # in the second of three segments
    path = tmp_path / "a.rzp"
    path.write_bytes(changed)
    with RecordingReader(path) as recording:
        for second in (9, 10, 12):
            assert made.DETECTED in recording.context(made.START + second)
        assert recording.targets() == [made.TARGET]


def test_an_index_that_lies_is_not_believed(content: bytes, tmp_path: Path) -> None:
    """Of another recording, say: its segments are not there."""
    other = made.record(tmp_path / "b.rzp", made.events(2)).read_bytes()
    index = content[borders(content)[-3] :]
    found, _ = read(tmp_path / "a.rzp", other[: borders(other)[-3]] + index)
    assert ticks_of(found) in ([1, 2], [])
    with RecordingReader(tmp_path / "a.rzp") as recording:
        list(recording.events())
        assert ticks_of(found) or recording.damage


def test_a_recording_that_shrinks_while_it_is_read_is_damaged_and_no_crash(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    path.write_bytes(content)
    with RecordingReader(path) as recording:
        path.write_bytes(content[: borders(content)[4]])
        found = list(recording.events())
        assert ticks_of(found) == [1, 2, 3]
        assert recording.damage
