"""What CPython's own allocator (obmalloc) holds: arenas, and blocks in use. 3.12 and later.

Called by the reader: arenas with every read (three words), blocks at a slow rate, because every pool's header has
to be read. Blocks are close, not exact: the target allocates while they are counted. Earlier versions keep this
in variables that no symbol tells.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from razorprof.remote.memory import RemoteMemory
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter
from razorprof.runtimes.cpython.layout import AllocatorLayout

MOST_POOLS = 1 << 17  # 2 GiB of small objects; counting them takes some 100 ms
_MOST_ARENAS = 1 << 16
_BATCH = 1024


def allocator_states(
    memory: RemoteMemory, layout: AllocatorLayout, interpreters: Iterable[Interpreter]
) -> set[int]:
    """Addresses of the allocators' management structs; interpreters may share one. Raises UnreadableMemory."""
    states: set[int] = set()
    for interpreter in interpreters:
        state = interpreter.address + layout.state
        if layout.by_pointer:
            state = memory.word(state)
        if state:
            states.add(state + layout.mgmt)
    return states


def arena_bytes(memory: RemoteMemory, layout: AllocatorLayout, states: Iterable[int]) -> int:
    """Bytes of the arenas that are allocated now. Raises CorruptState, UnreadableMemory."""
    count = 0
    for state in states:
        arenas = memory.word(state + layout.arena_count)
        if arenas > _MOST_ARENAS * 16:
            raise CorruptState("more arenas than memory can hold", value=arenas)
        count += arenas
    return count * layout.arena_bytes


def allocated_blocks(
    memory: RemoteMemory, layout: AllocatorLayout, states: Iterable[int], *, most_pools: int = MOST_POOLS
) -> int | None:
    """Blocks in use, as sys.getallocatedblocks counts them; None where there are more pools than are looked at.

    About 1 us a pool. Raises CorruptState, UnreadableMemory.
    """
    total = 0
    pools: list[int] = []
    for state in states:
        total += memory.word(state + layout.raw_blocks)
        for base, end in _arenas(memory, layout, state):
            pools.extend(range(base, end, layout.pool_bytes))
            if len(pools) > most_pools:
                return None
    for first in range(0, len(pools), _BATCH):
        batch = pools[first : first + _BATCH]
        raw = memory.plan([(pool, 4) for pool in batch]).read()
        total += sum(struct.unpack(f"<{len(batch)}I", raw))  # pool_header.ref.count
    if total > len(pools) * layout.pool_bytes // 16 + (1 << 40):
        raise CorruptState("more blocks than memory can hold", value=total)
    return total


def _arenas(memory: RemoteMemory, layout: AllocatorLayout, state: int) -> Iterator[tuple[int, int]]:
    """(first pool, end of the pools that were ever used) of every arena."""
    table = memory.word(state + layout.arenas)
    count = int.from_bytes(memory.read(state + layout.most_arenas, 4), "little")
    if count > _MOST_ARENAS:
        raise CorruptState("more arenas than memory can hold", value=count)
    if not table or not count:
        return
    raw = memory.read(table, count * layout.arena_object)
    for place in range(0, len(raw), layout.arena_object):
        address, next_pool = struct.unpack_from("<2Q", raw, place)  # arena_object: address, pool_address
        if not address:
            continue
        base = -(-address // layout.pool_bytes) * layout.pool_bytes
        if not base <= next_pool <= address + layout.arena_bytes:
            raise CorruptState("an arena whose pools lie outside", value=hex(address))
        yield base, next_pool
