"""``razorprof heap`` without consent: memory by kind, Python's arenas and the container's limit, all from outside.

For cli.heap only. With a duration it looks twice and tells what grew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from razorprof.cli import output
from razorprof.cli.output import Column, Row
from razorprof.model.heap import MemoryMapView, MemoryShare
from razorprof.render.figures import NOTHING, count, size, size_rate
from razorprof.render.text import printable

if TYPE_CHECKING:
    from razorprof.model.gc import GcState
    from razorprof.model.target import Target
    from razorprof.plugin.captures import Watch

_FIGURES = {"python_arena_bytes": "arena_bytes", "python_allocated_blocks": "allocated_blocks"}
_ARENAS_FROM = "Python's arenas and blocks are told from Python 3.12 on"
CPYTHON = "cpython"  # the runtime whose allocator's figures are told by kind


@dataclass(frozen=True, slots=True)
class Look:
    """One moment. allocator: Python's own figures, as far as they are told; limit: the container's, bytes;
    runtime: what runs there, empty where nobody knows; gc: the collector's state, with its pools."""

    memory: MemoryMapView
    allocator: Mapping[str, float]
    limit_bytes: int | None
    limit_reason: str
    runtime: str = CPYTHON
    gc: GcState | None = None


def view(target: Target, seconds: float, *, as_json: bool) -> int | None:
    """Look once, or twice `seconds` apart, and print it. The exit code."""
    from razorprof.cli.progress import Progress

    code = None
    before, now = None, look(target)
    if seconds:
        with Progress("heap") as progress:
            (waited,) = progress.take([(_label(target), lambda watch: _wait(seconds, watch))])
        if waited.error is not None:
            raise waited.error
        before, now, code = now, look(target), progress.code
    if as_json:
        output.print_json(document(target, before, now))
    else:
        _print(target, before, now)
    return code


def look(target: Target) -> Look:
    """Everything that is seen from outside now. Raises TargetGone, PermissionDenied."""
    from razorprof.errors import RazorprofError, TargetGone
    from razorprof.model.gc import GcState
    from razorprof.model.metric import Sample
    from razorprof.plugin.loading import detect_runtime
    from razorprof.remote.cgroup import ContainerView
    from razorprof.remote.memory_kinds import read_memory_kinds
    from razorprof.remote.process import ProcessView
    from razorprof.session.observing import read_now

    process = ProcessView(target.pid)
    memory = read_memory_kinds(process)
    readings = read_now(target, "gc")
    samples = [reading for reading in readings if isinstance(reading, Sample)]
    allocator = {_FIGURES[s.metric.name]: s.value for s in samples if s.metric.name in _FIGURES}
    limit, reason = None, ""
    try:
        limit = ContainerView(process).memory_limit()
    except (RazorprofError, OSError, ValueError) as error:
        reason = str(error)
    if not process.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    runtime = ""
    with suppress(RazorprofError):
        found = detect_runtime(process)
        runtime = "" if found is None else found[0].name
    gc = next((reading for reading in readings if isinstance(reading, GcState)), None)
    return Look(memory, allocator, limit, reason, runtime, gc)


def document(target: Target, before: Look | None, now: Look) -> dict[str, Any]:
    """The document of ``--json``."""
    return {
        "target": {"pid": target.pid, "name": target.name, "start_time": target.started},
        "time": now.memory.time,
        "kinds": {kind.value: asdict(share) for kind, share in now.memory.kinds.items()},
        "total": asdict(now.memory.total),
        "runtime": now.runtime or None,
        "allocator": {name: _whole(now.allocator.get(name)) for name in _FIGURES.values()},
        "allocator_reason": _why_no_allocator(now),
        "pools": None if now.gc is None or now.gc.interpreters else _pools(now.gc),
        "container": {"limit_bytes": now.limit_bytes, "reason": now.limit_reason or None},
        "growth": None if before is None else _growth_document(before, now),
        "more": list(more(target, now.runtime)),
    }


def more(target: Target, runtime: str = CPYTHON) -> Iterator[str]:
    """The commands that would show more."""
    if runtime != CPYTHON:
        if not runtime:
            return
        import shlex

        from razorprof.errors import RazorprofError
        from razorprof.session.captures import SIGNALLING, heap_support

        with suppress(RazorprofError):
            consent = " --allow signal" if heap_support(target).intrusiveness >= SIGNALLING else ""
            yield f"razorprof heap {shlex.quote(target.selector or str(target.pid))}{consent} -o heap.pb.gz"
        return
    yield f"razorprof heap {target.pid} --attach -d 30 -o heap.html"
    yield "razorprof run --heap heap.html -- COMMAND"


def _why_no_allocator(now: Look) -> str | None:
    if now.allocator:
        return None
    if now.runtime == CPYTHON:
        return _ARENAS_FROM
    return f"{now.runtime} has no allocator of that kind" if now.runtime else "not a runtime that is known here"


def _pools(state: GcState) -> list[dict[str, Any]]:
    return [
        {"name": pool.name, "used": pool.used, "committed": pool.committed, "max": pool.max}
        for pool in state.pools
    ]


def _growth_document(before: Look, now: Look) -> dict[str, Any]:
    kinds = {kind: _resident(now, kind) - _resident(before, kind) for kind in _kinds(before, now)}
    return {
        "seconds": now.memory.time - before.memory.time,
        "resident_bytes": now.memory.total.resident_bytes - before.memory.total.resident_bytes,
        "unique_bytes": now.memory.total.unique_bytes - before.memory.total.unique_bytes,
        "kinds": kinds,
        "allocator": {
            name: round(now.allocator[name] - before.allocator[name])
            for name in now.allocator
            if name in before.allocator
        },
    }


def _whole(value: float | None) -> int | None:
    """A count as JSON: metrics are floats, bytes and blocks are whole."""
    return None if value is None else round(value)


def _kinds(before: Look, now: Look) -> list[str]:
    return list(dict.fromkeys(kind.value for one in (now, before) for kind in one.memory.kinds))


def _resident(one: Look, kind: str) -> int:
    return next((s.resident_bytes for k, s in one.memory.kinds.items() if k.value == kind), 0)


def _print(target: Target, before: Look | None, now: Look) -> None:
    titles = ("RESIDENT", "UNIQUE", "PSS", "SWAPPED", "VIRTUAL", "MAPPINGS")
    columns = [Column("MEMORY"), *(Column(title, right=True) for title in titles)]
    if before is not None:
        columns.append(Column("GROWS BY", right=True))
    rows = [_row(kind.value, share, before, now) for kind, share in now.memory.kinds.items()]
    rows.sort(key=lambda row: -_resident(now, str(row[0])))
    rows.append(_row("all", now.memory.total, before, now))
    output.print_text(_label(target))
    output.print_table(columns, rows)
    for line in _facts(target, before, now):
        output.print_text(line)
    if now.gc is not None and not now.gc.interpreters:
        from razorprof.render.collectors import POOL_TITLES, collector_facts, pool_rows

        if now.gc.pools:
            columns = [Column(POOL_TITLES[0]), *(Column(title, right=True) for title in POOL_TITLES[1:])]
            output.print_table(columns, pool_rows(now.gc))
        for line in collector_facts(now.gc):
            output.print_text(line)
    commands = list(more(target, now.runtime))
    if commands:
        output.say("who allocated it is not visible from outside; this would show it:")
    for command in commands:
        output.say(f"  {printable(command)}")


def _row(kind: str, share: MemoryShare, before: Look | None, now: Look) -> Row:
    cells = [
        kind,
        size(share.resident_bytes),
        size(share.unique_bytes),
        size(share.proportional_bytes),
        size(share.swapped_bytes),
        size(share.virtual_bytes),
        str(share.mappings),
    ]
    if before is None:
        return cells
    seconds = max(0.001, now.memory.time - before.memory.time)
    earlier = before.memory.total.resident_bytes if kind == "all" else _resident(before, kind)
    return [*cells, size_rate((share.resident_bytes - earlier) / seconds)]


def _facts(target: Target, before: Look | None, now: Look) -> Iterator[str]:
    if not now.allocator:
        if now.runtime == CPYTHON:
            yield f"python: {NOTHING} ({_ARENAS_FROM})"
    else:
        arenas, blocks = now.allocator.get("arena_bytes"), now.allocator.get("allocated_blocks")
        line = f"python: {size(arenas)} in arenas, {count(blocks)} blocks in use"
        if before is not None and blocks is not None and "allocated_blocks" in before.allocator:
            line += f", {count(blocks - before.allocator['allocated_blocks'])} more than before"
        yield line
    if now.limit_bytes is not None:
        yield f"container: limit {size(now.limit_bytes)}"


def _label(target: Target) -> str:
    return f"{target.pid} {printable(target.name)}"


def _wait(seconds: float, watch: Watch) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        watch.tell(passed, seconds, "watching memory")
        if watch.enough.wait(min(0.2, seconds - passed)):
            return
