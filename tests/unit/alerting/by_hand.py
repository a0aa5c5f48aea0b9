"""Rules made by hand, series that a test drives, and a session's evaluator over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rules import AlertingRule, RecordingRule, Rule, RuleFile, RuleGroup
from razorprof.alerting.template import Template, TemplateData
from razorprof.model.alert import Alert, AlertChange, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.store.memory import MemoryStore

START = 1_700_006_400.0  # midnight: a multiple of every interval
MINUTE = 60.0
Texts = Mapping[str, str | Template]


@dataclass(frozen=True, slots=True)
class Saying(Template):
    """A template whose text a function says."""

    say: Callable[[TemplateData], str] = field(default=lambda data: "")

    def expand(self, data: TemplateData) -> str:
        return self.say(data)


def saying(say: Callable[[TemplateData], str], text: str = "{{ ... }}") -> Template:
    return Saying(text, False, say=say)


def alerting(
    name: str,
    expr: str,
    hold: float = 0.0,
    keep_firing: float = 0.0,
    labels: Texts | None = None,
    annotations: Texts | None = None,
) -> AlertingRule:
    key = RuleKey("", "", 0, name)
    return AlertingRule(key, compile_query(expr), hold, keep_firing, _plain(labels), _plain(annotations))


def recording(name: str, expr: str, labels: Mapping[str, str] | None = None) -> RecordingRule:
    return RecordingRule(RuleKey("", "", 0, name), compile_query(expr), labels or {})


def group(
    *rules: Rule,
    name: str = "g",
    file: str = "rules.yml",
    interval: float | None = MINUTE,
    limit: int = 0,
    offset: float | None = None,
) -> RuleGroup:
    """The rules under their keys."""
    placed: list[Rule] = []
    for place, rule in enumerate(rules):
        key = RuleKey(file, name, place, rule.key.name)
        if isinstance(rule, AlertingRule):
            made: Rule = AlertingRule(
                key, rule.query, rule.hold, rule.keep_firing, rule.labels, rule.annotations
            )  # fmt: skip
        else:
            made = RecordingRule(key, rule.query, rule.labels)
        placed.append(made)
    return RuleGroup(file, name, tuple(placed), interval, limit, offset)


def files(*groups: RuleGroup) -> list[RuleFile]:
    paths = dict.fromkeys(one.file for one in groups)
    return [RuleFile(path, tuple(one for one in groups if one.file == path)) for path in paths]


class Session:
    """A store, what a test puts into it, and an evaluator. Times are seconds after START."""

    def __init__(
        self, *groups: RuleGroup, options: EvaluatorOptions | None = None, store: MemoryStore | None = None
    ) -> None:
        self.store = store or MemoryStore(seconds=14 * 86_400.0, max_bytes=1 << 30)
        self.evaluator = Evaluator(files(*groups), self.store, self.store, options)
        self._group = self.store.group(Labels(), max_series=10_000)

    def put(self, at: float, values: Mapping[str, float]) -> None:
        """One sample of each series, written `name` or `name label=value ...`; the others are stale."""
        samples = []
        for text, value in values.items():
            name, *pairs = text.split()
            labels = Labels(dict(pair.split("=") for pair in pairs))
            samples.append(Sample(gauge(name, "", ""), value, labels))
        self._group.append(START + at, samples)

    def tick(self, at: float, values: Mapping[str, float] | None = None) -> list[str]:
        """Evaluate after putting the values. What changed, as `name before>after`."""
        if values is not None:
            self.put(at, values)
        return [told(change) for change in self.evaluator.evaluate(START + at)]

    def ask(self, text: str, at: float) -> dict[str, float]:
        """The answer to a query, labels in a word."""
        value = compile_query(text).instant(self.store, START + at)
        assert isinstance(value, Vector)
        names = [" ".join(f"{name}={text}" for name, text in labels.items()) for labels in value.labels]
        return dict(zip(names, value.values[0].tolist(), strict=True))

    @property
    def alert(self) -> Alert:
        """The only alert there is."""
        (alert,) = self.evaluator.alerts()
        return alert

    @property
    def error(self) -> str:
        """Of the first rule."""
        return self.evaluator.statuses()[0].error


def told(change: AlertChange) -> str:
    return f"{change.alert.name} {change.before}>{change.after}"


def states(alerts: Iterable[Alert]) -> dict[str, str]:
    """Labels less alertname, in a word -> state."""
    return {
        " ".join(f"{name}={text}" for name, text in alert.labels.without("alertname").items()): alert.state.value
        for alert in alerts
    }


def _plain(texts: Texts | None) -> dict[str, Template]:
    return {name: Template(text) if isinstance(text, str) else text for name, text in (texts or {}).items()}
