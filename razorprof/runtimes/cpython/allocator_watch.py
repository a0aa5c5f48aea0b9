"""The allocator's metrics at the rate that they deserve: arenas with every read, blocks seldom.

Called by figures. Counting blocks reads a word of every pool, so it waits at least ten seconds and a thousand
times what it took, and is left out where memory is swapped out: it would fetch all of it back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.metric import Sample
from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.allocator import MOST_POOLS, allocated_blocks, allocator_states, arena_bytes
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.layout import AllocatorLayout
from razorprof.runtimes.cpython.metrics import ARENA_BYTES, BLOCKS

_log = logging.getLogger(__name__)

_BLOCKS_SECONDS = 10.0
_COST = 1000  # blocks are counted again after at least this many times what it took: 0.1 % of a core


class AllocatorWatch:
    """Watches the allocator of one attached CPython; of one below 3.12 there is nothing to tell.
    `reasons`: metrics that the last samples lack, and why."""

    def __init__(self, attachment: Attachment, clock: Clock) -> None:
        self._attachment = attachment
        self._clock = clock
        self._blocks: int | None = None
        self._blocks_reason = ""
        self._blocks_due = 0.0
        self.reasons: dict[str, str] = {}

    def samples(self, interpreters: Sequence[Interpreter]) -> Iterator[Sample]:
        """Bytes of arenas, and blocks as of the last count. Raises AddressSpaceGone."""
        layout, memory = self._attachment.calibrated.layout.allocator, self._attachment.memory
        if layout is None:
            self.reasons = dict.fromkeys((ARENA_BYTES.name, BLOCKS.name), "told from Python 3.12 on")
            return
        self.reasons = {}
        try:
            states = allocator_states(memory, layout, interpreters)
            arenas = arena_bytes(memory, layout, states)
            now = self._clock.monotonic()
            if now >= self._blocks_due:
                self._blocks, self._blocks_reason = self._count(memory, layout, states)
                took = self._clock.monotonic() - now
                self._blocks_due = now + max(_BLOCKS_SECONDS, took * _COST)
        except (CorruptState, UnreadableMemory) as error:
            _log.debug("the allocator could not be read: %s", error)
            self.reasons = dict.fromkeys((ARENA_BYTES.name, BLOCKS.name), str(error))
            return
        yield Sample(ARENA_BYTES, arenas)
        if self._blocks is not None:
            yield Sample(BLOCKS, self._blocks)
        else:
            self.reasons[BLOCKS.name] = self._blocks_reason

    def _count(
        self, memory: RemoteMemory, layout: AllocatorLayout, states: Iterable[int]
    ) -> tuple[int | None, str]:
        if is_swapped(self._attachment.process):
            return None, "memory of the process is swapped out: counting would fetch it back"
        blocks = allocated_blocks(memory, layout, states)
        return blocks, "" if blocks is not None else f"more than {MOST_POOLS} pools"


def is_swapped(process: ProcessView) -> bool:
    """Whether some of its memory is swapped out."""
    try:
        return process.status().get("VmSwap", "0 kB") != "0 kB"
    except RazorprofError:
        return True
