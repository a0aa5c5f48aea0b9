"""Programs that record and are killed, and what must then lie on the disk. For integration and fault tests.

The program writes ticks as fast as it can and tells each one that was committed through a pipe: what it told must
be in the recording, and at most one tick more.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from razorprof.model.scrape import Tick
from razorprof.recording.rzp_copy import copy_recording
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_ring import Ring
from tests.unit.recording import rzp_samples as made

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from razorprof.clock import SystemClock
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_writer import RecordingWriter
from tests.unit.recording import rzp_samples as made
path = Path({path!r})
if {ring}:
    sink = Ring.create(path, made.HEADER, seconds=120.0, max_bytes=1 << 20)
    bounds = sink.bounds()
else:
    sink, bounds = SingleFile.create(path, made.HEADER), SegmentBounds(ticks={ticks})
writer = RecordingWriter(sink, made.HEADER, bounds=bounds)
second = 0
writer(made.DETECTED)
while True:
    second += 1
    for event in made.a_tick(second, depth=2 + second % 40):
        writer(event)
    writer.commit()
    assert writer.error is None
    sys.stdout.write("%d\\n" % second)
    sys.stdout.flush()
"""


def kill_while_it_records(folder: Path, numbers: random.Random, *, ring: bool) -> None:
    """Start it, kill it at a random moment, and look."""
    path = folder / ("kill.ring" if ring else "kill.rzp")
    program = PROGRAM.format(root=str(ROOT), path=str(path), ring=ring, ticks=numbers.choice([3, 20, 600]))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        time.sleep(numbers.uniform(0.0, 0.6))
        copy_while_it_grows(path, folder / "copy.rzp")
        process.kill()
        told = process.stdout.read().split(b"\n")
    committed = int(told[-2]) if len(told) > 1 else 1
    with RecordingReader(path) as recording:
        events = list(recording.events())
        seconds = [event.number for event in events if isinstance(event, Tick)]
        assert committed <= seconds[-1] <= committed + 1, recording.damage
        assert seconds == list(range(seconds[0], seconds[-1] + 1))
        assert ring or seconds[0] == 1
        for damage in recording.damage:  # a frame that was being written
            assert "breaks off" in damage.what
            assert damage.offset + damage.length == os.path.getsize(damage.file)
        newest = events.index(next(e for e in events if isinstance(e, Tick) and e.number == committed))
        assert events[newest - 2 : newest + 1] == made.a_tick(committed, depth=2 + committed % 40)
        assert not recording.is_live
        assert recording.targets() == [made.TARGET]
    if ring:
        go_on(path, seconds)


def copy_while_it_grows(path: Path, copy: Path) -> None:
    """What anybody copies meanwhile is whole, up to some tick."""
    copy.unlink(missing_ok=True)
    size = copy_recording(path, copy)
    with RecordingReader(copy) as recording:
        assert (recording.size, recording.is_complete, recording.damage) == (size, True, [])
        seconds = [event.number for event in recording.events() if isinstance(event, Tick)]
        assert seconds == list(range(seconds[0], seconds[-1] + 1))
        assert recording.damage == []
        assert sum(segment.ticks for segment in recording.segments) == len(seconds)
        assert recording.targets() == [made.TARGET]


def go_on(folder: Path, seconds: list[int]) -> None:
    """The next run takes up what the killed one left, as it lies there."""
    ring = Ring.go_on(folder, made.HEADER, seconds=120.0, max_bytes=1 << 20, now=made.START + 1e9)
    assert ring.left is not None
    assert ring.left.last == made.START + seconds[-1]
    ring.close()
    with RecordingReader(folder) as recording:
        assert recording.damage == []
        assert [event.number for event in recording.events() if isinstance(event, Tick)] == seconds
