"""What doctor looks at without a target: this machine, our permissions, the tools and the terminal. Read-only.

Each check is a function of its own and never raises for what it finds.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from razorprof.cli.checks import Check
from razorprof.errors import ExitCode, RazorprofError
from razorprof.remote.process import PROC, ProcessView
from razorprof.render.figures import size
from razorprof.targets.credentials import (
    CAP_PERFMON,
    CAP_SYS_ADMIN,
    CAP_SYS_PTRACE,
    Credentials,
    read_credentials,
)
from razorprof.targets.table import own_pid

_CONTAINER_FIX = (
    "docker run --cap-add SYS_PTRACE ...; in Kubernetes: securityContext.capabilities.add: [SYS_PTRACE]"
)
_LEAST_DISK = 100 << 20
_LEAST_HEADROOM = 160 << 20
# The initial namespaces have fixed inode numbers: include/linux/proc_ns.h
_INITIAL = {"user": "user:[4026531837]", "pid": "pid:[4026531836]"}


def check_host(environment: Mapping[str, str] | None = None) -> list[Check]:
    """Every check that needs no target, in the order in which one thing rests on another."""
    from razorprof.cli.tool_checks import check_tools

    environment = os.environ if environment is None else environment
    own_view = ProcessView(own_pid() or os.getpid())
    own = read_credentials(own_view)
    return [
        check_platform(platform.system(), platform.release(), platform.machine()),
        check_python(sys.version_info[:3]),
        check_proc(),
        check_user(own),
        check_capabilities(own),
        check_ptrace_scope(own),
        check_memory_reading(),
        check_perf_events(own, _perf_event_paranoid()),
        check_namespace("user", own),
        check_namespace("pid", own),
        check_container(own_view),
        *check_tools(),
        *(check_disk(name, folder) for name, folder in _folders()),
        check_terminal(environment, sys.stdout.isatty(), sys.stdout.encoding, shutil.get_terminal_size()),
    ]


def check_platform(system: str, release: str, machine: str) -> Check:
    detail = f"{system} {release} {machine}"
    if system != "Linux":
        return Check("platform", False, detail, "run razorprof on Linux", ExitCode.NOT_SUPPORTED)
    return Check("platform", True, detail)


def check_python(version: tuple[int, ...]) -> Check:
    return Check("python", True, f"{'.'.join(map(str, version))} at {sys.executable}")


def check_proc() -> Check:
    """Whether /proc shows our own PID namespace, and all of it."""
    shown = own_pid()
    if shown != os.getpid():
        return Check(
            "proc",
            False,
            f"/proc belongs to another PID namespace (we are {os.getpid()}, it says {shown})",
            "mount -t proc proc /proc, or start with: unshare --mount-proc ...",
            ExitCode.NOT_SUPPORTED,
        )
    options = _proc_options()
    if "hidepid" in options and "hidepid=0" not in options and "hidepid=off" not in options:
        return Check(
            "proc", False, f"mounted with {options}: other users' processes are hidden", "sudo razorprof ..."
        )
    return Check("proc", True, "/proc shows this PID namespace")


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


def check_container(process: ProcessView, *, name: str = "cgroup") -> Check:
    """Version, limit and headroom of the container that a process lives in."""
    from razorprof.remote.cgroup import ContainerView

    try:
        view = ContainerView(process)
        levels = view.memory_levels()
        version = _cgroup_version(process)
    except (RazorprofError, OSError) as error:
        return Check(name, None, f"cannot be told: {error}")
    if not levels:
        return Check(name, True, f"{version}; no memory limit")
    tightest = min(levels, key=lambda level: level.headroom_bytes)
    detail = f"{version}; memory limit {size(tightest.limit_bytes)}, {size(tightest.headroom_bytes)} of it left"
    if tightest.headroom_bytes < _LEAST_HEADROOM:
        return Check(name, False, detail, f"give it {size(_LEAST_HEADROOM)} more: docker update --memory ...")
    return Check(name, True, detail)


def check_disk(name: str, folder: Path) -> Check:
    """Whether captures and recordings find room in a folder."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name, False, f"{folder}: {error.strerror}", "cd to a folder that exists, or set TMPDIR")
    detail = f"{folder}: {size(free)} free"
    if not os.access(folder, os.W_OK):
        return Check(name, None, f"{detail}, may not be written", "write elsewhere with -o, or set TMPDIR")
    if free < _LEAST_DISK:
        return Check(name, False, detail, f"free some room, or set TMPDIR to a disk with {size(_LEAST_DISK)}")
    return Check(name, True, detail)


def check_terminal(environment: Mapping[str, str], is_tty: bool, encoding: str, shape: os.terminal_size) -> Check:
    name, term = "terminal", environment.get("TERM", "")
    if not is_tty:
        return Check(name, None, "stdout is no terminal: batch output only")
    detail = f"TERM={term or '(unset)'}, {encoding}, {shape.columns}x{shape.lines}"
    if term in ("", "dumb", "unknown"):
        return Check(name, False, detail, "export TERM=xterm-256color")
    if encoding.lower().replace("-", "") != "utf8":
        return Check(name, False, f"{detail}: plain characters only", "export LC_ALL=C.UTF-8")
    if shape.columns < 80 or shape.lines < 24:
        return Check(name, False, detail, "make the window at least 80x24")
    return Check(name, True, detail)


def _proc_options() -> str:
    try:
        for line in (PROC / "self/mountinfo").read_text(errors="replace").splitlines():
            fields, _, rest = line.partition(" - ")
            if fields.split()[4] == "/proc" and rest.startswith("proc "):
                return rest.split()[2]
    except (OSError, IndexError):
        pass
    return ""


def _perf_event_paranoid() -> int | None:
    try:
        return int((PROC / "sys/kernel/perf_event_paranoid").read_text())
    except (OSError, ValueError):
        return None


def _cgroup_version(process: ProcessView) -> str:
    controllers = {entry[0] for entry in process.cgroups()}
    named = controllers - {""}
    if "" in controllers and not any("memory" in names or "cpu" in names.split(",") for names in named):
        return "cgroup v2"
    return "cgroup v1 and v2 together" if "" in controllers else "cgroup v1"


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


def _folders() -> list[tuple[str, Path]]:
    try:
        working = Path.cwd()
    except OSError:  # it was deleted under us
        working = Path("(deleted)")
    return [("temporary folder", Path(tempfile.gettempdir())), ("working folder", working)]
