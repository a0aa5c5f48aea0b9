"""The standard error of the difference between two sides' figures of a function.

It has up to three parts: sampling (analysis.compare_spread), the speed of the machine from run to run (assumed, by
what else ran: analysis.compare_machine), and what was seen to differ between runs of one side. Called by
analysis.compare only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from razorprof.analysis import compare_spread as spread
from razorprof.analysis.compare_figures import Function, Run
from razorprof.analysis.compare_machine import machine_spread
from razorprof.analysis.compare_values import Basis

RUN_SPREAD = 0.02  # relative: a function's share from run to run beyond sampling (memory layout, hash seeds)
_ASSUMED_FREEDOM = 4.0  # how many runs the assumption is worth beside runs that were seen


@dataclass(frozen=True, slots=True)
class Figure:
    """What one run tells. sampling, machine: variances, of looking and of everything else that changes from run to
    run."""

    value: float
    sampling: float
    machine: float


def value_of(run: Run, name: Function, pick: spread.Pick, basis: Basis) -> float:
    """A function's weight or share in a run."""
    weight = pick(run.all).get(name, 0.0)
    return weight if basis is Basis.SECONDS else weight / run.whole if run.whole else 0.0


def mean_share(runs: Sequence[Run], name: Function, pick: spread.Pick) -> float:
    """The share under the assumption that nothing changed, so that a function absent on one side has a spread."""
    return sum(pick(run.all).get(name, 0.0) for run in runs) / sum(run.whole for run in runs)


def figure(run: Run, name: Function, pick: spread.Pick, basis: Basis, factor: float, share: float) -> Figure:
    """Of the weight or the share. factor: how many times the binomial variance; share: mean_share."""
    scale = run.whole if basis is Basis.SECONDS else 1.0
    sampling = factor * share * (1 - share) * run.grain / run.whole * scale**2
    if basis is Basis.SECONDS and not run.complete:
        sampling += share**2 * _window_variance(run)
    value = value_of(run, name, pick, basis)
    between = machine_spread(run.others_ratio) if basis is Basis.SECONDS else RUN_SPREAD
    return Figure(value, sampling, (between * value) ** 2)


def odds(run: Run, name: Function, pick: spread.Pick, factor: float, share: float) -> Figure | None:
    """Of the logarithm of a function's weight over that of the rest. None where one of them is missing."""
    weight = value_of(run, name, pick, Basis.SECONDS)
    if not 0 < weight < run.whole or not 0 < share < 1:
        return None
    sampling = factor * run.grain / (run.whole * share * (1 - share))
    return Figure(math.log(weight / (run.whole - weight)), sampling, RUN_SPREAD**2)


def logarithm(run: Run, name: Function, factor: float, share: float) -> Figure | None:
    """Of the logarithm of a function's own weight. None where it is missing."""
    own = value_of(run, name, spread.own, Basis.SECONDS)
    if own <= 0 or share <= 0:
        return None
    return Figure(math.log(own), factor * run.grain / (run.whole * share), RUN_SPREAD**2)


def standard_error(base: Sequence[Figure], new: Sequence[Figure], freedom: float) -> tuple[float, float]:
    """Of the difference of the two means, with its degrees of freedom. freedom: those of the sampling's spread."""
    figures = [*base, *new]
    expected = [one.sampling + one.machine for one in figures]
    observed = len(figures) - 2
    if observed == 0:
        return math.sqrt(sum(expected)), freedom
    off = sum((one.value - mean(f.value for f in side)) ** 2 for side in (base, new) for one in side)
    variance = (_ASSUMED_FREEDOM * mean(expected) + off) / (_ASSUMED_FREEDOM + observed)
    variance = max(variance, mean(one.sampling for one in figures))
    return math.sqrt(variance * (1 / len(base) + 1 / len(new))), _ASSUMED_FREEDOM + observed + freedom / 2


def _window_variance(run: Run) -> float:
    """Of the weight of a window that began and ended by chance: how busy it was."""
    weights = [block.whole for block in run.blocks]
    if len(weights) < spread.LEAST_BLOCKS:
        return spread.INFLATED * run.grain * run.whole
    variance, _ = spread.long_run_variance(weights, [1.0] * len(weights))
    return variance * len(weights) ** 2
