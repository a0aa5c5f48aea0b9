"""What doctor looks at of one process: whether, how and as what it can be looked into. Attaches to nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from razorprof.cli.checks import Check
from razorprof.cli.host_checks import check_container
from razorprof.errors import ExitCode, PermissionDenied, RazorprofError
from razorprof.plugin.loading import Failure, detect_runtime, guard
from razorprof.plugin.protocols import Detection, Runtime
from razorprof.remote.process import ProcessView
from razorprof.targets.attach import Attach, attach_verdict
from razorprof.targets.container import container_id
from razorprof.targets.credentials import CAP_SYS_PTRACE, Credentials, read_credentials
from razorprof.targets.redact import redact_command
from razorprof.targets.table import ProcessEntry, own_pid


def check_target(entry: ProcessEntry) -> list[Check]:
    """Every check of a process. Raises TargetGone when it ends meanwhile."""
    checks = [_check_exists(entry), _check_state(entry)]
    if not entry.is_candidate:
        return checks
    process = entry.view
    own = read_credentials(ProcessView(own_pid(process.proc) or os.getpid(), proc=process.proc))
    theirs = read_credentials(process)
    runtime, found = _check_runtime(process)
    checks += [
        _check_owner(theirs, own),
        _check_attach(process, own, recognised=found is not None or runtime.ok is None),
        _check_tracer(process),
        _check_namespaces(process, theirs, own),
        runtime,
    ]
    if found is not None:
        checks += _check_capabilities(*found)
    checks += [_check_executable(process), _check_container(process)]
    return checks


def _check_exists(entry: ProcessEntry) -> Check:
    command = redact_command(entry.arguments)[:160]
    return Check("target", True, f"pid {entry.pid}, {entry.name}" + (f": {command}" if command else ""))


def _check_state(entry: ProcessEntry) -> Check:
    stat = entry.stat
    if stat.is_kernel_thread:
        return Check("state", False, "a kernel thread", "only programs can be looked into", ExitCode.NOT_SUPPORTED)
    if stat.is_zombie:
        fix = f"nothing to look into any more; its parent, pid {stat.ppid}, must wait for it"
        return Check("state", False, "zombie: it has ended", fix, ExitCode.NO_TARGET)
    if stat.state == "T":
        return Check("state", False, "stopped (SIGSTOP): nothing moves", f"kill -CONT {entry.pid}")
    if stat.state == "t":
        return Check("state", False, "stopped by a debugger", "let its debugger continue or detach")
    return Check("state", True, f"alive ({stat.state}), {stat.threads} thread{'s' if stat.threads != 1 else ''}")


def _check_owner(theirs: Credentials, own: Credentials) -> Check:
    if theirs.uid == own.uid:
        return Check("owner", True, f"uid {theirs.uid}, as we are")
    detail = f"uid {theirs.uid}, we are {own.uid}"
    if own.has(CAP_SYS_PTRACE):
        return Check("owner", True, f"{detail}, and CAP_SYS_PTRACE is there")
    return Check("owner", False, detail, f"sudo -u '#{theirs.uid}' razorprof ..., or: sudo razorprof ...")


def _check_attach(process: ProcessView, own: Credentials, *, recognised: bool) -> Check:
    verdict = attach_verdict(process, recognised=recognised, own=own)
    match verdict.attach:
        case Attach.OK:
            return Check("attach", True, "its memory may be read")
        case Attach.DENIED:
            return Check("attach", False, verdict.reason, verdict.fix, ExitCode.NO_PERMISSION)
        case Attach.UNSUPPORTED:
            return Check("attach", False, verdict.reason, verdict.fix)


def _check_tracer(process: ProcessView) -> Check:
    tracer = int(process.status().get("TracerPid", "0"))
    if not tracer:
        return Check("tracer", True, "nobody traces it")
    try:
        name = ProcessView(tracer, proc=process.proc).comm()
    except RazorprofError:
        name = "outside of what we see"
    detail = f"already traced by pid {tracer} ({name}): only nonblocking looks work"
    return Check("tracer", False, detail, f"end that debugger's session (pid {tracer}), or wait for it")


def _check_namespaces(process: ProcessView, theirs: Credentials, own: Credentials) -> Check:
    if not theirs.namespaces:
        return Check("namespaces", None, "cannot be told without permission")
    other = [kind for kind, link in theirs.namespaces.items() if own.namespaces.get(kind) != link]
    if not other:
        return Check("namespaces", True, "the same user, pid, mount and network namespaces as ours")
    found = container_id(process.cgroups())
    where = f", in container {found[:12]}" if found else ""
    inner = process.status().get("NSpid", "").split()[-1:]
    inside = f", there it is pid {inner[0]}" if "pid" in other and inner else ""
    return Check("namespaces", None, f"another namespace than ours for: {', '.join(other)}{where}{inside}")


def _check_runtime(process: ProcessView) -> tuple[Check, tuple[Runtime, Detection] | None]:
    try:
        found = detect_runtime(process)
    except PermissionDenied:
        return Check("runtime", None, "cannot be told without permission"), None
    if found is None:
        fix = "process figures can be shown all the same: razorprof top"
        return Check("runtime", False, "no installed runtime recognises it", fix), None
    detection = found[1]
    version = detection.version or "of unknown version"
    return Check(
        "runtime", True, " ".join(p for p in (detection.runtime, version, detection.implementation) if p)
    ), found


def _check_capabilities(runtime: Runtime, detection: Detection) -> list[Check]:
    """What the runtime says can be seen; what cannot is told, but is no failure of this machine."""
    seen = _guarded(runtime.name, lambda: runtime.capabilities(detection))
    if isinstance(seen, Failure):
        return [
            Check("capabilities", False, f"the plugin {seen.plugin} failed: {seen.error}", "razorprof plugins")
        ]
    return [
        Check(f"can see {capability.value}", True if support.available else None, support.source or support.reason)
        for capability, support in seen.items()
    ]


def _guarded(plugin: str, call: Callable[[], Any]) -> Any:
    try:
        return guard(plugin, call)
    except RazorprofError as error:
        return Failure(plugin, str(error), error)


def _check_executable(process: ProcessView) -> Check:
    try:
        path = process.exe()
    except RazorprofError:
        return Check("executable", None, "cannot be told without permission")
    if path.endswith(" (deleted)"):
        fix = "restart the target: it runs a program that was replaced or removed since it started"
        return Check("executable", False, path, fix)
    return Check("executable", True, path)


def _check_container(process: ProcessView) -> Check:
    return check_container(process, name="container")
