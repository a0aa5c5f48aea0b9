"""A page of a process, asked for only where that very process has accepted the connection.

For sources and runtimes that ask a target over HTTP: on a shared loopback anybody may listen where the target did
a moment ago. Not for pages of anything else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from razorprof.clock import Clock
from razorprof.errors import NotSupported, TimedOut, ToolFailed
from razorprof.remote.http_address import PageAddress
from razorprof.remote.http_page import MOST_BYTES, Page, fetch_page
from razorprof.remote.tcp_sockets import Endpoint, other_end

_FIRST_WAIT, _LONGEST_WAIT = 0.001, 0.1


def fetch_own_page(
    address: PageAddress,
    is_ours: Callable[[int], bool],
    *,
    accept: str,
    timeout: float,
    clock: Clock,
    most_bytes: int = MOST_BYTES,
) -> Page:
    """The page. is_ours: whether a socket with this inode is the process's. Raises as fetch_page does, and
    NotSupported where another process answers."""

    def accepted(local: Endpoint, peer: Endpoint, deadline: float) -> None:
        if not is_ours(_accepted_by(local, peer, deadline, clock)):
            raise NotSupported("another process answers there", value=address)

    return fetch_page(
        address, accepted=accepted, accept=accept, timeout=timeout, most_bytes=most_bytes, clock=clock
    )


def _accepted_by(local: Endpoint, peer: Endpoint, deadline: float, clock: Clock) -> int:
    """The inode of the socket that has accepted our connection, as soon as a process has. Raises TimedOut, or
    ToolFailed when it is closed again."""
    never, pause = threading.Event(), _FIRST_WAIT
    while True:
        end = other_end(local, peer)
        if end.inode is not None:
            return end.inode
        if end.hung_up:
            raise ToolFailed("the connection was closed without an answer")
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimedOut("nobody accepts the connection")
        clock.wait(never, min(pause, left))
        pause = min(_LONGEST_WAIT, 2 * pause)
