"""A frozen /proc and cgroup file system, v1 or v2, for the tests of what reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from razorprof.remote.process import ProcessView

OWN, TARGET = 10, 42
V1_UNLIMITED = 9223372036854771712


class FrozenSystem:
    """`proc` holds two processes, OWN (self) and TARGET; `cgroups` is where hierarchies are mounted."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.cgroups = root / "sys fs" / "cgroup"
        self.cgroups.mkdir(parents=True)
        for pid in (OWN, TARGET):
            (self.proc / str(pid) / "ns").mkdir(parents=True)
            os.symlink("mnt:[1]", self.proc / str(pid) / "ns" / "mnt")
            self.live_in(pid, "0::/\n")
        os.symlink(str(OWN), self.proc / "self")

    def live_in(self, pid: int, text: str) -> None:
        (self.proc / str(pid) / "cgroup").write_text(text)

    def mount(
        self, *mounts: tuple[str, str, str, str], pids: tuple[int, ...] = (OWN, TARGET), number: int = 7
    ) -> None:
        """Each: folder below `cgroups`, root, type, super options."""
        lines = []
        for folder, root, kind, options in mounts:
            point = str(self.cgroups / folder if folder else self.cgroups).replace(" ", "\\040")
            lines.append(f"{number} 1 0:30 {root} {point} rw,nosuid shared:9 - {kind} {kind} {options}\n")
        for pid in pids:
            (self.proc / str(pid) / "mountinfo").write_text("1 0 8:1 / / rw - ext4 /dev/sda rw\n" + "".join(lines))

    def mount_v2(self, root: str = "/", pids: tuple[int, ...] = (OWN, TARGET)) -> None:
        self.mount(("", root, "cgroup2", "rw"), pids=pids)

    def mount_v1(self) -> None:
        self.mount(
            ("memory", "/", "cgroup", "rw,memory"),
            ("cpu,cpuacct", "/", "cgroup", "rw,cpu,cpuacct"),
            ("unified", "/", "cgroup2", "rw"),
        )
        for folder in ("memory", "cpu,cpuacct"):
            self.group(folder, {"cgroup.sane_behavior": "0\n"})
        self.group("unified", {})

    def group(self, path: str, files: Mapping[str, str]) -> Path:
        folder = self.cgroups / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content)
        return folder

    def v2_group(self, path: str, **files: str) -> Path:
        """Files as keywords, memory_max for memory.max; every group but the root has cgroup.events."""
        named = {name.replace("_", ".", 1): content for name, content in files.items()}
        return self.group(path, {"cgroup.events": "populated 1\n", **named})

    def target(self) -> ProcessView:
        return ProcessView(TARGET, proc=self.proc)
