"""CPU samples of a process by the kernel's perf events: call chains of addresses, without any tool and unprepared.

A software event (cpu-clock) on each thread, read out of memory that the kernel shares with us; nothing is stopped.
Used by runtimes that know what lies at an address. Chains follow frame pointers. Closing the descriptors ends all
of it, and so does the end of razorprof. Layouts: perf_event_open(2).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.remote.process import ProcessView

MOST_THREADS = 512
_PAGES = 8  # of data, a power of two: 32 KiB hold 30 of the longest records
_NUMBERS = {"x86_64": 298, "aarch64": 241}
_SOFTWARE, _CPU_CLOCK = 1, 0
_IP, _TID, _TIME, _CALLCHAIN = 1, 2, 4, 32
_EXCLUDE_KERNEL, _EXCLUDE_HV, _EXCLUDE_KERNEL_CHAIN = 1 << 5, 1 << 6, 1 << 21
_CLOEXEC = 8
_LOST, _SAMPLE = 2, 9
_HEADER = struct.Struct("<IHH")
_SAMPLED = struct.Struct("<QIIQQ")  # ip, pid, tid, time, addresses that follow
_CONTEXTS = (1 << 64) - 4096  # markers among the addresses, not addresses
_ATTRIBUTES = struct.Struct("<IIQQQQQ")
_SIZE = 128
_HEAD, _TAIL = 1024, 1032  # of struct perf_event_mmap_page
_DEEPEST = 512
_PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


@dataclass(frozen=True, slots=True)
class CpuSample:
    """A thread seen on a CPU. chain: addresses, innermost first; all but the first are return addresses."""

    thread: int
    chain: tuple[int, ...]


class PerfSampler:
    """Samples all threads of a process until it is closed: each once in `period` seconds of its CPU time.

    has_kernel: whether time inside of the kernel is seen too; lost: samples that did not fit; refused: threads
    that are not sampled. For one thread.
    """

    def __init__(self, process: ProcessView, rate_hz: float) -> None:
        """Raises PermissionDenied, NotSupported, TargetGone, ToolFailed."""
        self.period = 1.0 / rate_hz
        self.has_kernel = True
        self.lost = 0
        self.refused = 0
        self._process = process
        self._period_ns = round(1e9 / rate_hz)
        self._rings: dict[int, _Ring] = {}
        try:
            self.follow_threads()
        except BaseException:
            self.close()
            raise
        if not self._rings:
            raise TargetGone("the process has ended", value=process.pid)

    def __enter__(self) -> PerfSampler:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the events."""
        rings, self._rings = self._rings, {}
        for ring in rings.values():
            ring.close()

    def follow_threads(self) -> None:
        """Take in threads that are new, let go of those that ended. `refused` counts those that are not sampled:
        beyond MOST_THREADS, or beyond the memory that may be locked."""
        present = set(self._process.task_ids())
        self.refused = 0
        for tid in present - self._rings.keys():
            if len(self._rings) >= MOST_THREADS:
                self.refused += 1
                continue
            ring = self._open(tid)
            if ring is not None:
                self._rings[tid] = ring
        for tid in self._rings.keys() - present:
            ended = self._rings[tid]
            if ended.is_drained():
                del self._rings[tid]
                ended.close()

    def take(self) -> list[CpuSample]:
        """What was sampled since the last call. To be called several times a second: a ring holds some 30 long
        chains."""
        found: list[CpuSample] = []
        for ring in self._rings.values():
            samples, lost = parse_records(ring.take())
            found += samples
            self.lost += lost
        return found

    def _open(self, tid: int) -> _Ring | None:
        """None where the thread has just ended, or there is no more memory for it."""
        try:
            descriptor = _event(tid, self._period_ns, with_kernel=self.has_kernel)
        except PermissionError as error:
            if self.has_kernel:  # at perf_event_paranoid 2 only one's own code may be seen
                self.has_kernel = False
                return self._open(tid)
            raise _denied(self._process.pid) from error
        except ProcessLookupError:
            return None
        except OSError as error:
            raise _failed(error) from error
        try:
            return _Ring(descriptor)
        except PermissionError as error:  # perf_event_mlock_kb and RLIMIT_MEMLOCK are used up
            if self._rings:
                self.refused += 1
                return None
            hint = "raise kernel.perf_event_mlock_kb, or the limit of locked memory: ulimit -l"
            raise ToolFailed("no memory may be locked for perf events", hint=hint) from error
        except OSError as error:
            raise _failed(error) from error


class _Ring:
    """One thread's event and the memory that its records are written to."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        try:
            page = mmap.PAGESIZE
            self._size = _PAGES * page
            self._map = mmap.mmap(descriptor, (1 + _PAGES) * page)
        except BaseException:
            os.close(descriptor)
            raise
        self._start = mmap.PAGESIZE

    def close(self) -> None:
        self._map.close()
        os.close(self._descriptor)

    def is_drained(self) -> bool:
        return self._word(_HEAD) == self._word(_TAIL)

    def take(self) -> bytes:
        """The whole records that are new."""
        head, tail = self._word(_HEAD), self._word(_TAIL)
        length = head - tail
        if not 0 < length <= self._size:
            return b""
        first = tail % self._size
        end = min(first + length, self._size)
        content = self._map[self._start + first : self._start + end]
        if end - first < length:
            content += self._map[self._start : self._start + length - (end - first)]
        self._map[_TAIL : _TAIL + 8] = struct.pack("<Q", head)
        return content

    def _word(self, at: int) -> int:
        return int.from_bytes(self._map[at : at + 8], "little")


def parse_records(content: bytes) -> tuple[list[CpuSample], int]:
    """The samples in records, and how many were lost. A record that cannot be is the end."""
    return list(_samples(content)), sum(_losses(content))


def _samples(content: bytes) -> Iterator[CpuSample]:
    for kind, at, end in _records(content):
        if kind != _SAMPLE or end - at < _SAMPLED.size:
            continue
        ip, _, tid, _, count = _SAMPLED.unpack_from(content, at)
        count = min(count, (end - at - _SAMPLED.size) // 8, _DEEPEST)
        addresses = struct.unpack_from(f"<{count}Q", content, at + _SAMPLED.size)
        chain = tuple([address for address in addresses if address < _CONTEXTS])
        yield CpuSample(tid, chain or (ip,))


def _losses(content: bytes) -> Iterator[int]:
    for kind, at, end in _records(content):
        if kind == _LOST and end - at >= 16:  # id, lost
            yield int.from_bytes(content[at + 8 : at + 16], "little")


def _records(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(type, begin and end of the body) of each record."""
    place = 0
    while place + _HEADER.size <= len(content):
        kind, _, size = _HEADER.unpack_from(content, place)
        if size < _HEADER.size or place + size > len(content):
            return
        yield kind, place + _HEADER.size, place + size
        place += size


def why_unavailable() -> str:
    """Why perf events cannot be used on this machine, as far as that is seen without opening one; else empty."""
    if platform.machine() not in _NUMBERS:
        return f"perf events are not known on {platform.machine()}"
    if not _PARANOID.exists():
        return "this kernel has no perf events"
    return ""


def _event(tid: int, period_ns: int, *, with_kernel: bool) -> int:
    """A descriptor of the event. Raises OSError, NotSupported."""
    number = _NUMBERS.get(platform.machine())
    if number is None:
        raise NotSupported("perf events are not known on this machine", value=platform.machine())
    flags = _EXCLUDE_HV | _EXCLUDE_KERNEL_CHAIN | (0 if with_kernel else _EXCLUDE_KERNEL)
    kinds = _IP | _TID | _TIME | _CALLCHAIN
    attributes = bytearray(_SIZE)
    _ATTRIBUTES.pack_into(attributes, 0, _SOFTWARE, _SIZE, _CPU_CLOCK, period_ns, kinds, 0, flags)
    buffer = (ctypes.c_char * _SIZE).from_buffer(attributes)
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    descriptor = library.syscall(
        ctypes.c_long(number),
        buffer,
        ctypes.c_int(tid),
        ctypes.c_int(-1),
        ctypes.c_int(-1),
        ctypes.c_ulong(_CLOEXEC),
    )
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(descriptor)


def _denied(pid: int) -> PermissionDenied:
    try:
        level = _PARANOID.read_text().strip()
    except OSError:
        level = "unknown"
    return PermissionDenied(
        f"the kernel allows no perf events of this process (perf_event_paranoid is {level})",
        value=pid,
        hint="sudo sysctl kernel.perf_event_paranoid=2, or run as the process's user with CAP_PERFMON; in a "
        "container the seccomp profile must allow perf_event_open",
    )


def _failed(error: OSError) -> RazorprofError:
    if error.errno in (errno.ENOSYS, errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL):
        return NotSupported("perf events cannot be had here", value=error.strerror)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return ToolFailed("too many open files for the threads of the process", hint="raise the limit: ulimit -n")
    return ToolFailed("perf events cannot be had", value=error.strerror)
