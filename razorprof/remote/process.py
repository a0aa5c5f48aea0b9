"""One process seen through /proc: parsed, bounded, lazily. Called by targets, sources, runtimes and plugins.

Names in /proc may be any bytes: they are decoded with errors="replace" and stay untrusted; whoever prints
them escapes them. The proc root is a parameter, so that tests can keep a frozen tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from razorprof.errors import PermissionDenied, TargetGone, ToolFailed
from razorprof.model.target import Identity

PROC = Path("/proc")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_LONGEST_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/PID/stat that we use (proc(5)); times in seconds, start_ticks since boot."""

    pid: int
    comm: str
    state: str
    ppid: int
    flags: int
    minor_faults: int
    major_faults: int
    user_seconds: float
    system_seconds: float
    threads: int
    start_ticks: int
    virtual_bytes: int
    resident_pages: int
    processor: int

    @property
    def is_kernel_thread(self) -> bool:
        return bool(self.flags & 0x00200000)  # PF_KTHREAD, include/linux/sched.h

    @property
    def is_zombie(self) -> bool:
        return self.state in "ZX"

    @property
    def has_ended(self) -> bool:
        """A zombie, and not one whose other threads live on: a main thread may end before them."""
        return self.is_zombie and self.threads <= 1


def parse_stat(raw: bytes) -> Stat:
    """Parse a stat line. The name may hold spaces, parentheses and newlines: it ends at the last ')'."""
    opening, closing = raw.index(b"("), raw.rindex(b")")
    fields = raw[closing + 2 :].split()
    return Stat(
        pid=int(raw[:opening]),
        comm=raw[opening + 1 : closing].decode(errors="replace"),
        state=fields[0].decode("ascii", "replace"),
        ppid=int(fields[1]),
        flags=int(fields[6]),
        minor_faults=int(fields[7]),
        major_faults=int(fields[9]),
        user_seconds=int(fields[11]) / CLOCK_TICKS,
        system_seconds=int(fields[12]) / CLOCK_TICKS,
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
        virtual_bytes=int(fields[20]),
        resident_pages=int(fields[21]),
        processor=int(fields[36]) if len(fields) > 36 else 0,
    )


class ProcessView:
    """A process under `proc`. Figures that change are methods, what stays for its life is cached.

    Every method raises TargetGone when the process is no more, PermissionDenied when the kernel refuses.
    """

    def __init__(self, pid: int, *, proc: Path = PROC) -> None:
        self.pid = pid
        self.proc = proc
        self.path = proc / str(pid)

    def read(self, name: str, limit: int = _LONGEST_READ) -> bytes:
        """At most `limit` bytes of /proc/PID/`name`."""
        try:
            with open(self.path / name, "rb", buffering=0) as file:
                pieces = []
                left = limit
                while left > 0 and (piece := file.read(min(left, 65536))):
                    pieces.append(piece)
                    left -= len(piece)
                return b"".join(pieces)
        except OSError as error:
            raise self._explain(error, name) from error

    def read_link(self, name: str) -> str:
        """The target of a link such as exe, cwd, root, ns/pid."""
        try:
            return os.fsencode(os.readlink(self.path / name)).decode(errors="replace")
        except OSError as error:
            raise self._explain(error, name) from error

    def stat(self) -> Stat:
        """/proc/PID/stat now."""
        return parse_stat(self.read("stat", 8192))

    @cached_property
    def identity(self) -> Identity:
        """The identity at the first look; `is_same` compares it with now."""
        return Identity(self.pid, self.stat().start_ticks)

    def is_same(self, identity: Identity) -> bool:
        """Whether this pid still belongs to the process `identity`, and that has not ended."""
        try:
            now = self.stat()
        except (TargetGone, PermissionDenied):
            return False
        return now.start_ticks == identity.start_ticks and not now.has_ended

    def image(self) -> str:
        """What changes when the process execs another program: its executable's file and where its stack starts.
        Parts that may not be seen are left out."""
        fields = self.read("stat", 8192).rpartition(b")")[2].split()
        try:
            file = os.stat(self.path / "exe")
            return (
                f"{file.st_dev}:{file.st_ino}:{fields[25].decode('ascii', 'replace')}"  # proc(5): 28, startstack
            )
        except OSError:
            return f"::{fields[25].decode('ascii', 'replace')}"

    def status(self) -> dict[str, str]:
        """/proc/PID/status as a mapping (Name, Uid, TracerPid, NSpid, voluntary_ctxt_switches, ...)."""
        lines = self.read("status").decode(errors="replace").split("\n")
        pairs = (line.partition(":") for line in lines)
        return {key: value.strip() for key, colon, value in pairs if colon}

    def comm(self) -> str:
        """The kernel's short name, at most 15 bytes."""
        return self.read("comm", 4096).rstrip(b"\n").decode(errors="replace")

    def command_line(self) -> tuple[str, ...]:
        """The arguments; empty for kernel threads and zombies. At most 128 KiB are read."""
        raw = self.read("cmdline", 128 * 1024)
        if not raw:
            return ()
        return tuple(part.decode(errors="replace") for part in raw.rstrip(b"\0").split(b"\0"))

    def exe(self) -> str:
        """Path of the executable in the target's own mount namespace; ' (deleted)' may end it."""
        return self.read_link("exe")

    def uid(self) -> int:
        """The effective user id."""
        return int(self.status()["Uid"].split()[1])

    def environment_names(self) -> tuple[str, ...]:
        """Names, never values, of the environment at start."""
        entries = self.read("environ").split(b"\0")
        return tuple(e.partition(b"=")[0].decode(errors="replace") for e in entries if b"=" in e)

    def task_ids(self) -> list[int]:
        """Native ids of the threads, ascending."""
        try:
            return sorted(int(name) for name in os.listdir(self.path / "task") if name.isdigit())
        except OSError as error:
            raise self._explain(error, "task") from error

    def cgroups(self) -> list[tuple[str, str]]:
        """(controllers, path) pairs of /proc/PID/cgroup; the v2 entry has empty controllers."""
        lines = self.read("cgroup").decode(errors="replace").splitlines()
        parts = (line.split(":", 2) for line in lines)
        return [(entry[1], entry[2]) for entry in parts if len(entry) == 3]

    def started(self) -> float:
        """Start as Unix seconds (boot time plus start ticks; good to about 10 ms)."""
        return boot_time(self.proc) + self.identity.start_ticks / CLOCK_TICKS

    def _explain(self, error: OSError, name: str) -> Exception:
        if isinstance(error, FileNotFoundError | ProcessLookupError):
            if self.path.exists() and name not in ("stat", "status", "comm", "task"):
                return ToolFailed("cannot read a file of the process", value=f"/proc/{self.pid}/{name}")
            return TargetGone("no such process", value=self.pid, hint="list what is there with: razorprof ps")
        if isinstance(error, PermissionError):
            return PermissionDenied(
                "no permission to look into the process",
                value=self.pid,
                hint=f"see why and what mends it with: razorprof doctor {self.pid}",
            )
        return ToolFailed("cannot read a file of the process", value=f"/proc/{self.pid}/{name}: {error}")


def all_processes(proc: Path = PROC) -> Iterator[ProcessView]:
    """Every process of this pid namespace, ascending by pid; some may be gone when looked at."""
    for pid in sorted(int(name) for name in os.listdir(proc) if name.isdigit()):
        yield ProcessView(pid, proc=proc)


def boot_time(proc: Path = PROC) -> float:
    """Unix seconds of the boot, from btime in /proc/stat (proc(5)), whole seconds."""
    for line in (proc / "stat").read_bytes().splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    raise ToolFailed("no btime line", value=proc / "stat")
