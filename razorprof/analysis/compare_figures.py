"""A profile taken apart for a comparison: the weight of each function, alone and with what it calls, by block.

Called by analysis.compare; what the figures spread by is analysis.compare_spread's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.model.frame import Stack
from razorprof.model.profile import Profile, Weights

Function = tuple[str, str]  # name, file: lines move with every edit


@dataclass(frozen=True, slots=True)
class Part:
    """Weights of one block, or of the whole: own: on top of the stack; total: anywhere, once for recursion."""

    whole: float
    own: Mapping[Function, float]
    total: Mapping[Function, float]


@dataclass(frozen=True, slots=True)
class Run:
    """A profile by function. grain: weight of one sample; complete: a whole run of the program; others_ratio:
    Profile.others_ratio; lines: the heaviest line of each function with its weight; blocks: in order of time,
    without empty ones."""

    all: Part
    blocks: tuple[Part, ...]
    grain: float
    samples: int
    complete: bool
    others_ratio: float | None
    lines: Mapping[Function, tuple[int, float]]

    @property
    def whole(self) -> float:
        return self.all.whole


def take_apart(profile: Profile) -> Run:
    """The figures of a profile. Cost: its frames once, however many blocks share a stack."""
    places: dict[Stack, tuple[Function | None, frozenset[Function]]] = {}
    lines: dict[Function, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for key, weight in profile.weights.items():
        for frame in {(f.function, f.file, f.line) for f in key.stack}:
            lines[frame[:2]][frame[2]] += weight
    samples = count_samples(profile)
    whole = _part(profile.weights, places)
    blocks = sorted(profile.blocks, key=lambda block: block.start)
    return Run(
        whole,
        tuple(part for part in (_part(block.weights, places) for block in blocks) if part.whole > 0),
        whole.whole / samples if samples else 0.0,
        # as `show` tells it; the grain stays careful: what a file counts may be microseconds as well
        max(samples, profile.samples) if profile.unit == "count" else samples,
        profile.complete,
        profile.others_ratio,
        {name: max(held.items(), key=lambda item: item[1]) for name, held in lines.items()},
    )


def count_samples(profile: Profile) -> int:
    """How many stacks were seen. Where the file does not say it, at most as many as the lightest stack would fit
    into the total: too few makes a comparison careful, too many would make it sure of noise."""
    weights = [weight for weight in profile.weights.values() if weight > 0]
    if not weights:
        return 0
    if profile.unit == "seconds" and profile.samples > len(weights):
        return profile.samples
    return max(1, round(sum(weights) / min(weights)))


def _part(weights: Weights, places: dict[Stack, tuple[Function | None, frozenset[Function]]]) -> Part:
    own: dict[Function, float] = defaultdict(float)
    total: dict[Function, float] = defaultdict(float)
    whole = 0.0
    for (_, stack), weight in weights.items():
        place = places.get(stack)
        if place is None:
            names = [(frame.function, frame.file) for frame in stack]
            place = places[stack] = (names[-1] if names else None, frozenset(names))
        leaf, functions = place
        whole += weight
        if leaf is not None:
            own[leaf] += weight
        for function in functions:
            total[function] += weight
    return Part(whole, own, total)
