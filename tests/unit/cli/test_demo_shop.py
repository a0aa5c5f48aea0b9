"""The sample program's parts, one at a time: what is hot, what is garbage, what grows."""

from __future__ import annotations

import gc
import time
import weakref
from collections import deque
from itertools import pairwise

import pytest

from razorprof.cli.demo_program.shop import catalogue, pricing, sessions
from razorprof.cli.demo_program.shop.day import PHASES, Day


def test_the_pricing_functions_do_sixty_thirty_and_ten_parts_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []

    def note(amount: int, count: int) -> int:
        rounds.append(count)
        return amount

    for name in ("price_lines", "apply_discounts", "add_tax"):
        monkeypatch.setattr(pricing, name, note)
    pricing.price_order(1)
    assert [count / sum(rounds) for count in rounds] == pytest.approx([0.6, 0.3, 0.1])


def test_a_round_costs_the_same_in_each_pricing_function() -> None:
    functions = (pricing.price_lines, pricing.apply_discounts, pricing.add_tax)
    fastest = dict.fromkeys(functions, float("inf"))
    for _ in range(300):  # the fastest of many short ones, taken in turn: a busy machine disturbs all alike
        for function in functions:
            before = time.thread_time()
            function(7, 2_000)
            fastest[function] = min(fastest[function], time.thread_time() - before)
    assert max(fastest.values()) < 1.6 * min(fastest.values())  # a shared core's caches alone make 1.4


def test_a_forgotten_shelf_is_freed_by_the_collector_and_not_before() -> None:
    gc.collect()
    gc.disable()
    try:
        shelves: deque[catalogue.Shelf] = deque(maxlen=2)
        catalogue.restock(shelves, 1)
        first = weakref.ref(shelves[0])
        catalogue.restock(shelves, 2)
        catalogue.restock(shelves, 3)
        assert first() is not None
        gc.collect()
        assert first() is None
        assert len(shelves) == 2
    finally:
        gc.enable()


def test_sessions_grow_up_to_the_limit_and_are_dropped_together() -> None:
    kept: dict[int, bytearray] = {}
    sizes = []
    for customer in range(2 * sessions.LIMIT_BYTES // sessions.SESSION_BYTES):
        sessions.remember(kept, customer)
        sizes.append(sum(map(len, kept.values())))
    assert sessions.LIMIT_BYTES - sessions.SESSION_BYTES < max(sizes) <= sessions.LIMIT_BYTES
    assert any(later < earlier for earlier, later in pairwise(sizes))


def test_every_phase_asks_for_less_than_one_core() -> None:
    assert all(phase.pricing + phase.catalogue < 0.8 for phase in PHASES)


def test_the_day_goes_through_its_phases_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1000.0, 1000.0, 1029.9, 1030.1, 1060.1, 1090.1])  # opened, then asked five times
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    day = Day(30)
    assert [day.phase().name for _ in range(5)] == ["rush hour", "rush hour", "stocktaking", "quiet", "rush hour"]
