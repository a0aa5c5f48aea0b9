"""A check of rules on processes: watches for as long as the rules need, never longer than allowed, and judges.

Called by the command check. Over what was recorded, or is watched by somebody else, alerting.judge judges without
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from razorprof.alerting.judge import judge
from razorprof.alerting.needs import Needs
from razorprof.alerting.rule_watch import RuleWatch
from razorprof.alerting.rules import AlertingRule, RuleFile
from razorprof.clock import Clock
from razorprof.model.alert import AlertBoard
from razorprof.model.judgement import Judgement
from razorprof.model.target import Life, Target
from razorprof.plugin.protocols import Runtime, Source
from razorprof.query.requirements import Matchers, name_of
from razorprof.session.needed_sources import NeededSources
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import SessionState, TargetStatus, View
from razorprof.session.workers import Executor
from razorprof.store.memory import MemoryStore
from razorprof.store.view import equal

_LONGEST_PACE, _SHORTEST_PACE = 1.0, 0.1
_SAMPLES = 4.0  # that the shortest range should see, and evaluations within the shortest `for`
_LOOK_BACK = 300.0
_MOST_REASONS = 2
_PATIENCE = 5.0  # seconds
MOST_SAMPLED = 32  # processes whose stacks are sampled at once, where a rule asks for hot functions


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """seconds: the most to watch for; probe, budget, history_bytes: see SessionOptions."""

    files: tuple[RuleFile, ...]
    targets: tuple[Target, ...]
    seconds: float
    probe: bool = False
    budget: float = 0.15
    history_bytes: int = 32 << 20


def run_check(
    plan: CheckPlan,
    sources: Callable[[], Sequence[Source]],
    runtimes: Callable[[], Sequence[Runtime]],
    *,
    clock: Clock | None = None,
    executor: Executor | None = None,
) -> Judgement:
    """Watch, in the caller's thread, and judge."""
    needs = Needs(plan.files)
    interval = pace(needs, plan.seconds)
    watches: list[RuleWatch] = []

    def alerting(store: MemoryStore, view: View) -> Callable[[float], AlertBoard]:
        watch = RuleWatch(plan.files, view, store, interval=interval)
        watches.append(watch)

        def step(time: float) -> AlertBoard:
            watch.step(time)
            return AlertBoard()

        return step

    needed = NeededSources(needs.rules.values(), needs.recorded)
    session = Session(
        SessionOptions(
            interval,
            budget=plan.budget,
            history_seconds=plan.seconds + _LOOK_BACK,
            history_bytes=plan.history_bytes,
            most_focused=MOST_SAMPLED,
            probe=plan.probe,
        ),
        sources=needed.sources(sources),
        runtimes=needed.runtimes(runtimes),
        clock=clock,
        executor=executor,
        alerting=alerting,
    )
    for target in plan.targets:
        session.watch(target)
    [watch] = watches

    def publish(state: SessionState) -> None:
        is_enough = watch.is_enough(plan.seconds)
        if is_enough and watch.seconds < _PATIENCE:  # some of several processes may not have been read yet
            is_enough = not _lacks(session.view, state.targets, needed)
        if is_enough or watch.seconds >= plan.seconds:
            session.stop()

    session.run(publish)
    state = session.view.state()
    seen = watch.evaluation(
        lambda lacks: why_absent(lacks, state.targets),
        problems=[*_ends(state.targets), *_gaps(session.view, state.targets, needed)],
        targets=[_name(status) for status in state.targets],
    )
    return judge(seen, watch.figures())


def pace(needs: Needs, seconds: float) -> float:
    """Seconds between two looks: one, or less where ranges, `for` or the whole check are short."""
    holds = [rule.hold for rule in needs.rules.values() if isinstance(rule, AlertingRule) and rule.hold > 0]
    shortest = min([one for one in (needs.shortest_range(), *holds) if one], default=seconds)
    return max(_SHORTEST_PACE, min(_LONGEST_PACE, shortest / _SAMPLES, seconds / _SAMPLES))


def why_absent(lacks: Iterable[Matchers], targets: Sequence[TargetStatus]) -> str:
    """What the targets say of metrics that are not there: the reasons of their sources."""
    names = {name_of(matchers) for matchers in lacks}
    reasons: list[str] = []
    for status in targets:
        for source in status.sources:
            reasons += [f"{source.name}: {reason}" for name, reason in source.missing if name in names]
    for status in targets:
        for source in status.sources:
            if source.error is not None:
                hint = f"; {source.error.hint}" if source.error.hint else ""
                reasons.append(f"{source.name}: {source.error.message}{hint}")
        if status.stack_reason and "python_function_cpu_ratio" in names:
            reasons.append(status.stack_reason)
    return "; ".join(list(dict.fromkeys(reasons))[:_MOST_REASONS])


def _ends(targets: Sequence[TargetStatus]) -> list[str]:
    """Processes that have ended meanwhile."""
    gone = [status for status in targets if status.life is Life.GONE]
    return [f"{_name(status)} has ended" + (f": {status.how}" if status.how else "") for status in gone]


def _gaps(view: View, targets: Sequence[TargetStatus], needed: NeededSources) -> list[str]:
    """What rules ask for and cannot be read of some of several processes, while others have it: rules are
    evaluated on those, and would say nothing of the rest."""
    found = []
    for status, lacks in _lacks(view, targets, needed):
        why = why_absent([(equal("__name__", name),) for name in lacks], [status])
        why = why or (status.stack_reason if status.denied else "")
        if why:
            found.append(f"there is no {', '.join(lacks[:3])} of {_name(status)}: {why}")
    if needed.stacks and len(targets) > MOST_SAMPLED:
        found.append(f"hot functions are sampled of one of {len(targets)} processes: check at most {MOST_SAMPLED}")
    return found


def _lacks(
    view: View, targets: Sequence[TargetStatus], needed: NeededSources
) -> list[tuple[TargetStatus, list[str]]]:
    """Living processes without series that rules ask for and that others have, and which."""
    living = [status for status in targets if status.life is not Life.GONE]
    if len(living) < 2:
        return []
    seen = [needed.names & {name for name, *_ in view.series_of(one.target.identity)} for one in living]
    whole = frozenset().union(*seen)
    return [(status, sorted(whole - own)) for status, own in zip(living, seen, strict=True) if whole - own]


def _name(status: TargetStatus) -> str:
    return f"{status.target.name} {status.target.pid}"
