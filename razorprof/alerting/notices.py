"""Which alerts are to be told now: new ones at once, firing ones again and again, resolved ones as such.

The rule is Prometheus's (rules/alerting.go: needsSending), with three things more: what resolved unseen is told as
resolved (between two looks, over a restart, with its rule gone), what a silence hides is not told, and each notice
knows whether it says something new. Pure: time is given. Called at each tick by session.alert_desk; who is told,
and what happens when that fails, is session.dispatch's business.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from razorprof.alerting import episodes, notice_documents
from razorprof.alerting.episodes import Episode
from razorprof.alerting.rules import RuleFile
from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice

_VALID_FOR = 4  # times the longer of interval and resend: two evaluations or sendings may fail (rules/manager.go)
_PATIENCE = 4  # evaluations after a restart until an alert that does not show up counts as resolved
_RANK = {AlertState.FIRING: 0, AlertState.INACTIVE: 1, AlertState.PENDING: 2}
_NOTHING: Mapping[Labels, Mapping[str, str]] = {}
_VERSION = 1


@dataclass(frozen=True, slots=True)
class NoticingOptions:
    """interval: seconds between evaluations of groups that give none; resend: seconds after which a firing or
    resolved alert is told again; external_labels: given to alerts that have no such label; external_url: of the
    place where an expression can be looked at as in Prometheus, empty for none."""

    interval: float = 15.0
    resend: float = 60.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""


class Noticing:
    """Owns what was told of each alert. One thread.

    Alerts of several rules that have the same labels are one to whoever is told, and so they are here: it fires
    while one of them does.
    """

    def __init__(self, options: NoticingOptions | None = None) -> None:
        self._options = options or NoticingOptions()
        self._episodes: dict[Labels, Episode] = {}
        self._owed: dict[Labels, Notice] = {}  # resolved ones that a silence holds back
        self._told_as: dict[Labels, Labels] = {}  # of the alerts that there are: made once
        self._intervals: dict[tuple[str, str], float] = {}
        self._expressions: dict[RuleKey, str] = {}

    def adopt(self, files: Sequence[RuleFile]) -> None:
        """The rules from now on: for the intervals of their groups and the expressions that notices link to."""
        groups = [group for file in files for group in file.groups]
        self._intervals = {(g.file, g.name): g.interval for g in groups if g.interval is not None}
        self._expressions = {rule.key: rule.query.text for group in groups for rule in group.rules}

    def labels_of(self, alert: Alert) -> Labels:
        """Its labels as they are told: with the external ones, where it has none of that name."""
        external = self._options.external_labels
        if not external:
            return alert.labels
        known = self._told_as.get(alert.labels)
        return known if known is not None else Labels({**external, **alert.labels})

    def due(
        self,
        alerts: Sequence[Alert],
        time: float,
        extra: Mapping[Labels, Mapping[str, str]] = _NOTHING,
        hides: Callable[[Labels], bool] = lambda labels: False,
    ) -> list[Notice]:
        """What is to be told at `time`, Unix seconds: each firing before its resolution.

        alerts: all of the evaluator's; extra: more annotations by Alert.labels: they count at the first notice of
        a firing and at the first of its resolution, and stay; hides: whether a silence covers such labels (those
        of labels_of) now. What fires and ends while it is hidden is never told; what was told before and ends
        while it is hidden is told as resolved when the silence is over.
        """
        present = self._present(alerts)
        notices = [self._owed.pop(labels) for labels in tuple(self._owed) if not hides(labels)]
        for labels, alert in present.items():
            more = extra.get(alert.labels, {})
            notices.extend(self._look(labels, alert, time, more, is_hidden=hides(labels)))
        for labels in [labels for labels in self._episodes if labels not in present]:
            notices.extend(self._miss(self._episodes[labels], time, is_hidden=hides(labels)))
        return notices

    def remembered(self) -> dict[str, object]:
        """What a state file keeps over a restart, in values that JSON knows."""
        return {
            "version": _VERSION,
            "episodes": [episodes.as_document(episode) for episode in self._episodes.values()],
            "owed": [notice_documents.as_document(notice) for notice in self._owed.values()],
        }

    def recall(self, document: object, time: float) -> None:
        """Take up what `remembered` gave before a restart; anything else counts as nothing. To be called before
        the first `due`. An alert that then fires is told as a repeat, one that is resolved as resolved, and one
        that does not show up counts as resolved once the rules had time to be evaluated."""
        if not isinstance(document, Mapping) or document.get("version") != _VERSION:
            return
        for entry in notice_documents.entries(document, "episodes"):
            with contextlib.suppress(ValueError):
                episode = episodes.from_document(entry)
                self._episodes[episode.labels] = episode
                if not episode.is_over:
                    patience = max(_PATIENCE * episode.interval, self._options.resend)
                    episode.ends_at = max(episode.ends_at, time + patience)
        for entry in notice_documents.entries(document, "owed"):
            with contextlib.suppress(ValueError):
                notice = notice_documents.from_document(entry)
                self._owed[notice.labels] = notice

    def _present(self, alerts: Sequence[Alert]) -> dict[Labels, Alert]:
        """The alerts by the labels that are told. Where several have the same: the one that fires, for longest."""
        found: dict[Labels, Alert] = {}
        told_as = {alert.labels: self.labels_of(alert) for alert in alerts}
        self._told_as = told_as
        for alert in alerts:
            labels = told_as[alert.labels]
            before = found.get(labels)
            if before is None or _precedence(alert) < _precedence(before):
                found[labels] = alert
        return found

    def _look(
        self, labels: Labels, alert: Alert, time: float, extra: Mapping[str, str], *, is_hidden: bool
    ) -> Iterator[Notice]:
        now = alert.evaluated or time  # as in Prometheus, where alerts are sent once their group was evaluated
        episode = self._episodes.get(labels)
        if episode is not None and not episode.is_of(alert):
            yield from self._end(episode, min(alert.active_at, now), now, is_hidden=is_hidden)
            episode = None
        if alert.state is AlertState.PENDING:
            if episode is not None:  # a reload made its `for` longer: who was told hears no more
                yield from self._miss(episode, time, is_hidden=is_hidden)
            return
        is_new = episode is None
        if episode is None:
            started = now if alert.fired_at is None else alert.fired_at
            episode = self._episodes[labels] = Episode(labels, started, alert.active_at)
        self._update(episode, alert)
        if alert.state is AlertState.FIRING:
            if not is_hidden:
                yield from self._fires(episode, now, extra)
            return
        ended = now if alert.resolved_at is None else alert.resolved_at
        if (
            is_new and not is_hidden and now - ended <= self._validity(episode)
        ):  # both happened since the last look
            yield from self._fires(episode, now, extra)
        yield from self._is_resolved(episode, ended, now, extra, is_hidden=is_hidden)

    def _miss(self, episode: Episode, time: float, *, is_hidden: bool) -> Iterator[Notice]:
        """It is not among the alerts (any more). One that was never seen to end counts as firing for as long as
        was told."""
        if episode.is_over or not episode.told_firing or time > episode.ends_at:
            yield from self._end(episode, episode.ends_at, time, is_hidden=is_hidden)

    def _update(self, episode: Episode, alert: Alert) -> None:
        episode.is_unsure = False
        episode.active_at = alert.active_at
        episode.annotations = alert.annotations
        episode.value = alert.value
        episode.interval = self._intervals.get((alert.rule.file, alert.rule.group), self._options.interval)
        expression = self._expressions.get(alert.rule, "")
        if self._options.external_url and expression:
            base = self._options.external_url.rstrip("/")
            episode.generator_url = f"{base}/graph?g0.expr={quote_plus(expression)}&g0.tab=1"

    def _fires(self, episode: Episode, now: float, extra: Mapping[str, str]) -> Iterator[Notice]:
        is_repeat = episode.told_firing
        if is_repeat and not self._is_stale(episode, now):
            return
        if not is_repeat:
            episode.extra = dict(extra)
        episode.ends_at = now + self._validity(episode)
        episode.told_firing, episode.sent = True, now
        yield episode.notice(is_repeat=is_repeat)

    def _is_resolved(
        self, episode: Episode, ended: float, now: float, extra: Mapping[str, str], *, is_hidden: bool
    ) -> Iterator[Notice]:
        if not episode.is_over:
            episode.is_over, episode.ends_at = True, max(ended, episode.starts_at)
        is_repeat = episode.told_resolved
        if is_hidden or not episode.told_firing or (is_repeat and not self._is_stale(episode, now)):
            return
        if not is_repeat:
            episode.extra = {**episode.extra, **extra}
        episode.told_resolved, episode.sent = True, now
        yield episode.notice(is_repeat=is_repeat)

    def _end(self, episode: Episode, ended: float, now: float, *, is_hidden: bool) -> Iterator[Notice]:
        """Forget it. Who was told that it fires, and not yet that it ceased to, is told now."""
        del self._episodes[episode.labels]
        if episode.told_firing and not episode.told_resolved:
            if not episode.is_over:
                episode.is_over, episode.ends_at = True, max(min(ended, now), episode.starts_at)
            notice = episode.notice(is_repeat=False)
            if is_hidden:
                self._owed[episode.labels] = notice
            else:
                yield notice

    def _is_stale(self, episode: Episode, now: float) -> bool:
        """Whether it has to be told again; a clock that went back must not keep it waiting."""
        return not episode.sent <= now <= episode.sent + self._options.resend

    def _validity(self, episode: Episode) -> float:
        return _VALID_FOR * max(episode.interval, self._options.resend)


def _precedence(alert: Alert) -> tuple[int, float]:
    return _RANK[alert.state], alert.fired_at if alert.fired_at is not None else alert.active_at
