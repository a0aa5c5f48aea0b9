"""Memory of another process, read-only and without stopping it.

For runtimes and plugins that know what lies where. Two ways in: /proc/PID/mem, whose descriptor stays bound to
the address space it was opened on (a reused pid or an exec'd program can never be read by mistake, the read just
comes back empty), and process_vm_readv, one call for up to 1,024 scattered pieces. Every read is bounded and
either complete or an error. Reads are not atomic: what spans several words may be half old, and the caller
has to check what it gets, because the target is not trusted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from razorprof.errors import NotSupported, PermissionDenied, TargetGone, ToolFailed
from razorprof.remote.process import ProcessView

HIGHEST_ADDRESS = 1 << 56
LONGEST_READ = 64 << 20
_MOST_PIECES = 1 << 20
_IOV_MAX = 1024  # limits.h
# Below this many pieces single reads are as cheap as one scattered call, and stay bound to the address space.
_FEW_PIECES = 4


class UnreadableMemory(ToolFailed):
    """Nothing readable lies there: the address is wrong, or was given back meanwhile."""

    name = "unreadable_memory"


class AddressSpaceGone(ToolFailed):
    """The address space that was attached to is no more: the process ended or runs another program now."""

    name = "address_space_gone"


class RemoteMemory:
    """The memory of the process that `process` is at the time of opening. Close it, or use it as a context."""

    def __init__(self, process: ProcessView) -> None:
        """Raises TargetGone, PermissionDenied."""
        self.process = process
        self.pid = process.pid
        identity = process.identity
        self._descriptor = _open_mem(process)
        if not process.is_same(identity):
            self.close()
            raise TargetGone("no such process", value=process.pid)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> RemoteMemory:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes. Raises UnreadableMemory, AddressSpaceGone."""
        if not _is_sane(address, size):
            raise UnreadableMemory("an address that no process has", value=f"{address:#x} + {size}")
        try:
            found = os.pread(self._descriptor, size, address)
        except OSError as error:
            raise self._explain(error, address) from error
        if len(found) != size:
            self._explain_short(address, found)
        return found

    def read_up_to(self, address: int, size: int) -> bytes:
        """At most `size` bytes, fewer or none where the memory ends before."""
        if not _is_sane(address, size):
            return b""
        try:
            return os.pread(self._descriptor, size, address)
        except OSError:
            return b""

    def read_into(self, address: int, buffer: memoryview) -> None:
        """Fill `buffer` (not longer than LONGEST_READ). Raises UnreadableMemory, AddressSpaceGone."""
        if not _is_sane(address, len(buffer)):
            raise UnreadableMemory("an address that no process has", value=hex(address))
        try:
            count = os.preadv(self._descriptor, (buffer,), address)
        except OSError as error:
            raise self._explain(error, address) from error
        if count != len(buffer):
            self._explain_short(address, bytes(buffer[:count]))

    def word(self, address: int) -> int:
        """The 64-bit little-endian word there."""
        return int.from_bytes(self.read(address, 8), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """`count` 64-bit little-endian words."""
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def plan(self, pieces: Sequence[tuple[int, int]]) -> ReadPlan:
        """A prepared read of (address, size) pieces, to be repeated cheaply. Raises UnreadableMemory."""
        return ReadPlan(self, pieces)

    def check_alive(self, address: int) -> None:
        """Raise AddressSpaceGone if the address space is no more. `address` must be readable if it is."""
        self.read(address, 1)

    def _explain_short(self, address: int, found: bytes) -> None:
        if found:
            raise UnreadableMemory("memory of the process ends before the value", value=hex(address))
        # proc(5) mem: end of file at once when the address space has no users left
        raise AddressSpaceGone("the process ended or runs another program now", value=self.pid)

    def _explain(self, error: OSError, address: int) -> Exception:
        if error.errno in (errno.EIO, errno.EFAULT):
            return UnreadableMemory("memory of the process cannot be read", value=hex(address))
        if error.errno == errno.ESRCH:
            return AddressSpaceGone("the process ended or runs another program now", value=self.pid)
        if error.errno in (errno.EACCES, errno.EPERM):
            return _denied(self.pid)
        return ToolFailed("memory of the process cannot be read", value=error)


class ReadPlan:
    """Scattered pieces read into one buffer that is reused: what `read` gives is valid until the next one.

    offsets[i] is where piece i begins in the buffer. A few pieces are read one by one; many by
    process_vm_readv, and then the address space is checked to be still the one that was attached to.
    """

    def __init__(self, memory: RemoteMemory, pieces: Sequence[tuple[int, int]]) -> None:
        sizes = [size for _, size in pieces]
        if len(pieces) > _MOST_PIECES or any(size <= 0 for size in sizes) or sum(sizes) > LONGEST_READ:
            raise UnreadableMemory("too much to read at once", value=len(pieces))
        if not all(_is_sane(address, size) for address, size in pieces):
            raise UnreadableMemory("an address that no process has")
        self._memory = memory
        self._pieces = tuple(pieces)
        self.buffer = bytearray(sum(sizes))
        self.offsets: list[int] = []
        whole = memoryview(self.buffer)
        self._parts: list[tuple[int, memoryview]] = []
        place = 0
        for address, size in pieces:
            self.offsets.append(place)
            self._parts.append((address, whole[place : place + size]))
            place += size
        self._batches = _batches(self.buffer, self._pieces) if len(pieces) > _FEW_PIECES else None

    def read(self) -> bytearray:
        """The pieces, one after another. Raises UnreadableMemory, AddressSpaceGone."""
        if self._batches is None:
            for address, part in self._parts:
                self._memory.read_into(address, part)
        elif not self._read_scattered(self._batches):
            for address, part in self._parts:  # a seccomp filter may forbid the call, or a piece is gone
                self._memory.read_into(address, part)
        return self.buffer

    def _read_scattered(self, batches: list[_Batch]) -> bool:
        readv = _process_vm_readv()
        if readv is None:
            return False
        for batch in batches:
            if readv(self._memory.pid, batch.local, 1, batch.remote, batch.count, 0) != batch.size:
                return False
        if self._pieces:
            self._memory.check_alive(self._pieces[0][0])
        return True


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Batch:
    __slots__ = ("count", "local", "remote", "size")

    def __init__(self, local: ctypes.Array[_IoVec], remote: ctypes.Array[_IoVec], count: int, size: int) -> None:
        self.local, self.remote, self.count, self.size = local, remote, count, size


def _batches(buffer: bytearray, pieces: Sequence[tuple[int, int]]) -> list[_Batch]:
    origin = ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))
    batches = []
    place = 0
    for first in range(0, len(pieces), _IOV_MAX):
        part = pieces[first : first + _IOV_MAX]
        size = sum(size for _, size in part)
        remote = (_IoVec * len(part))(*[_IoVec(*piece) for piece in part])
        local = (_IoVec * 1)(_IoVec(origin + place, size))
        batches.append(_Batch(local, remote, len(part), size))
        place += size
    return batches


_found: list[ctypes._NamedFuncPointer | None] = []


def _process_vm_readv() -> ctypes._NamedFuncPointer | None:
    """process_vm_readv(2) of the C library, looked up once; None where there is none."""
    if not _found:
        try:
            function = ctypes.CDLL(None, use_errno=True).process_vm_readv
            function.restype = ctypes.c_ssize_t
            function.argtypes = (
                ctypes.c_int,
                ctypes.c_void_p,
                ctypes.c_ulong,
                ctypes.c_void_p,
                ctypes.c_ulong,
                ctypes.c_ulong,
            )
            _found.append(function)
        except (AttributeError, OSError):
            _found.append(None)
    return _found[0]


def _is_sane(address: int, size: int) -> bool:
    return address > 0 and 0 <= size <= LONGEST_READ and address + size <= HIGHEST_ADDRESS


def _open_mem(process: ProcessView) -> int:
    try:
        return os.open(process.path / "mem", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise TargetGone("no such process", value=process.pid) from error
    except PermissionError as error:
        raise _denied(process.pid) from error
    except OSError as error:
        raise NotSupported("the memory of the process cannot be opened", value=error) from error


def _denied(pid: int) -> PermissionDenied:
    return PermissionDenied(
        "no permission to read the memory of the process",
        value=pid,
        hint=f"see why and what mends it with: razorprof doctor {pid}",
    )
