"""memray's files as values: read_heap_file for `heap`, `run` and whoever else has one; write_report for its HTML.

memray itself runs in a process of its own, bounded in time, memory and output: a damaged or hostile file may crash
it and harms nothing else. Nothing here touches a target.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from razorprof.errors import ToolFailed, UsageError
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.heap import HeapRecord, HeapSnapshot
from razorprof.model.profile import Measure, Origin, Profile, StackKey
from razorprof.profilers.heap_growth import growing_sites
from razorprof.profilers.supervisor import STDERR, Exit, Launcher, Supervisor

READ_TIMEOUT = 120.0  # seconds, and more by the size: memray reads some 3 MiB a second of a core that is free
SLOWEST_READING = 512 << 10  # bytes a second
MOST_MEMORY = 4 << 30
MOST_OUTPUT = 64 << 20
MOST_REPORT = 256 << 20
REPORTS = ("flamegraph", "table")
_ALL_THREADS = ThreadId(0)


def read_heap_file(
    path: Path,
    *,
    windows: int = 4,
    origin: Origin | None = None,
    ended: str = "",
    timeout: float | None = None,
    enough: threading.Event | None = None,
    launcher: Launcher | None = None,
) -> HeapRecord:
    """What a memray file (of all allocations, not aggregated) says; a file cut off in the middle up to there.

    windows: parts of the time that growth is judged by. Raises ToolFailed for what cannot be read, TimedOut,
    and KeyboardInterrupt once `enough` is set.
    """
    size = _size_of(path)
    argv = [*_python(), "razorprof.profilers.memray_reader_process", str(path), str(windows), str(MOST_MEMORY)]
    said = _run(argv, _patience(timeout, size), MOST_OUTPUT, enough, launcher, "cannot read the memray file", path)
    try:
        return _record(json.loads(said), size, windows, origin, ended)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ToolFailed("cannot read the memray file", value=path, hint="it is damaged") from error


def write_report(
    source: Path,
    destination: Path,
    *,
    report: str = "flamegraph",
    leaks: bool = False,
    timeout: float | None = None,
    enough: threading.Event | None = None,
    launcher: Launcher | None = None,
) -> None:
    """memray's own HTML report of a memray file, self-contained, into `destination`, which is not there yet."""
    if report not in REPORTS:
        raise UsageError("no such report of memray", value=report, hint="one of: " + ", ".join(REPORTS))
    size = _size_of(source)
    argv = [*_python(), "razorprof.profilers.memray_report_process", str(MOST_MEMORY), report]
    argv += ["--no-web", "--force", *(["--leaks"] if leaks else []), "-o", str(destination), "--", str(source)]
    _run(
        argv, _patience(timeout, size), MOST_REPORT, enough, launcher, "memray could not write its report", source
    )
    if not destination.is_file():
        raise ToolFailed("memray wrote no report", value=destination)
    destination.chmod(0o600)


def _python() -> list[str]:
    return [sys.executable, "-I", "-m"]


def _patience(timeout: float | None, size: int) -> float:
    return READ_TIMEOUT + size / SLOWEST_READING if timeout is None else timeout


def _size_of(path: Path) -> int:
    try:
        found = os.stat(path)
    except OSError as error:
        raise ToolFailed("cannot read the file", value=f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise ToolFailed("not a regular file", value=path)
    return found.st_size


def _run(
    argv: Sequence[str],
    timeout: float,
    most_bytes: int,
    enough: threading.Event | None,
    launcher: Launcher | None,
    what: str,
    path: Path,
) -> bytes:
    """What the tool printed. It gets SIGINT and then SIGKILL at the time-out: it touches no target."""
    own = Supervisor() if launcher is None else None
    starter: Launcher = own if own is not None else launcher  # type: ignore[assignment]
    try:
        child = starter.start(argv, most_bytes=most_bytes, grace=0.5)
        try:
            ended = _wait(child, timeout, enough)
            if ended is None:
                raise ToolFailed(what, value=path, hint=f"memray did not end within {timeout:g} s")
            if ended.code != 0:
                raise ToolFailed(what, value=path, hint=_why(ended, child.output(STDERR, 4096)))
            return child.output(limit=most_bytes)
        finally:
            child.close()
    finally:
        if own is not None:
            own.close()


def _wait(child: Any, timeout: float, enough: threading.Event | None) -> Exit | None:
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        ended: Exit | None = child.wait(min(left, 0.2))
        if ended is not None:
            return ended
        if enough is not None and enough.is_set():
            raise KeyboardInterrupt
    return None


def _why(ended: Exit, errors: bytes) -> str:
    if ended.signal is not None:
        return f"memray was ended by signal {ended.signal} over it: the file is damaged"
    lines = errors.decode(errors="replace").strip().splitlines()
    return f"memray says: {lines[-1][:200]}" if lines else "memray gave no reason"


def _record(found: dict[str, Any], size: int, windows: int, origin: Origin | None, ended: str) -> HeapRecord:
    frames = [Frame(str(function), str(file), int(line)) for function, file, line in found["frames"]]
    start, end = float(found["start"]), float(found["end"])
    snapshots = tuple(HeapSnapshot(float(t), int(rss), int(heap)) for t, rss, heap in found["snapshots"])
    if end <= start and snapshots:  # the end is written last: a file that was cut off has none
        end = snapshots[-1].time
    seconds = max(0.0, end - start)
    notes = ["what was allocated before the recording began is not in it"]
    if not found["python_objects"]:
        notes.append("small objects of Python are seen as the arenas that hold them")
    growth = found["growth"]
    growing = None
    if growth is not None:
        rows = [
            (tuple(frames[i] for i in stack), tuple(map(int, held)), int(live)) for stack, held, live in growth
        ]
        growing = growing_sites(rows, seconds / windows)

    def profile(name: str, value: str) -> Profile:
        weights: dict[StackKey, float] = {}
        counts: dict[StackKey, float] = {}
        for stack, held, number in found[name]["rows"]:
            key = StackKey(_ALL_THREADS, tuple(frames[i] for i in stack))
            weights[key] = weights.get(key, 0.0) + float(held)
            counts[key] = counts.get(key, 0.0) + float(number)
        sites, rest, _ = found[name]["rest"]
        more = [f"{sites} smaller sites with {rest} bytes together were left out"] if sites else []
        return Profile(
            weights,
            unit="bytes",
            seconds=seconds,
            samples=int(sum(counts.values())),
            mode="memray",
            value=value,
            also=(Measure("allocations", "count", counts),),
            start=start,
            origin=origin,
            notes=(*notes, *more),
        )

    return HeapRecord(
        peak=profile("peak", "in_use_at_peak"),
        live=profile("live", "in_use"),
        seconds=seconds,
        start=start,
        peak_bytes=int(found["peak_bytes"]),
        allocations=int(found["allocations"]),
        snapshots=snapshots,
        growing=growing,
        windows=windows if growing is not None else 0,
        python_objects=bool(found["python_objects"]),
        ended=ended,
        file_bytes=size,
        notes=tuple(notes),
    )
