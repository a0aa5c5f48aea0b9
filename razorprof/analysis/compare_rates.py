"""Two windows of running processes compared function by function, in CPU seconds per second of each window.

Windows of unlike length compare that way, and a process that does more of everything shows, which shares hide. For
windows of recordings (session.difference); runs of programs are analysis.compare's own business.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_values import Basis, CompareOptions, Comparison, Significance
from razorprof.model.profile import Profile, Weights


def compare_rates(base: Profile, new: Profile, *, min_share: float = 0.01) -> Comparison | None:
    """The comparison, its `seconds` those of one second; None where a side was not sampled at all. Raises
    UsageError as analysis.compare does, where the two measure different things."""
    if not (base.seconds > 0 and new.seconds > 0):
        return None
    options = CompareOptions(basis=Basis.SECONDS, min_share=min_share)
    compared = compare([per_second(base)], [per_second(new)], options)
    return replace(compared, notes=tuple(_notes(compared, base, new)))


def per_second(profile: Profile) -> Profile:
    """Its weights divided by the length of its window."""

    def scaled(weights: Weights) -> Weights:
        return {key: weight / profile.seconds for key, weight in weights.items()}

    blocks = tuple(replace(block, weights=scaled(block.weights)) for block in profile.blocks)
    return replace(profile, weights=scaled(profile.weights), blocks=blocks, also=())


def _notes(compared: Comparison, base: Profile, new: Profile) -> list[str]:
    if not base.weights or not new.weights:
        empty = "either window" if not (base.weights or new.weights) else "one of the windows"
        return [f"nothing was seen on a CPU in {empty}: what changed cannot be told from chance"]
    notes = []
    if compared.significance is Significance.APPROXIMATE:
        notes.append("a window holds fewer than five batches of stacks: significance is approximate")
    if base.mode != new.mode:
        notes.append("the windows were sampled in different modes")
    return notes
