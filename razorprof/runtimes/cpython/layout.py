"""Where CPython keeps what, by minor version: the table, typed. Chosen here, proven in the target by calibrate.

The numbers stand in offsets.json, made by compiling against the headers of the builds that are named there. A
version without a row, a pre-release and a release older than its row are refused with the reason: a layout is
never guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from razorprof.errors import NotSupported

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+)((?:a|b|rc)\d+)?)?")


@dataclass(frozen=True, slots=True)
class GcLayout:
    """struct _gc_runtime_state. generations: the offsets that occur, calibration leaves one; anchor: offset of
    a field that points to the first generation, None where there is none (3.15); stats: of generation_stats."""

    size: int
    enabled: int
    generations: tuple[int, ...]
    permanent: int
    stats: int
    collecting: int
    garbage: int
    anchor: int | None


@dataclass(frozen=True, slots=True)
class StatsLayout:
    """struct gc_generation_stats, one entry; the fields from `duration` on only where they exist (3.15+)."""

    size: int
    collections: int
    collected: int
    uncollectable: int
    duration: int | None


@dataclass(frozen=True, slots=True)
class RingLayout:
    """struct gc_stats (3.15+): per generation a ring of entries with the newest one's index."""

    size: int
    young: int
    young_index: int
    old: int
    old_size: int
    old_index: int
    update_sequence: int


@dataclass(frozen=True, slots=True)
class AllocatorLayout:
    """obmalloc (3.12+). by_pointer: the interpreter holds a pointer to it (3.13+) instead of the struct."""

    state: int
    by_pointer: bool
    mgmt: int
    arenas: int
    most_arenas: int
    arena_count: int
    raw_blocks: int
    arena_object: int
    arena_bytes: int
    pool_bytes: int


@dataclass(frozen=True, slots=True)
class TasksLayout:
    """Heads of the lists of asyncio's tasks (3.14+), in an interpreter and in a thread state. thread_neighbour: of
    the list that follows it in a thread state, to prove the place."""

    interpreter: int
    thread: int
    thread_neighbour: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One minor version's. Offsets in bytes; None where that version has no such field.

    gc_in_runtime: 3.8's collector for the whole process; gil_in_runtime: the one GIL before 3.12;
    gil_pointer: per interpreter since; debug_offsets: size of _Py_DebugOffsets (3.13+).
    """

    minor: tuple[int, int]
    interpreters_head: int
    initialized: int
    gc_in_runtime: int | None
    gil_in_runtime: int | None
    interpreter_id: int
    interpreter_next: int
    interpreter_threads: int
    interpreter_gc: int | None
    gil_pointer: int | None
    thread_next: int
    thread_interpreter: int
    thread_id: int
    thread_native_id: int | None
    gc: GcLayout
    stats: StatsLayout
    rings: RingLayout | None
    allocator: AllocatorLayout | None
    tasks: TasksLayout | None
    debug_offsets: int | None


def layout_for(version: str | None) -> Layout:
    """The layout that the table has for a version ("3.11.7", "3.8"). Raises NotSupported with the reason."""
    if version is None:
        raise NotSupported("which Python this is cannot be told, so its memory layout is unknown")
    found = _VERSION.fullmatch(version)
    if found is None:
        raise NotSupported("not a version of Python", value=version)
    minor = (int(found[1]), int(found[2]))
    if found[4]:
        raise NotSupported("a pre-release of Python, whose memory layout is not known", value=version)
    row = _table().get(f"{minor[0]}.{minor[1]}")
    if row is None:
        raise NotSupported(
            "no memory layout is known for this version of Python",
            value=version,
            hint=f"known: {', '.join(_table())}",
        )
    first = tuple(int(part) for part in row["first"].split("."))
    if found[3] is not None and (*minor, int(found[3])) < first:
        raise NotSupported(
            "the memory layout of this early release is not known",
            value=version,
            hint=f"known from {row['first']} on",
        )
    return _parse(minor, row["offsets"])


def known_versions() -> tuple[str, ...]:
    """The minor versions that can be read, ascending."""
    return tuple(_table())


@cache
def _table() -> dict[str, Any]:
    text = Path(__file__).with_name("offsets.json").read_text(encoding="utf-8")
    rows: dict[str, Any] = json.loads(text)["rows"]
    return rows


@cache
def _layout_cache() -> dict[tuple[int, int], Layout]:
    return {}


def _parse(minor: tuple[int, int], row: dict[str, Any]) -> Layout:
    kept = _layout_cache()
    if minor not in kept:
        kept[minor] = Layout(
            minor=minor,
            interpreters_head=row["rt.interpreters.head"],
            initialized=row["rt.initialized"],
            gc_in_runtime=row.get("rt.gc"),
            gil_in_runtime=row.get("rt.gil"),
            interpreter_id=row["is.id"],
            interpreter_next=row["is.next"],
            interpreter_threads=row["is.threads.head"],
            interpreter_gc=row.get("is.gc"),
            gil_pointer=row.get("is.ceval.gil"),
            thread_next=row["ts.next"],
            thread_interpreter=row["ts.interp"],
            thread_id=row["ts.thread_id"],
            thread_native_id=row.get("ts.native_thread_id"),
            gc=_gc(row),
            stats=StatsLayout(
                size=row["gc.stats.size"],
                collections=row["st.collections"],
                collected=row["st.collected"],
                uncollectable=row["st.uncollectable"],
                duration=row.get("st.duration"),
            ),
            rings=_rings(row) if "gcs.size" in row else None,
            allocator=_allocator(minor, row) if "is.obmalloc" in row else None,
            tasks=_tasks(row) if "is.asyncio_tasks_head" in row else None,
            debug_offsets=row.get("dbg.size"),
        )
    return kept[minor]


def _gc(row: dict[str, Any]) -> GcLayout:
    return GcLayout(
        size=row["gc.size"],
        enabled=row["gc.enabled"],
        generations=tuple(row["gc.generations"]),
        permanent=row["gc.permanent"],
        stats=row["gc.generation_stats"],
        collecting=row["gc.collecting"],
        garbage=row["gc.garbage"],
        anchor=row.get("gc.anchor"),
    )


def _rings(row: dict[str, Any]) -> RingLayout:
    return RingLayout(
        size=row["gcs.size"],
        young=row["gcs.young"],
        young_index=row["gcs.young.index"],
        old=row["gcs.old"],
        old_size=row["gcs.old.size"],
        old_index=row["gcs.old.index"],
        update_sequence=row["gcs.update_seq"],
    )


def _allocator(minor: tuple[int, int], row: dict[str, Any]) -> AllocatorLayout:
    return AllocatorLayout(
        state=row["is.obmalloc"],
        by_pointer=minor >= (3, 13),
        mgmt=row["obmalloc.mgmt"],
        arenas=row["mgmt.arenas"],
        most_arenas=row["mgmt.maxarenas"],
        arena_count=row["mgmt.narenas"],
        raw_blocks=row["mgmt.raw_blocks"],
        arena_object=row["sizeof.arena_object"],
        arena_bytes=row["ARENA_SIZE"],
        pool_bytes=row["POOL_SIZE"],
    )


def _tasks(row: dict[str, Any]) -> TasksLayout:
    return TasksLayout(
        interpreter=row["is.asyncio_tasks_head"],
        thread=row["ts.asyncio_tasks_head"],
        thread_neighbour=row["ts.mem_free_queue.head"],
    )
