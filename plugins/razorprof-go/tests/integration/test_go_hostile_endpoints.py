"""Ports that are not what they seem: another program's, silent, redirecting, endless. Each is told, none hangs."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from go_programs import build, running
from razorprof_go.endpoint import CMDLINE, PPROF, VARS, Endpoint, find_endpoint

from razorprof.clock import SystemClock
from razorprof.errors import NotSupported, RazorprofError, ToolFailed
from razorprof.remote.process import ProcessView

OWN = ProcessView(os.getpid())
HEAP = f"{PPROF}heap"
Answer = Callable[[socket.socket], None]


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """A port of this very process; each connection is answered by `answer` in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(8)
            received = b""
            while not received.endswith(b"\r\n\r\n") and (piece := connection.recv(4096)):
                received += piece
            answer(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def says(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    def speak(connection: socket.socket) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)

    return speak


def find(url: str, page: str = HEAP) -> Endpoint:
    return find_endpoint(OWN, url, probe=False, page=page, clock=SystemClock())


def own_arguments() -> bytes:
    return OWN.read("cmdline").rstrip(b"\0")


def test_the_programs_own_endpoint_is_known_by_its_arguments() -> None:
    with listening(says(own_arguments())) as url:
        assert find(url).get(CMDLINE) == own_arguments()


@pytest.mark.parametrize(
    "answer",
    [
        says(b"somebody else\0--port\0001"),
        says(b"", "404 Not Found"),
        says(b"", "302 Found", "Location: http://127.0.0.1:1/"),
        says(b"", "500 Internal Server Error"),
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda connection: None,
    ],
    ids=["other", "missing", "redirects", "fails", "ssh", "closes"],
)
def test_what_answers_otherwise_is_refused(answer: Answer) -> None:
    with listening(answer) as url, pytest.raises(RazorprofError):
        find(url)


def test_one_that_never_answers_costs_a_second() -> None:
    def silent(connection: socket.socket) -> None:
        threading.Event().wait(6)

    with listening(silent), pytest.raises(NotSupported) as refused:
        find_endpoint(OWN, "", probe=True, page=HEAP, clock=SystemClock())
    assert "within 1 s" in str(refused.value)


def test_an_endless_page_is_given_up() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(1 << 16))

    with listening(endless) as url, pytest.raises(ToolFailed, match="too large"):
        find(url)


def test_another_process_behind_the_port_is_never_asked() -> None:
    with running(build("system", "endpoint"), "-listen=127.0.0.1:0") as busy:
        url = f"http://{busy.where}"
        with pytest.raises(NotSupported, match="another process"):
            find(url, VARS)
        with running(build("system", "plain")) as other:
            view = ProcessView(other.process.pid)
            with pytest.raises(NotSupported, match="another process"):
                find_endpoint(view, url, probe=False, page=HEAP, clock=SystemClock())
