"""What doctor looks at among programs and packages: py-spy, memray, debuggers, libraries, plugins."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata

from razorprof.cli.checks import Check
from razorprof.errors import NotSupported

_TIME_OUT = 20.0
_PIP = f"{shlex.quote(sys.executable)} -m pip install"
_PACKAGE_MANAGERS = (
    ("apt-get", "sudo apt-get install {}"),
    ("dnf", "sudo dnf install {}"),
    ("apk", "sudo apk add {}"),
    ("pacman", "sudo pacman -S {}"),
    ("zypper", "sudo zypper install {}"),
)


def check_tools() -> list[Check]:
    """Tools first, then libraries and plugins."""
    return [check_py_spy(), check_memray(), check_debugger(), check_packages(), check_plugins()]


def check_py_spy() -> Check:
    """Whether the py-spy of this very installation is there and runs (not one that happens to be on PATH)."""
    from razorprof.profilers.pyspy import find_py_spy

    name = "py-spy"
    try:
        found = find_py_spy()
    except NotSupported as error:
        return Check(name, False, f"{error}: no hot functions, no stacks", f"{_PIP} py-spy")
    mend = f"{_PIP} --force-reinstall py-spy=={found.version}"
    try:
        answer = subprocess.run(
            [found.path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIME_OUT, check=True
        )
    except subprocess.TimeoutExpired:
        return Check(name, False, f"{found.path} does not answer within {_TIME_OUT:g} s", mend)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name, False, f"{found.path} does not run: {error}", mend)
    return Check(name, True, f"{answer.stdout.decode(errors='replace').strip()[:80]} at {found.path}")


def check_memray() -> Check:
    version = _version("memray")
    if version is None:
        return Check("memray", False, "not installed: no allocation profiles", f"{_PIP} memray")
    return Check("memray", True, f"memray {version}")


def check_debugger() -> Check:
    """gdb or lldb: memray needs one to attach up to Python 3.13."""
    for program in ("gdb", "lldb"):
        if path := shutil.which(program):
            return Check("debugger", True, f"{program} at {path}")
    fix = next((command.format("gdb") for tool, command in _PACKAGE_MANAGERS if shutil.which(tool)), "install gdb")
    return Check("debugger", None, "neither gdb nor lldb: heap --attach needs one up to Python 3.13", fix)


def check_packages() -> Check:
    """Versions of the libraries that razorprof stands on."""
    names = _required()
    versions = {name: _version(name) for name in names}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Check("packages", False, f"missing: {', '.join(missing)}", f"{_PIP} {' '.join(missing)}")
    return Check("packages", True, ", ".join(f"{name} {version}" for name, version in versions.items()))


def check_plugins() -> Check:
    from razorprof.plugin.loading import check_plugins as load_all

    reports = load_all()
    broken = [f"{report.name} ({report.error})" for report in reports if report.error]
    if broken:
        return Check("plugins", False, "; ".join(broken), "see: razorprof plugins")
    return Check("plugins", True, ", ".join(report.name for report in reports))


def _required() -> list[str]:
    """The distributions that razorprof's own metadata asks for, extras left out."""
    try:
        lines = metadata.requires("razorprof") or []
    except metadata.PackageNotFoundError:
        return []
    plain = (line for line in lines if "extra ==" not in line)
    return [found[0] for line in plain if (found := re.match(r"[A-Za-z0-9._-]+", line))]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
