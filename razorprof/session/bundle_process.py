"""The facts of a process for a bundle: who it is, where it lives and what it may use. Read-only, out of /proc.

What cannot be had is None, with the reason under ``reasons``. Of the environment there are names, never values.
For session.bundle only.
"""

from __future__ import annotations

import os
import platform
import pwd
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.remote.cgroup import ContainerView
from razorprof.remote.descriptors import DescriptorTable
from razorprof.remote.process import ProcessView
from razorprof.targets.container import container_id
from razorprof.targets.redact import redact_command, redact_text

T = TypeVar("T")

MOST_COUNTED = 20_000  # descriptors
MOST_NAMED = 200
MOST_NAMES = 2_000  # of the environment
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
_LONGEST_COMMAND = 16_384
_LIMIT = re.compile(r"(Max .+?)\s{2,}(\S+)\s+(\S+)\s*(\S*)\s*")


def process_facts(target: Target, *, redact: bool = True) -> dict[str, Any]:
    """Plain values. Raises TargetGone where there is no such process any more."""
    process = ProcessView(target.pid)
    stat = process.stat()
    reasons: dict[str, str] = {}

    def ask(name: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except (RazorprofError, OSError, ValueError, LookupError) as error:
            reasons[name] = error.message if isinstance(error, RazorprofError) else str(error)
            return None

    status = ask("status", process.status) or {}
    return {
        "pid": target.pid,
        "name": target.name,
        "command": ask("command", lambda: _command(process, redact)),
        "executable": ask("executable", process.exe),
        "working_folder": ask("working_folder", lambda: process.read_link("cwd")),
        "root": ask("root", lambda: process.read_link("root")),
        "user": ask("user", lambda: _user(status)),
        "start_time": target.started,
        "parent": stat.ppid,
        "state": stat.state,
        "threads": stat.threads,
        "tracer": ask("tracer", lambda: int(status["TracerPid"]) or None),
        "oom_score": ask("oom_score", lambda: int(process.read("oom_score", 64))),
        "oom_score_adjustment": ask("oom_score_adjustment", lambda: int(process.read("oom_score_adj", 64))),
        "cpus_allowed": status.get("Cpus_allowed_list"),
        "limits": ask("limits", lambda: _limits(process)),
        "container": ask("container", lambda: _container(process)),
        "namespaces": _namespaces(process, reasons),
        "descriptors": ask("descriptors", lambda: _descriptors(process, redact)),
        "environment_names": ask("environment_names", lambda: sorted(process.environment_names())[:MOST_NAMES]),
        "machine": _machine(),
        "reasons": reasons,
    }


def _command(process: ProcessView, redact: bool) -> str:
    arguments = process.command_line()
    return redact_command(arguments) if redact else " ".join(arguments)[:_LONGEST_COMMAND]


def _user(status: Mapping[str, str]) -> dict[str, Any]:
    uid, gid = int(status["Uid"].split()[1]), int(status["Gid"].split()[1])
    try:
        name: str | None = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = None
    return {"uid": uid, "gid": gid, "name": name}


def _limits(process: ProcessView) -> list[dict[str, Any]]:
    """/proc/PID/limits: name, soft, hard and unit; None is unlimited."""
    found = []
    for line in process.read("limits", 16_384).decode(errors="replace").splitlines()[1:]:
        parts = _LIMIT.fullmatch(line)
        if parts is not None:
            soft, hard = (int(text) if text.isdigit() else None for text in parts.group(2, 3))
            found.append({"name": parts[1].strip(), "soft": soft, "hard": hard, "unit": parts[4] or None})
    return found


def _container(process: ProcessView) -> dict[str, Any]:
    groups = process.cgroups()
    figures = asdict(ContainerView(process).figures())
    figures["pressure"] = {f"{kind}_{how}": value for (kind, how), value in figures["pressure"].items()}
    return {
        "id": container_id(groups),
        "groups": [{"controllers": controllers, "path": path} for controllers, path in groups],
        **figures,
    }


def _namespaces(process: ProcessView, reasons: dict[str, str]) -> dict[str, Any]:
    """Each namespace, and whether we are in the same."""
    own = ProcessView(os.getpid())
    found: dict[str, Any] = {}
    for kind in NAMESPACES:
        try:
            link = process.read_link(f"ns/{kind}")
            found[kind] = {"link": link, "is_ours": own.read_link(f"ns/{kind}") == link}
        except RazorprofError as error:
            found[kind] = None
            reasons["namespaces"] = error.message
    return found


def _descriptors(process: ProcessView, redact: bool) -> dict[str, Any]:
    """How many of each kind; the first ones by name."""
    numbers = sorted(int(name) for name in os.listdir(process.path / "fd") if name.isdigit())
    kinds: Counter[str] = Counter()
    for number in numbers[:MOST_COUNTED]:
        try:
            kinds[_kind(process.read_link(f"fd/{number}"))] += 1
        except RazorprofError:
            kinds["closed meanwhile"] += 1
    table = DescriptorTable(process)
    named = [table.describe(number) for number in numbers[:MOST_NAMED]]
    show = redact_text if redact else str
    return {
        "count": len(numbers),
        "counted": min(len(numbers), MOST_COUNTED),
        "by_kind": dict(kinds.most_common()),
        "first": [
            {
                "number": one.number,
                "kind": one.kind,
                "name": show(one.name),
                "local": one.local,
                "peer": one.peer,
                "is_listening": one.is_listening,
            }
            for one in named
        ],
    }


def _kind(link: str) -> str:
    if link.startswith("/"):
        return "device" if link.startswith("/dev/") and not link.startswith("/dev/shm/") else "file"
    if link.startswith("anon_inode:"):
        return link.removeprefix("anon_inode:").strip("[]")[:40]
    return link.partition(":")[0][:40]


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "cpus_for_us": len(os.sched_getaffinity(0)),
        "load": list(os.getloadavg()),
    }
