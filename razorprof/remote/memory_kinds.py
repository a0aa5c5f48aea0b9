"""The memory of another process by kind, out of /proc/PID/smaps: heap, anonymous, stacks, libraries, ...

For the command heap and for bundles. About 10 us a mapping; the kernel holds a lock of the target's memory map
while it reads one mapping, so it is not for every tick.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from razorprof.model.heap import MemoryKind, MemoryMapView, MemoryShare
from razorprof.remote.process import ProcessView

_LONGEST = 64 << 20  # about 90,000 mappings; the kernel's default limit is 65,530
_HEAD = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)")
_FIELDS = {
    b"Rss:": "resident_bytes",
    b"Pss:": "proportional_bytes",
    b"Private_Clean:": "unique_bytes",
    b"Private_Dirty:": "unique_bytes",
    b"Private_Hugetlb:": "unique_bytes",
    b"Swap:": "swapped_bytes",
}
_GUARD_PAGES = 16 << 12  # bytes; pthread_attr_setguardsize(3) gives one page where nobody asks for more


def read_memory_kinds(process: ProcessView) -> MemoryMapView:
    """All mappings by kind. Raises PermissionDenied, TargetGone."""
    return memory_kinds(process.read("smaps", _LONGEST), time.time())


def memory_kinds(raw: bytes, now: float) -> MemoryMapView:
    """The sums over an smaps file; what cannot be parsed is left out."""
    kinds: dict[MemoryKind, dict[str, int]] = {}
    total: dict[str, int] = {}
    for kind, figures in _mappings(raw):
        for sums in (kinds.setdefault(kind, {}), total):
            for name, value in figures.items():
                sums[name] = sums.get(name, 0) + value
    shares = {kind: MemoryShare(**kinds[kind]) for kind in MemoryKind if kind in kinds}
    return MemoryMapView(now, shares, MemoryShare(**total))


def _mappings(raw: bytes) -> Iterator[tuple[MemoryKind, dict[str, int]]]:
    guard_ends = -1
    programs: set[bytes] = set()  # files of which something is executable
    found: list[tuple[MemoryKind, bytes, dict[str, int]]] = []
    for line in raw.split(b"\n"):
        head = _HEAD.fullmatch(line)
        if head is not None:
            start, end = int(head[1], 16), int(head[2], 16)
            permissions, path = head[3], head[4]
            kind = _kind(permissions, path, follows_guard=guard_ends == start)
            is_guard = permissions == b"---p" and not path and end - start <= _GUARD_PAGES
            guard_ends = end if is_guard else -1
            if permissions[2:3] == b"x":
                programs.add(path)
            found.append((kind, path, {"mappings": 1, "virtual_bytes": end - start}))
            continue
        words = line.split()
        name = _FIELDS.get(words[0]) if len(words) == 3 and words[2] == b"kB" else None
        if name is not None and found and words[1].isdigit():
            figures = found[-1][2]
            figures[name] = figures.get(name, 0) + int(words[1]) * 1024  # proc(5): kB are KiB
    for kind, path, figures in found:
        yield (MemoryKind.LIBRARY if kind is MemoryKind.FILE and path in programs else kind), figures


def _kind(permissions: bytes, path: bytes, *, follows_guard: bool) -> MemoryKind:
    if path == b"[heap]":
        return MemoryKind.HEAP
    if path.startswith(b"[stack"):
        return MemoryKind.STACK
    if path.startswith((b"/dev/shm/", b"/memfd:", b"/SYSV", b"[anon_shmem:")) or permissions.endswith(b"s"):
        return MemoryKind.SHARED
    if path.startswith(b"/"):
        return MemoryKind.FILE
    if not path or path.startswith(b"[anon"):
        # A thread's stack is anonymous; what tells it is the guard page below, which glibc and musl put there.
        return MemoryKind.STACK if follows_guard and permissions.startswith(b"rw") else MemoryKind.ANONYMOUS
    return MemoryKind.OTHER
