"""A profile's seconds scaled to what the kernel counted, so that waiting for a busy machine is not compared.

Samplers see threads that run or want to: on a machine that others use too, a run's sampled seconds hold the time
in which it waited for a CPU. The kernel's CPU time does not. For whoever knows both of a complete run (`run`).
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.model.profile import Profile, Weights


def in_cpu_seconds(profile: Profile, cpu_seconds: float) -> Profile:
    """The profile with weights that add up to `cpu_seconds`, used by all that was sampled; every function's share
    stays. As it was where nothing was sampled or nothing used."""
    total = profile.total
    if total <= 0 or cpu_seconds <= 0 or profile.unit != "seconds":
        return profile
    factor = cpu_seconds / total

    def scale(weights: Weights) -> Weights:
        return {key: weight * factor for key, weight in weights.items()}

    return replace(
        profile,
        weights=scale(profile.weights),
        blocks=tuple(replace(block, weights=scale(block.weights)) for block in profile.blocks),
    )
