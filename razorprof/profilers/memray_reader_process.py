"""Reads one memray file and prints what is in it as JSON, in a process of its own, which a damaged file may kill.

Run by profilers.memray_reader under the supervisor; its memory and its output are bounded. Stacks are root first.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

MOST_SITES = 5000  # of each table; the rest is told as a sum
MOST_DEPTH = 200
MOST_SNAPSHOTS = 600
_LONGEST_NAME = 500
_OWN = "_razorprof_record"  # the payload's own allocations are nobody's


class _Frames:
    """Frames as indexes: a file names the same ones again and again."""

    def __init__(self) -> None:
        self.table: list[tuple[str, str, int]] = []
        self._known: dict[tuple[str, str, int], int] = {}

    def indexes(self, stack: Iterable[tuple[str, str, int]]) -> list[int] | None:
        """Root first; None where it is our own doing in the target."""
        found = []
        for function, file, line in stack:
            if function.rpartition(".")[2] == _OWN:
                return None
            frame = (function[:_LONGEST_NAME], file[:_LONGEST_NAME], line)
            if frame not in self._known:
                self._known[frame] = len(self.table)
                self.table.append(frame)
            found.append(self._known[frame])
        return found[::-1]


def read(path: str, windows: int) -> dict[str, Any]:
    """Everything that memray_reader makes its values of."""
    from memray import FileReader

    frames = _Frames()
    reader: Any
    with contextlib.closing(FileReader(path)) as reader:
        facts = reader.metadata
        snapshots = [(s.time / 1000, s.rss, s.heap) for s in reader.get_memory_snapshots()]
        step = -(-len(snapshots) // MOST_SNAPSHOTS) or 1
        return {
            "start": facts.start_time.timestamp(),
            "end": facts.end_time.timestamp(),
            "pid": facts.pid,
            "allocations": facts.total_allocations,
            "peak_bytes": facts.peak_memory,
            "python_objects": facts.trace_python_allocators,
            "peak": _table(reader.get_high_watermark_allocation_records(merge_threads=True), frames),
            "live": _table(reader.get_leaked_allocation_records(merge_threads=True), frames),
            "growth": _growth(reader, len(snapshots), windows, frames),
            "snapshots": snapshots[::step],
            "frames": frames.table,
        }


def _table(records: Iterable[Any], frames: _Frames) -> dict[str, Any]:
    """Stacks with bytes and allocations, heaviest first, at most MOST_SITES; `rest`: what did not fit."""
    ordered = sorted(records, key=lambda record: -record.size)
    rows = []
    for record in ordered[:MOST_SITES]:
        stack = frames.indexes(record.stack_trace(max_stacks=MOST_DEPTH))
        if stack is not None:
            rows.append((stack, record.size, record.n_allocations))
    rest = ordered[MOST_SITES:]
    return {"rows": rows, "rest": [len(rest), sum(r.size for r in rest), sum(r.n_allocations for r in rest)]}


def _growth(reader: Any, snapshots: int, windows: int, frames: _Frames) -> list[Any] | None:
    """(stack, least bytes held in each window, allocations still held) of every stack that still holds some.

    The first window is left out of the judgement by who reads this: everything grows from nothing there."""
    if windows < 2 or snapshots < 4 * windows:
        return None
    bounds = [snapshots * number // windows for number in range(windows + 1)]
    held: dict[tuple[int, ...], tuple[list[tuple[int, int]], int]] = {}
    for record in reader.get_temporal_allocation_records(merge_threads=True):
        intervals = record.intervals
        if all(interval.deallocated_before_snapshot is not None for interval in intervals):
            continue
        stack = frames.indexes(record.stack_trace(max_stacks=MOST_DEPTH))
        if stack is None:
            continue
        changes, live = held.get(tuple(stack), ([], 0))
        for interval in intervals:
            changes.append((interval.allocated_before_snapshot, interval.n_bytes))
            if interval.deallocated_before_snapshot is None:
                live += interval.n_allocations
            else:
                changes.append((interval.deallocated_before_snapshot, -interval.n_bytes))
        held[tuple(stack)] = (changes, live)
    rows = [(stack, least_held(changes, bounds), live) for stack, (changes, live) in held.items()]
    rows.sort(key=lambda row: -row[1][-1])
    return rows[:MOST_SITES]


def least_held(changes: Sequence[tuple[int, int]], bounds: Sequence[int]) -> list[int]:
    """The least sum of changes (snapshot, bytes) in each window between two bounds: what comes and goes at once,
    and happened to be held when somebody looked, does not count as growth."""
    by_snapshot: dict[int, int] = {}
    for snapshot, size in changes:
        by_snapshot[snapshot] = by_snapshot.get(snapshot, 0) + size
    events = sorted(by_snapshot.items())
    least = []
    now = place = 0
    for first, last in pairwise(bounds):
        while place < len(events) and events[place][0] <= first:
            now += events[place][1]
            place += 1
        lowest = now
        while place < len(events) and events[place][0] < last:
            now += events[place][1]
            lowest = min(lowest, now)
            place += 1
        least.append(lowest)
    return least


def main() -> int:
    """argv: the file, how many windows, bytes of memory that this process may take."""
    path, windows, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = read(path, windows)
    except Exception as error:  # whatever the file brings about is told as one line
        print(f"{type(error).__name__}: {error}"[:2000], file=sys.stderr)
        return 1
    json.dump(found, sys.stdout, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
