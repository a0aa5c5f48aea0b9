"""Memory as seen from outside, as JSON."""

from __future__ import annotations

from razorprof.cli.heap_view import Look, document
from razorprof.model.heap import MemoryMapView, MemoryShare
from razorprof.model.target import Identity, Target


def look(time: float, allocator: dict[str, float]) -> Look:
    return Look(MemoryMapView(time=time, kinds={}, total=MemoryShare()), allocator, None, "")


def test_bytes_and_blocks_are_whole_numbers_and_unknown_ones_null() -> None:
    target = Target(Identity(7, 1), "web")
    told = document(target, look(1.0, {"arena_bytes": 1024.0}), look(2.0, {"arena_bytes": 4096.0}))
    assert repr(told["allocator"]) == "{'arena_bytes': 4096, 'allocated_blocks': None}"
    assert repr(told["growth"]["allocator"]) == "{'arena_bytes': 3072}"
