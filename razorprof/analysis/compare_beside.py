"""A function beside the rest of its program: what is left of its growth when the machine's speed is taken out.

The same program takes more seconds on a busy machine, in all of its functions alike; so how fast the machine was
is told by the functions that are not the one looked at. This is what normalising by size factors does for
sequencing counts (Anders and Huber 2010), within limits: a program may also have changed in many places. Where
the others differ by more than runs on one machine do, or by more than half of the gate's threshold, nothing is
told. So a function that did not grow never fails because others became cheaper, and a program that is slower all
over still fails by its seconds. Called by analysis.compare only.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_SPEED = 0.15  # relative: equal runs on a shared machine of two cores were seen to differ by this much
LEAST_OTHERS = 0.05  # share of the time: fewer others tell nothing of the machine


@dataclass(frozen=True, slots=True)
class Beside:
    """difference: what the function grew by, in the unit compared, as if the machine had been as fast as in BASE;
    error: its standard error."""

    difference: float
    error: float


def beside_the_others(
    own: tuple[float, float], whole: tuple[float, float], error: float, threshold: float
) -> Beside | None:
    """own: a function's weight on top of the stack in BASE and NEW; whole: that of all functions; error: the
    standard error of the logarithm of its odds against the others; threshold: relative growth that the gate minds.
    None where the others are too few or differ too much, or the function is new or gone."""
    base, new = own
    share = sum(own) / sum(whole) if sum(whole) > 0 else 0.0
    others = [total - part for total, part in zip(whole, own, strict=True)]
    if not 0 < share <= 1 - LEAST_OTHERS or min(base, new, *others) <= 0:
        return None
    most = 1 + min(MOST_SPEED, threshold / 2)
    speed = others[1] / others[0]
    if not 1 / most <= speed <= most:
        return None
    return Beside(new / speed - base, base * error)
