"""What a reader must know to trust a comparison: in words, without any text of the target.

Called by analysis.compare with the finished comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from razorprof.analysis.compare_machine import machine_spread
from razorprof.analysis.compare_values import Basis, Comparison, Significance
from razorprof.model.profile import Profile

_UNLIKE_LENGTHS = 1.5
_UNIFORM_GROWTH = 0.05
_BUSY = 0.1  # of the machine: what others use is worth a word


def notes_on(comparison: Comparison, base: Sequence[Profile], new: Sequence[Profile]) -> tuple[str, ...]:
    """In order of weight; each is a sentence."""
    return tuple(dict.fromkeys(_notes(comparison, base, new)))


def _notes(comparison: Comparison, base: Sequence[Profile], new: Sequence[Profile]) -> Iterator[str]:
    profiles = [*base, *new]
    seconds = comparison.basis is Basis.SECONDS
    single = comparison.base_runs == 1 and comparison.new_runs == 1
    if comparison.significance is Significance.APPROXIMATE:
        yield (
            "significance is approximate: a profile carries no blocks of time (or fewer than five), so the spread "
            "of independent samples was doubled"
        )
    if seconds and _is_uniform(comparison):
        yield (
            "everything changed by the same factor: a faster or slower machine looks like this too; compare more "
            "runs, taken in turns"
        )
    if seconds and single:
        others = [profile.others_ratio for profile in profiles]
        spread = max(machine_spread(one) for one in others) * 100
        busy = [one for one in others if one is not None and one > _BUSY]
        why = f", since others used up to {max(busy) * 100:.0f} % of it" if busy else ""
        yield (
            f"one run a side: how fast the machine was in each does not cancel, {spread:.0f} % were allowed for "
            f"it{why}; several runs (run --repeat) show how much it is"
        )
    if seconds and not all(profile.complete for profile in profiles):
        yield "a profile does not cover a complete run: its seconds depend on how long and when it was taken"
        lengths = [profile.seconds for profile in profiles if profile.seconds > 0]
        if lengths and max(lengths) > _UNLIKE_LENGTHS * min(lengths):
            yield "the profiles cover windows of unlike length: compare shares (--of share)"
    if not seconds:
        yield (
            "shares were compared: a program that is slower all over does not show, and a function's share grows "
            "by less than its time"
        )
    if len({profile.mode for profile in profiles if profile.mode}) > 1:
        yield "the profiles were sampled in different modes"
    for what, values in (
        ("versions of the runtime", {p.origin.version for p in profiles if p.origin and p.origin.version}),
        ("machines", {p.origin.host for p in profiles if p.origin and p.origin.host}),
    ):
        if len(values) > 1:
            yield f"the profiles come from different {what}"


def _is_uniform(comparison: Comparison) -> bool:
    """Whether every function that counts changed as the whole did, to within what could be seen."""
    if not comparison.base_total > 0 or not comparison.new_total > 0:
        return False
    factor = comparison.new_total / comparison.base_total
    changes = [f.own for f in comparison.functions if f.judged and f.own.error]
    if abs(factor - 1) < _UNIFORM_GROWTH or len(changes) < 2:
        return False
    return all(abs(c.new - factor * c.base) <= 2 * (c.error or 0.0) for c in changes)
