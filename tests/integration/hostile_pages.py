"""A server that answers each connection as a test says, in threads of its own: for tests of what is read over
HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """The port on which each request is answered by `answer`, which should end when its event is set."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve_one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            answer(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve_one, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(15)


def request(connection: socket.socket) -> bytes:
    """All of the request."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece
    return received


def says(answer: bytes) -> Answer:
    """Reads the request, says this, and closes."""

    def speak(connection: socket.socket, over: threading.Event) -> None:
        request(connection)
        connection.sendall(answer)

    return speak


def page(body: bytes, *headers: str, status: str = "200 OK", kind: str = "text/plain") -> bytes:
    """An answer with a body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def endless(start: bytes, piece: bytes, *, pause: float = 0.0) -> Answer:
    """Says `start`, then `piece` again and again, until the test is over."""

    def speak(connection: socket.socket, over: threading.Event) -> None:
        request(connection)
        connection.sendall(start)
        while not over.wait(pause):
            connection.sendall(piece)

    return speak


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Accepts and never says a word."""
    over.wait(10)


def hangs_up(connection: socket.socket, over: threading.Event) -> None:
    """Closes at once."""
