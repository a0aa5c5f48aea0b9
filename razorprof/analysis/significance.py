"""Student's t without a library, and the critical value of many comparisons of which only large ones count.

Pure numbers; called by analysis.gate. How a standard error comes about is analysis.compare_spread's business.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

ALPHA = 0.05  # chance that two runs of the same program show any change at all
_MOST_CRITICAL = 60.0
_FAR = 20.0  # standard errors: nothing gets there by chance
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison. freedom: degrees of freedom of its standard error; least: the smallest change that counts,
    in standard errors (0: any change counts)."""

    freedom: float
    least: float = 0.0


def critical_value(tests: Sequence[Contrast], alpha: float = ALPHA, sides: int = 1) -> float:
    """How many standard errors a change must have, so that all `tests` together raise a false alarm with at most
    probability `alpha`, however they depend on each other (the union bound).

    A test that needs `least` standard errors anyway, because smaller changes do not count, takes only a part of
    `alpha`, and leaves the rest to the others: with all `least` 0 this is Bonferroni's correction.
    """

    # in classes of nearly equal ones: a profile may have tens of thousands of functions
    classes = Counter((max(1, round(test.freedom)), round(min(test.least, _FAR), 1)) for test in tests)

    def alarms(value: float) -> float:
        return sides * sum(n * upper_tail(max(value, least), freedom) for (freedom, least), n in classes.items())

    low, high = NormalDist().inv_cdf(1 - alpha / sides), _MOST_CRITICAL
    if alarms(low) <= alpha:
        return low  # only large changes count here; never ask for less than a single comparison would need
    for _ in range(50):
        middle = (low + high) / 2
        if alarms(middle) > alpha:
            low = middle
        else:
            high = middle
    return high


def upper_tail(value: float, freedom: float) -> float:
    """P(T > value) of Student's t."""
    if math.isinf(value):
        return 0.0 if value > 0 else 1.0
    # Abramowitz and Stegun 26.7.1: through the incomplete beta function of freedom / (freedom + t^2)
    half = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value))
    return half if value >= 0 else 1 - half


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction (Abramowitz and Stegun 26.5.8), evaluated as Lentz does."""
    c, d = 1.0, _away_from_zero(1 - (a + b) * x / (a + 1))
    d = 1 / d
    result = d
    for m in range(1, 300):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + numerator * d)
            c = _away_from_zero(1 + numerator / c)
            result *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
