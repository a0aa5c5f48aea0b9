"""The catalogue is rebuilt all the time: cyclic garbage that only the garbage collector can free."""

from __future__ import annotations

from collections import deque

from .day import Day, Pace

SHELVES = 300  # of them are kept: enough that garbage reaches the old generation, bounded all the same
ITEMS = 40
DELIVERY = 250  # shelves put up at a time: some 10 ms of work, long against what it takes to look at it


class Shelf:
    """Holds items that point back at it: a cycle."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.items = [Item(self, place) for place in range(ITEMS)]


class Item:
    """A thing on a shelf."""

    def __init__(self, shelf: Shelf, place: int) -> None:
        self.shelf = shelf
        self.label = {"shelf": shelf.number, "place": place}


def serve(day: Day) -> None:
    """Put new shelves up and forget old ones until the shop closes."""
    pace = Pace(day)
    shelves: deque[Shelf] = deque(maxlen=SHELVES)
    number = 0
    while not day.closed():
        for _ in range(DELIVERY):
            number += 1
            restock(shelves, number)
        pace.rest(day.phase().catalogue)


def restock(shelves: deque[Shelf], number: int) -> None:
    """Add a shelf; the oldest one falls out and stays in memory until it is collected."""
    shelves.append(Shelf(number))
