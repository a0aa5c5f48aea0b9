"""What doctor finds out about our permissions: user, capabilities, Yama, system call filters, namespaces.

Called by host_checks. Read-only; each check is a function of its own and never raises for what it finds.
"""

from __future__ import annotations

import os

from razorprof.cli.checks import Check
from razorprof.errors import ExitCode
from razorprof.remote.process import PROC
from razorprof.targets.credentials import CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, Credentials

_CONTAINER_FIX = (
    "docker run --cap-add SYS_PTRACE ...; in Kubernetes: securityContext.capabilities.add: [SYS_PTRACE]"
)
# The initial namespaces have fixed inode numbers: include/linux/proc_ns.h
_INITIAL = {"user": "user:[4026531837]", "pid": "pid:[4026531836]"}


def check_permissions(own: Credentials) -> list[Check]:
    """What we may do, in the order in which one thing rests on another."""
    return [
        check_user(own),
        check_capabilities(own),
        check_ptrace_scope(own),
        check_memory_reading(),
        check_perf_events(own, _perf_event_paranoid()),
        check_namespace("user", own),
        check_namespace("pid", own),
    ]


def check_user(own: Credentials) -> Check:
    whose = "root" if own.uid == 0 else f"uid {own.uid}"
    return Check("user", True, f"runs as {whose}")


def check_capabilities(own: Credentials) -> Check:
    if own.has(CAP_SYS_PTRACE):
        return Check("capabilities", True, "CAP_SYS_PTRACE is there: processes of all users can be looked into")
    if own.uid == 0:
        return Check("capabilities", False, "root without CAP_SYS_PTRACE", _CONTAINER_FIX)
    return Check("capabilities", None, "no CAP_SYS_PTRACE: own processes only", "sudo razorprof ...")


def check_ptrace_scope(own: Credentials) -> Check:
    name = "ptrace_scope"
    if own.yama is None:
        return Check(name, True, "no Yama in this kernel: nothing is forbidden by it")
    if own.yama == 0:
        return Check(name, True, "0: own processes may be looked into")
    if own.yama == 3:
        fix = "set kernel.yama.ptrace_scope=1 in /etc/sysctl.d and restart the machine: 3 holds until then"
        return Check(name, False, "3: nobody may look into any process", fix, ExitCode.NO_PERMISSION)
    if own.has(CAP_SYS_PTRACE):
        return Check(name, True, f"{own.yama}, and CAP_SYS_PTRACE is there")
    who = "only a process's ancestors may look into it" if own.yama == 1 else "it takes CAP_SYS_PTRACE"
    return Check(
        name, False, f"{own.yama}: {who}", "sudo sysctl kernel.yama.ptrace_scope=0, or: sudo razorprof ..."
    )


def check_memory_reading() -> Check:
    """Whether system call filters let process_vm_readv(2) through: tried on ourselves."""
    name = "memory reading"
    error = _read_own_memory()
    if error is None:
        return Check(name, True, "process_vm_readv works")
    return Check(
        name,
        False,
        f"process_vm_readv is refused even on ourselves: {error}",
        "docker run --security-opt seccomp=unconfined ..., or: " + _CONTAINER_FIX,
        ExitCode.NO_PERMISSION,
    )


def check_perf_events(own: Credentials, paranoid: int | None) -> Check:
    name = "perf_event_paranoid"
    if paranoid is None:
        return Check(name, None, "this kernel has no perf events, or hides them")
    if paranoid <= 1 or own.has(CAP_PERFMON) or own.has(CAP_SYS_ADMIN):
        return Check(name, True, f"{paranoid}: perf events may be used")
    return Check(
        name,
        None,
        f"{paranoid}: no perf events; nothing needs them yet",
        "sudo sysctl kernel.perf_event_paranoid=1",
    )


def check_namespace(kind: str, own: Credentials) -> Check:
    name = f"{kind} namespace"
    link = own.namespaces.get(kind)
    if link is None:
        return Check(name, None, "cannot be told")
    if link == _INITIAL[kind]:
        return Check(name, True, "the machine's own")
    if kind == "pid":
        return Check(name, None, f"{link}: only processes in it can be seen", "docker run --pid=host ...")
    return Check(name, None, f"{link}: capabilities count in it only", "run razorprof outside of it")


def _perf_event_paranoid() -> int | None:
    try:
        return int((PROC / "sys/kernel/perf_event_paranoid").read_text())
    except (OSError, ValueError):
        return None


def _read_own_memory() -> str | None:
    """The error of reading one byte of our own memory, None when it worked."""
    import ctypes

    class IoVector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    source, into = ctypes.create_string_buffer(b"\x2a"), ctypes.create_string_buffer(1)
    local = IoVector(ctypes.addressof(into), 1)
    remote = IoVector(ctypes.addressof(source), 1)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        call = libc.process_vm_readv
    except AttributeError:
        return "the C library does not have it"
    done = call(
        os.getpid(),
        ctypes.byref(local),
        ctypes.c_ulong(1),
        ctypes.byref(remote),
        ctypes.c_ulong(1),
        ctypes.c_ulong(0),
    )
    return None if done == 1 else os.strerror(ctypes.get_errno())
