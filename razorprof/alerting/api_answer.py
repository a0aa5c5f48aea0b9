"""The answer of /api/v1/rules, of a watch or of a Prometheus, as what alerting.judge judges.

Whatever comes is checked: it is another program's. What only a watch tells (since when it watches, whom, what a
rule lacks) stands under names of its own. Pure; the asking is the command's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from razorprof.alerting.judge import Evaluation
from razorprof.errors import ToolFailed
from razorprof.model.alert import Alert, AlertState, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels

T = TypeVar("T")
MOST_RULES = 20_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d{1,6})?\d*([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LATE_INTERVALS, _LEAST_LATE = 3.0, 60.0


def parse_rules_answer(document: Any, now: float) -> Evaluation:
    """What it says. now: Unix seconds by the clock of who answers. Raises ToolFailed."""
    if not isinstance(document, Mapping) or document.get("status") != "success":
        words = document.get("error") if isinstance(document, Mapping) else None
        raise ToolFailed("the answer is no success", value=str(words)[:200] if words else type(document).__name__)
    try:
        data = _of(dict, document["data"])
        statuses: list[RuleStatus] = []
        alerts: list[Alert] = []
        missing: dict[RuleKey, str] = {}
        needs: dict[RuleKey, float] = {}
        for key, rule, interval in _rules(data):
            status = _status(key, rule, interval, now)
            statuses.append(status)
            alerts += [_alert(key, one, status.evaluated or now) for one in _of(list, rule.get("alerts") or [])]
            own = _of(dict, rule.get("razorprof") or {})
            if own.get("missing"):
                missing[key] = "there is no " + ", ".join(_text(name) for name in _of(list, own["missing"]))
            if own.get("needs"):
                needs[key] = _number(own["needs"])
        own = _of(dict, data.get("razorprof") or {})
        seconds = now - _time(own["since"]) if own.get("since") else None
        jobs = _jobs(own["targets"]) if "targets" in own else None
        problems = [_text(words) for words in _of(list, document.get("warnings") or [])]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ToolFailed(
            "the answer is not that of /api/v1/rules", value=f"{type(error).__name__}: {error}"
        ) from error
    problem = tuple(problems)
    return Evaluation(now, statuses, alerts, seconds, missing=missing, needs=needs, problems=problem, jobs=jobs)


def _rules(data: Mapping[str, Any]) -> Iterator[tuple[RuleKey, Mapping[str, Any], float]]:
    number = 0
    for group in _of(list, data["groups"]):
        file, name, interval = _text(group["file"]), _text(group["name"]), _number(group.get("interval", 0.0))
        for place, rule in enumerate(_of(list, group["rules"])):
            number += 1
            if number > MOST_RULES:
                raise ValueError("too many rules")
            yield RuleKey(file, name, place, _text(rule["name"])), rule, interval


def _status(key: RuleKey, rule: Mapping[str, Any], interval: float, now: float) -> RuleStatus:
    evaluated = _time(rule.get("lastEvaluation", ""))
    health, error = Health(rule.get("health", "unknown")), _text(rule.get("lastError") or "")
    if evaluated <= 0:
        health = Health.UNKNOWN
    elif now - evaluated > max(_LEAST_LATE, _LATE_INTERVALS * interval):
        health, error = Health.BAD, f"it was last evaluated {now - evaluated:.0f} s ago"
    return RuleStatus(
        key,
        _text(rule["type"]),
        _text(rule["query"]),
        health,
        error,
        evaluated if evaluated > 0 else None,
        _number(rule.get("evaluationTime", 0.0)),
        hold=_number(rule.get("duration", 0.0)),
        keep_firing=_number(rule.get("keepFiringFor", 0.0)),
        labels=_texts(rule.get("labels") or {}),
        annotations=_texts(rule.get("annotations") or {}),
        interval=interval,
    )


def _alert(key: RuleKey, document: Mapping[str, Any], evaluated: float) -> Alert:
    return Alert(
        key,
        Labels(_texts(document["labels"])),
        _texts(document.get("annotations") or {}),
        AlertState(document["state"]),
        float(_text(document.get("value", "NaN"))),
        _time(document.get("activeAt", "")),
        evaluated=evaluated,
    )


def only(
    seen: Evaluation, *, targets: Mapping[int, str] | None = None, rules: Sequence[tuple[str, str]] = ()
) -> Evaluation:
    """The part of it that is about these processes and these rules (group and name); all where none are given.
    targets: pids with their jobs as they would be here: counts where it is not told under which they are watched.

    An alert without a pid is about its instance, else its job, else everything. A rule that is not there, or a
    process that is not watched there, is a problem.
    """
    wanted = set(rules)
    statuses = [s for s in seen.statuses if not wanted or (s.key.group, s.key.name) in wanted]
    keys = {status.key for status in statuses}
    alerts = [alert for alert in seen.alerts if alert.rule in keys]
    there = {(key.group, key.name) for key in keys}
    absent = [
        f"the rule {name} of group {group} is not evaluated there"
        for group, name in rules
        if (group, name) not in there
    ]
    if targets is not None:
        known = seen.jobs
        absent += [
            f"process {pid} is not watched there" for pid in targets if known is not None and pid not in known
        ]
        jobs = {str(pid): job if known is None else known.get(pid, "") for pid, job in targets.items()}
        told = {alert.labels.get("pid", ""): alert.labels.get("job", "") for alert in alerts}
        names = {told.get(pid) or job for pid, job in jobs.items()}
        alerts = [alert for alert in alerts if _is_about(alert.labels, jobs.keys(), names)]
    missing = {key: words for key, words in seen.missing.items() if key in keys}
    return replace(
        seen, statuses=statuses, alerts=alerts, missing=missing, problems=(*seen.problems, *absent)
    )  # fmt: skip


def presence_query(targets: Mapping[int, str]) -> str:
    """PromQL that tells which of these processes (pids with their jobs) series are kept of: by pid, by an instance
    HOST/PID, or by a job whose series name no pid."""
    asked: list[str] = []
    for pid, job in targets.items():
        asked += [f'count by (pid) ({{pid="{pid}"}})', f'count by (instance) ({{instance=~".+/{pid}"}})']
        if job:
            name = job.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            asked.append(f'count by (job) ({{job="{name}",pid="",__name__!~"up|scrape_.+"}})')
    return " or ".join(asked)


def parse_presence(document: Any, targets: Mapping[int, str]) -> frozenset[int]:
    """The processes that the answer to `presence_query` knows. Raises ToolFailed."""
    try:
        if document["status"] != "success":
            raise ValueError("no success")
        found = [_texts(one["metric"]) for one in _of(list, document["data"]["result"])]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ToolFailed(
            "the answer is not that of /api/v1/query", value=f"{type(error).__name__}: {error}"
        ) from error
    pids = {labels.get("pid", "") or labels.get("instance", "").rpartition("/")[2] for labels in found}
    jobs = {labels["job"] for labels in found if labels.get("job")}
    return frozenset(pid for pid, job in targets.items() if str(pid) in pids or job in jobs)


def _is_about(labels: Labels, pids: Collection[str], jobs: Collection[str]) -> bool:
    """Whether an alert is about one of these processes, by the most telling of its labels."""
    if "pid" in labels:
        return labels["pid"] in pids
    _, slash, pid = labels.get("instance", "").rpartition("/")
    if slash and pid.isdecimal():
        return pid in pids
    return "job" not in labels or labels["job"] in jobs


def _jobs(found: Any) -> dict[int, str]:
    return {int(_number(one["pid"])): _text(one["job"]) for one in _of(list, found)}


def _of(kind: type[T], found: Any) -> T:
    if not isinstance(found, kind):
        raise TypeError(f"a {type(found).__name__} where there should be another thing")
    return found


def _text(found: Any) -> str:
    return _of(str, found)


def _texts(found: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in _of(dict, found).items()}


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError("no number")
    return float(found)


def _time(found: Any) -> float:
    """Unix seconds of an RFC 3339 text; before 1970 for one that says never, or nothing."""
    if found == "":
        return -1.0
    parts = _TIME.fullmatch(_text(found))
    if parts is None:
        raise ValueError(f"no time: {str(found)[:40]}")
    zone = "+00:00" if parts[3] in "Zz" else parts[3]
    moment = datetime.fromisoformat(f"{parts[1]}{parts[2] or ''}{zone}")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
