"""What can be seen of a JVM, how deep that reaches into it, and why not what cannot. For Jvm.capabilities."""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.plugin.protocols import Capability, Detection, Support
from razorprof_jvm.detect import OPENJ9

NO_CPU = (
    "CPU profiles of Java code need an agent inside of the JVM: "
    "jcmd PID JFR.start duration=30s filename=profile.jfr, or async-profiler; CPU by thread: razorprof threads"
)
NO_STACKS = "Java code is not sampled from outside; one look: razorprof threads PID --allow signal"
NO_GIL = "a JVM has no global interpreter lock"
NO_ALLOCATOR = "a JVM's heap is shown by its pools: razorprof gc"
STILL = "threads and classes are told all the same: --allow signal"
NO_OPENJ9 = "OpenJ9 keeps no counters as HotSpot does, and answers another attach protocol"


def capabilities(detection: Detection) -> Mapping[Capability, Support]:
    """By what was detected; no process is asked."""
    stacks = Support(False, reason=NO_STACKS)
    missing = {
        Capability.CPU: Support(False, reason=NO_CPU),
        Capability.GIL: Support(False, reason=NO_GIL),
        Capability.ALLOCATOR: Support(False, reason=NO_ALLOCATOR),
        Capability.STACKS: stacks,
    }
    if detection.implementation == OPENJ9:
        refused = Support(False, reason=NO_OPENJ9)
        kernel = Support(True, "/proc, without Java stacks", intrusiveness=0)
        return {Capability.GC: refused, Capability.THREADS: kernel, Capability.HEAP: refused, **missing}
    reason = detection.detail.get("perf_data", "")
    in_memory = detection.detail.get("counters") == "memory"
    counters = (
        Support(True, "process memory", intrusiveness=1)
        if in_memory
        else Support(True, "hsperfdata", intrusiveness=0)
    )
    return {
        Capability.GC: Support(False, reason=f"{reason}; {STILL}") if reason else counters,
        Capability.THREADS: Support(
            True, "/proc; Java stacks by the attach protocol (--allow signal)", intrusiveness=0
        ),
        Capability.HEAP: Support(True, "class histogram by the attach protocol (--allow signal)", intrusiveness=3),
        **missing,
    }
