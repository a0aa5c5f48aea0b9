"""Records the allocations of a running process with memray, behind the guard process. For runtimes' record_heap.

The guard does all that could hurt the target and outlives razorprof; see memray_guard_process. Here it is started,
heard and told to stop, and what it hands over is copied, bounded, into a file of our own.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from razorprof.errors import NotSupported, TargetGone, TimedOut, ToolFailed, Unsafe
from razorprof.model.target import Identity
from razorprof.plugin.captures import HeapRequest, Watch
from razorprof.profilers.memray_tools import MemrayTools

# The standard library comes first: what lies beside razorprof cannot take its names.
_CODE = "import sys; sys.path.append(sys.argv[1]); import razorprof.profilers.memray_guard_process as p; p.main()"
LEAST_FREE = 256 << 20  # bytes that the disk of the target's temporary files must keep
_COPY = 1 << 20
_LATEST = 120.0
_LAUNCH = "launch the program with: razorprof run --heap FILE -- COMMAND"


@dataclass(frozen=True, slots=True)
class Recording:
    """Where the recording lies now, why it ended, and whether the target was seen to be let go of."""

    path: Path
    why: str
    bytes: int
    released: bool


def record_allocations(
    identity: Identity, request: HeapRequest, watch: Watch, tools: MemrayTools, into: Path
) -> Recording:
    """Record and copy into `into`, a new file of mode 0600. Set watch.enough to end early and keep what there is.

    The process was checked (memray_checks). Raises NotSupported, Unsafe, TargetGone, TimedOut, ToolFailed, and
    KeyboardInterrupt where watch.enough came before the recording had begun. However this is left, the target
    is let go of: the guard sees to it.
    """
    _check_room(into.parent)
    with _Guard() as guard:
        guard.send(_order(identity, request, tools))
        began = time.monotonic()
        started: float | None = None
        asked = False
        limit = request.seconds + 4 * request.timeout + _LATEST
        while time.monotonic() - began < limit:
            event = guard.hear(0.2)
            if watch.enough.is_set() and not asked:
                asked = True
                guard.tell("stop")
                watch.tell(0.0, request.seconds, "letting go of the target")
            kind = event.get("event") if event is not None else None
            if event is None:
                pass
            elif kind == "recording":
                started = time.monotonic()
            elif kind == "file":
                size = _copy(guard.descriptor, into, request.max_bytes + (64 << 20))
                guard.tell("kept")
                guard.drain()
                return Recording(into, str(event.get("why")), size, bool(event.get("free")))
            elif kind == "ended":
                if asked and event.get("kind") == "stopped early":
                    raise KeyboardInterrupt
                raise _explain(str(event.get("kind")), str(event.get("detail")), identity, request, tools)
            elif kind == "letting go" and not asked:
                watch.tell(0.0, request.seconds, "the target does not come by: letting go of it")
            if started is not None and not asked:
                watch.tell(
                    min(request.seconds, time.monotonic() - started), request.seconds, "recording allocations"
                )
            elif started is None and not asked:
                watch.tell(0.0, request.seconds, "getting into the target")
        raise TimedOut("the guard of the recording does not answer", value=f"{limit:g} s")


def _order(identity: Identity, request: HeapRequest, tools: MemrayTools) -> bytes:
    payload = Path(__file__).with_name("memray_payload.py").read_text(encoding="utf-8")
    order = {
        "pid": identity.pid,
        "start_ticks": identity.start_ticks,
        "timeout": request.timeout,
        "seconds": request.seconds,
        "most_bytes": request.max_bytes,
        "least_free": LEAST_FREE,
        "objects": request.objects,
        "version": tools.version,
        "library": str(tools.library),
        "script": str(tools.script),
        "gdb": str(tools.gdb),
        "payload": payload,
    }
    return json.dumps(order).encode() + b"\n"


class _Guard:
    """The guard process and our end of its socket, whose closing tells it to let go."""

    def __init__(self) -> None:
        self._held = b""
        self._events: list[dict[str, Any]] = []
        self.descriptor = -1
        self._ours, theirs = socket.socketpair()
        with theirs:
            try:
                # -I -S: no user's code. A session of its own: Ctrl-C and the terminal's end do not reach it.
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _CODE, str(Path(__file__).parents[2])],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                )
            except OSError as error:
                self._ours.close()
                raise ToolFailed("cannot start the guard of the recording", value=error) from error

    def __enter__(self) -> _Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.1)  # it may take longer to let go, and outlives us then

    def send(self, order: bytes) -> None:
        self._ours.settimeout(5.0)
        try:
            self._ours.sendall(order)
        except OSError as error:
            raise ToolFailed("the guard of the recording ended", value=error) from error

    def tell(self, word: str) -> None:
        with contextlib.suppress(OSError):
            self._ours.sendall(word.encode() + b"\n")

    def drain(self) -> None:
        """Wait until it has cleaned up behind the target, a few seconds at most."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)

    def hear(self, timeout: float) -> dict[str, Any] | None:
        """Its next word, None where there was none in time. Raises ToolFailed once it is gone."""
        if self._events:
            return self._events.pop(0)
        self._ours.settimeout(timeout)
        try:
            piece, ancillary, _, _ = self._ours.recvmsg(65536, socket.CMSG_SPACE(4 * 4), socket.MSG_CMSG_CLOEXEC)
        except TimeoutError:
            return None
        except OSError as error:
            raise ToolFailed("the guard of the recording ended", value=error) from error
        for descriptor in _descriptors(ancillary):
            if self.descriptor >= 0:
                os.close(self.descriptor)
            self.descriptor = descriptor
        if not piece:
            raise ToolFailed("the guard of the recording ended")
        *lines, self._held = (self._held + piece).split(b"\n")
        self._events += [json.loads(line) for line in lines]
        return self._events.pop(0) if self._events else None


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> Iterator[int]:
    for level, kind, packed in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received = array.array("i")
            received.frombytes(packed[: len(packed) // received.itemsize * received.itemsize])
            yield from received


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise Unsafe("too little room on the disk for a recording", value=f"{folder}: {free >> 20} MiB free")


def _copy(source: int, into: Path, most_bytes: int) -> int:
    """Copy at most `most_bytes`: the file is the target's, which may still write to it."""
    if source < 0:
        raise ToolFailed("the guard handed over no recording")
    made = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    place = 0
    try:
        while place < most_bytes and (piece := os.pread(source, min(_COPY, most_bytes - place), place)):
            view = memoryview(piece)
            while view:
                view = view[os.write(made, view) :]
            place += len(piece)
    except OSError as error:
        raise ToolFailed("cannot copy the recording", value=error) from error
    finally:
        os.close(made)
    return place


def _explain(kind: str, detail: str, identity: Identity, request: HeapRequest, tools: MemrayTools) -> Exception:
    pid = identity.pid
    if kind == "gone":
        return TargetGone("the target ended before its allocations were recorded", value=pid)
    if kind == "stopped":
        return Unsafe("the process is stopped", value=pid, hint=f"let it run first: kill -CONT {pid}")
    if kind == "traced":
        return Unsafe("another program traces the process already", value=f"pid {detail}")
    if kind == "timeout":
        return TimedOut(
            "the target did not come by a place where code can be injected, and was let go of unharmed",
            value=f"{request.timeout:g} s",
            hint=f"it waits or computes in C; raise --timeout, or {_LAUNCH}",
        )
    if kind == "no answer":
        return TimedOut("the injected client did not answer", value=detail or f"{request.timeout:g} s")
    if kind == "refused":
        return _refusal(detail, tools)
    if kind == "debugger":
        return _debugger_error(detail, pid)
    return ToolFailed("allocations could not be recorded", value=f"{kind}: {detail[-300:]}")


def _refusal(detail: str, tools: MemrayTools) -> Exception:
    """What the payload answered; nothing of it was left in the target but memray's client library."""
    word, _, rest = detail.removeprefix("razorprof ").partition(" ")
    if word == "missing":
        return NotSupported(
            "the target cannot import memray",
            value=rest[:200],
            hint=f"install it in the target's environment: pip install memray=={tools.version}; or {_LAUNCH}",
        )
    if word == "version":
        return NotSupported(
            "the target has another version of memray",
            value=f"{rest[:50]}, here {tools.version}",
            hint=f"install the same: pip install memray=={tools.version}",
        )
    if word == "tracked":
        return Unsafe("the target is being recorded by memray already", hint="end that with: memray detach PID")
    if word in ("system", "folder"):
        return ToolFailed(
            "the target could not begin to record",
            value=rest[:300],
            hint="its user needs a readable home folder and a writable one for temporary files",
        )
    if "No more than one Tracker" in detail:
        return Unsafe("the target is being recorded by memray already", hint="it was launched under memray")
    return ToolFailed("the target could not begin to record", value=detail[:300] or "it gave no reason")


def _debugger_error(said: str, pid: int) -> Exception:
    """gdb's words, as memray 1.20 reads them too (memray/commands/attach.py)."""
    doctor = f"see why and what mends it with: razorprof doctor {pid}"
    if "ptrace: " in said or "Could not attach" in said:
        from razorprof.errors import PermissionDenied

        return PermissionDenied("gdb may not attach to the process", value=pid, hint=doctor)
    if "cannot open shared object file" in said:
        return NotSupported(
            "the target cannot open memray's client library",
            value=pid,
            hint="its user or its container cannot see razorprof's installation",
        )
    if "Process is Python 3.7+." not in said:
        return NotSupported("gdb does not find CPython's functions in the process", value=pid, hint=doctor)
    last = [line for line in said.strip().splitlines() if line][-1:] or ["it said nothing"]
    return ToolFailed("gdb could not inject memray's client", value=last[0][:300], hint=doctor)
