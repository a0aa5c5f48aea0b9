"""Memory by kind, on an smaps file that was made by hand."""

from __future__ import annotations

from razorprof.model.heap import MemoryKind
from razorprof.remote.memory_kinds import memory_kinds

SMAPS = b"""\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 7 /usr/bin/python3.11
Rss:                   4 kB
Pss:                   2 kB
Private_Clean:         0 kB
55d0c0001000-55d0c0003000 r-xp 00001000 fe:00 7 /usr/bin/python3.11
Rss:                   8 kB
55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0 [heap]
Rss:                 100 kB
Private_Dirty:       100 kB
Swap:                 12 kB
7f0000000000-7f0000001000 ---p 00000000 00:00 0
7f0000001000-7f0000801000 rw-p 00000000 00:00 0
Rss:                  16 kB
7f1000000000-7f1000100000 rw-p 00000000 00:00 0
Rss:                 512 kB
7f2000000000-7f2000010000 r--p 00000000 fe:00 9 /usr/share/some data\\012Rss: 9 kB
Rss:                   4 kB
7f3000000000-7f3000010000 rw-s 00000000 00:01 3 /dev/shm/queue
Rss:                  64 kB
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]
Rss:                  20 kB
7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0 [vdso]
Rss:                   4 kB
no mapping at all
Rss: many kB
"""


def test_each_mapping_counts_to_one_kind_and_to_the_sum() -> None:
    seen = memory_kinds(SMAPS, 5.0)
    resident = {kind: share.resident_bytes // 1024 for kind, share in seen.kinds.items()}
    assert resident == {
        MemoryKind.HEAP: 100,
        MemoryKind.ANONYMOUS: 512,
        MemoryKind.STACK: 36,  # the main thread's, and one that follows its guard page
        MemoryKind.LIBRARY: 12,  # the part of a program that is not executable, too
        MemoryKind.FILE: 4,
        MemoryKind.SHARED: 64,
        MemoryKind.OTHER: 4,
    }
    assert seen.total.resident_bytes == sum(resident.values()) * 1024
    assert seen.total.mappings == 10
    assert seen.kinds[MemoryKind.HEAP].unique_bytes == 100 * 1024
    assert seen.kinds[MemoryKind.HEAP].swapped_bytes == 12 * 1024


def test_an_empty_file_is_no_memory() -> None:
    assert memory_kinds(b"", 0.0).total.resident_bytes == 0
