"""What changed between two sets of profiles, function by function, and which of the changes are not chance.

Pure: takes Profile values (several of a side are runs of the same program), gives a Comparison. Called by the
command `diff` and by `run` for its baseline. The judgement about a threshold is analysis.gate's.

What a difference may be by chance is analysis.compare_errors' business. With a gate, seconds are also compared
beside the rest of the program, where the machine's speed cancels (analysis.compare_beside).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from razorprof.analysis import compare_spread as spread
from razorprof.analysis.compare_beside import Beside, beside_the_others
from razorprof.analysis.compare_errors import figure, mean_share, odds, standard_error, value_of
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
        base_total=mean([run.whole for run in before]),
        new_total=mean([run.whole for run in after]),
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
        own, total = (
            spread.dispersions(runs, judged, pick, complete=complete) for pick in (spread.own, spread.total)
        )
        beside = basis is Basis.SECONDS and complete and options.fail_above is not None
        for name in judged:
            change = _with_error(found[name].own, base, new, name, spread.own, basis, own[name])
            if beside and options.fail_above is not None:
                change = replace(
                    change, beside=_beside(change, base, new, name, own[name], options.fail_above.amount)
                )
            whole = _with_error(found[name].total, base, new, name, spread.total, basis, total[name])
            found[name] = replace(found[name], own=change, total=whole)
    return tuple(
        sorted(
            found.values(),
            key=lambda f: (-abs(f.own.difference), -abs(f.total.difference), f.file, f.function),
        )
    )


def _change(base: Sequence[Run], new: Sequence[Run], name: Function, pick: spread.Pick, basis: Basis) -> Change:
    before, after = (mean(value_of(run, name, pick, basis) for run in side) for side in (base, new))
    return Change(before, after)


def _with_error(
    change: Change,
    base: Sequence[Run],
    new: Sequence[Run],
    name: Function,
    pick: spread.Pick,
    basis: Basis,
    dispersion: spread.Dispersion,
) -> Change:
    share = mean_share([*base, *new], name, pick)
    before, after = (
        [figure(run, name, pick, basis, dispersion.factor, share) for run in side] for side in (base, new)
    )
    error, freedom = standard_error(before, after, dispersion.freedom)
    return replace(change, error=error, freedom=freedom)


def _beside(
    change: Change,
    base: Sequence[Run],
    new: Sequence[Run],
    name: Function,
    dispersion: spread.Dispersion,
    threshold: float,
) -> Beside | None:
    share = mean_share([*base, *new], name, spread.own)
    before, after = ([odds(run, name, dispersion.factor, share) for run in side] for side in (base, new))
    told = [[one for one in side if one is not None] for side in (before, after)]
    if [len(side) for side in told] != [len(base), len(new)]:
        return None
    error, _ = standard_error(told[0], told[1], dispersion.freedom)
    whole = (mean(run.whole for run in base), mean(run.whole for run in new))
    return beside_the_others((change.base, change.new), whole, error, threshold)


def _ratio(runs: Sequence[Run], name: Function, pick: spread.Pick) -> float:
    return mean(value_of(run, name, pick, Basis.SHARE) for run in runs)


def _unit(profiles: Sequence[Profile]) -> str:
    units = {profile.unit for profile in profiles}
    return units.pop() if len(units) == 1 else "mixed"
