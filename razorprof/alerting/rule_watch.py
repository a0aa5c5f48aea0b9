"""Rules over series that come: evaluated at each step, with what each still needs, until they can be judged.

    watch = RuleWatch(files, view, store, interval=1.0)
    watch.step(time)                       # once for each tick, after its samples are there
    if watch.is_enough(most=30.0): ...
    judge(watch.evaluation(...), watch.figures())

For one verdict: intervals of groups are not kept, all rules are evaluated at each step. Driven by
session.check_run over processes, by `judge_span` over series that are there already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.judge import Evaluation, figures_of, judge
from razorprof.alerting.needs import Needs, Presence, at_interval
from razorprof.alerting.rule_limits import rule_limits
from razorprof.alerting.rules import AlertingRule, RuleFile
from razorprof.model.alert import RuleKey
from razorprof.model.judgement import Figure, Judgement, Sight
from razorprof.model.metric import Metric
from razorprof.model.series import Series
from razorprof.query.requirements import Matchers, selection_text
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, SeriesBlock, SeriesView

_LONGEST_STEP, _SHORTEST_STEP = 15.0, 0.5  # seconds, over series that are there already
_STEPS = 4  # within the shortest `for`
_MOST_STEPS = 1000
_MOST_NAMED = 3


class RuleWatch:
    """view: what queries see, and with it what is written into `store`; interval: seconds between steps."""

    def __init__(
        self, files: Sequence[RuleFile], view: SeriesView, store: MemoryStore, *, interval: float
    ) -> None:
        self.needs = Needs(files)
        options = EvaluatorOptions(interval, limits=rule_limits(interval))
        # a quarter: no step is missed because it comes a little early
        self._evaluator = Evaluator(at_interval(files, interval / 4), view, store, options)
        self._view = view
        self._presence = Presence(view)
        self._first: float | None = None
        self._time = 0.0
        self._since: dict[RuleKey, float] = {}  # since when a rule sees its series
        self._missing: dict[RuleKey, tuple[Matchers, ...]] = {}

    @property
    def seconds(self) -> float:
        """From the first step to the last."""
        return 0.0 if self._first is None else self._time - self._first

    def step(self, time: float) -> None:
        """Evaluate at a time, Unix seconds."""
        self._first = time if self._first is None else self._first
        self._time = time
        self._evaluator.evaluate(time)
        self._missing = self.needs.missing(self._presence.at(time))
        self._since = {key: self._since.get(key, time) for key in self.needs.rules if key not in self._missing}

    def is_enough(self, most: float) -> bool:
        """Whether every rule that `most` seconds can be enough for has seen enough."""
        return self._first is not None and all(
            needed > most or (key in self._since and self._time - self._since[key] >= needed)
            for key, needed in self.needs.seconds.items()
        )

    def evaluation(
        self,
        why: Callable[[Iterable[Matchers]], str] = lambda lacks: "",
        *,
        seconds: float | None = None,
        problems: Sequence[str] = (),
        targets: Sequence[str] = (),
    ) -> Evaluation:
        """What can be judged. why: says more of selections that select nothing; seconds: for which samples are
        there, None for the time since the first step."""
        watched = {key: self._time - since for key, since in self._since.items()} if seconds is None else {}
        return Evaluation(
            self._time,
            self._evaluator.statuses(),
            self._evaluator.alerts(),
            self.seconds if seconds is None else seconds,
            watched,
            {key: _absent(lacks, why(lacks)) for key, lacks in self._missing.items()},
            self.needs.seconds,
            tuple(problems),
            tuple(targets),
        )

    def figures(self) -> list[Figure]:
        """The left-hand values of the rules at the last step."""
        return list(figures_of(self._evaluator.statuses(), self._view, self._time))


def judge_span(files: Sequence[RuleFile], view: SeriesView, start: float, end: float) -> Judgement:
    """The verdict at the end of series that reach from `start` to `end`, Unix seconds: what evaluating them all
    along would have come to. Only so much of the end is evaluated as can matter for it."""
    needs = Needs(files)
    step = _step(needs, [group.interval for file in files for group in file.groups if group.interval is not None])
    span = min(_reach(needs) + 2 * step, end - start)
    step = max(step, span / _MOST_STEPS)
    store = MemoryStore(seconds=math.inf)
    watch = RuleWatch(files, Joined(store, view, needs.recorded), store, interval=step)
    for number in range(math.floor(span / step), -1, -1):
        watch.step(end - number * step)
    return replace(judge(watch.evaluation(seconds=end - start), watch.figures()), sight=Sight.RECORDED)


def _step(needs: Needs, intervals: Sequence[float]) -> float:
    """Seconds between two evaluations: as the groups say, but several within the shortest `for`."""
    holds = [
        rule.hold / _STEPS for rule in needs.rules.values() if isinstance(rule, AlertingRule) and rule.hold > 0
    ]
    return max(_SHORTEST_STEP, min([_LONGEST_STEP, *intervals, *holds]))


def _reach(needs: Needs) -> float:
    """How far before the end an evaluation can matter for it: by `for` and keep_firing_for, and where rules
    record, as far as what they record is looked back to."""
    records = any(not isinstance(rule, AlertingRule) for rule in needs.rules.values())
    lengths = [0.0]
    for key, rule in needs.rules.items():
        hold, keep = (rule.hold, rule.keep_firing) if isinstance(rule, AlertingRule) else (0.0, 0.0)
        lengths.append(keep + (needs.seconds[key] if records else hold))
    return max(lengths)


class Joined:
    """Series that were given and such as are computed from them; of a name that is computed, only those."""

    def __init__(self, computed: SeriesView, given: SeriesView, names: frozenset[str]) -> None:
        self._computed, self._given, self._names = computed, given, names

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        given = self._given.select(matchers, start, end)
        return self._computed.select(matchers, start, end) + [s for s in given if s.name not in self._names]

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        found = list(self._computed.blocks(matchers, start, end))
        for block in self._given.blocks(matchers, start, end):
            kept = [n for n, labels in enumerate(block.labels) if labels.get("__name__") not in self._names]
            if len(kept) == len(block.labels):
                found.append(block)
            elif kept:
                labels = tuple(block.labels[n] for n in kept)
                found.append(SeriesBlock(labels, block.times, block.values[:, kept]))
        return found

    def metrics(self) -> Iterable[Metric]:
        return (*self._given.metrics(), *self._computed.metrics())


def _absent(lacks: Sequence[Matchers], why: str) -> str:
    names = ", ".join(map(selection_text, lacks[:_MOST_NAMED])) + (" ..." if len(lacks) > _MOST_NAMED else "")
    return f"there is no {names}" + (f": {why}" if why else "")
