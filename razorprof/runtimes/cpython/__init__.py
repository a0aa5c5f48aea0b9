"""CPython, 3.8 and newer: the built-in runtime. Reached through its entry point only.

Each source stands in a module of its own and is opened by itself: one that cannot be had (no py-spy, an unknown
build) takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from razorprof.errors import RazorprofError
from razorprof.plugin.protocols import Capability, Detection, Source, Support
from razorprof.remote.process import ProcessView


class CPython:
    """The CPython runtime. Its modules are loaded when they are needed, not with it."""

    name: ClassVar[str] = "cpython"

    def detect(self, process: ProcessView) -> Detection | None:
        """The interpreter and its version, None for what is no CPython."""
        from razorprof.runtimes.cpython.detect import detect_python

        return detect_python(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """Stacks and threads need py-spy for their frames; threads without it still have the kernel's figures."""
        from razorprof.profilers.pyspy import find_py_spy

        try:
            py_spy = f"py-spy {find_py_spy().version}"
            stacks = Support(True, py_spy, intrusiveness=1)
        except RazorprofError as error:
            py_spy = ""
            stacks = Support(False, reason=f"{error}; {error.hint}")
        return {
            Capability.STACKS: stacks,
            Capability.THREADS: Support(True, f"/proc, {py_spy}" if py_spy else "/proc", intrusiveness=1),
        }

    def sources(self, detection: Detection) -> Sequence[Source]:
        """What can be opened on such a process."""
        from razorprof.runtimes.cpython.stacks import StacksSource
        from razorprof.runtimes.cpython.threads import ThreadsSource

        return [StacksSource(minor_version(detection)), ThreadsSource()]


def minor_version(detection: Detection) -> tuple[int, int] | None:
    """(3, 11) of a detection, None where it is not known that well."""
    parts = (detection.version or "").split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])
