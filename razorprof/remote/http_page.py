"""One GET of one page of a process on this machine, with everything bounded: time, bytes, headers.

Called by sources that read an application's own metrics. Not a general client: a new connection for each page,
no redirect followed, no credentials, no cookies, no proxy, nothing compressed. Before the request is sent the
caller is asked whether the right process has accepted the connection; where it has not, no page is asked for.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Callable
from dataclasses import dataclass

from razorprof import __version__
from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, TimedOut, ToolFailed
from razorprof.remote.http_address import PageAddress
from razorprof.remote.tcp_sockets import Endpoint, endpoint

MOST_BYTES = 16 << 20
_MOST_HEADER_BYTES = 1 << 20  # on top: headers, and what a chunked body is wrapped in
_PIECE = 64 << 10
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Page:
    """content_type: as the server says it, lower case, may be empty; seconds: from connecting to the last byte."""

    content_type: str
    body: bytes
    seconds: float


Accepted = Callable[[Endpoint, Endpoint, float], None]


def fetch_page(
    address: PageAddress,
    *,
    accepted: Accepted,
    accept: str,
    timeout: float,
    most_bytes: int = MOST_BYTES,
    clock: Clock | None = None,
) -> Page:
    """The page, within `timeout` seconds in all.

    accepted: called with our end, the other end and the monotonic moment at which time is over, when the
    connection stands and one byte of the request is sent; raises where no page must be asked for.
    accept: the types that are wanted. Raises TimedOut, ToolFailed (nobody listens, not HTTP, another status than
    200, too large, cut short) or NotSupported (redirected, compressed).
    """
    clock = clock or SystemClock()
    began = clock.monotonic()
    deadline = began + timeout
    try:
        with _connect(address, deadline - clock.monotonic()) as connection:
            wire = _Wire(connection, deadline, most_bytes + _MOST_HEADER_BYTES, clock)
            head = (
                f"GET {address.path} HTTP/1.1\r\nHost: {address.authority}\r\n"
                f"User-Agent: razorprof/{__version__}\r\nAccept: {accept}\r\n"
                f"Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
            )
            # One byte, because some servers accept only once there are data. Not more: a header that ends early is
            # a request to some. What then follows, the right process alone will see.
            wire.send(head[:1].encode("ascii"))
            accepted(endpoint(connection.getsockname()), endpoint(connection.getpeername()), deadline)
            wire.send(head[1:].encode("ascii"))
            content_type, body = _answer(wire, most_bytes)
    except TimeoutError as error:
        raise TimedOut(f"no page within {timeout:g} s", value=address) from error
    except ConnectionRefusedError as error:
        raise ToolFailed("nobody listens there", value=address) from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # http.client lets ValueError of int() out
        raise ToolFailed("not an HTTP answer", value=f"{address}: {_words(error)}") from error
    return Page(content_type, body, clock.monotonic() - began)


class _Wire(io.RawIOBase):
    """A socket to read from, until a moment and a number of bytes are reached. What http.client takes for one."""

    def __init__(self, connection: socket.socket, deadline: float, most_bytes: int, clock: Clock) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self._left = most_bytes
        self._clock = clock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, _PIECE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._left <= 0:
            raise ToolFailed("the page is too large")
        self._connection.settimeout(self._time_left())
        count = self._connection.recv_into(buffer)
        self._left -= count
        return count

    def send(self, data: bytes) -> None:
        self._connection.settimeout(self._time_left())
        self._connection.sendall(data)

    def _time_left(self) -> float:
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _connect(address: PageAddress, timeout: float) -> socket.socket:
    plain = socket.create_connection((address.host, address.port), timeout=timeout)
    if not address.tls:
        return plain
    try:
        import ssl

        return ssl.create_default_context().wrap_socket(plain, server_hostname=address.name or address.host)
    except BaseException:
        plain.close()
        raise


def _answer(wire: _Wire, most_bytes: int) -> tuple[str, bytes]:
    response = http.client.HTTPResponse(wire, method="GET")  # type: ignore[arg-type]  # it needs makefile only
    response.begin()
    if response.status in _REDIRECTS:
        raise NotSupported("redirected: that is not followed", value=f"status {response.status}")
    if response.status != 200:
        raise ToolFailed("no page there", value=f"status {response.status}")
    encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise NotSupported("compressed though that was not asked for", value=encoding[:40])
    if response.length is not None and response.length > most_bytes:
        raise ToolFailed("the page is too large", value=f"{response.length} bytes")
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise ToolFailed("the page is too large", value=f"more than {most_bytes} bytes")
    if response.length:
        raise ToolFailed("the page was cut short", value=f"{response.length} bytes are missing")
    return (response.getheader("Content-Type") or "").strip().lower()[:200], b"".join(pieces)


def _words(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__
