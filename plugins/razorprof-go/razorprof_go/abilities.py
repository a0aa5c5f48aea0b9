"""What can be seen of a Go program going by its version and this machine, and why not what cannot.

Whether symbols and endpoints are there is seen when something is opened; the reasons come with the errors then.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.errors import NotSupported
from razorprof.plugin.protocols import Capability, Detection, Support
from razorprof.profilers.perf_events import why_unavailable
from razorprof_go.collector import NEWEST, OLDEST
from razorprof_go.detect import version_of
from razorprof_go.layouts import layout_for

_ENDPOINT = "the program's pprof endpoint (url: or --probe)"


def abilities(detection: Detection) -> Mapping[Capability, Support]:
    """See plugin.protocols.Runtime."""
    version = version_of(detection)
    return {
        Capability.GC: _collector(version),
        Capability.THREADS: _goroutines(version),
        Capability.CPU: _cpu(),
        Capability.STACKS: _stacks(),
        Capability.HEAP: Support(True, _ENDPOINT, intrusiveness=2),
        Capability.GIL: Support(False, reason="Go has no GIL"),
        Capability.ALLOCATOR: Support(True, "expvar (url: or --probe)", intrusiveness=2),
    }


def _collector(version: tuple[int, int, int] | None) -> Support:
    if version is not None and not OLDEST <= version[:2] <= NEWEST:
        text = ".".join(map(str, version))
        return Support(
            True, f"expvar (url: or --probe); memory is known of Go 1.19 to 1.27, not {text}", intrusiveness=2
        )
    return Support(True, "process memory", intrusiveness=1)


def _goroutines(version: tuple[int, int, int] | None) -> Support:
    try:
        layout_for(version)
    except NotSupported as error:
        return Support(True, f"{_ENDPOINT}; not from memory: {error}", intrusiveness=2)
    return Support(True, f"process memory where there are symbols, or {_ENDPOINT}", intrusiveness=1)


def _stacks() -> Support:
    why = why_unavailable()
    return (
        Support(False, reason=why) if why else Support(True, "perf events (flat shares reliable)", intrusiveness=1)
    )


def _cpu() -> Support:
    why = why_unavailable()
    if why:
        return Support(True, f"{_ENDPOINT}; not from outside: {why}", intrusiveness=2)
    return Support(True, f"perf events (flat shares reliable), or {_ENDPOINT}", intrusiveness=1)
