"""Whether functions keep to the shares of a budget, as far as sampling can tell. Pure; for `run`.

A limit is broken when the lower bound of the share is above it. What lies around the limit passes where the
share is known well, and is inconclusive where it is not. All limits of a budget together raise a false alarm
with at most 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from razorprof.analysis import compare_spread as spread
from razorprof.analysis.budget import FunctionLimit, Judged
from razorprof.analysis.compare_figures import Function, take_apart
from razorprof.analysis.gate import LEAST_SAMPLES
from razorprof.analysis.gate_checks import Outcome
from razorprof.analysis.significance import Contrast, critical_value
from razorprof.model.frame import Frame
from razorprof.model.profile import Profile, StackKey

RUN_SPREAD = 0.02  # relative: how far a share moves from run to run beyond sampling
_MATCHED: Function = ("matched", "")
_OTHER = Frame("other", "")
_NO_MATCH = "matched no function"
_COARSE, _COARSE_PART = 0.02, 0.25  # a share is known well within two points, or a quarter of the limit


def judge_functions(limits: Sequence[FunctionLimit], profiles: Sequence[Profile]) -> list[Judged]:
    """The limits of [functions] over the profiles of one or more runs."""
    count = sum((limit.own is not None) + (limit.total is not None) for limit in limits)
    judged = []
    for limit in limits:
        for what, allowed in (("self", limit.own), ("total", limit.total)):
            if allowed is not None:
                judged.append(_judge(limit.pattern, what, allowed, profiles, count))
    return judged


def matches(pattern: str, frame: Frame) -> bool:
    """Whether a glob means a frame: FUNCTION, FILE:FUNCTION, or MODULE.FUNCTION as Python imports it."""
    return any(fnmatchcase(name, pattern) for name in _names(frame.function, frame.file))


@lru_cache(maxsize=16384)
def _names(function: str, file: str) -> tuple[str, ...]:
    names = [function]
    if file:
        names.append(f"{file}:{function}")
        if file.endswith(".py"):
            module = file.lstrip("/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            names.append(f"{module}.{function}")
            package, dot, _ = module.rpartition(".")
            if dot:  # what a package exports is called by the package's name: json.dumps, asyncio.run
                names.append(f"{package}.{function}")
    return tuple(names)


def _judge(pattern: str, what: str, allowed: float, profiles: Sequence[Profile], limits: int) -> Judged:
    name, shown = f"{pattern} {what}", f"{allowed * 100:g} %"
    samples = sum(profile.samples for profile in profiles)
    if samples < LEAST_SAMPLES or any(profile.total <= 0 for profile in profiles):
        why = f"too little was seen: {samples} samples"
        return Judged(name, shown, "not measured", Outcome.INCONCLUSIVE, why)
    share, error, freedom = _share(pattern, what, profiles)
    half = critical_value([Contrast(freedom)] * max(1, limits)) * error
    measured = f"{share * 100:.1f} % ± {half * 100:.1f}"
    if share - half > allowed:
        return Judged(name, shown, measured, Outcome.FAIL)
    why = doubt = ""
    if not share and not _appears(pattern, profiles):  # a wrong name, or too rare: a pass that proves little
        why, doubt = _NO_MATCH, f'the budget for "{pattern}" {_NO_MATCH} that was seen: is the name right?'
    if share + half <= allowed:
        return Judged(name, shown, measured, Outcome.PASS, why, doubt)
    if half > max(_COARSE, _COARSE_PART * allowed):
        why = "too little was seen to tell: let it run longer, raise --rate or use --repeat"
        return Judged(name, shown, measured, Outcome.INCONCLUSIVE, why)
    if share > allowed:
        why = "above the limit, but by no more than chance"
    return Judged(name, shown, measured, Outcome.PASS, why, doubt)


def _appears(pattern: str, profiles: Sequence[Profile]) -> bool:
    return any(matches(pattern, frame) for p in profiles for key in p.weights for frame in key.stack)


def _share(pattern: str, what: str, profiles: Sequence[Profile]) -> tuple[float, float, float]:
    """The mean share of the runs, its standard error and the degrees of freedom of that."""
    pick = spread.own if what == "self" else spread.total
    runs = [take_apart(_reduced(profile, pattern, what)) for profile in profiles]
    found = spread.dispersions(runs, [_MATCHED], pick, complete=True)[_MATCHED]
    shares = [pick(run.all).get(_MATCHED, 0.0) / run.whole for run in runs]
    mean = sum(shares) / len(shares)
    # a share of none or all has no spread of its own: one sample more would have moved it
    grain = [run.grain / run.whole for run in runs]
    p = [min(max(share, g), 1 - g) if g < 0.5 else 0.5 for share, g in zip(shares, grain, strict=True)]
    sampling = [found.factor * q * (1 - q) * g for q, g in zip(p, grain, strict=True)]
    expected = [one + (RUN_SPREAD * share) ** 2 for one, share in zip(sampling, shares, strict=True)]
    variance = sum(expected) / len(runs)
    freedom = found.freedom or 1.0
    if len(runs) > 1:
        seen = sum((share - mean) ** 2 for share in shares) / (len(runs) - 1)
        variance = max(variance, seen)
    return mean, math.sqrt(variance / len(runs)), freedom


def _reduced(profile: Profile, pattern: str, what: str) -> Profile:
    """The profile with two functions only: what matches, and the rest."""
    matched = Frame(*_MATCHED)

    def change(key: StackKey) -> StackKey:
        frames = key.stack[-1:] if what == "self" else key.stack
        return StackKey(key.thread, (matched if any(matches(pattern, f) for f in frames) else _OTHER,))

    return profile.with_stacks(change)
