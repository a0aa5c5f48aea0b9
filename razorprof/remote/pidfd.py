"""A hold on one process that no reused pid can break: that it ended, and how, without being its parent.

For the session (one handle per target) and for whoever must never signal a stranger. It neither reaps nor
signals. Linux 5.3 or later; how a process ended is told to strangers from 6.15 on (PIDFD_INFO_EXIT).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
from pathlib import Path
from types import TracebackType

from razorprof.errors import NotSupported, PermissionDenied, TargetGone, ToolFailed
from razorprof.model.ending import ExitInfo
from razorprof.model.target import Identity
from razorprof.remote.process import PROC, ProcessView

# include/uapi/linux/pidfd.h: struct pidfd_info, its first version of 64 bytes: mask, cgroupid, eleven ids
# (pid, tgid, ppid and the four pairs of uid and gid), exit_code as wait(2) packs it.
_INFO = struct.Struct("=QQ11Ii")
_GET_INFO = (3 << 30) | (_INFO.size << 16) | (0xFF << 8) | 11  # _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)
_INFO_EXIT = 1 << 3
_STAT_EXIT_CODE = 49  # proc(5): field 52 of stat, counted from the state


class ProcessHandle:
    """A pidfd of the process `identity`, which was checked. Close it; a closed one tells nothing.

    Raises TargetGone when the process is no more (or the pid another's), PermissionDenied or NotSupported
    when no pidfd can be had.
    """

    def __init__(self, identity: Identity, *, proc: Path = PROC) -> None:
        self.identity = identity
        self._view = ProcessView(identity.pid, proc=proc)
        self._check()
        try:
            self._fd = os.pidfd_open(identity.pid)
        except OSError as error:
            raise _explain(error, identity.pid) from error
        try:
            self._check()  # still the same after it was opened: so the pidfd is of this process
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """For select, poll and epoll: readable once the process has ended. -1 when closed."""
        return self._fd

    def has_ended(self, timeout: float = 0.0) -> bool:
        """Whether the process ended, waiting at most `timeout` seconds for it. Consumes nothing."""
        if self._fd < 0:
            raise ValueError("the handle is closed")
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        return bool(poller.poll(max(0.0, timeout) * 1000))

    def exit_info(self) -> ExitInfo:
        """How it ended; without code and signal, but with a reason, when that cannot be told (yet)."""
        if not self.has_ended():
            return ExitInfo(reason="it still runs")
        answer = bytearray(_INFO.pack(_INFO_EXIT, *(0,) * 13))
        try:
            fcntl.ioctl(self._fd, _GET_INFO, answer)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                kernel_reason = "the kernel tells it to parents only before Linux 6.15"
            elif error.errno == errno.ESRCH:
                kernel_reason = "the kernel kept no exit status"
            else:
                kernel_reason = os.strerror(error.errno or 0)
        else:
            mask, *_, status = _INFO.unpack(answer)
            if mask & _INFO_EXIT:
                return exit_info_from_status(status)
            kernel_reason = "the kernel gave no exit status"
        return self._zombie_exit() or ExitInfo(reason=kernel_reason)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> ProcessHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self) -> None:
        if not self._view.is_same(self.identity):
            raise TargetGone(
                "no such process", value=self.identity.pid, hint="list what is there with: razorprof ps"
            )

    def _zombie_exit(self) -> ExitInfo | None:
        """While its parent has not waited for it, the status stands in its stat line, for those who may see it."""
        try:
            raw = self._view.read("stat", 8192)
            fields = raw[raw.rindex(b")") + 2 :].split()
            if int(fields[19]) != self.identity.start_ticks or fields[0] != b"Z":
                return None
            status = int(fields[_STAT_EXIT_CODE])
        except (TargetGone, PermissionDenied, ToolFailed, ValueError, IndexError):
            return None
        # proc(5): 0 is also what a stranger without ptrace access is told; exe then says "permission denied",
        # and "no such file" (a zombie has none) to those with access.
        if status == 0:
            try:
                os.readlink(self._view.path / "exe")
            except PermissionError:
                return ExitInfo(reason="no permission to see its exit status")
            except OSError:
                pass
        return exit_info_from_status(status)


def exit_info_from_status(status: int) -> ExitInfo:
    """The exit code or the signal out of a status as wait(2) packs it."""
    if os.WIFEXITED(status):
        return ExitInfo(code=os.WEXITSTATUS(status))
    if os.WIFSIGNALED(status):
        return ExitInfo(signal=os.WTERMSIG(status), core_dumped=os.WCOREDUMP(status))
    return ExitInfo(reason=f"wait status {status:#x} is neither an exit nor a signal")


def _explain(error: OSError, pid: int) -> Exception:
    if error.errno == errno.ESRCH:
        return TargetGone("no such process", value=pid, hint="list what is there with: razorprof ps")
    if error.errno in (errno.EPERM, errno.EACCES):
        return PermissionDenied(
            "no pidfd of the process may be opened", value=pid, hint="a seccomp filter refuses it"
        )
    if error.errno in (errno.ENOSYS, errno.EINVAL):
        return NotSupported("the kernel has no pidfd", value=pid, hint="needs Linux 5.3 or later")
    return ToolFailed("no pidfd of the process could be opened", value=f"{pid}: {error.strerror}")
