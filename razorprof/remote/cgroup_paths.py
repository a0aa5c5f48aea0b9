"""Where the control group of a process is in the file system, for cgroup v1, v2 and both at once.

Called by remote.cgroup. Mount points come from mountinfo, never from habit. Paths in /proc/PID/cgroup and roots of
mounts are both told relative to the cgroup namespace of the reader (cgroup_namespaces(7)): a container may see
its own group as "/", and a group outside of its namespace begins with "/..".
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import RazorprofError
from razorprof.remote.process import ProcessView

_MOST_SEARCHED = 2000  # directories looked into where the path does not lead to the group
_ESCAPED = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted hierarchy: version 1 or 2, the controllers of a v1 one, its root and where it is mounted.

    is_foreign: seen through the target's own mount namespace; then `number` is checked at each use.
    """

    number: int
    version: int
    controllers: frozenset[str]
    root: str
    point: Path
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A control group: `folder` below the mount. is_root: the root of the whole hierarchy, no container."""

    version: int
    mount: Path
    folder: Path

    @property
    def is_root(self) -> bool:
        return _is_root(self.folder, self.version)

    def levels(self) -> Iterator[Group]:
        """This group and its ancestors as far as they are visible, without the root of the hierarchy."""
        folder = self.folder
        while not _is_root(folder, self.version):
            yield Group(self.version, self.mount, folder)
            if folder == self.mount:
                return
            folder = folder.parent

    def read(self, name: str, limit: int = 65536) -> str | None:
        """Content of a file of the group; None where it is not there or may not be read."""
        try:
            # O_NONBLOCK: in a foreign mount namespace the name could have become a pipe.
            descriptor = os.open(
                f"{self.folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
            )
        except OSError:
            return None
        try:
            return os.read(descriptor, limit).decode("ascii", "replace")
        except OSError:  # EOPNOTSUPP: pressure accounting is switched off
            return None
        finally:
            os.close(descriptor)


def find_group(controller: str, target: ProcessView, mounts: Iterable[Mount]) -> Group | str:
    """The target's group for "memory" or "cpu", or "" for the v2 hierarchy; a string says why it is not found."""
    try:
        groups = target.cgroups()
    except RazorprofError as error:
        return str(error)
    version, path = 2, next((path for controllers, path in groups if not controllers), None)
    for controllers, candidate in groups:
        if controller and controller in controllers.split(","):
            version, path = 1, candidate
    if path is None:
        return "the process is in no control group"
    fitting = [
        mount for mount in mounts if mount.version == version and (version == 2 or controller in mount.controllers)
    ]
    if not fitting:
        return f"the cgroup v{version} hierarchy{f' of {controller}' if version == 1 else ''} is not mounted here"
    for mount in fitting:
        if mount.is_foreign and not _is_mounted(mount):
            continue
        parts = _below(mount.root, path)
        if parts is not None and (folder := mount.point.joinpath(*parts)).is_dir():
            return Group(version, mount.point, folder)
    for mount in fitting:
        found = _search(mount, target.pid, path) if not mount.is_foreign else None
        if found is not None:
            return Group(version, mount.point, found)
    return "its control group is outside of what is mounted here"


def visible_mounts(observer: ProcessView, target: ProcessView) -> list[Mount]:
    """Mounted hierarchies: the observer's own, then those of the target's mount namespace."""
    own = _mounts(observer, Path("/"), is_foreign=False)
    try:
        is_same_namespace = observer.read_link("ns/mnt") == target.read_link("ns/mnt")
    except RazorprofError:
        return own  # who may not see its namespace may not walk into its root either
    return own if is_same_namespace else own + _mounts(target, target.path / "root", is_foreign=True)


def _mounts(view: ProcessView, root: Path, *, is_foreign: bool) -> list[Mount]:
    try:
        lines = view.read("mountinfo").splitlines()
    except RazorprofError:
        return []
    return [mount for line in lines if (mount := _parse_mount(line, root, is_foreign)) is not None]


def _parse_mount(line: bytes, root: Path, is_foreign: bool) -> Mount | None:
    """proc_pid_mountinfo(5): id parent device root point options [tags] - type source super-options."""
    before, dash, after = line.partition(b" - ")
    fields, kind = before.split(b" "), after.split(b" ")
    if not dash or len(fields) < 6 or len(kind) < 3 or kind[0] not in (b"cgroup", b"cgroup2"):
        return None
    point = root / os.fsdecode(_unescape(fields[4])).lstrip("/")
    controllers = frozenset(kind[2].decode("ascii", "replace").split(","))
    version = 2 if kind[0] == b"cgroup2" else 1
    mount_root = os.fsencode(_unescape(fields[3])).decode(errors="replace")
    return Mount(int(fields[0]), version, controllers, mount_root, point, is_foreign)


def _unescape(field: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field)


def _below(root: str, path: str) -> tuple[str, ...] | None:
    """The way from a mount's root to a group; None where names on the way are hidden or it is not below."""
    above = [part for part in root.split("/") if part]
    parts = [part for part in path.removesuffix(" (deleted)").split("/") if part]
    rest = parts[len(above) :]
    if parts[: len(above)] != above or ".." in rest:
        return None
    return tuple(rest)


def _search(mount: Mount, pid: int, path: str) -> Path | None:
    """The folder below the mount whose group holds the process: where the mount begins above our own cgroup
    namespace, the names between are told to nobody."""
    known = [part for part in path.split("/") if part and part != ".."]
    queue = deque([mount.point])
    wanted = str(pid)
    for _ in range(_MOST_SEARCHED):
        if not queue:
            return None
        folder = queue.popleft()
        if not known or folder.name == known[-1]:
            text = Group(mount.version, mount.point, folder).read("cgroup.procs", 1 << 20)
            if text is not None and wanted in text.split():
                return folder
        try:
            queue.extend(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
    return None


def _is_root(folder: Path, version: int) -> bool:
    """Whether the kernel's root group is here: it alone has, or lacks, these files (kernel/cgroup/cgroup.c)."""
    if version == 1:
        return os.path.exists(f"{folder}/cgroup.sane_behavior")
    return not os.path.exists(f"{folder}/cgroup.events")


def _is_mounted(mount: Mount) -> bool:
    """Whether the point leads to this very mount: the target may have covered it with something of its own."""
    try:
        descriptor = os.open(mount.point, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return f"mnt_id:\t{mount.number}" in lines
