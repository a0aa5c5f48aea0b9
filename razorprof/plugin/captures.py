"""What a one-shot capture is asked for, and how it tells how far it is and hears that it is enough.

For the runtimes' record_cpu, dump_threads and record_heap, and for the commands that call them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # for types alone: a command loads only what it captures
    from pathlib import Path

    from razorprof.model.heap import HeapRecord
    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump
    from razorprof.plugin.protocols import Detection

_MOST_BLOCKS = 600


@dataclass(frozen=True, slots=True)
class CpuRequest:
    """A CPU profile of `seconds`.

    rate_hz: looks per second; only_gil: only threads that hold the GIL; wall: idle threads too; native: native
    frames too; blocking: the target is stopped for each look (exact stacks; native needs it); children: the
    processes that it started or starts, too; block_seconds: length of the blocks that the spread is told from.
    url, probe: see SourceOptions.
    """

    seconds: float
    rate_hz: float = 100.0
    only_gil: bool = False
    wall: bool = False
    native: bool = False
    blocking: bool = False
    children: bool = False
    block_seconds: float = 1.0
    url: str = ""
    probe: bool = False


def block_length(seconds: float) -> float:
    """Seconds of a block of a profile of so many: a day is not kept in 86,400 pieces."""
    return max(1.0, seconds / _MOST_BLOCKS)


@dataclass(frozen=True, slots=True)
class ThreadsRequest:
    """A dump of all threads. locals: their variables too (cut; they may hold secrets); native: native frames too
    (stops the target for some ms); blocking: stop it for a consistent picture; allow_signal: a signal may be
    sent (JVM); lock_seconds: bound of the search for the owners of locks; force: although there are so many that
    the target would feel it; url, probe: see SourceOptions."""

    locals: bool = False
    native: bool = False
    blocking: bool = False
    allow_signal: bool = False
    lock_seconds: float = 1.0
    force: bool = False
    url: str = ""
    probe: bool = False


@dataclass(frozen=True, slots=True)
class HeapRequest:
    """Allocations of `seconds`, 0 for what is in use now. `attach` is the user's consent to code in the target,
    `allow_signal` to a signal: what a runtime needs of them its Support of HEAP says (intrusiveness).

    max_bytes: bound of what is written; timeout: seconds for getting in and out again, each; windows: into how
    many parts the time is divided to tell what still grows from what has filled up, 0 to leave that out; force:
    although no thread was seen to run; objects: small objects of Python's own allocator one by one too (dearer, up
    to five times); keep: a new file that memray's own recording is kept in; url, probe: see SourceOptions.
    """

    seconds: float
    attach: bool = False
    max_bytes: int = 1 << 30
    timeout: float = 30.0
    windows: int = 4
    force: bool = False
    objects: bool = False
    keep: Path | None = None
    allow_signal: bool = False
    url: str = ""
    probe: bool = False


def _say_nothing(done: float, whole: float, words: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Watch:
    """The two ways between a capture and who asked for it. Any thread.

    tell: called now and then with seconds done, seconds in all and words for what is going on (printable);
    enough: set when the capture should end now and give what it has.
    """

    tell: Callable[[float, float, str], None] = _say_nothing
    enough: threading.Event = field(default_factory=threading.Event)


@runtime_checkable
class RecordsCpu(Protocol):
    """A runtime that can take CPU profiles."""

    def record_cpu(self, target: Target, detection: Detection, request: CpuRequest, watch: Watch) -> Profile:
        """A profile in seconds. A target that ends meanwhile yields what was seen; TargetGone if that is nothing.
        Raises PermissionDenied, NotSupported or ToolFailed."""


@runtime_checkable
class DumpsThreads(Protocol):
    """A runtime that can dump its threads."""

    def dump_threads(
        self, target: Target, detection: Detection, request: ThreadsRequest, watch: Watch
    ) -> ThreadDump:
        """All threads at one moment. Raises as record_cpu does."""


@runtime_checkable
class RecordsHeap(Protocol):
    """A runtime that can record allocations by call site."""

    def record_heap(self, target: Target, detection: Detection, request: HeapRequest, watch: Watch) -> HeapRecord:
        """Allocations of a window. Set watch.enough to end early; KeyboardInterrupt where nothing was recorded by
        then. Raises as record_cpu does; NotSupported without the consent `attach`, Unsafe where it could harm."""
