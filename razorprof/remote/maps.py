"""The mappings of another process, as /proc/PID/maps lists them.

For whoever needs to know which files a process runs and where they lie: runtime detection, the ELF reader's
load bias. It opens none of those files (namespaces does) and reads no memory (memory does). Paths are what
the target says, bytes of any kind: `path` is for people, `raw_path` for system calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from razorprof.remote.process import ProcessView

_LONGEST_MAPS = 16 << 20  # about 160,000 mappings; the kernel's default limit is 65,530
_DELETED = b" (deleted)"


@dataclass(frozen=True, slots=True)
class MappedRegion:
    """One line of maps (proc(5)): addresses [start, end), offset into the file, device and inode of it."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    raw_path: bytes

    @property
    def path(self) -> str:
        """The path in the target's mount namespace, for people; without the kernel's ' (deleted)'."""
        return self.raw_path.removesuffix(_DELETED).decode(errors="replace")

    @property
    def is_deleted(self) -> bool:
        """The kernel's word for it; a file that is really named so looks the same."""
        return self.raw_path.endswith(_DELETED)

    @property
    def is_writable(self) -> bool:
        return "w" in self.permissions

    @property
    def is_readable(self) -> bool:
        return "r" in self.permissions


def read_maps(process: ProcessView) -> list[MappedRegion]:
    """All mappings, ascending. Raises PermissionDenied, TargetGone. About 1 us a line."""
    return parse_maps(process.read("maps", _LONGEST_MAPS))


def parse_maps(raw: bytes) -> list[MappedRegion]:
    """The mappings of a maps file; lines that cannot be parsed are left out."""
    found = []
    for line in raw.split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) < 5:
            continue
        try:
            first, _, last = fields[0].partition(b"-")
            region = MappedRegion(
                start=int(first, 16),
                end=int(last, 16),
                permissions=fields[1].decode("ascii", "replace"),
                offset=int(fields[2], 16),
                device=fields[3].decode("ascii", "replace"),
                inode=int(fields[4]),
                # proc(5): a newline in the path is written as \012
                raw_path=fields[5].replace(b"\\012", b"\n") if len(fields) > 5 else b"",
            )
        except ValueError:
            continue
        found.append(region)
    return found


def regions_of_same_file(regions: Iterable[MappedRegion], like: MappedRegion) -> list[MappedRegion]:
    """The regions that map the file which `like` maps, ascending."""
    return [
        r for r in regions if r.inode == like.inode and r.device == like.device and r.raw_path == like.raw_path
    ]


def contains(regions: Sequence[MappedRegion], address: int, size: int = 1) -> bool:
    """Whether [address, address + size) lies inside one readable region."""
    return any(r.start <= address and address + size <= r.end and r.is_readable for r in regions)
