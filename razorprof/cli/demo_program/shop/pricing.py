"""Orders are priced here: the hot part, with known shares.

The three functions run the same loop body, 60, 30 and 10 parts of it: of the CPU that the thread `pricing`
uses, price_lines takes 60 %, apply_discounts 30 % and add_tax 10 %.
"""

from __future__ import annotations

from .day import Day, Pace

PART = 3000  # rounds of the loop: an order takes some 15 ms


def serve(day: Day) -> None:
    """Price orders until the shop closes."""
    pace = Pace(day)
    order = 0
    while not day.closed():
        order += 1
        price_order(order)
        pace.rest(day.phase().pricing)


def price_order(order: int) -> int:
    """What an order costs."""
    lines = price_lines(order, 60 * PART)
    return add_tax(apply_discounts(lines, 30 * PART), 10 * PART)


def price_lines(amount: int, rounds: int) -> int:
    """60 % of the thread's time."""
    for number in range(rounds):
        amount = (amount * 31 + number) & 0xFFFF
    return amount


def apply_discounts(amount: int, rounds: int) -> int:
    """30 % of the thread's time."""
    for number in range(rounds):
        amount = (amount * 31 + number) & 0xFFFF
    return amount


def add_tax(amount: int, rounds: int) -> int:
    """10 % of the thread's time."""
    for number in range(rounds):
        amount = (amount * 31 + number) & 0xFFFF
    return amount
