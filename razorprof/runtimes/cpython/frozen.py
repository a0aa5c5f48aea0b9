"""How many objects gc.freeze has set aside: the length of a linked list in the target.

Called by the reader, some thousand objects with each read: one pointer an object has to be followed, 0.5 to 1 us
each. Bounded: a list that is too long, runs in a circle or changes meanwhile gives None, never a wrong number.
"""

from __future__ import annotations

from razorprof.remote.memory import RemoteMemory
from razorprof.runtimes.cpython.linked_blocks import LinkedBlocks

MOST_FROZEN = 5_000_000


class FrozenCount:
    """Counts one permanent generation, step by step. `done`: no further step is needed; `count`: the result,
    None where it could not be told."""

    def __init__(self, memory: RemoteMemory, head: int, *, most: int = MOST_FROZEN) -> None:
        """`head`: address of the list's head. Raises UnreadableMemory, AddressSpaceGone."""
        self._memory = memory
        self._head = head
        self._most = most
        self.ends = memory.words(head, 2)
        self._address = self.ends[0] & ~3
        self._previous = head
        self._seen = 0
        self.done = False
        self.count: int | None = None

    def step(self, objects: int) -> None:
        """Follow the list for at most `objects` objects."""
        blocks = LinkedBlocks(self._memory)
        address, previous = self._address, self._previous
        for _ in range(objects):
            if address == self._head:
                self._finish()
                return
            node = blocks.node(address)
            # A neighbour that does not point back: changed under our hands, or no list at all.
            if node is None or node[1] & ~3 != previous or self._seen >= self._most:
                self.done = True
                return
            previous, address = address, node[0] & ~3
            self._seen += 1
        self._address, self._previous = address, previous

    def _finish(self) -> None:
        self.done = True
        if self._memory.words(self._head, 2) == self.ends:
            self.count = self._seen
