"""What rules need before they can be judged: for how long they have to see samples, and of which series.

A series that a rule records is judged by what that rule needs. Called by check, and for the rules that a watch
serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from razorprof.alerting.rules import AlertingRule, RecordingRule, Rule, RuleFile, RuleGroup
from razorprof.errors import RazorprofError
from razorprof.model.alert import RuleKey, RuleStatus
from razorprof.query import requirements
from razorprof.query.engine import Query, compile_query
from razorprof.query.functions.call import Kind
from razorprof.query.plan import Program, Selector, When
from razorprof.query.requirements import Matchers, name_of
from razorprof.query.values import Vector
from razorprof.store.view import SeriesView

_OURS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})  # absent while nothing is wrong
_OF_TARGETS = frozenset({"__name__", "job", "instance", "pid", "runtime"})


class Needs:
    """Of all rules of some files, which see what the others record."""

    def __init__(self, files: Sequence[RuleFile]) -> None:
        groups = [group for file in files for group in file.groups]
        self.rules: dict[RuleKey, Rule] = {rule.key: rule for group in groups for rule in group.rules}
        self._offsets = {rule.key: group.offset or 0.0 for group in groups for rule in group.rules}
        self._recorded: dict[str, list[RecordingRule]] = {}
        for rule in self.rules.values():
            if isinstance(rule, RecordingRule):
                self._recorded.setdefault(rule.key.name, []).append(rule)
        known: dict[str, float] = {}
        looks = {key: self._look_back(rule, known) for key, rule in self.rules.items()}
        self.seconds: dict[RuleKey, float] = {key: looks[key] + _hold(rule) for key, rule in self.rules.items()}
        self.longest_look = max(looks.values(), default=0.0)

    @property
    def recorded(self) -> frozenset[str]:
        """Names of series that rules write."""
        return frozenset(self._recorded) | _OURS

    def missing(self, is_there: Callable[[Matchers], bool]) -> dict[RuleKey, tuple[Matchers, ...]]:
        """The selections that each rule needs and that select nothing; rules that lack nothing are left out.
        is_there: whether a selection selects anything."""
        known: dict[str, tuple[Matchers, ...]] = {}
        found = {key: self._missing(rule.query.program, is_there, known) for key, rule in self.rules.items()}
        return {key: lacks for key, lacks in found.items() if lacks}

    def shortest_range(self) -> float | None:
        """The shortest range of all expressions, seconds."""
        ranges = (requirements.shortest_range(rule.query.program) for rule in self.rules.values())
        return min((one for one in ranges if one is not None), default=None)

    def _look_back(self, rule: Rule, known: dict[str, float]) -> float:
        """known: of recorded names, filled on the way; one that is being looked at (rules may record in a circle)
        counts as 0."""

        def of_name(name: str) -> float:
            if name not in known:
                known[name] = 0.0
                makers = self._recorded.get(name, ())
                known[name] = max((self._look_back(maker, known) for maker in makers), default=0.0)
            return known[name]

        return self._offsets[rule.key] + requirements.look_back(rule.query.program, of_name)

    def _missing(
        self,
        program: Program,
        is_there: Callable[[Matchers], bool],
        known: dict[str, tuple[Matchers, ...]],
    ) -> tuple[Matchers, ...]:
        """known: what recorded names lack, filled on the way; one that is being looked at lacks nothing."""

        def lacks(name: str) -> tuple[Matchers, ...]:
            if name not in known:
                known[name] = ()
                makers = [self._missing(one.query.program, is_there, known) for one in self._recorded[name]]
                known[name] = tuple(one for lack in makers for one in lack) if all(makers) else ()
            return known[name]

        causes: dict[Matchers, tuple[Matchers, ...]] = {}

        def is_seen(matchers: Matchers) -> bool:
            name = name_of(matchers)
            if name in _OURS:
                return True
            if name in self._recorded:
                causes[matchers] = lacks(name)
                return not causes[matchers]
            causes[matchers] = (_of_target(matchers),)
            return is_there(_of_target(matchers))

        found = requirements.missing(program, is_seen)
        return tuple(dict.fromkeys(cause for matchers in found for cause in causes[matchers]))


class Presence:
    """Whether selections select anything, now, as queries see it. Asked often at one time."""

    def __init__(self, view: SeriesView) -> None:
        self._view = view
        self._time = 0.0
        self._known: dict[Matchers, bool] = {}

    def at(self, time: float) -> Callable[[Matchers], bool]:
        """The question for one time, Unix seconds."""
        self._time, self._known = time, {}
        return self._is_there

    def _is_there(self, matchers: Matchers) -> bool:
        known = self._known.get(matchers)
        if known is None:
            query = Query("", Program((Selector(matchers, When()),), Kind.VECTOR))
            value = query.instant(self._view, self._time)
            known = self._known[matchers] = isinstance(value, Vector) and len(value.labels) > 0
        return known


def at_interval(files: Iterable[RuleFile], seconds: float) -> tuple[RuleFile, ...]:
    """The same rules, all groups evaluated so often."""
    return tuple(
        replace(file, groups=tuple(replace(group, interval=seconds) for group in file.groups)) for file in files
    )


def files_of(statuses: Iterable[RuleStatus]) -> tuple[RuleFile, ...]:
    """Rules as far as their statuses tell them, those whose query cannot be compiled left out."""
    groups: dict[tuple[str, str], list[Rule]] = {}
    for status in statuses:
        try:
            query = compile_query(status.query)
        except RazorprofError:
            continue
        rule: Rule = RecordingRule(status.key, query)
        if status.kind == "alerting":
            rule = AlertingRule(status.key, query, status.hold)
        groups.setdefault((status.key.file, status.key.group), []).append(rule)
    return tuple(RuleFile(file, (RuleGroup(file, name, tuple(rules)),)) for (file, name), rules in groups.items())


def _hold(rule: Rule) -> float:
    return rule.hold if isinstance(rule, AlertingRule) else 0.0


def _of_target(matchers: Matchers) -> Matchers:
    """The part of a selection that says which metric of which target: a label's value may well be absent while all
    is fine, the metric may not."""
    if not name_of(matchers):
        return matchers
    return tuple(matcher for matcher in matchers if matcher.label in _OF_TARGETS)
