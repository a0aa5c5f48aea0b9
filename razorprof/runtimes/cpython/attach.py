"""From a process to a proven way into its CPython: binary, memory, layout, calibration.

Called by the reader, at open and again after the process has exec'd another program. Read-only; everything that
was taken is given back by `close`.
"""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.errors import NotSupported, TargetGone
from razorprof.remote.maps import read_maps
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.calibrate import Calibrated, calibrate
from razorprof.runtimes.cpython.detect import find_python
from razorprof.runtimes.cpython.layout import layout_for


@dataclass(frozen=True, slots=True)
class Attachment:
    """A CPython that can be read. runtime: address of its `_PyRuntime`; version as exact as could be told."""

    process: ProcessView
    memory: RemoteMemory
    runtime: int
    version: str
    calibrated: Calibrated

    def close(self) -> None:
        self.memory.close()


def attach(process: ProcessView) -> Attachment:
    """Attach to the process's CPython. 1 to 30 ms, below 2 once its binary is known.

    Raises TargetGone, PermissionDenied, NotSupported (final: the reason says what is not known), ToolFailed
    (Python is only starting, or its memory would not hold still: try again).
    """
    found = find_python(process)
    if found is None:
        if not read_maps(process) and not process.stat().is_kernel_thread:
            raise TargetGone("the process is ending", value=process.pid)  # its memory is already gone
        raise NotSupported("not a Python process", value=process.pid)
    binary = found.binary
    if binary.free_threaded:
        raise NotSupported(
            "a free-threaded build of Python, which has neither this GIL nor this collector", value=binary.version
        )
    layout = layout_for(binary.version)
    runtime = found.runtime
    if runtime is None:
        raise NotSupported(
            "the Python binary does not tell where its state lies: its symbols were stripped", value=binary.version
        )
    memory = RemoteMemory(process)
    try:
        calibrated = calibrate(memory, runtime, layout, binary.hexversion)
    except BaseException:
        memory.close()
        raise
    return Attachment(process, memory, runtime, binary.version or "", calibrated)
