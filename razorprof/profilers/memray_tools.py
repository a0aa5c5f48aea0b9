"""What injecting memray takes on our side: gdb, memray's client library and its debugger script.

For memray_guard and for hints. Nothing is imported of memray here, and nothing is run.
"""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import NotSupported
from razorprof.plugin.installed import find_distribution


@dataclass(frozen=True, slots=True)
class MemrayTools:
    """Paths, absolute, and memray's version, which the target's must equal."""

    version: str
    library: Path
    script: Path
    gdb: Path


def find_memray_tools() -> MemrayTools:
    """Raises NotSupported with what is missing and how to get it."""
    spec = importlib.util.find_spec("memray")
    if spec is None or not spec.submodule_search_locations:
        raise NotSupported("memray is not installed beside razorprof", hint="install it: pip install memray")
    folder = Path(next(iter(spec.submodule_search_locations)))
    library, script = folder / "_inject.abi3.so", folder / "commands" / "_attach.gdb"
    distribution = find_distribution("memray")
    version = distribution.version if distribution is not None else ""
    if not library.is_file() or not script.is_file():
        raise NotSupported("this memray cannot be injected", value=version, hint="install memray 1.20")
    if any(mark in str(library) for mark in '"\\\n$'):  # it stands in a command of gdb's
        raise NotSupported("memray lies in a folder whose name gdb cannot be told", value=library)
    gdb = shutil.which("gdb")
    if gdb is None:
        raise NotSupported(
            "no gdb to inject with",
            hint="install it (Debian: apt-get install gdb), or launch the program with: razorprof run --heap FILE",
        )
    return MemrayTools(version, library, script, Path(gdb).resolve())
