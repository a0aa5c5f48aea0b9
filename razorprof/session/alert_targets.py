"""Which of the watched processes an alert is about, by its labels. For captures, screens and documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from razorprof.model.labels import Labels
from razorprof.model.target import Life, Target
from razorprof.session.view import TargetStatus

_TELLING = (
    "pid",
    "instance",
    "job",
)  # of the labels that all series of a target have; the rest may be a rule's own


class Owners:
    """The targets of one tick, to be found by labels: for many alerts at once."""

    def __init__(self, targets: Sequence[TargetStatus]) -> None:
        self._all = targets
        self._named: dict[tuple[str, str], list[TargetStatus]] = defaultdict(list)
        for target in targets:
            for name in _TELLING:
                self._named[name, target.labels.get(name, "")].append(target)

    def of(self, labels: Mapping[str, str]) -> TargetStatus | None:
        """The one target whose labels agree with all of pid, instance and job that the alert has; one that lives
        before one that ended. None where there is none, or more than one: then nobody can tell which is meant."""
        wanted = {name: labels[name] for name in _TELLING if labels.get(name)}
        first = next(iter(wanted.items()), None)
        named = self._all if first is None else self._named.get(first, ())
        agree = [one for one in named if all(one.labels.get(name) == value for name, value in wanted.items())]
        living = [one for one in agree if one.life is not Life.GONE]
        ended = sorted(agree, key=lambda one: one.ended or 0.0)[-1:] if "pid" in wanted else agree
        found = living or ended
        return found[0] if len(found) == 1 else None


def find_target(labels: Mapping[str, str], targets: Sequence[TargetStatus]) -> Target | None:
    """The target of one alert: see Owners.of."""
    found = Owners(targets).of(labels)
    return None if found is None else found.target


def own_labels(labels: Labels, target: TargetStatus | None) -> Labels:
    """The labels of an alert that its target does not have anyway, less its name."""
    known = target.labels if target is not None else {}
    return labels.without("alertname", *(name for name, value in known.items() if labels.get(name) == value))
