"""Customers' sessions are kept and never given up one by one: memory that grows, until all are dropped."""

from __future__ import annotations

from .day import Day

SESSION_BYTES = 200 * 1024
LIMIT_BYTES = 48 * 1024 * 1024
ARRIVAL = 0.2  # seconds between two customers: 1 MiB a second


def serve(day: Day) -> None:
    """Let customers in until the shop closes."""
    kept: dict[int, bytearray] = {}
    customer = 0
    while not day.closed(after=ARRIVAL):
        customer += 1
        remember(kept, customer)


def remember(kept: dict[int, bytearray], customer: int) -> None:
    """Keep a session; when too much is kept, drop everything."""
    if (len(kept) + 1) * SESSION_BYTES > LIMIT_BYTES:
        kept.clear()
    kept[customer] = bytearray(b"s") * SESSION_BYTES
