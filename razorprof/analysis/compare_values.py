"""What a comparison of profiles is asked for, and what it came to. Values only.

For analysis.compare and analysis.gate, the command `diff`, the baseline of `run` and what renders them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from razorprof.analysis.compare_beside import Beside
from razorprof.analysis.significance import ALPHA


class Basis(StrEnum):
    """What of a function is compared: its weight as it is (seconds of a complete run, bytes), or its share."""

    SECONDS = "seconds"
    SHARE = "share"


class Significance(StrEnum):
    """What the spread was told from."""

    BLOCKS = "blocks"
    APPROXIMATE = "approximate"  # a side without blocks: the binomial spread, inflated


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much growth is too much: `relative` to the function itself (0.2 for 20 %), or `points` of the total
    (0.05 for 5pp)."""

    amount: float
    points: bool = False

    def __str__(self) -> str:
        return f"{self.amount * 100:g}{'pp' if self.points else '%'}"


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """basis: None for seconds where all profiles cover complete runs, else shares; fail_above: the gate, None for
    none; min_share: functions below it on both sides are not judged; alpha: chance of a false alarm, over all
    functions together."""

    basis: Basis | None = None
    fail_above: Threshold | None = None
    min_share: float = 0.01
    alpha: float = ALPHA


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a function on both sides, in the unit compared (the profile's unit, or shares of 0..1).

    error: standard error of the difference, None where too little is known of it; freedom: its degrees of
    freedom; beside: the same beside the rest of the program, where a gate compares seconds; seeable: the smallest
    difference that would have counted as significant; significant: this one does; too_much: it is significant and
    above the gate's threshold, as it is or beside the rest.
    """

    base: float
    new: float
    error: float | None = None
    freedom: float = 0.0
    beside: Beside | None = None
    seeable: float | None = None
    significant: bool = False
    too_much: bool = False

    @property
    def difference(self) -> float:
        return self.new - self.base

    @property
    def growth(self) -> float | None:
        """Relative to base; None for what was not there."""
        return self.difference / self.base if self.base > 0 else None

    @property
    def growth_beside(self) -> float | None:
        """Relative to base, with the machine's speed taken out as the rest of the program tells it."""
        return self.beside.difference / self.base if self.beside is not None and self.base > 0 else None


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """own: on top of the stack; total: anywhere in it, once for recursion. The ratios are shares of each side's
    total, whatever the basis. judged: at least min_share on one side. line: of the heavier side, to look at."""

    function: str
    file: str
    line: int
    own: Change
    total: Change
    base_self_ratio: float
    new_self_ratio: float
    base_total_ratio: float
    new_total_ratio: float
    judged: bool = False

    @property
    def significant(self) -> bool:
        return self.own.significant or self.total.significant

    @property
    def too_much(self) -> bool:
        return self.own.too_much or self.total.too_much

    @property
    def is_new(self) -> bool:
        return self.base_total_ratio == 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """functions: largest difference of own weight first. unit: the profiles'; totals and seconds: of one run (the
    mean where there are several). covered: share of the time under functions in which growth of the threshold
    would have been seen, None without a gate; reasons: why the verdict is what it is; notes: what a reader must
    know to trust the figures."""

    basis: Basis
    unit: str
    base_total: float
    new_total: float
    base_runs: int
    new_runs: int
    base_samples: int
    new_samples: int
    functions: tuple[FunctionChange, ...]
    significance: Significance
    options: CompareOptions
    verdict: Verdict
    covered: float | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[FunctionChange, ...]:
        """The functions that broke the gate."""
        return tuple(f for f in self.functions if f.too_much)
