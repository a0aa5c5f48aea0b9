"""Only those sources that give what rules ask for: a check once a minute starts no profiler that nobody needs.

Wraps the plugins that a session is given. Called by session.check_run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import cast

from razorprof.alerting.rules import AlertingRule, Rule
from razorprof.plugin.protocols import Capability, Detection, Runtime, Source, Support
from razorprof.query.plan import selections
from razorprof.query.requirements import name_of
from razorprof.remote.process import ProcessView
from razorprof.session.pipeline import FUNCTION_CPU, OWN_METRICS, TARGET_STOPPED, series_names

_OF_STACKS = frozenset({FUNCTION_CPU.name, TARGET_STOPPED.name})


class NeededSources:
    """Which sources rules need. names: of the series that they ask for, as far as they name them."""

    def __init__(self, rules: Iterable[Rule], recorded: Collection[str]) -> None:
        """recorded: names of series that rules write."""
        rules = tuple(rules)
        names = {name_of(matchers) for rule in rules for matchers in selections(rule.query.program)}
        self._all = "" in names or any(map(_asks_more, rules))  # by a regex, or in a template
        self.names = names - set(recorded)

    @property
    def stacks(self) -> bool:
        """Whether rules ask for what is sampled."""
        return self._all or not _OF_STACKS.isdisjoint(self.names)

    def is_needed(self, source: Source) -> bool:
        """Whether a source gives any of it."""
        if self._all:
            return True
        if getattr(source, "open_ended", False):  # it may give what no other is known to
            return bool(self.names - series_names(OWN_METRICS))
        if not source.metrics:
            return self.stacks
        return not series_names(source.metrics).isdisjoint(self.names)

    def sources(self, load: Callable[[], Sequence[Source]]) -> Callable[[], Sequence[Source]]:
        """Those of no runtime."""
        return lambda: [source for source in load() if self.is_needed(source)]

    def runtimes(self, load: Callable[[], Sequence[Runtime]]) -> Callable[[], Sequence[Runtime]]:
        """All runtimes, each with what is needed of its sources."""
        return lambda: [cast("Runtime", _Narrowed(runtime, self.is_needed)) for runtime in load()]


class _Narrowed:
    """A runtime with some of its sources."""

    def __init__(self, runtime: Runtime, is_needed: Callable[[Source], bool]) -> None:
        self.name = runtime.name
        self._runtime = runtime
        self._is_needed = is_needed

    def detect(self, process: ProcessView) -> Detection | None:
        return self._runtime.detect(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        return self._runtime.capabilities(detection)

    def sources(self, detection: Detection) -> Sequence[Source]:
        return [source for source in self._runtime.sources(detection) if self._is_needed(source)]


def _asks_more(rule: Rule) -> bool:
    """Whether the texts of a rule may ask for other series."""
    return isinstance(rule, AlertingRule) and any(
        "query" in template.text for texts in (rule.labels, rule.annotations) for template in texts.values()
    )
