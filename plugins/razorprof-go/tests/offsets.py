"""A row of razorprof_go/offsets.json out of the DWARF of a Go binary that was built with symbols.

    python tests/offsets.py BINARY      needs: pip install pyelftools

Prints the row as JSON. For whoever adds a version; nothing calls it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

WANTED = {
    "runtime.g": ("g", ("goid", "atomicstatus", "waitsince", "waitreason", "gopc", "startpc", "m", "sched")),
    "runtime.gobuf": ("gobuf", ("pc", "sp", "bp")),
    "runtime.gcControllerState": (
        "gcControllerState",
        ("gcPercent", "memoryLimit", "heapLive", "heapMarked", "totalAlloc", "totalFree", "lastHeapGoal"),
    ),
    "runtime.mstats": ("mstats", ("last_gc_unix",)),
    "runtime.schedt": (
        "schedt",
        ("nmidle", "mnext", "maxmcount", "nmsys", "npidle", "nmspinning", "runq", "runqsize"),
    ),
}


def row(path: str) -> dict[str, dict[str, int]]:
    """Offsets of the fields that are wanted, by struct."""
    from elftools.elf.elffile import ELFFile  # type: ignore[import-not-found]

    found: dict[str, dict[str, int]] = {}
    with open(path, "rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            for entry in unit.iter_DIEs():
                name = _name(entry)
                if entry.tag == "DW_TAG_structure_type" and name in WANTED and WANTED[name][0] not in found:
                    short, fields = WANTED[name]
                    members = [child for child in entry.iter_children() if child.tag == "DW_TAG_member"]
                    places = {_name(one): one.attributes["DW_AT_data_member_location"].value for one in members}
                    found[short] = {field: places[field] for field in fields if field in places}
                    if short == "g":
                        found[short]["size"] = entry.attributes["DW_AT_byte_size"].value
            if len(found) == len(WANTED):
                break
    return found


def _name(entry: Any) -> str:
    named = entry.attributes.get("DW_AT_name")
    return "" if named is None else str(named.value.decode(errors="replace"))


if __name__ == "__main__":
    print(json.dumps(row(sys.argv[1]), indent=1))
