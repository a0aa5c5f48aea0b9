"""A session's state as the JSON document of CONTRACT's `top`: what cannot be had is null, with a reason."""

from __future__ import annotations

from typing import Any

from razorprof.model.gc import CollectorGc, GcState, InterpreterGc
from razorprof.model.metric import Quality
from razorprof.model.profile import Profile, top
from razorprof.model.target import Identity
from razorprof.model.threads import ThreadDump
from razorprof.model.verdict import Verdict
from razorprof.session.alert_document import AlertParts, alert_parts
from razorprof.session.threads_document import thread_document
from razorprof.session.view import SessionState, TargetStatus, View

MOST_FUNCTIONS = 30
_NOT_READ = "not read yet"


def top_document(view: View, state: SessionState) -> dict[str, Any]:
    """One document for one tick; plain values only. The figures are those of `state`."""
    alerts = alert_parts(state)
    return {
        "time": state.time,
        "targets": [_target(view, status, alerts) for status in state.targets],
        **alerts.top(),
        "overhead": {
            "self_cpu_ratio": state.overhead.self_cpu_ratio,
            "self_rss_bytes": state.overhead.self_rss_bytes,
            "target_stopped_ratio": state.overhead.target_stopped_ratio,
            "sampling_rate_hz": state.overhead.sampling_rate_hz,
            "sampling_errors": state.overhead.sampling_errors,
            "dropped": state.overhead.dropped,
            "behind": state.overhead.behind,
        },
    }


def _target(view: View, status: TargetStatus, alerts: AlertParts) -> dict[str, Any]:
    identity = status.target.identity
    document: dict[str, Any] = {
        "pid": identity.pid,
        "start_time": status.target.started,
        "name": status.target.name,
        "command": status.command,
        "runtime": status.runtime or None,
        "version": status.version,
        "state": status.life.value,
        "parent": status.target.parent,
        "labels": dict(status.labels),
        "metrics": [
            {"name": name, "labels": labels, "value": value} for name, labels, value in view.series_of(identity)
        ],
    }
    if status.ended is not None:
        document["ended"] = {"time": status.ended, "how": status.how}
    document |= _functions(view, status)
    document |= _threads(view.structure(identity, ThreadDump), status)
    document |= _gc(view.structure(identity, GcState), status)
    document |= alerts.of(identity)
    document |= _verdict(view.verdict(identity))
    if status.deviation is not None:
        document["deviation"] = {"score": status.deviation, "of": status.deviation_of}
    document["sources"] = [
        {
            "name": source.name,
            "up": source.up,
            "error": None
            if source.error is None
            else {"name": source.error.name, "message": source.error.message},
            "duration_seconds": source.duration,
            "missing": dict(source.missing),
        }
        for source in status.sources
    ]
    return document


def _functions(view: View, status: TargetStatus) -> dict[str, Any]:
    identity: Identity = status.target.identity
    profile: Profile = view.profile(identity)
    if not profile.seconds:
        return {"functions": None, "functions_reason": status.stack_reason or "no stacks were sampled"}
    report = view.sampling(identity)
    return {
        "functions": [
            {
                "function": function.function,
                "file": function.file,
                "line": function.line,
                "self_ratio": function.self_ratio,
                "total_ratio": function.total_ratio,
            }
            for function in top(profile)[:MOST_FUNCTIONS]
        ],
        "sampling": {
            "window_seconds": profile.seconds,
            "samples": profile.samples,
            "errors": profile.errors,
            "rate_hz": profile.rate_hz,
            "mode": profile.mode,
            "cost_seconds": report.cost_seconds if report else None,
        },
    }


def _threads(dump: ThreadDump | None, status: TargetStatus) -> dict[str, Any]:
    if dump is None:
        return {"threads": None, "threads_reason": _reason(status, "threads", _NOT_READ)}
    threads = [thread_document(thread) for thread in dump.threads]
    return {"threads": threads} | ({"threads_reason": dump.stacks_reason} if dump.stacks_reason else {})


def _gc(state: GcState | None, status: TargetStatus) -> dict[str, Any]:
    if state is None:
        return {"gc": None, "gc_reason": _reason(status, "gc", _NOT_READ)}
    return {"gc": gc_document(state, status.runtime)}


def gc_document(state: GcState, runtime: str = "") -> dict[str, Any]:
    """The collectors in the shape of CONTRACT's `gc`. runtime: its name; some have an object of their own."""
    document: dict[str, Any] = {
        "time": state.time,
        "interpreters": [_interpreter(one) for one in state.interpreters],
    }
    if state.interpreters:
        return document
    collectors = [_collector(one) for one in state.collectors]
    pools = [
        {"name": pool.name, "used": pool.used, "committed": pool.committed, "max": pool.max}
        for pool in state.pools
    ]
    document |= {
        "collectors": collectors,
        "pools": pools,
        "figures": [
            {
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit or None,
                "quality": figure.quality.value,
                "reason": figure.reason or None,
            }
            for figure in state.figures
        ],
        "cpu_ratio": state.cpu_ratio,
    }
    if runtime == "go" and state.collectors:
        go = state.collectors[0]
        document["go"] = {
            "collections": go.collections,
            "pause_seconds_total": go.seconds,
            "cpu_fraction": state.cpu_ratio,
            "pauses": collectors[0]["pauses"],
            "pauses_lost": go.lost,
        }
    elif runtime == "jvm":
        document["jvm"] = {
            "collectors": [
                {"name": one.name, "collections": one.collections, "seconds": one.seconds}
                for one in state.collectors
            ],
            "pools": pools,
        }
    return document


def _collector(one: CollectorGc) -> dict[str, Any]:
    return {
        "name": one.name,
        "collections": one.collections,
        "forced": one.forced,
        "seconds": one.seconds,
        "seconds_exact": one.seconds_quality is Quality.EXACT,
        "pauses": [{"end": pause.end, "seconds": pause.seconds} for pause in one.pauses],
        "pauses_lost": one.lost,
        "last_end": one.last_end,
    }


def _interpreter(one: InterpreterGc) -> dict[str, Any]:
    return {
        "id": one.id,
        "enabled": one.enabled,
        "collecting": one.collecting,
        "frozen": one.frozen,
        "garbage": one.garbage,
        "generations": None
        if one.generations is None
        else [
            {
                "generation": g.generation,
                "count": g.count,
                "threshold": g.threshold,
                "collections": g.collections,
                "collected": g.collected,
                "uncollectable": g.uncollectable,
            }
            for g in one.generations
        ],
        "gc_seconds": one.gc_seconds,
        "gc_seconds_exact": one.gc_seconds_quality is Quality.EXACT,
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": None, "verdict_reason": "too little seen yet"}
    return {
        "verdict": {
            "limit": verdict.limit.value,
            "share": verdict.share,
            "words": verdict.words,
            "seconds": verdict.seconds,
            "split": {limit.value: share for limit, share in verdict.split.items()},
            "evidence": [{"what": e.what, "value": e.value, "source": e.source} for e in verdict.evidence],
        }
    }


def _reason(status: TargetStatus, source: str, otherwise: str) -> str:
    """Why a source gave nothing."""
    for one in status.sources:
        if one.name == source and one.error is not None:
            return one.error.message
    if source in status.absent:
        return status.absent[source]
    if status.runtime and not status.focused:
        return f"{source} are read of the selected target only, when many are watched"
    if not status.runtime and status.stack_reason:
        return status.stack_reason
    return otherwise
