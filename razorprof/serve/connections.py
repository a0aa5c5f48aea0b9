"""Connections, bounded: how many, how long a request may take to arrive, how long an answer to leave.

Slow clients are cut off rather than waited for: a request's head has HEAD_SECONDS in all, not between two
bytes, and when every place is taken, the client that has dawdled longest over its head gives up its own. Called by
serve.server, in its accepting thread and in the connections' own.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

from razorprof.errors import TimedOut, UsageError

MOST_CONNECTIONS = 64
HEAD_SECONDS = 5.0
SEND_SECONDS = 15.0
LONGEST_HEAD = 16 << 10
_PIECE = 64 << 10


class Connections:
    """The open connections: those whose head is still being read, oldest first, and those being answered."""

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._reading: dict[socket.socket, None] = {}
        self._answering: set[socket.socket] = set()

    def admit(self, connection: socket.socket) -> bool:
        """Take a connection in, at the price of the slowest reader where all places are taken. False where every
        place is an answer's."""
        with self._lock:
            if len(self._reading) + len(self._answering) >= self._most:
                if not self._reading:
                    return False
                slowest = next(iter(self._reading))
                del self._reading[slowest]
                _cut(slowest)
            self._reading[connection] = None
            return True

    def has_asked(self, connection: socket.socket) -> None:
        """Its head is there: from now on its place is kept until it is answered."""
        with self._lock:
            if connection in self._reading:
                del self._reading[connection]
                self._answering.add(connection)

    def leave(self, connection: socket.socket) -> None:
        """The connection is over."""
        with self._lock:
            self._reading.pop(connection, None)
            self._answering.discard(connection)

    def cut_all(self) -> None:
        """End all of them."""
        with self._lock:
            for connection in (*self._reading, *self._answering):
                _cut(connection)


def read_head(connection: socket.socket, seconds: float = HEAD_SECONDS, longest: int = LONGEST_HEAD) -> bytes:
    """A request's line and headers, with the empty line that ends them. Raises TimedOut, UsageError where they are
    too long, OSError; EOFError where the client leaves before."""
    deadline = time.monotonic() + seconds
    try:
        if isinstance(connection, ssl.SSLSocket):
            _allow(connection, deadline)
            connection.do_handshake()
        head = bytearray()
        while True:
            _allow(connection, deadline)
            piece = connection.recv(4096)
            if not piece:
                raise EOFError
            before = max(0, len(head) - 3)
            head += piece
            ends = [at + len(end) for end in (b"\r\n\r\n", b"\n\n") if (at := head.find(end, before)) >= 0]
            if ends:
                return bytes(head[: min(ends)])
            if len(head) > longest:
                raise UsageError("the request's headers are too long")
    except TimeoutError as error:
        raise TimedOut("the request did not arrive in time") from error


def send(connection: socket.socket, content: bytes, seconds: float = SEND_SECONDS) -> None:
    """Send all of it within a time, however slowly it is taken. Raises OSError."""
    deadline = time.monotonic() + seconds
    rest = memoryview(content)
    while rest:
        _allow(connection, deadline)
        rest = rest[connection.send(rest[:_PIECE]) :]


def has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed its end."""
    try:
        poll = select.poll()
        poll.register(connection, select.POLLRDHUP)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True


def _allow(connection: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # the plain socket's: an SSLSocket's own would forget its state under the thread that reads from it
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
