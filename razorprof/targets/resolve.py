"""From a Selector to the processes that it means. Called by cli.select (which decides what several mean) and ps.

Razorprof itself, its ancestors and what it started never match, except an ancestor or child given by its pid;
neither do kernel threads and zombies.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, TargetNotFound, UsageError
from razorprof.model.target import Identity, Target
from razorprof.remote.process import PROC, ProcessView
from razorprof.targets.selector import Selector, SelectorKind
from razorprof.targets.table import ProcessEntry, ProcessTable, make_table, own_pid, read_table

if TYPE_CHECKING:
    from razorprof.targets.sockets import Listeners

_LIST = "list what is there with: razorprof ps --all"
_ELSEWHERE = (
    "nobody listens there whom razorprof can see; a page inside a container is asked from there: "
    "nsenter -t PID -n razorprof ..."
)
# What stands above the program proper in a container: init shims and shells.
_SHIMS = frozenset({"tini", "dumb-init", "docker-init", "catatonit", "sh", "bash", "dash", "ash"})


def resolve(selector: Selector, *, proc: Path = PROC, table: ProcessTable | None = None) -> list[ProcessEntry]:
    """The matching processes, ascending by pid; at least one.

    Raises TargetNotFound when there is none, TargetGone for a zombie, NotSupported for a kernel thread, the URL of
    another machine or a /proc that is not ours, UsageError for razorprof's own pid, PermissionDenied where the
    owner of a port cannot be seen.
    """
    check_proc(proc)
    table = read_table(proc) if table is None else table
    found: list[ProcessEntry] = []
    match selector.kind:
        case SelectorKind.PID:
            return [_by_pid(selector, table)]
        case SelectorKind.URL:
            found = _by_url(selector, table)
        case SelectorKind.NAME:
            found = [e for e in _candidates(table) if _name_matches(e, selector.value)]
        case SelectorKind.CMD:
            found = [e for e in _candidates(table) if _command_matches(e, selector.value)]
        case SelectorKind.PORT:
            found = _by_port(selector, table)
        case SelectorKind.CONTAINER:
            found = _by_container(selector, table)
    if not found:
        is_url = selector.kind is SelectorKind.URL
        raise TargetNotFound("no process matches", value=selector.text, hint=_ELSEWHERE if is_url else _LIST)
    return found


def resolve_pid(pid: int, *, proc: Path = PROC) -> ProcessEntry:
    """The process `pid`, as `resolve` finds it."""
    return resolve(Selector(SelectorKind.PID, str(pid), str(pid)), proc=proc)[0]


def children(identity: Identity, *, limit: int = 1024, table: ProcessTable | None = None) -> list[ProcessEntry]:
    """The process tree under a process, level by level, without zombies. Razorprof's own family is left out,
    unless it is a child of ours that is asked for, as in a demonstration."""
    table = read_table() if table is None else table
    entry = table.get(identity.pid)
    if entry is None or entry.identity != identity:
        raise TargetGone("the process has ended", value=identity.pid, hint=_LIST)
    started_by_us = table.own_pid is not None and table.own_pid in table.ancestors(identity.pid)
    own = frozenset() if started_by_us else table.own_family()
    below = (table.entries[pid] for pid in table.descendants(identity.pid, limit=limit))
    return [child for child in below if child.is_candidate and child.pid not in own]


def make_target(
    entry: ProcessEntry, selector: Selector | None = None, *, job: str = "", parent: int | None = None
) -> Target:
    """The Target value of a process that was found. job: `--job`, empty for the default."""
    name = entry.name or str(entry.pid)
    given = selector.job if selector is not None else ""
    return Target(
        identity=entry.identity,
        name=name,
        started=entry.view.started(),
        selector=selector.text if selector is not None else "",
        job=job or given or name,
        parent=parent,
    )


def check_proc(proc: Path = PROC) -> None:
    """Refuse a /proc that shows another PID namespace: its pids would mean other processes to the kernel."""
    shown = own_pid(proc)
    if proc == PROC and shown != os.getpid():
        raise NotSupported(
            "the mounted /proc belongs to another PID namespace",
            value=f"we are {os.getpid()}, /proc says {shown}",
            hint="mount the right one: unshare --mount-proc ..., or mount -t proc proc /proc in this namespace",
        )


def _by_pid(selector: Selector, table: ProcessTable) -> ProcessEntry:
    entry = table.get(selector.number)
    if entry is None:
        raise TargetNotFound("no such process", value=selector.number, hint=_foreign_pid(selector.number, table))
    if entry.pid == table.own_pid:  # a child of ours named by its pid is meant: the program of `demo`, say
        raise UsageError("that is razorprof itself", value=entry.pid, hint="give the pid of another process")
    if entry.stat.is_kernel_thread:
        raise NotSupported("that is a kernel thread", value=entry.pid, hint="only programs can be looked into")
    if entry.stat.is_zombie:
        parent = entry.stat.ppid
        raise TargetGone(
            "the process has ended and only waits for its parent to notice (zombie)",
            value=entry.pid,
            hint=f"its parent is pid {parent}",
        )
    return entry


def _foreign_pid(pid: int, table: ProcessTable) -> str:
    """A hint: the pid may be the one that a process has inside of its container."""
    for entry in table:
        if not entry.is_candidate:
            continue
        try:
            inner = entry.view.status().get("NSpid", "").split()
        except RazorprofError:
            continue
        if len(inner) > 1 and inner[-1] == str(pid):
            return f"inside a container, {pid} is what we see as {entry.pid}; {_LIST}"
    return _LIST


def _candidates(table: ProcessTable) -> Iterable[ProcessEntry]:
    own = table.own_family()
    return (entry for entry in table if entry.is_candidate and entry.pid not in own)


def _name_matches(entry: ProcessEntry, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in entry.names)


def _command_matches(entry: ProcessEntry, part: str) -> bool:
    """Another razorprof that looks for the same part holds it too: it is not what is looked for."""
    if "razorprof" in entry.names and "razorprof" not in part:
        return False
    return part in " ".join(entry.arguments)


def _by_port(selector: Selector, table: ProcessTable) -> list[ProcessEntry]:
    from razorprof.targets.sockets import find_listeners  # most targets are given without a port

    return _owners(find_listeners(selector.number, _views(table)), selector, table)


def _by_url(selector: Selector, table: ProcessTable) -> list[ProcessEntry]:
    """Who would answer there: a process of this machine, in our network namespace."""
    from razorprof.remote.tcp_sockets import is_own_address
    from razorprof.targets.sockets import find_listeners

    page = selector.page
    if page is None or not is_own_address(page.ip):
        raise NotSupported(
            "that page is on another machine",
            value=page,
            hint="razorprof looks into processes of this machine: start it there",
        )
    return _owners(find_listeners(page.port, _views(table), address=page.ip), selector, table)


def _views(table: ProcessTable) -> list[ProcessView]:
    return [entry.view for entry in table if entry.is_candidate]


def _owners(listeners: Listeners, selector: Selector, table: ProcessTable) -> list[ProcessEntry]:
    candidates = {entry.pid: entry for entry in _candidates(table)}
    found: set[int] = set()
    for holders in listeners.holders:
        found.update(_one_of(holders & candidates.keys(), candidates, table))
    if not found and listeners.unreadable:
        raise PermissionDenied(
            "somebody listens there, but who it is cannot be seen",
            value=selector.text,
            hint="run razorprof as root or as the user who owns the process",
        )
    return [candidates[pid] for pid in sorted(found)]


def _one_of(
    holders: frozenset[int] | set[int], candidates: dict[int, ProcessEntry], table: ProcessTable
) -> list[int]:
    """Processes that share one socket: their common ancestor, unless that is only the system's or a shell's."""
    if len(holders) < 2:
        return list(holders)
    ancestor = table.common_ancestor(holders)
    if ancestor is not None and ancestor in holders:
        return [ancestor]
    above = candidates.get(ancestor) if ancestor is not None else None
    if above is not None and above.pid != 1 and above.name not in _SHIMS:
        return [above.pid]
    return table.roots(holders)


def _by_container(selector: Selector, table: ProcessTable) -> list[ProcessEntry]:
    """The main process of each container whose id begins so: several containers are several matches."""
    from razorprof.targets.container import container_id

    members: dict[str, list[ProcessEntry]] = {}
    for entry in _candidates(table):
        try:
            found = container_id(entry.view.cgroups())
        except RazorprofError:
            continue
        if found is not None and found.startswith(selector.value):
            members.setdefault(found, []).append(entry)
    return sorted((e for group in members.values() for e in _main_processes(group)), key=lambda entry: entry.pid)


def _main_processes(members: list[ProcessEntry]) -> list[ProcessEntry]:
    """What the container was started for: its first process (not what `exec` brought in), shims passed over."""
    inside = make_table(members)
    tops = [inside.entries[pid] for pid in inside.roots(inside.entries)]
    firsts = [entry for entry in tops if _is_first_of_namespace(entry)] or tops
    return [_below_shims(entry, inside) for entry in firsts]


def _is_first_of_namespace(entry: ProcessEntry) -> bool:
    try:
        inner = entry.view.status().get("NSpid", "").split()
    except RazorprofError:
        return False
    return len(inner) > 1 and inner[-1] == "1"


def _below_shims(entry: ProcessEntry, inside: ProcessTable) -> ProcessEntry:
    while entry.name in _SHIMS:
        below = [other for other in inside if other.stat.ppid == entry.pid]
        if len(below) != 1:
            break
        entry = below[0]
    return entry
