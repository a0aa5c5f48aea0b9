"""Who holds the GIL at this moment, read out of the target's memory.

Called by the threads source with each read: a thread dump tells it for its own moment only, and may be seconds
old. Attaches when it is first asked, anew after an exec; where that cannot be done nothing is told, and the
threads are described without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError
from razorprof.remote.memory import UnreadableMemory
from razorprof.remote.namespaces import native_ids
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.anatomy import (
    CorruptState,
    Interpreter,
    PythonThread,
    walk_interpreters,
    with_native_ids,
)
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.gil import HEAD_BYTES, STRUCT_BYTES, parse_gil

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GilHolders:
    """holders: native ids (in our PID namespace) of the threads that hold a GIL now, at most one a lock; None
    where a lock is held and by whom could not be told. locks: where the locks lie."""

    holders: frozenset[int] | None
    locks: tuple[range, ...]


class GilHolderLooks:
    """Looks at the locks of one process. Not for two threads at once."""

    def __init__(
        self, process: ProcessView, clock: Clock, attach_to: Callable[[ProcessView], Attachment] = attach
    ) -> None:
        self._process = process
        self._clock = clock
        self._attach = attach_to
        self._attachment: Attachment | None = None
        self._due = clock.monotonic()
        self._is_final = False

    def close(self) -> None:
        self._is_final = True
        self._let_go()

    def look(self) -> GilHolders | None:
        """One look, some 90 us; None where nothing can be told (yet). Never raises a RazorprofError."""
        attachment = self._attached()
        if attachment is None:
            return None
        try:
            return _look(attachment)
        except (CorruptState, UnreadableMemory) as error:
            _log.debug("the GIL could not be looked at: %s", error)  # an interpreter came or went: next time
        except (RazorprofError, OSError) as error:
            _log.debug("the GIL cannot be looked at any more: %s", error)
            self._let_go()
        return None

    def _attached(self) -> Attachment | None:
        if self._attachment is not None or self._is_final or self._clock.monotonic() < self._due:
            return self._attachment
        self._due = self._clock.monotonic() + _AGAIN_SECONDS
        try:
            attachment = self._attach(self._process)
        except (NotSupported, PermissionDenied) as error:
            _log.debug("who holds the GIL cannot be told: %s", error)
            self._is_final = True
            return None
        except (RazorprofError, OSError) as error:
            _log.debug("who holds the GIL cannot be told yet: %s", error)
            return None
        if attachment.calibrated.gil_reason or attachment.calibrated.threads_reason:
            attachment.close()
            self._is_final = True
            return None
        self._attachment = attachment
        return attachment

    def _let_go(self) -> None:
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.close()


def _look(attachment: Attachment) -> GilHolders:
    memory, layout = attachment.memory, attachment.calibrated.layout
    locks: dict[int, list[Interpreter]] = {}
    for interpreter in walk_interpreters(memory, attachment.runtime, layout):
        if interpreter.gil is not None:
            locks.setdefault(interpreter.gil, []).append(interpreter)
    held: list[PythonThread] = []
    is_told = True
    for address, sharing in locks.items():
        figures = parse_gil(memory.read(address, HEAD_BYTES))
        if not figures.locked:
            continue
        holder = _thread(attachment, figures.holder, {interpreter.address for interpreter in sharing})
        if holder is None:
            is_told = False
        else:
            held.append(holder)
    ids: frozenset[int] | None = frozenset()
    if held:
        ours = native_ids(attachment.process)
        named = with_native_ids(memory, held, lambda: set(ours))
        found = [ours.get(thread.native_id) for thread in named if thread.native_id is not None]
        known = frozenset(tid for tid in found if tid is not None)
        ids = known if len(known) == len(held) else None
    return GilHolders(ids if is_told else None, tuple(range(address, address + STRUCT_BYTES) for address in locks))


def _thread(attachment: Attachment, address: int, interpreters: set[int]) -> PythonThread | None:
    """The thread state at `address`, None if it is not one of these interpreters'."""
    memory, layout = attachment.memory, attachment.calibrated.layout
    if address % 8 or address < 4096:
        return None
    try:
        if memory.word(address + layout.thread_interpreter) not in interpreters:
            return None
        native_at = layout.thread_native_id
        native = None if native_at is None else memory.word(address + native_at)
        return PythonThread(address, memory.word(address + layout.thread_id), native)
    except UnreadableMemory:
        return None  # the thread has just ended
