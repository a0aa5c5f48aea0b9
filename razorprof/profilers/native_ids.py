"""The kernel's ids of threads that py-spy names in other ways.

From Python 3.11 on py-spy says the id that the thread itself knows: right unless the target lives in a PID
namespace of its own. Below 3.11, and with nothing stopped, it says the pthread id only, which is the address of
the thread's descriptor in the C library; the kernel's id stands in there. Its place differs between libraries, so
each known place is tried against the threads that exist, and none is believed that does not fit them all.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping

from razorprof.errors import RazorprofError
from razorprof.remote.namespaces import native_ids, pid_in_own_namespace
from razorprof.remote.process import ProcessView

# Offset of tid in struct pthread: glibc x86-64 (tcbhead_t and a list before it), glibc aarch64 (nptl/descr.h),
# musl x86-64, musl aarch64 (src/internal/pthread_impl.h).
_PLACES = (0x2D0, 0xD0, 0x30, 0x20)
_TID = struct.Struct("=i")


class NativeIds:
    """Finds our names for one process's threads. Reads its memory, four bytes a thread; stops nothing."""

    def __init__(self, view: ProcessView) -> None:
        self._view = view
        self._place: int | None = None
        self._foreign: bool | None = None
        self._resolved: dict[str, int] = {}

    def is_foreign_namespace(self) -> bool:
        """Whether the process knows itself by another pid than we do. Raises TargetGone."""
        if self._foreign is None:
            self._foreign = pid_in_own_namespace(self._view) != self._view.pid
        return self._foreign

    def resolve(self, references: Iterable[str]) -> dict[str, int]:
        """Reference ("1234" or "0x7F..") -> native id in our namespace, 0 where it could not be told.

        Of a process that has just ended, the ids that were found before.
        """
        wanted = set(references)
        try:
            ours = native_ids(self._view)
        except RazorprofError:
            return {reference: self._resolved.get(reference, 0) for reference in wanted}
        pthreads = {reference: int(reference, 16) for reference in wanted if reference.startswith("0x")}
        inner = self._from_memory(pthreads, ours) if pthreads else {}
        inner |= {reference: int(reference) for reference in wanted - pthreads.keys()}
        self._resolved = {reference: ours.get(inner.get(reference, 0), 0) for reference in wanted}
        return self._resolved

    def _from_memory(self, pthreads: Mapping[str, int], known: Mapping[int, int]) -> dict[str, int]:
        try:
            memory = os.open(self._view.path / "mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return {}
        try:
            if self._place is not None and (found := _read_all(memory, pthreads, self._place, known)):
                return found
            fits = [found for place in _PLACES if (found := _read_all(memory, pthreads, place, known))]
            if len(fits) != 1:
                return {}  # none fits, or several do: not told rather than guessed
            self._place = next(p for p in _PLACES if _read_all(memory, pthreads, p, known))
            return fits[0]
        finally:
            os.close(memory)


def _read_all(memory: int, pthreads: Mapping[str, int], place: int, known: Mapping[int, int]) -> dict[str, int]:
    """Ids at `place` of each descriptor. Empty unless each that can be read is a different thread that exists.

    A thread that has just ended may have 0 there, or its memory may be gone: it is left out.
    """
    found: dict[str, int] = {}
    for reference, address in pthreads.items():
        try:
            content = os.pread(memory, _TID.size, address + place)
        except (OSError, OverflowError):
            continue
        tid = _TID.unpack(content)[0] if len(content) == _TID.size else 0
        if tid <= 0:
            continue
        if tid not in known:
            return {}
        found[reference] = tid
    return found if len(set(found.values())) == len(found) else {}
