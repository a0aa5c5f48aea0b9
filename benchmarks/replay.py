"""What it takes to open an hour in the player, to jump, to find spikes and to compare two moments.

A real session on tests/programs/five_threads.py is recorded for some seconds and repeated to an hour. Opened means
that the first screen's figures were read, two minutes of histories of all its figures included. Judged by CPU
time, which neighbours on a crowded machine change least; a jump back costs what one forward does.

    python benchmarks/replay.py [SECONDS]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.recording import HOUR, MOST_JUMP, MOST_OPEN, Took, record, shifted, timed, write_again
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.session.comparing import Comparing
from razorprof.session.difference import Difference
from razorprof.session.player import Player
from razorprof.tui.collect import Collector

JUMPS = 25


def draw(player: Player) -> None:
    """What a screen reads of the target."""
    state = player.view.state()
    Collector(player.view, remembers=False).snapshot(state, state.targets[0])


def opened(path: Path, place: float) -> Player:
    """place: of the recording, 0 to 1."""
    player = Player(RecordingReader(path))
    player.seek_place(int(place * (len(player.ticks) - 1)))
    draw(player)
    return player


def measure(path: Path) -> dict[str, Took]:
    times = {
        "open at the start": min(timed(lambda: opened(path, 0.0)) for _ in range(3)),
        "open in the middle": min(timed(lambda: opened(path, 0.5)) for _ in range(3)),
    }
    player = opened(path, 0.0)
    numbers = random.Random(1)
    jumps, drawn = [], []
    player.seek(player.ticks[-1])
    draw(player)  # the columns are read once
    for _ in range(JUMPS):
        moment = numbers.uniform(player.ticks[0], player.ticks[-1])
        jumps.append(timed(partial(player.seek, moment)))
        drawn.append(timed(lambda: draw(player)))
    times["jump, median"], times["jump, longest"] = statistics.median_high(jumps), max(jumps)
    times["draw after a jump"] = statistics.median_high(drawn)
    times["find all spikes"] = timed(lambda: player.spikes)
    comparing = Comparing(player, base=player.ticks[600], new=player.ticks[3000])
    times["compare moments"] = timed(comparing.find)
    assert isinstance(comparing.found(), Difference)
    comparing.new = player.ticks[2000]
    times["compare, new B"] = timed(comparing.find)
    return times


def main(seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder, writer = record(folder, seconds)
        length = (writer.last or 0.0) - (writer.first or 0.0) + 1.0
        hour = [
            call
            for turn in range(round(HOUR / length))
            for call in shifted(recorder.calls, turn * length, turn * writer.ticks)
        ]
        path = folder / "hour.rzp"
        write_again(path, hour)
        times = measure(path)
    for what, took in times.items():
        print(f"  {what:20}{took.cpu * 1000:>9.1f} ms of CPU{took.wall * 1000:>9.1f} ms")
    claims = {
        f"opens within {MOST_OPEN:g} s": max(times["open at the start"], times["open in the middle"]).cpu
        <= MOST_OPEN,
        f"jumps within {MOST_JUMP * 1000:g} ms": times["jump, longest"].cpu <= MOST_JUMP,
    }
    for claim, holds in claims.items():
        print(f"{'ok' if holds else 'FAILED':>7}  {claim}")
    return all(claims.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=20.0)
    sys.exit(0 if main(parser.parse_args().seconds) else 1)
