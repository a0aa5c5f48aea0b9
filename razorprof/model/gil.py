"""State of a Python process's global interpreter lock(s), as structured values.

Everything here but `switches` is sampled: the lock is looked at some dozen times a second.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HolderShare:
    """A thread that held the GIL: its native id (None where it could not be told) and its share of time, 0..1."""

    native_id: int | None
    share: float


@dataclass(frozen=True, slots=True)
class Gil:
    """One lock. Python before 3.12 has one for all interpreters; since then an interpreter may have its own.

    interpreters: ids of those that share it; held_ratio: share of time in which it was held; holder: native id
    of the thread that holds it now; holders: who held it, most first; waiters: native ids of the threads that
    wait for it now; mean_waiters: how many waited on average; switches: how often it went from one thread
    to another, since the start. What could not be had is None.
    """

    interpreters: tuple[int, ...]
    held_ratio: float | None = None
    holder: int | None = None
    holders: tuple[HolderShare, ...] = ()
    waiters: tuple[int, ...] | None = None
    mean_waiters: float | None = None
    switches: int | None = None


@dataclass(frozen=True, slots=True)
class GilState:
    """The locks of a target at one time. seconds, looks: the window that the ratios rest on and the number of
    looks in it; reason: why there is nothing, or not all, to be had.

    late_looks: how many of the looks came late, because all CPUs were busy, and late_seconds by how much in all.
    The lock may have been held that much longer than was seen: held_ratio is a lower bound then, held_ratio +
    late_seconds / seconds roughly an upper one."""

    time: float
    gils: tuple[Gil, ...]
    seconds: float = 0.0
    looks: int = 0
    reason: str = ""
    late_looks: int = 0
    late_seconds: float = 0.0


def held_ratio(state: GilState | None, native_ids: frozenset[int]) -> float | None:
    """The share of time in which these threads held a lock; None where it could not be told."""
    if state is None or not state.looks or all(gil.held_ratio is None for gil in state.gils):
        return None
    holders = [holder for gil in state.gils for holder in gil.holders]
    found = [holder.share for holder in holders if holder.native_id in native_ids]
    if not found and any(holder.native_id is None for holder in holders):
        return None  # one of those who could not be named may be among them
    return sum(found)
