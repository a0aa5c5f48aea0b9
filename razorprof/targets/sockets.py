"""Who listens on a TCP port, in every network namespace that can be seen. Called by targets.resolve.

Read-only: /proc/PID/net/tcp{,6} of one process per namespace, then the descriptors of its processes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from razorprof.errors import RazorprofError
from razorprof.remote.http_address import IpAddress
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import listeners, socket_inodes


@dataclass(frozen=True, slots=True)
class Listeners:
    """holders: per listening socket (its inode) the pids that have it open; unreadable: listening sockets were
    seen whose owner could not be found, for lack of permission or because it lives outside this /proc."""

    holders: tuple[frozenset[int], ...]
    unreadable: bool


def find_listeners(port: int, processes: Iterable[ProcessView], *, address: IpAddress | None = None) -> Listeners:
    """The processes that listen on TCP `port`. address: only those that a connection of ours to it would reach."""
    by_namespace: dict[str, list[ProcessView]] = defaultdict(list)
    for process in processes:
        try:
            by_namespace[process.read_link("ns/net")].append(process)
        except RazorprofError:
            by_namespace[""].append(process)  # not ours to see: its descriptors are not either
    if address is not None:
        ours = os.readlink("/proc/self/ns/net")
        by_namespace = defaultdict(list, {ours: by_namespace[ours] or by_namespace[""]})
    holders: dict[int, set[int]] = {}
    for members in by_namespace.values():
        inodes = _listening_inodes(port, members, address)
        if not inodes:
            continue
        for inode in inodes:
            holders.setdefault(inode, set())
        for process in members:
            for inode in _inodes(process) & inodes:
                holders[inode].add(process.pid)
    found = tuple(frozenset(pids) for pids in holders.values() if pids)
    return Listeners(found, unreadable=any(not pids for pids in holders.values()))


def _listening_inodes(port: int, members: list[ProcessView], address: IpAddress | None) -> set[int]:
    """As the first member that can be read shows them: all of a namespace see the same."""
    for process in members:
        try:
            seen = listeners(process)
        except RazorprofError:
            continue  # gone
        right = [one for one in seen if one.at.port == port and (address is None or one.takes(address))]
        exact = [one for one in right if one.at.ip == address]  # the kernel prefers it to one of any address
        return {one.inode for one in exact or right}
    return set()


def _inodes(process: ProcessView) -> set[int]:
    try:
        return socket_inodes(process)
    except RazorprofError:
        return set()
