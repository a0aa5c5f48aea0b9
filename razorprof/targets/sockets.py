"""Who listens on a TCP port, in every network namespace that can be seen. Called by targets.resolve.

Read-only: /proc/PID/net/tcp{,6} of one process per namespace, then the descriptors of its processes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from razorprof.errors import RazorprofError
from razorprof.remote.process import ProcessView

_LISTEN = b"0A"  # TCP_LISTEN, include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class Listeners:
    """holders: per listening socket (its inode) the pids that have it open; unreadable: listening sockets were
    seen whose owner could not be found, for lack of permission or because it lives outside this /proc."""

    holders: tuple[frozenset[int], ...]
    unreadable: bool


def find_listeners(port: int, processes: Iterable[ProcessView]) -> Listeners:
    """The processes that listen on TCP `port`."""
    by_namespace: dict[str, list[ProcessView]] = defaultdict(list)
    for process in processes:
        try:
            by_namespace[process.read_link("ns/net")].append(process)
        except RazorprofError:
            by_namespace[""].append(process)  # not ours to see: its descriptors are not either
    holders: dict[int, set[int]] = {}
    for members in by_namespace.values():
        inodes = _listening_inodes(port, members)
        if not inodes:
            continue
        for inode in inodes:
            holders.setdefault(inode, set())
        for process in members:
            for inode in _socket_inodes(process) & inodes:
                holders[inode].add(process.pid)
    found = tuple(frozenset(pids) for pids in holders.values() if pids)
    return Listeners(found, unreadable=any(not pids for pids in holders.values()))


def parse_listening(table: bytes, port: int) -> set[int]:
    """Inodes of the sockets that listen on `port` in the text of /proc/PID/net/tcp or tcp6 (proc(5))."""
    inodes: set[int] = set()
    suffix = b":%04X" % port
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN and fields[1].endswith(suffix):
            inodes.add(int(fields[9]))
    return inodes


def _listening_inodes(port: int, members: list[ProcessView]) -> set[int]:
    """As the first member that can be read shows them: all of a namespace see the same."""
    inodes: set[int] = set()
    for process in members:
        seen = False
        for name in ("net/tcp", "net/tcp6"):
            try:
                inodes |= parse_listening(process.read(name, 64 << 20), port)
                seen = True
            except RazorprofError:
                continue  # gone, or a kernel without IPv6
        if seen:
            break
    return inodes


def _socket_inodes(process: ProcessView) -> set[int]:
    folder = process.path / "fd"
    found: set[int] = set()
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        try:
            link = os.readlink(folder / name)
        except OSError:
            continue
        if link.startswith("socket:[") and link.endswith("]"):
            found.add(int(link[8:-1]))
    return found
