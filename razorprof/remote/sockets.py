"""Which addresses a socket of another process has, by its inode. Called by remote.descriptors.

Looked up in the tables of the target's own network namespace. Printing those takes the kernel 1 µs a socket, all
of them each time, so that answers are kept a while and the tables are read at a pace that follows the cost.
"""

from __future__ import annotations

import ipaddress
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.remote.process import ProcessView

_LONGEST_TABLE = 8 << 20  # some 50,000 sockets
_LONGEST_NAME = 512
_MOST_KEPT = 4096
_KEEP_SECONDS = 15.0  # a socket that was not connected may be by now
_SHARE = 0.005  # of one core, for reading tables
_TABLES = ("tcp", "tcp6", "unix", "udp", "udp6")
_TCP_LISTEN = "0A"  # include/net/tcp_states.h
_UNIX_LISTENS = 0x10000  # SO_ACCEPTCON, include/uapi/linux/net.h


@dataclass(frozen=True, slots=True)
class Socket:
    """kind: tcp, udp or unix; local, peer: "address:port" or a unix path, empty where there is none."""

    kind: str
    local: str
    peer: str
    is_listening: bool


class SocketTables:
    """The sockets of one network namespace. Call `start_look` before each round of questions."""

    def __init__(self, view: ProcessView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._known: dict[str, tuple[float, Socket | None]] = {}
        self._tables: dict[str, bytes] = {}
        self._cost = 0.0
        self._due = 0.0

    def start_look(self) -> None:
        """Let go of the tables of the look before; when they may be read again follows from what they took."""
        if self._tables:
            self._due = self._clock.monotonic() + self._cost / _SHARE
        self._tables, self._cost = {}, 0.0

    def find(self, inode: str) -> Socket | None:
        """The socket; None when it is in no table (netlink, another namespace) or was not looked for yet."""
        now = self._clock.monotonic()
        known = self._known.get(inode)
        if known is not None and now < known[0] + _KEEP_SECONDS:
            return known[1]
        if not self._tables and now < self._due:
            return known[1] if known is not None else None
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        found = next((f for table in _TABLES for f in self._find_in(table, inode)), None)
        self._known[inode] = (now, found)
        return found

    def _find_in(self, table: str, inode: str) -> Iterator[Socket]:
        for fields in self._lines_with(table, inode):
            if table == "unix":
                # net/unix: num refcount protocol flags type state inode path
                if len(fields) >= 7 and fields[6] == inode:
                    path = fields[7][:_LONGEST_NAME] if len(fields) > 7 else ""
                    yield Socket("unix", path, "", bool(int(fields[3], 16) & _UNIX_LISTENS))
            # net/tcp and the like (proc(5)): sl local remote state queues timer retransmits uid timeout inode
            elif len(fields) >= 10 and fields[9] == inode:
                listens = fields[3] == _TCP_LISTEN and table.startswith("tcp")
                yield Socket(table[:3], _address(fields[1]), _address(fields[2]), listens)

    def _lines_with(self, table: str, inode: str) -> Iterator[list[str]]:
        """Lines that hold the number as a word: searched as bytes, because a table may have 50,000 lines."""
        content = self._tables.get(table)
        if content is None:
            content = self._tables[table] = self._read_table(table)
        wanted, at = f" {inode}".encode(), 0
        while (at := content.find(wanted, at)) >= 0:
            start, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
            line = content[start : end if end >= 0 else len(content)]
            # A unix path may hold blanks: it is the eighth word and all that follows.
            yield line.decode(errors="replace").split(None, 7 if table == "unix" else -1)
            at = start + len(line)

    def _read_table(self, table: str) -> bytes:
        began = time.thread_time()
        try:
            return self._view.read(f"net/{table}", _LONGEST_TABLE)
        except RazorprofError:
            return b""
        finally:
            self._cost += time.thread_time() - began


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
