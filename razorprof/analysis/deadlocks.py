"""Threads that wait for each other in a circle: a verdict from who waits for whom.

Pure; called by the runtimes' thread dumps, which know how sure each link is. It says nothing of threads that wait
for something that can still happen: a time-out, input, a condition that somebody may signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from razorprof.model.threads import Deadlock

CONFIRMED, SUSPECTED = "confirmed", "suspected"


@dataclass(frozen=True, slots=True)
class Link:
    """Thread `waiter` cannot go on before `owner` does something (native ids). what: words for what it waits for,
    such as "RLock 0x7f"; is_exact: the owner is stored in the target's memory, not concluded from a stack;
    how: what the conclusion rests on, where it is one."""

    waiter: int
    owner: int
    what: str
    is_exact: bool
    how: str = ""


def find_cycles(links: Iterable[Link]) -> list[tuple[Link, ...]]:
    """Each circle once, beginning with its smallest waiter. A thread waits for one thing at a time, so that the
    circles share no thread."""
    by_waiter = {link.waiter: link for link in links}
    done: set[int] = set()
    found = []
    for start in sorted(by_waiter):
        path: list[Link] = []
        places: dict[int, int] = {}
        at = start
        while at in by_waiter and at not in done and at not in places:
            places[at] = len(path)
            path.append(by_waiter[at])
            at = by_waiter[at].owner
        if at in places:
            circle = path[places[at] :]
            first = min(range(len(circle)), key=lambda index: circle[index].waiter)
            found.append(tuple(circle[first:] + circle[:first]))
        done.update(places)
    return found


def judge(cycle: Sequence[Link], names: Mapping[int, str]) -> Deadlock:
    """The verdict on one circle: confirmed where every link is exact. names: of the threads, by native id."""
    words = [f"{_called(link.waiter, names)} waits for {link.what}, {_owned(link, names)}" for link in cycle]
    is_confirmed = all(link.is_exact for link in cycle)
    hows = list(dict.fromkeys(link.how for link in cycle if link.how))
    reasons = "" if is_confirmed or not hows else f"; suspected only: {', '.join(hows)}"
    return Deadlock(
        CONFIRMED if is_confirmed else SUSPECTED,
        tuple(link.waiter for link in cycle),
        "; ".join(words) + reasons,
    )


def _owned(link: Link, names: Mapping[int, str]) -> str:
    owner = "itself" if link.owner == link.waiter else _called(link.owner, names)
    if link.what.startswith("the end of"):
        return "which cannot end"
    return f"held by {owner}" if link.is_exact else f"which seems to be held by {owner}"


def _called(thread: int, names: Mapping[int, str]) -> str:
    name = names.get(thread, "")
    return f"thread {thread} {name}".rstrip()
