"""Go programs, 1.19 and newer, for razorprof: a plugin. Reached through its entry point only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from razorprof.plugin.protocols import Capability, Detection, Source, Support

if TYPE_CHECKING:
    from razorprof.remote.process import ProcessView


class Go:
    """The Go runtime. Its modules are loaded when they are needed, not with it."""

    name: ClassVar[str] = "go"

    def detect(self, process: ProcessView) -> Detection | None:
        """The toolchain that built the executable, None for what is no Go program."""
        from razorprof_go.detect import detect_go

        return detect_go(process)

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """What can be seen, and why not what cannot."""
        return {Capability.GC: Support(True, "process memory", intrusiveness=1)}

    def sources(self, detection: Detection) -> Sequence[Source]:
        """What can be opened on such a process."""
        from razorprof_go.gc_source import GcSource
        from razorprof_go.goroutines_source import GoroutinesSource

        return [GcSource(detection.detail.get("toolchain", "")), GoroutinesSource()]
