"""The GIL's own words, and which threads wait for it.

Called by looks and the reader. The lock tells who holds it and how often it changed hands; who waits is told by
the kernel: a thread that waits for the GIL sleeps in futex on an address inside the lock's struct. Right on
every version.
"""

from __future__ import annotations

import os
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from razorprof.errors import PermissionDenied
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.anatomy import CorruptState

# struct _gil_runtime_state: interval 0, last_holder 8, locked (int) 16, switch_number 24, then the condition
# variables and mutexes that waiting threads sleep on (x86-64 glibc: 48 + 40 + 48 + 40 bytes).
HEAD_BYTES = 32
HOLDER_AT, HOLDER_BYTES = 8, 12  # last_holder and locked, all that a look needs
STRUCT_BYTES = 208
_HEAD = struct.Struct("<QQi4xQ")
_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}.get(platform.machine())
_MOST_THREADS = 4096


@dataclass(frozen=True, slots=True)
class GilFigures:
    """locked: held now; holder: address of the thread state that holds or last held it, 0 for none."""

    locked: bool
    holder: int
    switches: int


def parse_gil(raw: bytes | bytearray | memoryview, offset: int = 0) -> GilFigures:
    """The lock whose struct begins at `offset`. Raises CorruptState."""
    interval, holder, locked, switches = _HEAD.unpack_from(raw, offset)
    if locked not in (-1, 0, 1) or not interval < 10**12 or switches >= 1 << 53:
        raise CorruptState("figures that no GIL has")
    return GilFigures(locked == 1, holder, switches)


class WaiterWatch:
    """Which threads wait for a lock. Holds a descriptor of the process's task folder, bound to this process: a
    recycled pid cannot be read by mistake. Not for two threads at once."""

    def __init__(self, process: ProcessView) -> None:
        """Raises OSError where the process is gone or the kernel does not let us."""
        self._tasks = os.open(process.path / "task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        if self._tasks >= 0:
            os.close(self._tasks)
            self._tasks = -1

    def waiters(self, locks: Iterable[int]) -> dict[int, list[int]]:
        """Lock address -> native ids (in our PID namespace) of the threads that wait for it, ascending.

        About 8 us a thread; at most 4,096 threads are looked at. Raises PermissionDenied, OSError.
        """
        found: dict[int, list[int]] = {lock: [] for lock in locks}
        tids = sorted(int(name) for name in os.listdir(self._tasks) if name.isdigit())
        if len(tids) < 2:
            return found  # who is alone waits for nobody
        for tid in tids[:_MOST_THREADS]:
            address = futex_address(self._syscall_of(tid))
            if address is None:
                continue
            for lock, waiting in found.items():
                if lock <= address < lock + STRUCT_BYTES:
                    waiting.append(tid)
        return found

    def _syscall_of(self, tid: int) -> bytes:
        try:
            descriptor = os.open(f"{tid}/syscall", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._tasks)
        except PermissionError as error:
            raise PermissionDenied("no permission to see what threads wait for", value=tid) from error
        except OSError:
            return b""  # the thread has ended
        try:
            return os.read(descriptor, 256)
        except PermissionError as error:
            raise PermissionDenied("no permission to see what threads wait for", value=tid) from error
        except OSError:
            return b""
        finally:
            os.close(descriptor)


def futex_address(line: bytes) -> int | None:
    """The address that a thread sleeps on, out of /proc/PID/task/TID/syscall; None if it does not."""
    number, _, rest = line.partition(b" ")  # proc(5): number, six arguments, stack pointer, program counter
    if _FUTEX is None or not rest or not number.isdigit() or int(number) != _FUTEX:
        return None
    try:
        return int(rest.split(None, 1)[0], 16)
    except (ValueError, IndexError):
        return None


def can_tell_waiters() -> bool:
    """Whether this machine's system calls are known."""
    return _FUTEX is not None
