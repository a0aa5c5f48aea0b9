"""A profile that a process gives itself, at the pprof endpoint that the user named (``url:``): its bytes.

Of any program that serves /debug/pprof, whatever it is written in. The socket that answers must be the process's
own or of a process under it. The endpoint is asked in a thread of its own: it answers when its time is over, and
cannot be told to end earlier. Called by session.endpoint_profiles.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError, TimedOut, ToolFailed
from razorprof.model.target import Target
from razorprof.plugin.captures import Watch
from razorprof.remote.http_address import PageAddress, parse_page_address
from razorprof.remote.http_owner import fetch_own_page
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import socket_inodes
from razorprof.targets.table import read_table

MOST_BYTES = 64 << 20
PATIENCE = 15.0  # seconds beyond those of the profile
_ROOT = "/debug/pprof"
_LOOK = 0.2


def pprof_address(url: str, name: str) -> PageAddress:
    """Where the profile called so is: beside the page that was named, where that is one of pprof."""
    address = parse_page_address(url)
    path = address.path.partition("?")[0]
    prefix = path.partition(_ROOT)[0] if _ROOT in path else ""
    return replace(address, path=f"{prefix}{_ROOT}/{name}")


def fetch_pprof(target: Target, url: str, name: str, seconds: float, watch: Watch) -> bytes:
    """The file, as the process gives it. name: with its query; seconds: that it will take. Raises ToolFailed,
    TimedOut or NotSupported; KeyboardInterrupt where it is to end early."""
    address = pprof_address(url, name)
    view = ProcessView(target.pid)
    outcome: list[bytes | RazorprofError] = []

    def ask() -> None:
        try:
            page = fetch_own_page(
                address,
                lambda inode: _belongs(inode, view),
                accept="*/*",
                timeout=seconds + PATIENCE,
                clock=SystemClock(),
                most_bytes=MOST_BYTES,
            )
            outcome.append(page.body)
        except RazorprofError as error:
            outcome.append(error)

    asking = threading.Thread(target=ask, name="pprof", daemon=True)
    asking.start()
    _await(
        asking, seconds, watch, lambda passed: watch.tell(min(passed, seconds), seconds, "its endpoint samples")
    )
    if not outcome:
        raise TimedOut("the endpoint does not answer", value=address)
    if isinstance(outcome[0], RazorprofError):
        raise outcome[0]
    if not outcome[0]:
        raise ToolFailed("the endpoint gave an empty profile", value=address)
    return outcome[0]


def _await(asking: threading.Thread, seconds: float, watch: Watch, tell: Callable[[float], None]) -> None:
    clock = SystemClock()
    began = clock.monotonic()
    while asking.is_alive() and (passed := clock.monotonic() - began) < seconds + PATIENCE + 1.0:
        tell(passed)
        if watch.enough.is_set():
            raise KeyboardInterrupt
        asking.join(_LOOK)


def _belongs(inode: int, view: ProcessView) -> bool:
    if inode in socket_inodes(view):
        return True
    table = read_table()
    for pid in table.descendants(view.pid):
        try:
            if inode in socket_inodes(table.entries[pid].view):
                return True
        except RazorprofError:
            continue
    return False
