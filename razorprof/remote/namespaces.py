"""Files and thread ids of a process that may live in other mount and PID namespaces.

A path that a process has mapped means something in its own mount namespace only, and may be deleted there; a
thread id that stands in its memory means something in its own PID namespace only. This finds the file behind
a mapping and our name for its threads. Called by runtimes and plugins; it enters no namespace.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from razorprof.errors import RazorprofError, TargetGone, ToolFailed
from razorprof.remote.maps import MappedRegion
from razorprof.remote.process import ProcessView

# A FIFO or a device under the name of a mapped file must neither block us nor be touched.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@contextmanager
def open_mapped_file(process: ProcessView, region: MappedRegion) -> Iterator[int]:
    """A descriptor of the file that `region` maps: the very inode where the kernel lets us have it.

    Tried in turn: exe where it is that inode, map_files (the exact file, deleted or not; needs
    CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE), the path under the process's own root. Raises ToolFailed.
    """
    descriptor = _open(process, region)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def native_ids(process: ProcessView) -> dict[int, int]:
    """Thread id in the target's own PID namespace -> thread id in ours, for all its threads.

    One directory listing where the namespace is ours; one read per thread otherwise.
    """
    ours = process.task_ids()
    if pid_in_own_namespace(process) == process.pid:
        return {tid: tid for tid in ours}
    found = {}
    for tid in ours:
        try:
            found[_innermost(process.read(f"task/{tid}/status", 8192), tid)] = tid
        except RazorprofError:
            continue  # this thread has just ended
    return found


def pid_in_own_namespace(process: ProcessView) -> int:
    """The pid by which the process knows itself (status NSpid, innermost)."""
    return _innermost(process.read("status", 8192), process.pid)


def _open(process: ProcessView, region: MappedRegion) -> int:
    root = os.fsencode(process.path)
    candidates = [root + b"/exe", root + b"/map_files/%x-%x" % (region.start, region.end)]
    if region.raw_path.startswith(b"/") and not region.is_deleted:
        candidates.append(root + b"/root" + region.raw_path)
    for path in candidates:
        try:
            if stat.S_ISREG(os.stat(path).st_mode):
                descriptor = os.open(path, _FLAGS)
            else:
                continue
        except OSError:
            continue
        # Devices are not compared: btrfs and overlayfs show another one in maps than in stat.
        if os.fstat(descriptor).st_ino == region.inode:
            return descriptor
        os.close(descriptor)
    if not process.path.exists():
        raise TargetGone("no such process", value=process.pid)
    raise ToolFailed("cannot open a file that the process has mapped", value=region.path)


def _innermost(status: bytes, default: int) -> int:
    for line in status.split(b"\n"):
        if line.startswith(b"NSpid:"):
            return int(line.split()[-1])
    return default
