"""How far equal runs' seconds lie apart because of the machine, whatever the sampling.

On two shared cores of a rented machine, equal runs of 11 s were seen to spread by 9 % with nothing else running
there (what its neighbours do is not seen), and by 18 % with three quarters of it in use by others. Called by
analysis.compare only.
"""

from __future__ import annotations

import math

QUIET = 0.08  # standard deviation, relative: with nothing else running
UNKNOWN = 0.1  # where a profile does not say what else ran
_PER_OTHERS = 0.2  # for each unit of the machine's share that others used


def machine_spread(others_ratio: float | None) -> float:
    """The relative standard deviation of a run's seconds. others_ratio: Profile.others_ratio."""
    return UNKNOWN if others_ratio is None else math.hypot(QUIET, _PER_OTHERS * others_ratio)
