"""The HTML report's last parts: the process's facts and doctor's checks, out of plain documents.
For render.report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from razorprof.render import figures
from razorprof.render.report_markup import facts, fold, paragraph, table, text

_SINGLE = (
    ("command", "Command"),
    ("executable", "Executable"),
    ("working_folder", "Working folder"),
    ("root", "Root"),
    ("parent", "Parent"),
    ("state", "State"),
    ("threads", "Threads"),
    ("tracer", "Traced by"),
    ("oom_score", "OOM score"),
    ("oom_score_adjustment", "OOM adjustment"),
    ("cpus_allowed", "CPUs allowed"),
)


def process(document: Mapping[str, Any], why: str) -> str:
    """Who it is and what it may use."""
    if not document:
        return paragraph(why, "dim")
    rows = [(label, document[key]) for key, label in _SINGLE if document.get(key) is not None]
    user, container, machine = (document.get(key) or {} for key in ("user", "container", "machine"))
    if user:
        rows.insert(1, ("User", f"{user['name'] or ''} {user['uid']}, group {user['gid']}".strip()))
    if container:
        rows += _container(container)
    if machine:
        load = ", ".join(f"{one:.2f}" for one in machine["load"])
        rows.append(("Machine", f"{machine['system']}, {machine['cpus']} CPUs, load {load}"))
    return facts(rows) + "".join(_lists(document)) + _reasons(document)


def checks(found: Sequence[tuple[str, bool | None, str, str]], why: str) -> str:
    """Doctor's table."""
    if not found:
        return paragraph(why, "dim")
    words = {True: "ok", False: "FAIL", None: figures.NOTHING}
    rows = [(words[ok], name, detail, fix) for name, ok, detail, fix in found]
    return table(("", "Check", "Found", "What mends it"), rows)


def _container(container: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [("Container", container["id"] or "none that is known")]
    if container.get("limit_bytes") is not None:
        used = figures.size(container.get("working_set_bytes"))
        rows.append(("Memory limit", f"{figures.size(container['limit_bytes'])}, {used} in use"))
    if container.get("quota") and container.get("period"):
        rows.append(("CPU quota", f"{container['quota'] / container['period']:.2f} CPUs"))
    if container.get("throttled_seconds"):
        rows.append(("Throttled", figures.duration(container["throttled_seconds"])))
    return rows


def _lists(document: Mapping[str, Any]) -> list[str]:
    parts = []
    if limits := document.get("limits"):
        rows = [(one["name"], _limit(one["soft"]), _limit(one["hard"]), one["unit"] or "") for one in limits]
        parts.append(fold("Limits", table(("Limit", "Soft", "Hard", "Unit"), rows, (1, 2))))
    if descriptors := document.get("descriptors"):
        kinds = ", ".join(f"{count} {kind}" for kind, count in descriptors["by_kind"].items())
        named = [
            (one["number"], one["kind"], one["name"], one["local"], one["peer"]) for one in descriptors["first"]
        ]
        inside = table(("", "Kind", "Name", "Here", "Peer"), named, (0,))
        parts.append(fold(f"{descriptors['count']} descriptors: {kinds}", inside))
    spaces = {kind: one for kind, one in (document.get("namespaces") or {}).items() if one}
    if spaces:
        links = [(kind, one["link"], "ours" if one["is_ours"] else "another") for kind, one in spaces.items()]
        parts.append(fold("Namespaces", table(("Kind", "Namespace", ""), links)))
    if names := document.get("environment_names"):
        listed = ", ".join(map(text, names))  # each by itself: together they may be longer than a text may be
        parts.append(fold(f"{len(names)} names of the environment", f"<p>{listed}</p>"))
    return parts


def _reasons(document: Mapping[str, Any]) -> str:
    reasons = document.get("reasons") or {}
    if not reasons:
        return ""
    rows = [(key.replace("_", " "), why) for key, why in reasons.items()]
    return "<h3>Could not be told</h3>" + table(("", "Why"), rows)


def _limit(value: int | None) -> str:
    return "unlimited" if value is None else str(value)
