"""Pages fetched from servers that behave well, badly and maliciously: bounded in time and bytes."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

from razorprof.errors import NotSupported, RazorprofError, TimedOut, ToolFailed
from razorprof.remote.http_address import PageAddress
from razorprof.remote.http_page import Page, fetch_page
from razorprof.remote.tcp_sockets import Endpoint
from tests.integration.hostile_pages import Answer, endless, hangs_up, page, request, says, serving, silent

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def anyone(local: Endpoint, peer: Endpoint, deadline: float) -> None:
    pass


def fetch(port: int, *, timeout: float = 1.0, most_bytes: int = 100_000, path: str = "/metrics") -> Page:
    address = PageAddress("127.0.0.1", port, path)
    return fetch_page(address, accepted=anyone, accept="text/plain", timeout=timeout, most_bytes=most_bytes)


@pytest.mark.parametrize(
    "answer",
    [
        page(b"x 1\n"),
        OK + b"\r\nx 1\n",
        CHUNKED + b"2\r\nx \r\n2;note=1\r\n1\n\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + page(b"x 1\n"),
        b"HTTP/1.0 200 OK\r\ncontent-type: Text/Plain\r\n\r\nx 1\n",
    ],
)
def test_a_page_is_read_however_it_is_framed(answer: bytes) -> None:
    with serving(says(answer)) as port:
        found = fetch(port)
    assert (found.content_type, found.body) == ("text/plain", b"x 1\n")
    assert found.seconds < 1.0


def test_the_request_is_a_get_without_credentials_that_says_who_asks() -> None:
    seen: list[bytes] = []

    def listen(connection: socket.socket, over: threading.Event) -> None:
        seen.append(request(connection))
        connection.sendall(page(b""))

    with serving(listen) as port:
        fetch(port, path="/m?a=b")
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /m?a=b HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in lines
    assert any(line.startswith("User-Agent: razorprof/") for line in lines)
    assert not any(line.lower().startswith(("authorization", "cookie")) for line in lines)


BIG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(page(b"", status="404 Not Found")), ToolFailed, "404"),
        (says(page(b"", "Location: http://127.0.0.1:1/", status="302 Found")), NotSupported, "redirected"),
        (says(page(gzip.compress(b"x 1\n" * 10_000), "Content-Encoding: gzip")), NotSupported, "compressed"),
        (says(page(b"x" * 200_000)), ToolFailed, "too large"),
        (says(BIG), ToolFailed, "too large"),
        (says(OK + b"Content-Length: 50\r\n\r\nx 1\n"), ToolFailed, "cut short"),
        (says(CHUNKED + b"a\r\nx 1\n"), ToolFailed, "not an HTTP answer"),
        (says(CHUNKED + b"-5\r\nx 1\n"), ToolFailed, None),
        (says(CHUNKED + b"zz\r\nx 1\n"), ToolFailed, "not an HTTP answer"),
        (says(b"+PONG\r\n"), ToolFailed, "not an HTTP answer"),
        (says(b""), ToolFailed, "not an HTTP answer"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), ToolFailed, "not an HTTP answer"),
        (says(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000), ToolFailed, "not an HTTP answer"),
        (hangs_up, ToolFailed, None),
        (silent, TimedOut, "no page within 1 s"),
        (endless(OK + b"\r\n", b"x 1\n" * 1000), ToolFailed, "too large"),
        (endless(OK, b"", pause=0.1), TimedOut, "no page"),
        (endless(OK + b"\r\n", b"x", pause=0.01), TimedOut, "no page"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), RazorprofError, None),
        (endless(b"HTTP/1.1 200 OK\r\nA: ", b"b", pause=0.01), TimedOut, "no page"),
        (endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), ToolFailed, "too large"),
    ],
)
def test_what_is_no_page_ends_soon_with_an_error_of_ours(
    answer: Answer, error: type[RazorprofError], words: str | None
) -> None:
    with serving(answer) as port:
        began = time.monotonic()
        with pytest.raises(error, match=words):
            fetch(port)
        assert time.monotonic() - began < 10.0  # far above: the machine may be crowded


def test_nobody_there_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ToolFailed, match="nobody listens"):
        fetch(port)


def test_where_the_wrong_process_answers_no_request_is_sent() -> None:
    seen: list[bytes] = []
    there = threading.Event()

    def listen(connection: socket.socket, over: threading.Event) -> None:
        there.set()
        seen.append(request(connection))

    def refuse(local: Endpoint, peer: Endpoint, deadline: float) -> None:
        assert there.wait(10)
        raise NotSupported("another process answers there")

    with serving(listen) as port, pytest.raises(NotSupported, match="another process"):
        fetch_page(PageAddress("127.0.0.1", port), accepted=refuse, accept="text/plain", timeout=2.0)
    assert seen == [b"G"]


def test_https_is_verified() -> None:
    with serving(hangs_up) as port, pytest.raises(ToolFailed):
        fetch_page(PageAddress("127.0.0.1", port, tls=True), accepted=anyone, accept="text/plain", timeout=2.0)
