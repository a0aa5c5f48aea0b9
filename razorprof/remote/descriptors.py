"""What a descriptor of another process is: a file, a pipe, or a socket with its peer. Called by remote.waits.

Sockets are looked up in the tables of the target's own network namespace. All it answers is untrusted text;
nothing of the target is opened, only named.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import RazorprofError
from razorprof.remote.process import ProcessView

_LONGEST_TABLE = 8 << 20  # some 50,000 sockets
_LONGEST_NAME = 512
_TABLES = ("tcp", "tcp6", "unix", "udp", "udp6")
_TCP_LISTEN = "0A"  # include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class Descriptor:
    """kind: file, pipe, tcp, udp, unix, socket (not found in any table), epoll, other or unknown.

    name: path, or what the link says; local, peer: "address:port" or a unix path, empty where there is none.
    """

    number: int
    kind: str
    name: str = ""
    local: str = ""
    peer: str = ""
    is_listening: bool = False

    def __str__(self) -> str:
        if self.kind in ("tcp", "udp", "unix"):
            return self.peer or self.local or f"{self.kind} socket"
        return self.name or f"descriptor {self.number}"


class DescriptorTable:
    """Descriptors of one process at one look. Make a new one for each look: numbers are used again at once.

    Each table of sockets is read once, and only when a socket asks for it.
    """

    def __init__(self, view: ProcessView) -> None:
        self._view = view
        self._known: dict[int, Descriptor] = {}
        self._tables: dict[str, bytes] = {}

    def describe(self, number: int) -> Descriptor:
        """The descriptor `number`; kind "unknown" when it is closed or may not be seen."""
        number &= 0xFFFFFFFF
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._look_up(number)
        return found

    def count_watched(self, number: int) -> int | None:
        """How many descriptors an epoll descriptor watches; None when that may not be seen."""
        try:
            text = self._view.read(f"fdinfo/{number & 0xFFFFFFFF}", 1 << 20)
        except RazorprofError:
            return None
        return sum(line.startswith(b"tfd:") for line in text.splitlines())

    def _look_up(self, number: int) -> Descriptor:
        try:
            link = self._view.read_link(f"fd/{number}")
        except RazorprofError:
            return Descriptor(number, "unknown")
        name = link[:_LONGEST_NAME]
        if link.startswith("socket:["):
            return self._socket(number, link[8:-1], name)
        if link.startswith("pipe:["):
            return Descriptor(number, "pipe", "pipe")
        if link == "anon_inode:[eventpoll]":
            return Descriptor(number, "epoll", "epoll")
        if link.startswith("/"):
            return Descriptor(number, "file", name)
        return Descriptor(number, "other", name.removeprefix("anon_inode:").strip("[]"))

    def _socket(self, number: int, inode: str, name: str) -> Descriptor:
        for table in _TABLES:
            for fields in self._lines_with(table, inode):
                if table == "unix":
                    # net/unix: num refcount protocol flags type state inode path
                    if len(fields) >= 7 and fields[6] == inode:
                        listens = int(fields[3], 16) & 0x10000 != 0  # SO_ACCEPTCON
                        path = fields[7] if len(fields) > 7 else ""
                        return Descriptor(number, "unix", name, path[:_LONGEST_NAME], "", listens)
                # net/tcp and the like (proc(5)): sl local remote state queues timer retransmits uid timeout inode
                elif len(fields) >= 10 and fields[9] == inode:
                    local, peer = _address(fields[1]), _address(fields[2])
                    listens = fields[3] == _TCP_LISTEN and table.startswith("tcp")
                    return Descriptor(number, table[:3], name, local, peer, listens)
        return Descriptor(number, "socket", "socket")

    def _lines_with(self, table: str, inode: str) -> Iterator[list[str]]:
        """Lines that hold the number as a word: searched as bytes, because a table may have 50,000 lines."""
        content = self._tables.get(table)
        if content is None:
            try:
                content = self._view.read(f"net/{table}", _LONGEST_TABLE)
            except RazorprofError:
                content = b""
            self._tables[table] = content
        wanted, at = f" {inode}".encode(), 0
        while (at := content.find(wanted, at)) >= 0:
            start, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
            line = content[start : end if end >= 0 else len(content)]
            # A unix path may hold blanks: it is the eighth word and all that follows.
            yield line.decode(errors="replace").split(None, 7 if table == "unix" else -1)
            at = start + len(line)


def _address(field: str) -> str:
    """ "0100007F:1F90" -> 127.0.0.1:8080; empty for the unspecified address with port 0 (no peer)."""
    host, _, port = field.partition(":")
    try:
        raw, number = bytes.fromhex(host), int(port, 16)
        if sys.byteorder == "little":  # the kernel prints each 32-bit word of the address in its own order
            raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(raw)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified and number == 0:
        return ""
    return f"[{address}]:{number}" if isinstance(address, ipaddress.IPv6Address) else f"{address}:{number}"
