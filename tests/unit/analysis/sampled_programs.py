"""Programs that are sampled on paper: a time line of stretches, looked at at regular moments that jitter.

The spread between two profiles of the same program is then what it is in practice: neighbouring samples see the
same stretch, phases come back in every complete run, and the machine is not equally fast from run to run.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Profile, StackKey

MAIN = ThreadId(1, "main")


@dataclass(frozen=True)
class Paper:
    """shares: of the time of the program as it was before anything got dearer; dearer: function -> factor;
    stretch: mean seconds in one function before the next; phases: True: all of one function, then the next;
    machine: standard deviation of the speed from run to run; drift: seconds for which the mix leans to one side
    (a server's load), 0 for none; leaf: a function that all of them call, with all the time on top."""

    shares: Mapping[str, float] = field(default_factory=lambda: {"a": 0.6, "b": 0.3, "c": 0.1})
    seconds: float = 15.0
    dearer: Mapping[str, float] = field(default_factory=dict)
    stretch: float = 0.03
    phases: bool = False
    machine: float = 0.02
    drift: float = 0.0
    leaf: str = ""

    def stretches(self, run: random.Random) -> Iterator[tuple[str, float]]:
        """What runs, and for how long. The work is the same in every run, unless it drifts."""
        speed = run.gauss(1.0, self.machine)
        dice = run if self.drift else random.Random(7)
        done, lean, until = 0.0, "", 0.0
        names = list(self.shares)
        if self.phases:
            for name in names:
                yield name, self.seconds * self.shares[name] * self.dearer.get(name, 1.0) * speed
            return
        while done < self.seconds:
            if self.drift and done >= until:
                lean, until = dice.choice(names), done + dice.expovariate(1 / self.drift)
            for name in names:
                length = self.stretch * len(names) * self.shares[name] * dice.uniform(0.5, 1.5)
                length *= 2.5 if name == lean else 1.0
                done += length
                yield name, length * self.dearer.get(name, 1.0) * speed


def profile_of(
    program: Paper, seed: int, *, rate: float = 100.0, complete: bool = True, blocks: bool = True
) -> Profile:
    """A profile as a sampler would take it, in blocks of a second."""
    dice = random.Random(seed)
    period = 1 / rate
    look, now = dice.uniform(0, period), 0.0
    seen: list[tuple[float, str]] = []
    for name, length in program.stretches(dice):
        now += length
        while look < now:
            seen.append((look, name))
            look += period * dice.uniform(0.8, 1.2)
    weight = now / len(seen) if seen else 0.0
    whole: dict[StackKey, float] = defaultdict(float)
    parts: dict[int, dict[StackKey, float]] = defaultdict(lambda: defaultdict(float))
    for when, name in seen:
        leaf = (Frame(program.leaf, "app.py", 9),) if program.leaf else ()
        key = StackKey(MAIN, (Frame("main", "app.py", 1), Frame(name, "app.py", 2), *leaf))
        whole[key] += weight
        parts[int(when)][key] += weight
    held = tuple(Block(1e9 + second, 1.0, dict(weights)) for second, weights in sorted(parts.items()))
    return Profile(
        dict(whole),
        seconds=now,
        samples=len(seen),
        rate_hz=rate,
        start=1e9,
        blocks=held if blocks else (),
        complete=complete,
    )
