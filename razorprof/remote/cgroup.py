"""Limits, use and pressure of the container that a process lives in, through cgroup v1 and v2.

For sources.cgroup, the watch over a target's end, and session.protect (which must load fast: nothing heavy here).
The root of a hierarchy is no container: of it nothing is told. Numbers are the kernel's, None where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from razorprof.remote.cgroup_paths import Group, find_group, visible_mounts
from razorprof.remote.process import PROC, ProcessView

_V1_UNLIMITED = 1 << 62  # v1 writes "no limit" as the largest multiple of the page size (mm/page_counter.c)
NO_CONTAINER = "in no container: its control group is the root"
RESOURCES = ("cpu", "memory", "io")


@dataclass(frozen=True, slots=True)
class ContainerFigures:
    """What the container has used and may use. Times in seconds, sizes in bytes, quota and period in microseconds.

    The CPU figures are of the group with the tightest quota (itself or an ancestor), because that is the one
    that throttles. limit_bytes: the smallest of its own and its ancestors'; None when unlimited. pressure:
    (resource, "waiting" or "stalled") -> seconds. reasons: which part is missing, and why.
    """

    periods: int | None = None
    throttled_periods: int | None = None
    throttled_seconds: float | None = None
    quota: int | None = None
    period: int | None = None
    usage_bytes: int | None = None
    working_set_bytes: int | None = None
    limit_bytes: int | None = None
    oom_kills: int | None = None
    pressure: Mapping[tuple[str, str], float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemoryLevel:
    """One group with a memory limit, of those around a process. `name` is its folder (untrusted text).

    limit_bytes: where harm begins: at the limit, or at memory.high, from which on the kernel slows the group down.
    """

    name: str
    limit_bytes: int
    working_set_bytes: int

    @property
    def headroom_bytes(self) -> int:
        return self.limit_bytes - self.working_set_bytes


class ContainerView:
    """The groups of one process. Where it lives is found at first use, and again when it was moved.

    After its end the figures of the last known groups can still be asked for, while these exist.
    """

    def __init__(self, target: ProcessView, *, observer: ProcessView | None = None) -> None:
        self._target = target
        self._observer = observer or ProcessView(_own_pid(target.proc), proc=target.proc)
        self._where: tuple[tuple[str, str], ...] | None = None
        self._groups: dict[str, Group | str] = {}

    def figures(self) -> ContainerFigures:
        """All figures now. Raises TargetGone and PermissionDenied; a part that is missing only has a reason."""
        self._locate()
        reasons: dict[str, str] = {}
        figures = ContainerFigures(reasons=reasons)
        if cpu := self._group("cpu", reasons):
            figures = _with_cpu(figures, cpu)
        if memory := self._group("memory", reasons):
            figures = _with_memory(figures, memory)
        if unified := self._group("", reasons):
            figures = replace(figures, pressure=_pressure(unified))
        return figures

    def memory_levels(self) -> list[MemoryLevel]:
        """The groups with a memory limit, innermost first."""
        self._locate()
        group = self._group("memory", {})
        if group is None:
            return []
        levels = []
        for level in group.levels():
            limit, used = _ceiling(level), _usage(level)
            if limit is not None and used is not None:
                levels.append(MemoryLevel(level.folder.name, limit, used[1]))
        # v1 also tells the smallest limit above, of groups that may be hidden: their use is at least ours.
        effective, used = _effective_limit(group), _usage(group)
        if effective is not None and used is not None and all(level.limit_bytes > effective for level in levels):
            levels.append(MemoryLevel("a group above", effective, used[1]))
        return levels

    def memory_limit(self) -> int | None:
        """The memory limit in force, bytes; None when unlimited or in no container."""
        self._locate()
        group = self._group("memory", {})
        return None if group is None else _effective_limit(group)

    def oom_kills(self) -> int | None:
        """OOM kills counted in the container so far; also right after the process ended. None if not counted."""
        if self._where is None:
            self._locate()
        group = self._group("memory", {})
        return None if group is None else _oom_kills(group)

    def _locate(self) -> None:
        where = tuple(self._target.cgroups())
        if where != self._where:
            mounts = visible_mounts(self._observer, self._target)
            self._groups = {name: find_group(name, self._target, mounts) for name in ("cpu", "memory", "")}
            self._where = where

    def _group(self, name: str, reasons: dict[str, str]) -> Group | None:
        found = self._groups.get(name, "not looked for")
        if isinstance(found, Group) and not found.is_root:
            return found
        reasons[name or "pressure"] = NO_CONTAINER if isinstance(found, Group) else found
        return None


def host_oom_kills(proc: Path = PROC) -> int | None:
    """OOM kills on this machine since boot, whoever's limit it was (proc(5), vmstat; Linux 4.13)."""
    try:
        return _flat((proc / "vmstat").read_text()).get("oom_kill")
    except OSError:
        return None


def _own_pid(proc: Path) -> int:
    """Our own pid as this /proc names it: it may be of another pid namespace than ours."""
    return int((proc / "self").readlink().name)


def _with_cpu(figures: ContainerFigures, group: Group) -> ContainerFigures:
    quotas = [(quota, level) for level in group.levels() if (quota := _quota(level))]
    (quota_us, period_us), tightest = min(quotas, key=lambda q: q[0][0] / q[0][1], default=((None, None), group))
    stat = _flat(tightest.read("cpu.stat"))
    seconds = None
    if "throttled_usec" in stat:
        seconds = stat["throttled_usec"] / 1e6
    elif "throttled_time" in stat:  # v1: nanoseconds
        seconds = stat["throttled_time"] / 1e9
    return replace(
        figures,
        periods=stat.get("nr_periods"),
        throttled_periods=stat.get("nr_throttled"),
        throttled_seconds=seconds,
        quota=quota_us,
        period=period_us,
    )


def _quota(group: Group) -> tuple[int, int] | None:
    """(microseconds of CPU, in so many microseconds); None without a quota."""
    if group.version == 2:
        words = (group.read("cpu.max") or "").split()
    else:
        words = [(group.read(name) or "").strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
    if len(words) != 2 or not words[0].isdigit() or not words[1].isdigit() or int(words[1]) == 0:
        return None  # "max" in v2, -1 in v1
    return int(words[0]), int(words[1])


def _with_memory(figures: ContainerFigures, group: Group) -> ContainerFigures:
    used = _usage(group)
    return replace(
        figures,
        usage_bytes=used[0] if used else None,
        working_set_bytes=used[1] if used else None,
        limit_bytes=_effective_limit(group),
        oom_kills=_oom_kills(group),
    )


def _usage(group: Group) -> tuple[int, int] | None:
    """(usage, working set). The working set is usage less inactive page cache, as cAdvisor and the kubelet
    count it: what cannot be taken back without trouble."""
    usage = _number(group.read("memory.current" if group.version == 2 else "memory.usage_in_bytes"))
    stat = _flat(group.read("memory.stat"))
    inactive = stat.get("inactive_file" if group.version == 2 else "total_inactive_file")
    return None if usage is None or inactive is None else (usage, max(0, usage - inactive))


def _own_limit(group: Group) -> int | None:
    limit = _number(group.read("memory.max" if group.version == 2 else "memory.limit_in_bytes"))
    return None if limit is None or limit >= _V1_UNLIMITED else limit


def _ceiling(group: Group) -> int | None:
    high = _number(group.read("memory.high")) if group.version == 2 else None
    return min((limit for limit in (_own_limit(group), high) if limit is not None), default=None)


def _effective_limit(group: Group) -> int | None:
    limits = [limit for level in group.levels() if (limit := _own_limit(level)) is not None]
    if group.version == 1:
        above = _flat(group.read("memory.stat")).get("hierarchical_memory_limit", _V1_UNLIMITED)
        limits += [above] if above < _V1_UNLIMITED else []
    return min(limits, default=None)


def _oom_kills(group: Group) -> int | None:
    return _flat(group.read("memory.events" if group.version == 2 else "memory.oom_control")).get("oom_kill")


def _pressure(group: Group) -> dict[tuple[str, str], float]:
    """PSI (Documentation/accounting/psi.rst): "some" is waiting, "full" stalled; totals in microseconds."""
    found: dict[tuple[str, str], float] = {}
    for resource in RESOURCES:
        for line in (group.read(f"{resource}.pressure") or "").splitlines():
            kind, _, rest = line.partition(" ")
            total = _number(rest.rpartition("total=")[2])
            if total is not None and kind in ("some", "full"):
                found[resource, "waiting" if kind == "some" else "stalled"] = total / 1e6
    return found


def _flat(text: str | None) -> dict[str, int]:
    """Lines of "key number" as a mapping; others are left out."""
    words = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}


def _number(text: str | None) -> int | None:
    stripped = (text or "").strip()
    return int(stripped) if stripped.isdigit() else None
