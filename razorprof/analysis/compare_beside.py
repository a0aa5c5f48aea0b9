"""A function beside the rest of its program: what is left of its growth when the machine's speed is taken out.

The same program takes more seconds on a busy machine, in all of its functions alike; so how fast the machine was
is told by the functions that are not the one looked at. This is what normalising by size factors does for
sequencing counts (Anders and Huber 2010), within limits, since a program may also have changed in many places. Two
or more others that moved by the same factor tell the machine's speed up to MOST_TOGETHER; else a change of the
others beyond MOST_SPEED, or half of the gate's threshold, may as well be the program's, and nothing is told. So a
function that did not grow does not fail because another became cheaper, and a program that is slower all over
still fails by its seconds. Of several runs the one in the middle tells the speed: a machine that stood still for
half of one run tells nothing of the program. Called by analysis.compare only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TOGETHER = 0.3  # relative: equal runs on a shared machine were seen to differ by up to 25 %
MOST_SPEED = 0.15
LEAST_OTHERS = 0.05  # share of the time: fewer others tell nothing of the machine
_ALIKE = 2.5  # standard errors by which one of several others may move otherwise


@dataclass(frozen=True, slots=True)
class Beside:
    """difference: what the function grew by, in the unit compared, as if the machine had been as fast as in BASE;
    error: its standard error."""

    difference: float
    error: float


@dataclass(frozen=True, slots=True)
class Move:
    """Of another function: the logarithm of its growth, with its standard error."""

    growth: float
    error: float


def beside_the_others(
    base: float,
    share: float,
    speed: float,
    growth: float,
    error: float,
    threshold: float,
    moves: Sequence[Move] = (),
) -> Beside | None:
    """base: a function's weight in BASE, on top of the stack or anywhere in it; share: of the time, 0..1, in both
    together; speed: how many times as long the others took in NEW; growth: of the logarithm of its odds against
    them, with its standard error; threshold: relative growth that the gate minds; moves: of the others that have
    LEAST_OTHERS of the time. None where the others are too few or differ too much."""
    if not 0 < share <= 1 - LEAST_OTHERS or speed <= 0:
        return None
    together = len(moves) > 1 and all(abs(m.growth - math.log(speed)) <= _ALIKE * m.error for m in moves)
    most = 1 + (MOST_TOGETHER if together else min(MOST_SPEED, threshold / 2))
    if not 1 / most <= speed <= most:
        return None
    difference = base * math.expm1(growth)
    # As many standard errors from nothing as the logarithm is: what was next to nothing in BASE was so by a chance
    # of its own, which the error of a difference told from BASE alone would not hold.
    return Beside(difference, error * (difference / growth if growth > 0 else base))
