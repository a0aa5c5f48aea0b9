"""What doctor looks at without a target: this machine, its disks and the terminal. Read-only.

permission_checks and tool_checks look at the rest; `check_host` puts all of it in order. Called by doctor. Each
check is a function of its own and never raises for what it finds.
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
from razorprof.cli.output import is_tty
from razorprof.cli.permission_checks import check_permissions
from razorprof.errors import ExitCode, RazorprofError
from razorprof.remote.process import PROC, ProcessView
from razorprof.render.figures import size
from razorprof.targets.credentials import read_credentials
from razorprof.targets.table import own_pid

_LEAST_DISK = 100 << 20
_LEAST_HEADROOM = 160 << 20


def check_host(environment: Mapping[str, str] | None = None) -> list[Check]:
    """Every check that needs no target, in the order in which one thing rests on another."""
    from razorprof.cli.tool_checks import check_tools

    environment = os.environ if environment is None else environment
    first = [
        check_platform(platform.system(), platform.release(), platform.machine()),
        check_python(sys.version_info[:3]),
    ]
    if first[0].ok is False:
        return first  # without /proc there is nothing more to look at
    own_view = ProcessView(own_pid() or os.getpid())
    encoding = getattr(sys.stdout, "encoding", "none")  # stdout may be closed
    return [
        *first,
        check_proc(),
        *check_permissions(read_credentials(own_view)),
        check_container(own_view),
        *check_tools(),
        *(check_disk(name, folder) for name, folder in _folders()),
        check_terminal(environment, is_tty(sys.stdout), encoding, shutil.get_terminal_size()),
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


def _cgroup_version(process: ProcessView) -> str:
    controllers = {entry[0] for entry in process.cgroups()}
    named = controllers - {""}
    if "" in controllers and not any("memory" in names or "cpu" in names.split(",") for names in named):
        return "cgroup v2"
    return "cgroup v1 and v2 together" if "" in controllers else "cgroup v1"


def _folders() -> list[tuple[str, Path]]:
    try:
        working = Path.cwd()
    except OSError:  # it was deleted under us
        working = Path("(deleted)")
    return [("temporary folder", Path(tempfile.gettempdir())), ("working folder", working)]
