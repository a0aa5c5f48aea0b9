"""Whether the kernel lets us look into a process, and if not, why and what mends it. Attaches to nothing.

The answer is the kernel's own: opening /proc/PID/mem for reading asks it exactly the question that reading
memory does (PTRACE_MODE_ATTACH, with Yama and security modules), and changes nothing. Only the reason of a
refusal is worked out here, from what everybody may read. Called by ps, doctor and cli.select.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

from razorprof.errors import RazorprofError, TargetGone
from razorprof.remote.process import ProcessView
from razorprof.targets.credentials import CAP_SYS_PTRACE, INITIAL_UID_MAP, Credentials, read_credentials


class Attach(StrEnum):
    OK = "ok"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class AttachVerdict:
    """reason: why not, empty when ok; fix: the exact command or setting that mends it, where there is one."""

    attach: Attach
    reason: str = ""
    fix: str = ""


_OK = AttachVerdict(Attach.OK)


def attach_verdict(process: ProcessView, *, recognised: bool, own: Credentials | None = None) -> AttachVerdict:
    """The verdict on a process now. recognised: whether a runtime knows it (plugin.loading tells).

    own: our credentials, to save reading them per process. Raises TargetGone.
    """
    stat = process.stat()
    if stat.is_kernel_thread:
        return AttachVerdict(Attach.UNSUPPORTED, "a kernel thread")
    if stat.is_zombie:
        return AttachVerdict(
            Attach.UNSUPPORTED, "has ended (zombie)", f"its parent, pid {stat.ppid}, must wait for it"
        )
    if not may_read_memory(process):
        own = own or read_credentials(ProcessView(os.getpid(), proc=process.proc))
        return explain_refusal(process.pid, read_credentials(process), own, dumpable=is_dumpable(process))
    if not recognised:
        return AttachVerdict(Attach.UNSUPPORTED, "no known runtime: only process figures can be shown")
    return _OK


def may_read_memory(process: ProcessView) -> bool:
    """Whether the kernel grants reading its memory. Raises TargetGone."""
    try:
        os.close(os.open(process.path / "mem", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return False
    except (FileNotFoundError, ProcessLookupError) as error:
        raise TargetGone("no such process", value=process.pid) from error
    except OSError:
        return False
    return True


def is_dumpable(process: ProcessView) -> bool | None:
    """Whether its owner may look into it: the kernel gives the files of a process that is not dumpable (set-uid,
    prctl(2) PR_SET_DUMPABLE, unreadable binary) to root. None for root's own, where it cannot be told."""
    try:
        uid = process.uid()
        owner = os.stat(process.path / "mem").st_uid
    except (OSError, RazorprofError):
        return None
    return None if uid == 0 else owner == uid


def explain_refusal(pid: int, target: Credentials, own: Credentials, *, dumpable: bool | None) -> AttachVerdict:
    """Why the kernel refuses `own` to look into `target` (ptrace(2), "Ptrace access mode checking")."""
    is_root = own.uid == 0
    if own.yama == 3:
        return _denied(
            "Yama forbids it to everybody (ptrace_scope is 3)",
            "set kernel.yama.ptrace_scope=1 in /etc/sysctl.d and restart the machine: 3 holds until then",
        )
    if own.has(CAP_SYS_PTRACE):
        # Capabilities count in our user namespace and those below it: from the initial one, everywhere.
        if own.uid_map not in (INITIAL_UID_MAP, target.uid_map):
            return _denied(
                "it lives in another user namespace, where our capabilities do not count",
                "run razorprof where the target was started: outside of this container or user namespace",
            )
        return _denied(
            "refused in spite of CAP_SYS_PTRACE: a security module (SELinux, AppArmor or the like) forbids it",
            "look for the denial with: sudo dmesg | grep -i denied",
        )
    if any(uid != own.uids[0] for uid in target.uids):
        if is_root:
            return _denied(*_root_without(f"owned by another user (uid {target.uid})"))
        return _denied(
            f"owned by another user (uid {target.uid})",
            f"sudo razorprof ... {pid}, or: sudo -u '#{target.uid}' razorprof ...",
        )
    if any(gid != own.gids[0] for gid in target.gids):
        return _denied(f"runs with another group (gid {target.gids[1]})", f"sudo razorprof ... {pid}")
    if target.permitted & ~own.permitted:
        if is_root:
            return _denied(*_root_without("it has capabilities that razorprof lacks"))
        return _denied("it has capabilities that razorprof lacks", f"sudo razorprof ... {pid}")
    if dumpable is False:
        return _denied(
            "it protects itself (not dumpable: set-uid, prctl or an unreadable binary)",
            f"sudo razorprof ... {pid}",
        )
    if own.yama == 2:
        return _denied("Yama wants CAP_SYS_PTRACE (ptrace_scope is 2)", f"sudo razorprof ... {pid}")
    if own.yama == 1:
        return _denied(
            "Yama allows it to ancestors only (ptrace_scope is 1)",
            f"sudo sysctl kernel.yama.ptrace_scope=0, or: sudo razorprof ... {pid}",
        )
    if is_root:
        return _denied(*_root_without("the kernel refuses"))
    return _denied("the kernel refuses", f"sudo razorprof ... {pid}")


def _root_without(reason: str) -> tuple[str, str]:
    return (
        f"{reason}, and this root has no CAP_SYS_PTRACE",
        "docker run --cap-add SYS_PTRACE ...; in Kubernetes: securityContext.capabilities.add: [SYS_PTRACE]",
    )


def _denied(reason: str, fix: str) -> AttachVerdict:
    return AttachVerdict(Attach.DENIED, reason, fix)
