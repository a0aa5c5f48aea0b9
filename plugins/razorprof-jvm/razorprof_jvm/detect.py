"""Is this process a JVM, and which one? Read-only; a millisecond or two.

What tells is the libjvm.so that a process has mapped, not its name: a launcher of any name is found, and a script
called java is not taken for one. The version comes from the JVM's own counters, else from the `release` file of
the JDK that libjvm.so lies in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence

from razorprof.errors import PermissionDenied, RazorprofError
from razorprof.plugin.protocols import Detection
from razorprof.remote.maps import MappedRegion, parse_maps
from razorprof.remote.process import ProcessView
from razorprof_jvm.perf_image import OFF, find_region, is_off, open_perf_data
from razorprof_jvm.perfdata import NotReadyPerfData

RUNTIME = "jvm"
HOTSPOT, OPENJ9 = "HotSpot", "OpenJ9"
_LONGEST_MAPS = 16 << 20
_LONGEST_RELEASE = 64 << 10
_LONGEST_VERSION = 64
_RELEASE_VERSION = re.compile(rb'^JAVA_VERSION="([0-9][^"\n]{0,60})"', re.M)
_ABOVE = 5  # folders between libjvm.so and the JDK's: lib/server, or jre/lib/amd64/server before Java 9


def detect_jvm(process: ProcessView) -> Detection | None:
    """Whether the process runs a JVM. detail: vm (its own name), vendor, home, counters (memory: the JVM does not
    share them), perf_data (why they cannot be read, absent where they can), reason.

    Raises TargetGone; PermissionDenied where nothing at all can be told.
    """
    try:
        raw = process.read("maps", _LONGEST_MAPS)
    except PermissionDenied as denied:
        return _detect_by_name(process, denied)
    if b"/libjvm.so" not in raw:
        return None
    regions = parse_maps(raw)
    library = next((r for r in regions if r.raw_path.removesuffix(b" (deleted)").endswith(b"/libjvm.so")), None)
    if library is None:
        return None
    detail = {"library": library.path}
    if b"/libj9vm" in raw:  # its libjvm.so only forwards
        return Detection(RUNTIME, _release_version(process, library), OPENJ9, detail)
    version = _ask_counters(process, regions, detail) or _release_version(process, library)
    return Detection(RUNTIME, version, HOTSPOT, detail)


def _ask_counters(process: ProcessView, regions: Sequence[MappedRegion], detail: dict[str, str]) -> str | None:
    """The version by the JVM's own word; fills `detail`."""
    if find_region(regions) is None:
        if is_off(process):
            detail["perf_data"] = OFF
        else:
            detail["counters"] = "memory"  # looked for when they are wanted: that takes longer
        return None
    try:
        perf_data = open_perf_data(process, regions)
        try:
            counters = perf_data.read()
        finally:
            perf_data.close()
    except NotReadyPerfData:
        return None  # it is only starting
    except (RazorprofError, OSError) as error:
        detail["perf_data"] = str(error)
        return None
    for key, name in (("vm", "java.vm.name"), ("vendor", "java.vm.vendor"), ("home", "java.home")):
        text = counters.text(f"java.property.{name}")
        if text:
            detail[key] = text
    policy = counters.text("sun.gc.policy.name")
    if policy:
        detail["collector"] = policy
    # Java 8 has no java.version among its counters; its "java.rt.version" is the JDK's build as well
    version = counters.text("java.property.java.version") or counters.text("java.rt.version")
    return version[:_LONGEST_VERSION] if version else None


def _release_version(process: ProcessView, library: MappedRegion) -> str | None:
    """The version in the JDK's `release` file, found upwards of libjvm.so in the process's own root."""
    folder = library.raw_path.removesuffix(b" (deleted)")
    root = os.fsencode(process.path) + b"/root"
    for _ in range(_ABOVE):
        folder = folder.rpartition(b"/")[0]
        if not folder.startswith(b"/") or b"/.." in folder:
            return None
        found = _RELEASE_VERSION.search(_read_regular(root + folder + b"/release"))
        if found is not None:
            return found[1].decode("ascii", "replace")
    return None


def _read_regular(path: bytes) -> bytes:
    """The beginning of a regular file, nothing where it is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.read(descriptor, _LONGEST_RELEASE)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _detect_by_name(process: ProcessView, denied: PermissionDenied) -> Detection | None:
    """What the name claims, where the kernel shows no more than that."""
    arguments = process.command_line()
    if not arguments:
        return None  # a kernel thread or a zombie
    if arguments[0].rpartition("/")[2] == "java" or process.comm() == "java":
        reason = f"told by its name only: {denied.message}"
        return Detection(RUNTIME, None, "", {"reason": reason, "perf_data": denied.message})
    raise denied
