"""All processes at one moment, and their family relations. Called by resolve, tree-shaped commands and ps.

One pass over /proc: about 50 microseconds a process. Processes that vanish during the pass are left out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from razorprof.errors import RazorprofError
from razorprof.model.target import Identity
from razorprof.remote.process import PROC, ProcessView, Stat, all_processes
from razorprof.targets.naming import all_names, display_name

_LARGEST_FAMILY = 4096


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """A process as it was when the table was read."""

    view: ProcessView
    stat: Stat
    arguments: tuple[str, ...]

    @property
    def pid(self) -> int:
        return self.stat.pid

    @property
    def identity(self) -> Identity:
        return Identity(self.stat.pid, self.stat.start_ticks)

    @property
    def name(self) -> str:
        """Its display name (untrusted)."""
        return display_name(self.arguments, self.stat.comm)

    @property
    def names(self) -> frozenset[str]:
        """Every name that ``name:`` may match (untrusted)."""
        return all_names(self.arguments, self.stat.comm)

    @property
    def is_candidate(self) -> bool:
        """Whether there is anything to look into: no kernel thread, no zombie."""
        return not self.stat.is_kernel_thread and not self.stat.is_zombie


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """entries by pid; own_pid: razorprof's pid as this /proc shows it, None where it does not."""

    entries: Mapping[int, ProcessEntry]
    own_pid: int | None = None
    _children: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[ProcessEntry]:
        return iter(self.entries.values())

    def get(self, pid: int) -> ProcessEntry | None:
        return self.entries.get(pid)

    def ancestors(self, pid: int) -> list[int]:
        """Parents, nearest first; ends at a pid that is not in the table."""
        found: list[int] = []
        entry = self.entries.get(pid)
        while entry is not None and entry.stat.ppid in self.entries and entry.stat.ppid not in found:
            found.append(entry.stat.ppid)
            entry = self.entries[entry.stat.ppid]
        return found

    def descendants(self, pid: int, *, limit: int = _LARGEST_FAMILY) -> list[int]:
        """Children, their children and so on, level by level; at most `limit`."""
        found: list[int] = []
        seen = {pid}
        level = [pid]
        while level and len(found) < limit:
            below = [child for parent in level for child in self._children.get(parent, ()) if child not in seen]
            seen.update(below)
            found.extend(below)
            level = below
        return found[:limit]

    def own_family(self) -> frozenset[int]:
        """Razorprof itself, its ancestors and what it started: never to be matched by a selector."""
        if self.own_pid is None:
            return frozenset()
        return frozenset({self.own_pid, *self.ancestors(self.own_pid), *self.descendants(self.own_pid)})

    def common_ancestor(self, pids: Iterable[int]) -> int | None:
        """The nearest process above all of `pids`; one of them where it stands above the others."""
        lines = [[*reversed(self.ancestors(pid)), pid] for pid in pids]
        nearest = None
        for level in zip(*lines, strict=False):
            if len(set(level)) != 1:
                break
            nearest = level[0]
        return nearest

    def roots(self, pids: Iterable[int]) -> list[int]:
        """Those of `pids` that stand under no other of them, ascending."""
        wanted = set(pids)
        return sorted(pid for pid in wanted if wanted.isdisjoint(self.ancestors(pid)))


def read_table(proc: Path = PROC) -> ProcessTable:
    """The processes of this pid namespace now."""
    entries: dict[int, ProcessEntry] = {}
    for view in all_processes(proc):
        try:
            stat = view.stat()
            kernel = stat.is_kernel_thread or stat.is_zombie
            entries[view.pid] = ProcessEntry(view, stat, () if kernel else view.command_line())
        except RazorprofError:
            continue  # gone meanwhile, or hidden from us (hidepid)
    return make_table(entries.values(), own_pid(proc))


def make_table(entries: Iterable[ProcessEntry], own: int | None = None) -> ProcessTable:
    """A table of given entries."""
    by_pid = {entry.pid: entry for entry in entries}
    children: dict[int, list[int]] = defaultdict(list)
    for pid in sorted(by_pid):
        children[by_pid[pid].stat.ppid].append(pid)
    return ProcessTable(by_pid, own, {pid: tuple(kids) for pid, kids in children.items()})


def own_pid(proc: Path = PROC) -> int | None:
    """Our pid as `proc` shows it; None where it shows another pid namespace or is a frozen tree."""
    try:
        return int(os.readlink(proc / "self"))
    except (OSError, ValueError):
        return None
