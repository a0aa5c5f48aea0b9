"""Who we are to the kernel: the facts that decide whether we may look into a process. Read-only.

Called by targets.attach and by doctor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import RazorprofError
from razorprof.remote.process import PROC, ProcessView

CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
CAP_PERFMON = 38
CAP_SYS_ADMIN = 21
INITIAL_UID_MAP = ("0", "0", "4294967295")  # user_namespaces(7)


@dataclass(frozen=True, slots=True)
class Credentials:
    """uids: real, effective, saved; capabilities: the mask CapEff (CapPrm for `permitted`); namespaces: the
    links of /proc/PID/ns that could be read; yama: kernel.yama.ptrace_scope, None where there is no Yama;
    uid_map: that of its user namespace, in fields, which everybody may read."""

    uids: tuple[int, int, int]
    gids: tuple[int, int, int]
    effective: int
    permitted: int
    namespaces: dict[str, str]
    yama: int | None = None
    uid_map: tuple[str, ...] = INITIAL_UID_MAP

    @property
    def uid(self) -> int:
        return self.uids[1]

    def has(self, capability: int) -> bool:
        """Whether the capability is effective."""
        return bool(self.effective >> capability & 1)


def read_credentials(process: ProcessView) -> Credentials:
    """The credentials of a process (everybody may read them). Raises TargetGone."""
    status = process.status()
    return Credentials(
        uids=_three(status, "Uid"),
        gids=_three(status, "Gid"),
        effective=int(status.get("CapEff", "0"), 16),
        permitted=int(status.get("CapPrm", "0"), 16),
        namespaces=_namespaces(process),
        yama=ptrace_scope(process.proc),
        uid_map=_uid_map(process),
    )


def ptrace_scope(proc: Path = PROC) -> int | None:
    """kernel.yama.ptrace_scope: 0 classic, 1 descendants only, 2 with CAP_SYS_PTRACE only, 3 nobody; None
    where the kernel has no Yama."""
    try:
        return int((proc / "sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        return None


def _three(status: dict[str, str], key: str) -> tuple[int, int, int]:
    real, effective, saved = (int(field) for field in status[key].split()[:3])
    return real, effective, saved


def _uid_map(process: ProcessView) -> tuple[str, ...]:
    try:
        return tuple(process.read("uid_map", 16384).decode(errors="replace").split())
    except RazorprofError:
        return INITIAL_UID_MAP  # a kernel without user namespaces


def _namespaces(process: ProcessView) -> dict[str, str]:
    found = {}
    for name in ("user", "pid", "mnt", "net"):
        try:
            found[name] = process.read_link(f"ns/{name}")
        except RazorprofError:
            continue  # needs the very permission that is in question
    return found
