"""Nodes of a linked list in the target, read a block at a time.

Called by the counts of frozen objects and of asyncio tasks. Objects come from pools, so that one read serves the
many neighbours in memory of the node that was asked for. What lies in a block that was read before may be older
than what lies in the next: the caller checks that neighbours point back, and asks `fresh` where they do not.
"""

from __future__ import annotations

import struct

from razorprof.remote.memory import RemoteMemory

BLOCK_BYTES = 1 << 14
_MOST_BLOCKS = 256
_NODE = struct.Struct("<2Q")

Node = tuple[int, int]


class LinkedBlocks:
    """Reads (first word, second word) of nodes. Keeps at most four MiB; use it for one pass and drop it."""

    def __init__(self, memory: RemoteMemory) -> None:
        self._memory = memory
        self._blocks: dict[int, bytes] = {}

    def node(self, address: int) -> Node | None:
        """The two words at `address`, as of when its block was read; None where nothing readable lies there."""
        if not _is_pointer(address):
            return None
        number, offset = divmod(address, BLOCK_BYTES)
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            block = self._blocks[number] = self._memory.read_up_to(number * BLOCK_BYTES, BLOCK_BYTES)
        if offset + _NODE.size > len(block):
            return self._read(address)  # across a block's end, or it is half mapped
        following, back = _NODE.unpack_from(block, offset)
        return following, back

    def fresh(self, address: int) -> Node | None:
        """The same as of now; its block is read anew when it is needed again."""
        if not _is_pointer(address):
            return None
        self._blocks.pop(address // BLOCK_BYTES, None)
        return self._read(address)

    def _read(self, address: int) -> Node | None:
        raw = self._memory.read_up_to(address, _NODE.size)
        if len(raw) < _NODE.size:
            return None
        following, back = _NODE.unpack(raw)
        return following, back


def _is_pointer(address: int) -> bool:
    return address % 8 == 0 and 4096 <= address < 1 << 56
