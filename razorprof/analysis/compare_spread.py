"""How far a function's figure would move if the same program were profiled again.

Were every sample drawn on its own, a share p of n samples would have the binomial variance p (1 - p) / n.
Samples of neighbouring moments are not independent, and regular looks at long stretches spread by less; so that
variance is multiplied with a dispersion that the profile's blocks tell:

- A complete run goes through the same phases every time, so phases are no noise. The dispersion is told from the
  differences of neighbouring blocks, which cancel whatever lasts longer than two of them; a jump between two
  phases counts no more than three standard deviations, and all together no more than what is taken without blocks.
- A window of a longer life shows some phases and not others, by chance. Its dispersion is the long-run variance of
  the blocks' shares (Newey and West 1987, Bartlett weights): what goes up and down slowly counts in full.

A function has few blocks, but all functions of a profile were sampled alike: each one's dispersion is drawn
towards that of all (as many-gene comparisons do it, Smyth 2004). Called by analysis.compare only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from razorprof.analysis.compare_figures import Function, Part, Run

INFLATED = 4.0  # without blocks: two equal runs were seen to spread twice as far as the binomial says
FREEDOM_WITHOUT_BLOCKS = 60.0
LEAST_BLOCKS = 5  # of a run
# Regular looks may seem to do better than chance within a run; but they beat with the program's own rhythm, and
# the beat of one run is not that of the next.
_LEAST = 1.0
_MOST_OF_A_JUMP = 9.0
_COMMON_FREEDOM = 10.0  # the most that the common dispersion weighs, in blocks
_MOST_CORRELATED = 0.8

Pick = Callable[[Part], Mapping[Function, float]]


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How many times the binomial variance; freedom: how many independent looks at it there were."""

    factor: float
    freedom: float


def own(part: Part) -> Mapping[Function, float]:
    """The weights on top of the stack."""
    return part.own


def total(part: Part) -> Mapping[Function, float]:
    """The weights anywhere in the stack."""
    return part.total


def has_blocks(runs: Iterable[Run]) -> bool:
    """Whether the spread can be told from blocks."""
    return all(len(run.blocks) >= LEAST_BLOCKS and run.grain > 0 for run in runs)


def dispersions(
    runs: Sequence[Run], functions: Sequence[Function], pick: Pick, *, complete: bool
) -> dict[Function, Dispersion]:
    """For each function, from all runs of both sides together."""
    if not has_blocks(runs):
        return dict.fromkeys(functions, Dispersion(INFLATED, FREEDOM_WITHOUT_BLOCKS))
    measure = _local if complete else _long_run
    seen: dict[Function, list[Dispersion]] = {}
    shares: dict[Function, float] = {}
    for function in functions:
        found = [measure(run, function, pick) for run in runs]
        seen[function] = [one for one in found if one.freedom > 0]
        shares[function] = sum(pick(run.all).get(function, 0.0) / run.whole for run in runs) / len(runs)
    weighted = [
        (_pooled(found).factor, p * (1 - p)) for f, found in seen.items() if found and (p := shares[f]) < 1
    ]
    weight = sum(w for _, w in weighted)
    common = max(_LEAST, sum(factor * w for factor, w in weighted) / weight) if weight > 0 else INFLATED
    result = {}
    for function, found in seen.items():
        one = _pooled(found)
        # the functions share one time line: what all of them tell adds at most half of what one tells
        borrowed = min(_COMMON_FREEDOM, one.freedom / 2) if one.freedom else _COMMON_FREEDOM
        freedom = borrowed + one.freedom
        result[function] = Dispersion(
            max(_LEAST, (borrowed * common + one.freedom * one.factor) / freedom), freedom
        )
    return result


def long_run_variance(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """The variance of the weighted mean of correlated values, and its degrees of freedom.

    Bartlett's sum sees too little of what moves slowly when there are but ten values; so the variance is at least
    that of a first-order process with the same correlation between neighbours, which is corrected for its bias in
    short series (Marriott and Pope 1954)."""
    count, whole = len(values), sum(weights)
    if count < 2 or whole <= 0:
        return 0.0, 0.0
    mean = sum(v * w for v, w in zip(values, weights, strict=True)) / whole
    off = [w * (v - mean) for v, w in zip(values, weights, strict=True)]
    plain = sum(u * u for u in off)
    if plain <= 0:
        return 0.0, float(count - 1)

    def together(lag: int) -> float:
        return sum(a * b for a, b in zip(off, off[lag:], strict=False))

    lags = min(count // 4, int(4 * (count / 100) ** (2 / 9)))
    summed = plain + 2 * sum((1 - lag / (lags + 1)) * together(lag) for lag in range(1, lags + 1))
    neighbours = together(1) / plain
    neighbours = min(_MOST_CORRELATED, max(0.0, neighbours + (1 + 3 * neighbours) / count))
    longer = (1 + neighbours) / (1 - neighbours)
    # what alternates would seem to spread less than chance: that is not relied upon
    variance = max(summed, plain * longer) * count / (count - 1)
    return variance / whole**2, max(1.0, count / longer - 1)


def _local(run: Run, function: Function, pick: Pick) -> Dispersion:
    """From neighbouring blocks: the squares of their differences, against the binomial variance of the whole."""
    p = pick(run.all).get(function, 0.0) / run.whole
    squares = chance = 0.0
    for before, after in zip(run.blocks, run.blocks[1:], strict=False):
        first, second = pick(before).get(function, 0.0), pick(after).get(function, 0.0)
        share = (first + second) / (before.whole + after.whole)
        grains = run.grain * (1 / before.whole + 1 / after.whole)
        difference = second / after.whole - first / before.whole
        squares += min(difference**2, _MOST_OF_A_JUMP * share * (1 - share) * grains)
        chance += p * (1 - p) * grains
    if chance <= 0:
        return Dispersion(1.0, 0.0)
    # neighbouring differences share a block: two thirds as many independent ones (von Neumann 1941)
    return Dispersion(min(INFLATED, squares / chance), (len(run.blocks) - 1) * 2 / 3)


def _long_run(run: Run, function: Function, pick: Pick) -> Dispersion:
    share = pick(run.all).get(function, 0.0) / run.whole
    expected = share * (1 - share) * run.grain / run.whole
    if expected <= 0:
        return Dispersion(1.0, 0.0)
    values = [pick(block).get(function, 0.0) / block.whole for block in run.blocks]
    variance, freedom = long_run_variance(values, [block.whole for block in run.blocks])
    return Dispersion(variance / expected, freedom)


def _pooled(found: Sequence[Dispersion]) -> Dispersion:
    freedom = sum(one.freedom for one in found)
    if freedom <= 0:
        return Dispersion(1.0, 0.0)
    return Dispersion(sum(one.factor * one.freedom for one in found) / freedom, freedom)
