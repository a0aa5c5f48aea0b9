"""The environment that lets launched Pythons count their GC time and record their allocations, and what they told.

For session.launch_run. Pythons that ignore the environment (-I, -E, -S, setuid) tell nothing: whoever judges knows
from `Told` which did. The code that runs in them is launch_injected.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("launch_injected.py")
_FILE = re.compile(r"(gc|heap|failed-gc|failed-heap)-(\d+)-(\d+)(?:\.bin(?:\.(\d+))?)?")
_LENT = (
    "memray",
    "rich",
    "typing_extensions",
)  # what `import memray` loads; the rest of its reporters is not needed to record
_MOST_FILES = 10_000
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Told:
    """gc_seconds: CPU seconds of the collector by pid (programs that a process ran by exec are added up), what
    each Python counted itself; heap_files: of memray, by pid; failures: (kind, pid, why), untrusted text."""

    gc_seconds: Mapping[int, float]
    heap_files: tuple[tuple[int, Path], ...]
    failures: tuple[tuple[str, int, str], ...]


def prepare(folder: Path, environment: Mapping[str, str], *, gc: bool, heap: bool) -> dict[str, str]:
    """The program's environment. `folder`: a private one that stays until `collect`."""
    changed = dict(environment)
    wants = [kind for kind, wanted in (("gc", gc), ("heap", heap)) if wanted]
    if not wants:
        return changed
    code = folder / "code"
    code.mkdir(mode=0o700)
    (code / "sitecustomize.py").write_bytes(_SOURCE.read_bytes())
    before = changed.get("PYTHONPATH", "")
    changed["PYTHONPATH"] = f"{code}{os.pathsep}{before}" if before else str(code)
    changed["RAZORPROF_RUN_FOLDER"] = str(folder)
    changed["RAZORPROF_RUN_WANTS"] = ",".join(wants)
    if heap:
        changed["RAZORPROF_RUN_MEMRAY"] = _lend_memray(folder)
    return changed


def collect(folder: Path) -> Told:
    """What the Pythons left. What they wrote is bounded and may be anything."""
    gc_seconds: dict[int, float] = {}
    heap_files: list[tuple[int, Path]] = []
    failures: list[tuple[str, int, str]] = []
    for path in sorted(folder.iterdir())[:_MOST_FILES]:
        found = _FILE.fullmatch(path.name)
        if found is None or path.is_symlink() or not path.is_file():
            continue
        kind, pid = found[1], int(found[4] or found[2])
        if kind == "heap":
            heap_files.append((pid, path))
        elif kind == "gc":
            seconds = _seconds(_start_of(path))
            if seconds is None:
                failures.append(("gc", pid, "what it counted cannot be read"))
            else:
                gc_seconds[pid] = gc_seconds.get(pid, 0.0) + seconds
        else:
            failures.append((kind.removeprefix("failed-"), pid, _start_of(path).decode(errors="replace")[:200]))
    return Told(gc_seconds, tuple(heap_files), tuple(failures))


def _lend_memray(folder: Path) -> str:
    """``TAG:PLACE``: a folder with our own memray, and no more than it imports, for Pythons of our own kind that
    have none."""
    lent = folder / "memray"
    lent.mkdir(mode=0o700)
    for name in _LENT:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue  # it tells itself what it lacks
        origin = Path(spec.origin)
        found = origin.parent if spec.submodule_search_locations else origin
        (lent / found.name).symlink_to(found)
    return f"{sys.implementation.cache_tag}:{lent}"


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except OSError:
        return b""


def _seconds(text: bytes) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None
