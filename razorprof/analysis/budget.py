"""Budgets: what a run may cost, and whether it kept to it. Values and pure functions, for `run`.

A limit fails only on what was measured: an estimate, or too little seen, is inconclusive. Shares of functions are
judged by analysis.budget_shares, growth against a baseline by analysis.compare; files are parsed by config.budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from razorprof.analysis.compare_values import Threshold
from razorprof.analysis.gate_checks import Check, Outcome


@dataclass(frozen=True, slots=True)
class FunctionLimit:
    """Shares of 0..1 that functions matching `pattern` may have together; None: no limit."""

    pattern: str
    own: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    profile: Path
    fail_above: Threshold


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes, seconds and shares of 0..1; None: no limit. gc: share of the CPU time."""

    functions: tuple[FunctionLimit, ...] = ()
    peak_memory: int | None = None
    gc: float | None = None
    wall: float | None = None
    cpu: float | None = None
    baseline: Baseline | None = None

    @property
    def needs_profile(self) -> bool:
        return bool(self.functions) or self.baseline is not None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run used. gc_seconds: CPU seconds of the collectors, None with the reason why it is not known;
    peak_floor: a peak that is not above it is at most that much."""

    wall: float
    cpu: float
    peak_bytes: int
    peak_floor: int = 0
    gc_seconds: float | None = None
    gc_reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A budget line as people read it: what it is about, the limit, what was measured. doubt: what makes a pass
    worth little, for a note that stands apart from `why`."""

    name: str
    limit: str
    measured: str
    outcome: Outcome
    why: str = ""
    doubt: str = ""

    def as_check(self) -> Check:
        words = f"{self.measured}, limit {self.limit}" + (f": {self.why}" if self.why else "")
        return Check(self.name, self.outcome, words, doubt=self.doubt)


def judge_process(budget: Budget, costs: Sequence[Cost]) -> list[Judged]:
    """The limits of [process]. Of several runs the largest peak counts, and the median of everything else."""
    judged = []
    several = f"; median of {len(costs)} runs" if len(costs) > 1 else ""
    for name, limit, values in (
        ("wall", budget.wall, [cost.wall for cost in costs]),
        ("cpu", budget.cpu, [cost.cpu for cost in costs]),
    ):
        if limit is not None:
            value = median(values)
            words = f"{value:.3f} s{several}"
            judged.append(Judged(name, f"{limit:g} s", words, _outcome(value <= limit)))
    if budget.peak_memory is not None:
        judged.append(_peak(budget.peak_memory, max(costs, key=lambda cost: cost.peak_bytes)))
    if budget.gc is not None:
        judged.append(_gc(budget.gc, costs, several))
    return judged


def _outcome(kept: bool) -> Outcome:
    return Outcome.PASS if kept else Outcome.FAIL


def _peak(limit: int, cost: Cost) -> Judged:
    words = f"{cost.peak_bytes / (1 << 20):.1f} MiB"
    shown = f"{limit / (1 << 20):.1f} MiB"
    if cost.peak_bytes <= cost.peak_floor and cost.peak_bytes > limit:
        why = "as much as the process that launches it: a smaller peak cannot be told"
        return Judged("peak_memory", shown, f"at most {words}", Outcome.INCONCLUSIVE, why)
    return Judged("peak_memory", shown, words, _outcome(cost.peak_bytes <= limit))


def _gc(limit: float, costs: Sequence[Cost], several: str) -> Judged:
    shown = f"{limit * 100:g} %"
    unknown = next((cost for cost in costs if cost.gc_seconds is None), None)
    if unknown is not None:
        return Judged("gc", shown, "not measured", Outcome.INCONCLUSIVE, unknown.gc_reason)
    shares = [(cost.gc_seconds or 0.0) / cost.cpu for cost in costs if cost.cpu > 0]
    if not shares:
        return Judged("gc", shown, "no CPU time was used", Outcome.PASS)
    share = median(shares)
    return Judged("gc", shown, f"{share * 100:.2f} % of the CPU time{several}", _outcome(share <= limit))
