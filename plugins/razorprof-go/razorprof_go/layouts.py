"""Where fields of Go's runtime lie, by minor version: only versions that were measured, never the nearest one.

The rows of offsets.json come out of the DWARF of real binaries (offsets of runtime.g move back and forth between
minor versions). Called by whatever reads the runtime's structs. What proves itself by its content (the block of
the collector's pauses) needs no row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from razorprof.errors import NotSupported

_X86_64 = 62  # EM_X86_64
Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets of fields by struct: goroutine (runtime.g), context (gobuf), pacer (gcControllerState), scheduler
    (schedt). last_gc: of the block of pauses inside of runtime.memstats; goroutine_size: bytes of a runtime.g."""

    goroutine: Mapping[str, int]
    goroutine_size: int
    context: Mapping[str, int]
    pacer: Mapping[str, int]
    scheduler: Mapping[str, int]
    last_gc: int


def layout_for(version: Version | None, machine: int = _X86_64) -> Layout:
    """The layout of a version. Raises NotSupported for one that was not measured, with those that were."""
    known = _rows()
    row = None if version is None else known.get(version[:2])
    if row is None:
        raise NotSupported(
            "the layout of this Go version is not known",
            value="unknown" if version is None else ".".join(map(str, version)),
            hint=f"known are {', '.join(f'{major}.{minor}' for major, minor in known)}; collections and pauses, "
            "endpoints and CPU profiles do not need it",
        )
    if machine != _X86_64:
        raise NotSupported("the layout of Go's structs is known for x86-64 only", value=f"ELF machine {machine}")
    return row


def known_versions() -> tuple[tuple[int, int], ...]:
    """Major and minor of the versions that were measured, ascending."""
    return tuple(_rows())


@cache
def _rows() -> dict[tuple[int, int], Layout]:
    document = json.loads(files("razorprof_go").joinpath("offsets.json").read_text())
    rows = {}
    for name, structs in document.items():
        major, _, minor = name.partition(".")
        goroutine = dict(structs["g"])
        rows[int(major), int(minor)] = Layout(
            goroutine_size=goroutine.pop("size"),
            goroutine=goroutine,
            context=structs["gobuf"],
            pacer=structs["gcControllerState"],
            scheduler=structs["schedt"],
            last_gc=structs["mstats"]["last_gc_unix"],
        )
    return dict(sorted(rows.items()))
