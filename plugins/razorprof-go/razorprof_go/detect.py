"""Is this process a Go program, and built by which toolchain? Called by Go.detect; read-only, below a millisecond.

Goes by the build info in its executable, which stripping leaves there. A Go library inside of another program
(c-shared) is not looked for: the executable decides.
"""

from __future__ import annotations

from razorprof.errors import RazorprofError
from razorprof.plugin.protocols import Detection
from razorprof.remote.process import ProcessView
from razorprof_go.binary import build_info_of
from razorprof_go.build_info import BuildInfo

RUNTIME = "go"
IMPLEMENTATION = "Go"
VARIABLES = ("GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG")
_SETTINGS = ("-buildmode", "-race", "CGO_ENABLED", "GOARCH", "GOAMD64", "vcs.revision", "vcs.time", "vcs.modified")
_LONGEST_VALUE = 256
_MOST_LISTED = 200


def detect_go(process: ProcessView) -> Detection | None:
    """Whether the process runs a Go program. detail: path, module, modules (name@version, one a line), what of
    its environment steers the runtime, and its build settings, as far as they are known.

    Raises TargetGone; PermissionDenied where its executable may not be seen.
    """
    info = build_info_of(process)
    if info is None:
        return None
    version = info.version
    return Detection(
        RUNTIME,
        None if version is None else ".".join(map(str, version)),
        IMPLEMENTATION,
        {**_described(info), **environment(process)},
    )


def environment(process: ProcessView) -> dict[str, str]:
    """The variables that steer Go's runtime, as they were when the process began; none where that may not be
    seen. No other variable's value is looked at."""
    try:
        raw = process.read("environ")
    except RazorprofError:
        return {}
    found: dict[str, str] = {}
    for entry in raw.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        text = name.decode(errors="replace")
        if equals and text in VARIABLES:
            found.setdefault(text, value[:_LONGEST_VALUE].decode(errors="replace"))
    return found


def version_of(detection: Detection) -> tuple[int, int, int] | None:
    """(1, 25, 4) of a detection."""
    parts = (detection.version or "").split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def _described(info: BuildInfo) -> dict[str, str]:
    detail = {"toolchain": info.toolchain}
    if info.path:
        detail["path"] = info.path
    if info.main is not None:
        detail["module"] = f"{info.main.path}@{info.main.version}"
    if info.modules:
        detail["modules"] = "\n".join(f"{one.path}@{one.version}" for one in info.modules[:_MOST_LISTED])
        detail["module_count"] = str(len(info.modules))
    return detail | {name: info.settings[name] for name in _SETTINGS if info.settings.get(name)}
