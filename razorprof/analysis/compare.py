"""What changed between two sets of profiles, function by function, and which of the changes are not chance.

Pure: takes Profile values (several of a side are runs of the same program), gives a Comparison. Called by the
command `diff` and by `run` for its baseline. The judgement about a threshold is analysis.gate's.

What a difference may be by chance is analysis.compare_errors' business. With a gate, seconds are also compared
beside the rest of the program, where the machine's speed cancels (analysis.compare_beside).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean, median

from razorprof.analysis import compare_spread as spread
from razorprof.analysis.compare_beside import LEAST_OTHERS, Beside, Move, beside_the_others
from razorprof.analysis.compare_errors import (
    Figure,
    figure,
    logarithm,
    mean_share,
    odds,
    standard_error,
    value_of,
)
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
        threshold = options.fail_above.amount if options.fail_above is not None else 0.0
        beside = basis is Basis.SECONDS and complete and threshold > 0
        moves = _moves(base, new, judged, own) if beside else {}
        for name in judged:
            change = _with_error(found[name].own, base, new, name, spread.own, basis, own[name])
            whole = _with_error(found[name].total, base, new, name, spread.total, basis, total[name])
            if beside:
                others = [move for other, move in moves.items() if other != name]
                told = _beside(change, base, new, name, spread.own, own[name], threshold, others)
                change = replace(change, beside=told)
                # the others on top of the stack may be what it calls: they tell nothing beside its total
                whole = replace(
                    whole, beside=_beside(whole, base, new, name, spread.total, total[name], threshold)
                )
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
    pick: spread.Pick,
    dispersion: spread.Dispersion,
    threshold: float,
    others: Sequence[Move] = (),
) -> Beside | None:
    share = mean_share([*base, *new], name, pick)
    before, after = ([odds(run, name, pick, dispersion.factor, share) for run in side] for side in (base, new))
    told = _all_told(before), _all_told(after)
    if told[0] is None or told[1] is None:
        return None
    error, _ = standard_error(told[0], told[1], dispersion.freedom)
    growth = mean(one.value for one in told[1]) - mean(one.value for one in told[0])
    rest = [median(run.whole - value_of(run, name, pick, Basis.SECONDS) for run in side) for side in (base, new)]
    return beside_the_others(change.base, share, rest[1] / rest[0], growth, error, threshold, others)


def _moves(
    base: Sequence[Run],
    new: Sequence[Run],
    names: Sequence[Function],
    dispersions: Mapping[Function, spread.Dispersion],
) -> dict[Function, Move]:
    """Of the functions that have enough of the time on top of the stack to tell the machine's speed."""
    moves = {}
    for name in names:
        share = mean_share([*base, *new], name, spread.own)
        if share < LEAST_OTHERS:
            continue
        before, after = (
            _all_told([logarithm(run, name, dispersions[name].factor, share) for run in side])
            for side in (base, new)
        )
        if before is not None and after is not None:
            error, _ = standard_error(before, after, dispersions[name].freedom)
            growth = median(one.value for one in after) - median(one.value for one in before)
            moves[name] = Move(growth, error)
    return moves


def _all_told(figures: Sequence[Figure | None]) -> list[Figure] | None:
    told = [one for one in figures if one is not None]
    return told if len(told) == len(figures) else None


def _ratio(runs: Sequence[Run], name: Function, pick: spread.Pick) -> float:
    return mean(value_of(run, name, pick, Basis.SHARE) for run in runs)


def _unit(profiles: Sequence[Profile]) -> str:
    units = {profile.unit for profile in profiles}
    return units.pop() if len(units) == 1 else "mixed"
