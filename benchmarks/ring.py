"""What the ring of the last minutes costs: CPU per event, bytes, and how long it takes to make a profile of it.

Run: python benchmarks/ring.py [SECONDS]. It plays a session of SECONDS (default 600) ticks with one target whose
stack feed gives a batch a second, in three shapes: a service with few distinct stacks, a deep one, and a hostile
one whose stacks never repeat. Bytes are tracemalloc's, of what the ring holds alone, beside what it says itself.
Nothing here asserts: machines are noisy.
"""

from __future__ import annotations

import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from razorprof.formats.ours import Ours
from razorprof.formats.pprof import Pprof
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.scrape import Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.session.ring import Ring

TARGET = Target(Identity(1, 1), "web")


@dataclass(frozen=True, slots=True)
class Shape:
    """distinct: stacks that exist, 0 for ever new ones, of new frames; seen: different ones in each batch; frames:
    places in the code."""

    name: str
    distinct: int
    seen: int
    depth: int
    frames: int


SHAPES = (
    Shape("few stacks", 400, 25, 30, 2_000),
    Shape("deep and many", 5_000, 80, 90, 8_000),
    Shape("never the same", 0, 80, 60, 500_000),
)


def stack(number: int, shape: Shape) -> tuple[Frame, ...]:
    """Most of it shared with others, as in a program: a few ways in, then what differs."""
    chance = random.Random(number)
    way, common = number % 12, shape.depth // 2 if shape.distinct else 0
    places = [way * 100 + depth for depth in range(common)]
    places += [1200 + chance.randrange(shape.frames) for _ in range(shape.depth - common)]
    return tuple(_frame(place) if shape.distinct else Frame(*_frame(place)) for place in places)


@cache
def _frame(place: int) -> Frame:
    return Frame(f"function_{place // 7}", f"package/module_{place % 97}.py", place % 900)


def events(shape: Shape, seconds: int) -> Iterator[Scrape | Tick]:
    chance = random.Random(1)
    thread = ThreadId(1, "MainThread")
    made: list[tuple[Frame, ...]] = [stack(number, shape) for number in range(shape.distinct)]
    fresh = shape.distinct
    for second in range(seconds):
        if made:
            picked = chance.sample(made, shape.seen)
        else:
            picked = [stack(fresh + number, shape) for number in range(shape.seen)]
            fresh += shape.seen
        stacks = tuple(StackSample(one, 0.01, thread) for one in picked)
        report = SamplingReport(1e9 + second, 0.98, 98, len(stacks), 0, 100.0, "nonblocking")
        yield Scrape(TARGET, "stacks", 1e9 + second + 1, 0.001, stacks=stacks, structures=(report,))
        yield Tick(1e9 + second + 1, second)


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    for shape in SHAPES:
        played = list(events(shape, seconds))
        ring = Ring()
        began = time.process_time()
        for event in played:
            ring.see(event)
        spent = time.process_time() - began

        began = time.perf_counter()
        before = ring.take(TARGET.identity)
        took = time.perf_counter() - began
        assert before is not None
        began = time.process_time()
        profile = before.profile()
        assert profile is not None
        made = time.process_time() - began
        began = time.process_time()
        ours, pprof = len(Ours().write(profile)), len(Pprof().write(replace(profile, blocks=())))
        written = time.process_time() - began
        said, reach = ring.bytes, profile.seconds
        del before, profile, ring, played
        _frame.cache_clear()
        gc.collect()

        tracemalloc.start()
        ring = Ring()
        for event in events(shape, min(seconds, 320 if shape.distinct else 40)):
            ring.see(event)
        _frame.cache_clear()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(
            f"{shape.name:15} {spent / seconds * 1e6:6.0f} us a second ({spent / seconds:.3%} of a CPU); "
            f"{held / 2**20:5.1f} MiB held, {said / 2**20:5.1f} MiB counted; take {took * 1e6:.0f} us, "
            f"profile of {reach:.0f} s {made * 1e3:.0f} ms, "
            f"files {written * 1e3:.0f} ms ({ours / 2**20:.1f} + {pprof / 2**20:.1f} MiB)"
        )


if __name__ == "__main__":
    main()
