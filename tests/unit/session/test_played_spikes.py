"""Spikes of a recording, and the moments to jump to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from razorprof.analysis.spikes import Spike
from razorprof.clock import ManualClock
from razorprof.model.target import Identity
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.render.spikes import spike_words
from razorprof.session.played_spikes import RecordedSpike, moments
from razorprof.session.player import Player
from razorprof.session.recorded_figures import RECORDED_FIGURES
from razorprof.session.transport import Transport
from tests.unit.session.recorded_house import DB, START, WEB, live

CPU = next(figure for figure in RECORDED_FIGURES if figure.key == "cpu")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingReader]:
    house = live(tmp_path_factory.mktemp("spikes") / "a.rzp", 100)
    with RecordingReader(house.recording) as opened:
        yield opened


def test_the_hot_times_of_a_recording_are_found_and_jumped_to(recording: RecordingReader) -> None:
    transport = Transport(Player(recording), ManualClock().monotonic)
    transport.jump(START)
    assert not transport.player.has_spikes
    found = []
    while some := transport.jump_spike(WEB.identity, forward=True):
        assert transport.time == some[0].tick
        series = transport.player.view.history(WEB.identity, "process_cpu_seconds_total", seconds=30)
        assert series is not None
        assert series.times[-1] == some[0].spike.time  # the newest that is shown, though younger than the tick
        found.append((some[0].figure.key, transport.time - START))
    assert found == [("cpu", 25), ("cpu", 40)]
    back = []
    while transport.jump_spike(WEB.identity, forward=False):
        back.append(transport.time - START)
    assert back == [25]
    assert transport.jump_spike(DB.identity, forward=True) == ()


def test_a_spike_is_told_with_its_size(recording: RecordingReader) -> None:
    first = Player(recording).spikes[0]
    assert first.target == WEB.identity
    assert first.spike.value == pytest.approx(1.3, abs=0.02)
    assert first.spike.usual == pytest.approx(0.7, abs=0.02)
    assert spike_words(first.figure.figure, first.spike) == "CPU 130 %, 1.9 x its median"


@pytest.mark.parametrize(
    ("value", "usual", "words"),
    [
        (0.97, 0.24, "CPU 97 %, 4.0 x its median"),
        (0.97, 0.05, "CPU 97 %, 19 x its median"),
        (0.97, 0.0, "CPU 97 %, from 0 %"),
        (2.0, 0.001, "CPU 200 %, from 0 %"),
    ],
)
def test_what_is_next_to_nothing_is_no_divisor(value: float, usual: float, words: str) -> None:
    assert spike_words(CPU.figure, Spike(1, 2, 1, value, usual, 3.0)) == words


def test_peaks_that_lie_together_are_one_moment() -> None:
    def peak(time: float, score: float) -> RecordedSpike:
        return RecordedSpike(Identity(1, 1), CPU, Spike(time, time, time, 1.0, 0.0, score), time)

    one, two, three, four = peak(10, 2.0), peak(12, 5.0), peak(14, 3.0), peak(30, 1.5)
    assert moments([one, two, three, four]) == [(two, one), (three,), (four,)]
    assert moments([]) == []
