"""The TCP sockets of our own network namespace: who listens where, and who has accepted a connection of ours.

Called by targets.resolve and by sources that ask a target over HTTP. Reads /proc/PID/net/tcp{,6} (1 µs a socket,
all of them each time) and the descriptors of a process; connects to nothing.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import PermissionDenied, RazorprofError
from razorprof.remote.http_address import IpAddress
from razorprof.remote.process import PROC, ProcessView

_LONGEST_TABLE = 64 << 20
_LISTEN, _CLOSE_WAIT = b"0A", b"08"  # include/net/tcp_states.h
_TABLES = ("net/tcp", "net/tcp6")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An end of a connection. A v4 address that a v6 socket shows as mapped is told as v4."""

    ip: IpAddress
    port: int


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens; its inode is its identity."""

    at: Endpoint
    inode: int

    def takes(self, ip: IpAddress) -> bool:
        """Whether a connection to this address of the machine could come to it (IPV6_V6ONLY is not known)."""
        return self.at.ip == ip or (self.at.ip.is_unspecified and (self.at.ip.version == 6 or ip.version == 4))


@dataclass(frozen=True, slots=True)
class OtherEnd:
    """inode: of the socket that a process has accepted; None while the connection waits in the kernel's queue, or
    when that socket is closed. hung_up: it will send no more."""

    inode: int | None
    hung_up: bool


def listeners(process: ProcessView) -> list[Listener]:
    """All sockets that listen in the network namespace of a process, by port. Raises as ProcessView.read."""
    found = [
        Listener(at, int(fields[9]))
        for table in _TABLES
        for fields in _lines(process, table)
        if fields[3] == _LISTEN and (at := parse_endpoint(fields[1])) is not None
    ]
    return sorted(found, key=lambda listener: (listener.at.port, listener.inode))


def other_end(local: Endpoint, peer: Endpoint, *, proc: Path = PROC) -> OtherEnd:
    """How our connection local -> peer looks from the other side."""
    own = ProcessView(os.getpid(), proc=proc)
    inode, hung_up = None, False
    for table in _TABLES:
        for fields in _lines(own, table, b":%04X" % local.port):
            ends = parse_endpoint(fields[1]), parse_endpoint(fields[2])
            if ends == (peer, local):
                inode = int(fields[9]) or None
            elif ends == (local, peer):
                hung_up = fields[3] == _CLOSE_WAIT
    return OtherEnd(inode, hung_up)


def socket_inodes(process: ProcessView) -> set[int]:
    """Inodes of the sockets that a process has open. Raises PermissionDenied where they may not be seen; those of
    a process that ends meanwhile are none."""
    folder = process.path / "fd"
    found: set[int] = set()
    try:
        names = os.listdir(folder)
    except PermissionError as error:
        raise PermissionDenied(
            "no permission to see the sockets of the process",
            value=process.pid,
            hint=f"see why and what mends it with: razorprof doctor {process.pid}",
        ) from error
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


def shares_our_network(process: ProcessView) -> bool:
    """Whether the process is in our network namespace. Raises PermissionDenied where that may not be seen."""
    return process.read_link("ns/net") == os.readlink("/proc/self/ns/net")


def is_own_address(ip: IpAddress) -> bool:
    """Whether it is one of this machine's: only such a one can be bound to."""
    if ip.is_unspecified or ip.is_multicast:
        return False
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def parse_endpoint(field: bytes) -> Endpoint | None:
    """An address as the kernel prints it (proc(5), net/tcp): b"0100007F:1F90" is 127.0.0.1, port 8080."""
    host, _, port = field.partition(b":")
    try:
        raw, number = bytes.fromhex(host.decode("ascii")), int(port, 16)
        if sys.byteorder == "little":  # each 32-bit word of the address is printed in the machine's own order
            raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        address = ipaddress.ip_address(raw)
    except ValueError:
        return None
    return Endpoint(_unmapped(address), number)


def endpoint(name: tuple[str, int] | tuple[str, int, int, int]) -> Endpoint:
    """An end as socket.getsockname tells it."""
    return Endpoint(_unmapped(ipaddress.ip_address(name[0].partition("%")[0])), name[1])


def _unmapped(address: IpAddress) -> IpAddress:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _lines(process: ProcessView, table: str, holding: bytes = b"") -> Iterator[list[bytes]]:
    try:
        text = process.read(table, _LONGEST_TABLE)
    except RazorprofError:
        if table == _TABLES[0]:
            raise
        return  # a kernel without IPv6
    for line in text.splitlines()[1:]:
        if holding in line:  # most lines of a long table need not be taken apart
            fields = line.split()
            if len(fields) > 9:
                yield fields
