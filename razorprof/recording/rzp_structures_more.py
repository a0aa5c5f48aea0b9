"""What runtimes other than CPython add to a collector's state and to a thread dump, as bytes behind the rest.

A structure's body may be longer than what a reader knows: versions before this one pass over it, and a body that
ends early has none of it. For rzp_structures_write and rzp_structures_read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from razorprof.model.frame import Frame
from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState, MemoryPool
from razorprof.model.metric import Quality
from razorprof.model.threads import ThreadDump, ThreadGroup, ThreadInfo
from razorprof.recording import rzp_records as rec

if TYPE_CHECKING:
    from razorprof.recording.rzp_lookup import Lookup
    from razorprof.recording.rzp_structures_read import Cursor
    from razorprof.recording.rzp_tables import Tables

_QUALITIES = tuple(Quality(quality) for quality in rec.QUALITIES)


def more_gc(state: GcState, tables: Tables) -> bytes:
    """Collectors, pools and figures; nothing where there are none."""
    if not (state.collectors or state.pools or state.figures or state.cpu_ratio is not None):
        return b""
    text = tables.string
    counts = len(state.collectors), len(state.pools), len(state.figures)
    parts = [rec.GC_MORE.pack(*counts, state.cpu_ratio is not None, state.cpu_ratio or 0.0)]
    for one in state.collectors:
        parts.append(
            rec.COLLECTOR.pack(
                text(one.name),
                _given(one.collections, one.seconds, one.forced, one.last_end),
                one.collections or 0,
                one.seconds or 0.0,
                rec.QUALITIES.index(one.seconds_quality),
                one.forced or 0,
                one.lost,
                one.last_end or 0.0,
                len(one.pauses),
            )
        )
        parts += [rec.PAUSE.pack(pause.end, pause.seconds) for pause in one.pauses]
    for pool in state.pools:
        sizes = pool.used, pool.committed, pool.max
        parts.append(rec.POOL.pack(text(pool.name), _given(*sizes), *(size or 0 for size in sizes)))
    for figure in state.figures:
        words = text(figure.name), text(figure.unit), text(figure.reason)
        quality = rec.QUALITIES.index(figure.quality)
        parts.append(rec.GC_FIGURE.pack(*words, figure.value is not None, figure.value or 0.0, quality))
    return b"".join(parts)


def with_more_gc(state: GcState, cursor: Cursor, lookup: Lookup) -> GcState:
    """The state with what `more_gc` has written, if it has. Raises rzp_lookup.BROKEN."""
    if cursor.ended:
        return state
    collectors, pools, figures, has_cpu, cpu = cursor.take(rec.GC_MORE)
    return replace(
        state,
        collectors=tuple([_collector(cursor, lookup) for _ in range(collectors)]),
        pools=tuple([_pool(cursor, lookup) for _ in range(pools)]),
        figures=tuple([_figure(cursor, lookup) for _ in range(figures)]),
        cpu_ratio=cpu if has_cpu else None,
    )


def more_threads(dump: ThreadDump, tables: Tables) -> bytes:
    """What the threads are, findings, and what only some threads and groups have; nothing where there is none."""
    threads = {n: one for n, one in enumerate(dump.threads) if one.waited is not None or one.started_by}
    groups = {
        n: one
        for n, one in enumerate(dump.groups)
        if one.number or one.what or one.waited is not None or one.started_by
    }
    is_plain = dump.kind == "thread" and dump.has_gil and not dump.findings
    if is_plain and not threads and not groups:
        return b""
    parts = [
        rec.THREADS_MORE.pack(
            tables.string(dump.kind), dump.has_gil, len(dump.findings), len(threads), len(groups)
        )
    ]
    parts += [rec.TEXT.pack(tables.string(finding)) for finding in dump.findings]
    parts += [_wait(place, one, 0, "", tables) for place, one in threads.items()]
    parts += [_wait(place, one, one.number, one.what, tables) for place, one in groups.items()]
    return b"".join(parts)


def with_more_threads(dump: ThreadDump, cursor: Cursor, lookup: Lookup) -> ThreadDump:
    """The dump with what `more_threads` has written, if it has. Raises rzp_lookup.BROKEN."""
    if cursor.ended:
        return dump
    kind, has_gil, findings, threads, groups = cursor.take(rec.THREADS_MORE)
    told = tuple([lookup.strings[cursor.take(rec.TEXT)[0]] for _ in range(findings)])
    of_threads = _waits(cursor, lookup, threads, len(dump.threads))
    of_groups = _waits(cursor, lookup, groups, len(dump.groups))
    return replace(
        dump,
        kind=lookup.strings[kind],
        has_gil=bool(has_gil),
        findings=told,
        threads=tuple(
            [
                one if n not in of_threads else replace(one, **_without(of_threads[n], "number", "what"))
                for n, one in enumerate(dump.threads)
            ]
        ),
        groups=tuple(
            [one if n not in of_groups else replace(one, **of_groups[n]) for n, one in enumerate(dump.groups)]
        ),
    )


def _collector(cursor: Cursor, lookup: Lookup) -> CollectorGc:
    name, flags, collections, seconds, quality, forced, lost, end, pauses = cursor.take(rec.COLLECTOR)
    return CollectorGc(
        name=lookup.strings[name],
        collections=collections if flags & 1 else None,
        seconds=seconds if flags & 2 else None,
        seconds_quality=_QUALITIES[quality],
        forced=forced if flags & 4 else None,
        lost=lost,
        last_end=end if flags & 8 else None,
        pauses=tuple([GcPause(*cursor.take(rec.PAUSE)) for _ in range(pauses)]),
    )


def _pool(cursor: Cursor, lookup: Lookup) -> MemoryPool:
    name, flags, *sizes = cursor.take(rec.POOL)
    used, committed, most = (size if flags & 1 << place else None for place, size in enumerate(sizes))
    return MemoryPool(lookup.strings[name], used, committed, most)


def _figure(cursor: Cursor, lookup: Lookup) -> GcFigure:
    name, unit, reason, has_value, value, quality = cursor.take(rec.GC_FIGURE)
    text = lookup.strings
    return GcFigure(text[name], value if has_value else None, text[unit], _QUALITIES[quality], text[reason])


def _wait(place: int, one: ThreadInfo | ThreadGroup, number: int, what: str, tables: Tables) -> bytes:
    started_by = tables.stack((one.started_by,)) if one.started_by else 0
    waited = one.waited is not None
    return rec.WAITED.pack(place, waited, one.waited or 0.0, started_by, number, tables.string(what))


def _waits(cursor: Cursor, lookup: Lookup, count: int, there: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for _ in range(count):
        place, has_waited, waited, started_by, number, what = cursor.take(rec.WAITED)
        if place >= there:
            raise ValueError("a part names a thread that is not there")
        stack: Sequence[Frame] = lookup.stacks[started_by] if started_by else ()
        found[place] = {
            "waited": waited if has_waited else None,
            "started_by": stack[0] if stack else None,
            "number": number,
            "what": lookup.strings[what],
        }
    return found


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _given(*values: object) -> int:
    """A bit each: whether there is a value."""
    return sum(1 << place for place, value in enumerate(values) if value is not None)
