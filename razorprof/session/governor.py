"""Keeps razorprof within its CPU budget: above it, reads that may wait are made less often, step by step."""

from __future__ import annotations

_STEPS = (1.0, 2.0, 4.0, 8.0)
_CALM = 0.6  # of the budget: below it, one step back
_PATIENCE = 5  # ticks that a cost must hold before a step is taken


class Governor:
    """budget: seconds of CPU per second for the whole process tree of razorprof."""

    def __init__(self, budget: float = 0.15) -> None:
        self.budget = budget
        self._step = 0
        self._over = 0
        self._under = 0

    @property
    def stretch(self) -> float:
        """The factor on the intervals of reads that may wait."""
        return _STEPS[self._step]

    def note(self, self_cpu_ratio: float | None) -> float:
        """Take the cost of the last seconds; answers the factor from now on."""
        if self_cpu_ratio is None:
            return self.stretch
        self._over = self._over + 1 if self_cpu_ratio > self.budget else 0
        self._under = self._under + 1 if self_cpu_ratio < self.budget * _CALM else 0
        if self._over >= _PATIENCE and self._step < len(_STEPS) - 1:
            self._step, self._over = self._step + 1, 0
        elif self._under >= 4 * _PATIENCE and self._step > 0:
            self._step, self._under = self._step - 1, 0
        return self.stretch
