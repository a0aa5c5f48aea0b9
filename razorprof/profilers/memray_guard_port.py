"""The guard's port on loopback, where memray's client in the target calls and gets the code that it runs.

For memray_guard_process only; it imports nothing of razorprof. Who answers that call runs code in the target, and
who makes it learns the token: so the port is held on both loopback addresses (memray's client tries ::1 first)
from before the injection until nothing of the target's is on its way to it, and a caller counts only where the
kernel shows its end of the connection among the target's descriptors. Strangers are hung up on, unread.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import time

_BACKLOG = 128
_TRIES = 50  # a stranger may hold the same port of ::1
_SYN_SENT = b"02"  # include/net/tcp_states.h
_LEAST_LINGER = 3.0  # an injected thread may not have come to its call yet
_MOST_LINGER = 150.0  # tcp(7), tcp_syn_retries: the last of the default's six tries gives up after 127 s


class LoopbackPort:
    """One port number of 127.0.0.1 and, where there is one, of ::1, for one process. Raises OSError."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._sockets = _listen()
        self.number: int = self._sockets[0].getsockname()[1]
        self._poll = select.poll()
        for one in self._sockets:
            one.setblocking(False)
            self._poll.register(one, select.POLLIN)

    def accept(self, timeout: float) -> socket.socket | None:
        """A connection of the target's; None where none came within `timeout` seconds."""
        ready = {descriptor for descriptor, _ in self._poll.poll(timeout * 1000)}
        for one in self._sockets:
            if one.fileno() not in ready:
                continue
            try:
                caller = one.accept()[0]
            except OSError:
                continue  # it has hung up already
            if self._is_targets(caller):
                caller.setblocking(True)
                return caller
            caller.close()
        return None

    def linger(self) -> None:
        """Hang up on everybody until the target calls no more: the port must not become a stranger's before."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < _MOST_LINGER:
            if (caller := self.accept(0.1)) is not None:
                caller.close()
            if not os.path.exists(f"/proc/{self._pid}"):
                return
            if waited > _LEAST_LINGER and not self._is_called():
                return

    def close(self) -> None:
        for one in self._sockets:
            one.close()

    def _is_targets(self, caller: socket.socket) -> bool:
        try:
            theirs, ours = _as_in_proc(caller.getpeername()), _as_in_proc(caller.getsockname())
        except OSError:
            return False
        table = "tcp6" if caller.family == socket.AF_INET6 else "tcp"
        for fields in _connections(self._pid, table):
            if fields[1] == theirs and fields[2] == ours:
                return fields[9] != b"0" and _has_socket(self._pid, fields[9].decode("ascii", "replace"))
        return False

    def _is_called(self) -> bool:
        end = b":%04X" % self.number
        return any(
            fields[3] == _SYN_SENT and fields[2].endswith(end)
            for table in ("tcp", "tcp6")
            for fields in _connections(self._pid, table)
        )


def _listen() -> list[socket.socket]:
    for _ in range(_TRIES):
        first = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        try:
            number = first.getsockname()[1]
            return [first, socket.create_server(("::1", number), family=socket.AF_INET6, backlog=_BACKLOG)]
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return [first]  # no ::1 here, so that nobody can call there
            first.close()
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")


def _connections(pid: int, table: str) -> list[list[bytes]]:
    """The rows of proc_net_tcp(5), split; those of the target's network namespace."""
    try:
        with open(f"/proc/{pid}/net/{table}", "rb") as file:
            next(file, None)
            return [fields for line in file if len(fields := line.split()) > 9]
    except OSError:
        return []


def _has_socket(pid: int, inode: str) -> bool:
    name = f"socket:[{inode}]"
    folder = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{descriptor}") == name:
                    return True
            except OSError:
                continue  # closed meanwhile
    except OSError:
        pass
    return False


def _as_in_proc(address: tuple[str, int]) -> bytes:
    """Words of 32 bits in the machine's order, then the port: 0100007F:1F90."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    packed = socket.inet_pton(family, address[0])
    words = (int.from_bytes(packed[place : place + 4], sys.byteorder) for place in range(0, len(packed), 4))
    return b"%s:%04X" % ("".join(f"{word:08X}" for word in words).encode(), address[1])
