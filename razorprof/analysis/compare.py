"""What changed between two sets of profiles, function by function, and which of the changes are not chance.

Pure: takes Profile values (several of a side are runs of the same program), gives a Comparison. Called by the
command `diff` and by `run` for its baseline. The judgement about a threshold is analysis.gate's.

The standard error of a difference has up to three parts: sampling (analysis.compare_spread), the speed of the
machine from run to run (assumed with one run a side), and what was seen to differ between runs of one side. With a
gate, seconds are also compared beside the rest of the program, where the machine's speed cancels
(analysis.compare_beside).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from razorprof.analysis import compare_spread as spread
from razorprof.analysis.compare_beside import beside_the_others
from razorprof.analysis.compare_figures import Function, Run, take_apart
from razorprof.analysis.compare_notes import notes_on
from razorprof.analysis.compare_values import (
    Basis,
    Change,
    CompareOptions,
    Comparison,
    FunctionChange,
    Significance,
    Verdict,
)
from razorprof.analysis.gate import judge
from razorprof.errors import UsageError
from razorprof.model.profile import Profile

# Standard deviation of a figure from run to run beyond sampling: the machine (equal runs on two shared cores were
# seen to spread by 5 to 6 %), memory layout, hash seeds.
RUN_SPREAD = {Basis.SECONDS: 0.05, Basis.SHARE: 0.02}
_ASSUMED_FREEDOM = 4.0  # how many runs the assumption is worth beside runs that were seen


def compare(base: Sequence[Profile], new: Sequence[Profile], options: CompareOptions | None = None) -> Comparison:
    """The comparison of two programs by the profiles of their runs, at least one of each.

    Raises UsageError where they measure different things, or where seconds are asked for and there are none.
    """
    options = options or CompareOptions()
    if not base or not new:
        raise UsageError("a comparison needs a profile on each side")
    basis = choose_basis(base, new, options.basis)
    before, after = [take_apart(p) for p in base], [take_apart(p) for p in new]
    functions = _functions(before, after, options, basis)
    known = spread.has_blocks([*before, *after])
    comparison = Comparison(
        basis=basis,
        unit=_unit([*base, *new]),
        base_total=_mean([run.whole for run in before]),
        new_total=_mean([run.whole for run in after]),
        base_runs=len(base),
        new_runs=len(new),
        base_samples=sum(run.samples for run in before),
        new_samples=sum(run.samples for run in after),
        functions=functions,
        significance=Significance.BLOCKS if known else Significance.APPROXIMATE,
        options=options,
        verdict=Verdict.INCONCLUSIVE,
    )
    judged = judge(comparison, [*base, *new])
    return replace(judged, notes=notes_on(judged, base, new))


def choose_basis(base: Sequence[Profile], new: Sequence[Profile], asked: Basis | None) -> Basis:
    """Seconds where all profiles are of complete runs. Raises UsageError where what was asked is not there."""
    profiles = [*base, *new]
    values = {profile.value for profile in profiles if profile.value and profile.weights}
    if len(values) > 1:
        raise UsageError(
            "the profiles measure different things", value=" and ".join(sorted(values)), hint="take both alike"
        )
    units = {profile.unit for profile in profiles}
    if len(units) > 1 and units != {"seconds", "count"}:
        raise UsageError("the profiles have different units", value=" and ".join(sorted(units)))
    if asked is Basis.SECONDS and (len(units) > 1 or "count" in units):
        raise UsageError("a profile of counts has no seconds", value="count", hint="compare shares: --of share")
    if asked is not None:
        return asked
    absolute = all(profile.complete for profile in profiles) and len(units) == 1 and "count" not in units
    return Basis.SECONDS if absolute else Basis.SHARE


def _functions(
    base: Sequence[Run], new: Sequence[Run], options: CompareOptions, basis: Basis
) -> tuple[FunctionChange, ...]:
    names = list(dict.fromkeys(name for run in [*new, *base] for name in run.all.total))
    found = {}
    for name in names:
        changes = [_change(base, new, name, pick, basis) for pick in (spread.own, spread.total)]
        found[name] = FunctionChange(
            name[0],
            name[1],
            max((run.lines[name] for run in [*new, *base] if name in run.lines), key=lambda item: item[1])[0],
            changes[0],
            changes[1],
            _ratio(base, name, spread.own),
            _ratio(new, name, spread.own),
            total_before := _ratio(base, name, spread.total),
            total_after := _ratio(new, name, spread.total),
            judged=max(total_before, total_after) >= options.min_share,
        )
    judged = [name for name in names if found[name].judged]
    runs = [*base, *new]
    if all(run.whole > 0 and run.grain > 0 for run in runs):
        complete = all(run.complete for run in runs)
        for pick in (spread.own, spread.total):
            dispersions = spread.dispersions(runs, judged, pick, complete=complete)
            for name in judged:
                error, freedom = _error(base, new, name, pick, basis, dispersions[name])
                if pick is spread.total:
                    total = replace(found[name].total, error=error, freedom=freedom)
                    found[name] = replace(found[name], total=total)
                    continue
                own = replace(found[name].own, error=error, freedom=freedom)
                if basis is Basis.SECONDS and complete and options.fail_above is not None:
                    share_error, _ = _error(base, new, name, pick, Basis.SHARE, dispersions[name])
                    threshold = options.fail_above.amount
                    whole = (_mean([run.whole for run in base]), _mean([run.whole for run in new]))
                    own = replace(
                        own, beside=beside_the_others((own.base, own.new), whole, share_error, threshold)
                    )
                found[name] = replace(found[name], own=own)
    return tuple(
        sorted(
            found.values(),
            key=lambda f: (-abs(f.own.difference), -abs(f.total.difference), f.file, f.function),
        )
    )


def _change(base: Sequence[Run], new: Sequence[Run], name: Function, pick: spread.Pick, basis: Basis) -> Change:
    before, after = (_mean([_value(run, name, pick, basis) for run in side]) for side in (base, new))
    return Change(before, after)


def _value(run: Run, name: Function, pick: spread.Pick, basis: Basis) -> float:
    weight = pick(run.all).get(name, 0.0)
    return weight if basis is Basis.SECONDS else weight / run.whole if run.whole else 0.0


def _error(
    base: Sequence[Run],
    new: Sequence[Run],
    name: Function,
    pick: spread.Pick,
    basis: Basis,
    dispersion: spread.Dispersion,
) -> tuple[float, float]:
    """The standard error of the difference of the two means, and its degrees of freedom."""
    runs = [*base, *new]
    # the share under the assumption that nothing changed, so that a function absent on one side has a spread
    share = sum(pick(run.all).get(name, 0.0) for run in runs) / sum(run.whole for run in runs)
    sampling, machine = [], []
    for run in runs:
        scale = run.whole if basis is Basis.SECONDS else 1.0
        sampled = dispersion.factor * share * (1 - share) * run.grain / run.whole * scale**2
        if basis is Basis.SECONDS and not run.complete:
            sampled += share**2 * _window_variance(run)
        sampling.append(sampled)
        machine.append((RUN_SPREAD[basis] * _value(run, name, pick, basis)) ** 2)
    expected = [s + m for s, m in zip(sampling, machine, strict=True)]
    observed = len(base) + len(new) - 2
    if observed == 0:
        return math.sqrt(sum(expected)), dispersion.freedom
    off = 0.0
    for side in (base, new):
        values = [_value(run, name, pick, basis) for run in side]
        off += sum((value - _mean(values)) ** 2 for value in values)
    variance = (_ASSUMED_FREEDOM * _mean(expected) + off) / (_ASSUMED_FREEDOM + observed)
    variance = max(variance, _mean(sampling))
    freedom = _ASSUMED_FREEDOM + observed + dispersion.freedom / 2
    return math.sqrt(variance * (1 / len(base) + 1 / len(new))), freedom


def _window_variance(run: Run) -> float:
    """Of the weight of a window that began and ended by chance: how busy it was."""
    weights = [block.whole for block in run.blocks]
    if len(weights) < spread.LEAST_BLOCKS:
        return spread.INFLATED * run.grain * run.whole
    variance, _ = spread.long_run_variance(weights, [1.0] * len(weights))
    return variance * len(weights) ** 2


def _ratio(runs: Sequence[Run], name: Function, pick: spread.Pick) -> float:
    return _mean([_value(run, name, pick, Basis.SHARE) for run in runs])


def _unit(profiles: Sequence[Profile]) -> str:
    units = {profile.unit for profile in profiles}
    return units.pop() if len(units) == 1 else "mixed"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
