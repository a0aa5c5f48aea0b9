"""What changed between two windows of a recording, or of two: figures, functions, threads, alerts, targets.

    before, after = look(recording, Window(a, b)), look(other, Window(c, d))
    difference(before, after)

Pure; what is in a window is session.sight's to find out. Targets are the same process, or, of two recordings,
matched by job, by name, or because each holds one only. For cli.replay_difference and the dashboard over a
recording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from razorprof.analysis.compare_rates import compare_rates
from razorprof.analysis.compare_values import Comparison
from razorprof.errors import UsageError
from razorprof.model.alert import AlertState
from razorprof.model.labels import Labels
from razorprof.model.target import Identity
from razorprof.session.recorded_figures import RECORDED_FIGURES, RecordedFigure
from razorprof.session.sight import STATES, Seen, Sight


@dataclass(frozen=True, slots=True)
class Thread:
    """native_id: 0 where threads are told by name alone, of two recordings; before, after: how many there were."""

    name: str
    native_id: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class FigureChange:
    """None where it was not told in the window."""

    figure: RecordedFigure
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def matters(self) -> bool:
        """Whether it changed by what matters of that figure, or by a tenth where nobody knows that."""
        if (change := self.change) is None:
            return False
        whole = max(abs(self.before or 0.0), abs(self.after or 0.0))
        return abs(change) >= (self.figure.least or 0.1 * whole) and change != 0


@dataclass(frozen=True, slots=True)
class TargetDifference:
    """A target on both sides. matched: identity, job, name or only (each side holds one). functions: CPU seconds
    per second, None with functions_reason; threads: those that came or went, with how many stayed, None with
    threads_reason."""

    before: Seen
    after: Seen
    matched: str
    figures: tuple[FigureChange, ...]
    functions: Comparison | None
    functions_reason: str = ""
    threads: tuple[Thread, ...] | None = None
    stayed: int = 0
    threads_reason: str = ""


@dataclass(frozen=True, slots=True)
class AlertDifference:
    """before, after: the worst state in each window."""

    name: str
    labels: Labels
    before: AlertState
    after: AlertState


@dataclass(frozen=True, slots=True)
class Difference:
    """only_before, only_after: targets that the other side has none for; alerts: those whose state differs, or
    that fire on both sides; notes: what a reader must know."""

    before: Sight
    after: Sight
    targets: tuple[TargetDifference, ...]
    only_before: tuple[Seen, ...] = ()
    only_after: tuple[Seen, ...] = ()
    alerts: tuple[AlertDifference, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, identity: Identity | None) -> TargetDifference | None:
        """That of a target on the new side, of any for None; None where it is not on both sides."""
        found = (one for one in self.targets if identity in (None, one.after.target.identity))
        return next(found, None)


def difference(before: Sight, after: Sight) -> Difference:
    """Of two windows."""
    is_same = before.identity == after.identity
    pairs = list(_pairs(before.targets, after.targets, is_same=is_same))
    matched = {id(one) for a, b, _ in pairs for one in (a, b)}
    return Difference(
        before,
        after,
        tuple(_target(a, b, how) for a, b, how in pairs),
        tuple(one for one in before.targets if id(one) not in matched),
        tuple(one for one in after.targets if id(one) not in matched),
        tuple(_alert_changes(before.alerts, after.alerts, is_same=is_same)),
        tuple(_notes(before, after, pairs, is_same=is_same)),
    )


def _pairs(before: Sequence[Seen], after: Sequence[Seen], *, is_same: bool) -> Iterable[tuple[Seen, Seen, str]]:
    """Which target is which, and by what that was told."""
    left, right = list(before), list(after)
    for how, name in _NAMES[:1] if is_same else _NAMES:
        counts = Counter(map(name, left)), Counter(map(name, right))
        for one in list(right):
            # of several with one name nobody knows which is which
            if counts[0][name(one)] == counts[1][name(one)] == 1:
                other = next(each for each in left if name(each) == name(one))
                left.remove(other)
                right.remove(one)
                yield other, one, how
    if not is_same and len(before) == len(after) == len(left) == 1:
        yield left[0], right[0], "only"


def _identity(one: Seen) -> object:
    return one.target.identity


def _job(one: Seen) -> object:
    return one.target.job or one.target.name


def _name(one: Seen) -> object:
    return one.target.name


_NAMES: tuple[tuple[str, Callable[[Seen], object]], ...] = (
    ("identity", _identity),
    ("job", _job),
    ("name", _name),
)


def _target(before: Seen, after: Seen, matched: str) -> TargetDifference:
    pairs = ((one, before.figures.get(one.key), after.figures.get(one.key)) for one in RECORDED_FIGURES)
    figures = tuple(FigureChange(one, a, b) for one, a, b in pairs if a or b)
    functions, reason = None, ""
    try:
        functions = compare_rates(before.profile, after.profile)
    except UsageError as error:
        reason = str(error)
    if functions is None and not reason:
        sides = [name for name, one in (("A", before), ("B", after)) if not one.profile.seconds > 0]
        reason = f"no stacks were sampled in {' and '.join(sides)}"
    threads, stayed, why = _threads(before, after, by_id=matched == "identity")
    return TargetDifference(before, after, matched, figures, functions, reason, threads, stayed, why)


def _threads(before: Seen, after: Seen, *, by_id: bool) -> tuple[tuple[Thread, ...] | None, int, str]:
    if before.threads is None or after.threads is None:
        sides = [name for name, one in (("A", before), ("B", after)) if one.threads is None]
        return None, 0, f"threads were not read in {' and '.join(sides)}"
    if by_id:
        both = {**before.threads, **after.threads}
        rows = [
            Thread(both[one], one, int(one in before.threads), int(one in after.threads)) for one in sorted(both)
        ]
    else:
        old, new = Counter(before.threads.values()), Counter(after.threads.values())
        rows = [Thread(name, 0, old[name], new[name]) for name in sorted({*old, *new})]
    stayed = sum(min(row.before, row.after) for row in rows)
    return tuple(row for row in rows if row.before != row.after), stayed, ""


def _alert_changes(
    before: Mapping[tuple[str, Labels], AlertState],
    after: Mapping[tuple[str, Labels], AlertState],
    *,
    is_same: bool,
) -> Iterable[AlertDifference]:
    """Of two recordings, alerts are the same where all labels but those of a process are."""
    old, new = (_by_name(side, whole=is_same) for side in (before, after))
    for name, labels in dict.fromkeys([*new, *old]):
        states = (side.get((name, labels), AlertState.INACTIVE) for side in (old, new))
        change = AlertDifference(name, labels, *states)
        if change.before != change.after or change.after is AlertState.FIRING:
            yield change


def _by_name(
    alerts: Mapping[tuple[str, Labels], AlertState], *, whole: bool
) -> dict[tuple[str, Labels], AlertState]:
    found: dict[tuple[str, Labels], AlertState] = {}
    for (name, labels), state in alerts.items():
        key = name, labels if whole else labels.without("pid", "instance")
        found[key] = max(found.get(key, AlertState.INACTIVE), state, key=STATES.index)
    return found


def _notes(
    before: Sight, after: Sight, pairs: Sequence[tuple[Seen, Seen, str]], *, is_same: bool
) -> Iterable[str]:
    if is_same and before.window.start < after.window.end and after.window.start < before.window.end:
        yield "the windows overlap: what they share is no difference"
    if any(how == "only" for _, _, how in pairs):
        yield "the targets have different names: they are compared because each side holds one only"
    if any(a.runtime != b.runtime for a, b, _ in pairs):
        yield "the targets run different versions"
    if not pairs and (before.targets or after.targets):
        yield "no target of one side is on the other"
