"""Profiles of a process that no runtime knows, from the pprof endpoint that the user named with ``url:``."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from razorprof.errors import NotSupported, RazorprofError, TimedOut, ToolFailed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, HeapRequest, Watch
from razorprof.plugin.loading import formats
from razorprof.profilers import pprof_endpoint
from razorprof.remote.process import ProcessView
from razorprof.session import captures
from tests.integration.hostile_pages import Answer, serving

PPROF = next(format for format in formats() if format.name == "pprof")
STACK = (Frame("main", "main.rs", 1), Frame("burn", "main.rs", 9))
CPU = Profile({StackKey(ThreadId(1), STACK): 0.75}, seconds=1.0, samples=75, rate_hz=100.0, value="cpu")
HEAP = Profile({StackKey(ThreadId(0), STACK): 4096.0}, unit="bytes", value="inuse_space")


def target_at(port: int, path: str = "") -> Target:
    view = ProcessView(os.getpid())
    return Target(view.identity, "rusty", selector=f"url:http://127.0.0.1:{port}{path}")


@pytest.fixture(autouse=True)
def nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process serves, and for once it is not known to be a Python."""
    monkeypatch.setattr(captures, "detect_runtime", lambda process: None)


def head_of(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
        head += piece
    return head.decode().partition("\r\n")[0]


def giving(asked: list[str], cpu: bytes = b"", heap: bytes = b"") -> Answer:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        asked.append(head_of(connection))
        body = heap if "/heap" in asked[-1] else cpu
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return answer


def test_a_cpu_profile_comes_from_the_endpoint_and_says_so() -> None:
    asked: list[str] = []
    with serving(giving(asked, cpu=PPROF.write(CPU))) as port:
        found = captures.record_cpu(target_at(port), CpuRequest(1.4), Watch())
    assert asked == ["GET /debug/pprof/profile?seconds=1 HTTP/1.1"]
    assert found.total == pytest.approx(0.75)
    assert any("taken by the process itself" in note for note in found.notes)
    assert {key.stack for key in found.weights} == {STACK}


def test_what_is_in_use_comes_from_its_heap_profile_without_consent() -> None:
    asked: list[str] = []
    with serving(giving(asked, heap=PPROF.write(HEAP))) as port:
        target = target_at(port, "/app/debug/pprof/")
        assert captures.heap_support(target).intrusiveness == 2
        record = captures.record_heap(target, HeapRequest(0.0), Watch())
        captures.record_heap(target, HeapRequest(2.0), Watch())
    assert asked == [f"GET /app/debug/pprof/{page} HTTP/1.1" for page in ("heap", "heap?seconds=2")]
    assert record.peak_bytes == 4096
    assert record.what == "in use now"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ToolFailed),
        (b"HTTP/1.1 500 Busy\r\nContent-Length: 26\r\n\r\ncpu profiling already in u", ToolFailed),
        (b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n", NotSupported),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ToolFailed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno pprof!", ToolFailed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", ToolFailed),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ToolFailed),
    ],
    ids=["404", "busy", "redirect", "empty", "other", "gigabytes", "no http"],
)
def test_an_endpoint_that_gives_something_else_is_told_as_what_it_is(
    raw: bytes, kind: type[RazorprofError]
) -> None:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        head_of(connection)
        connection.sendall(raw)

    with serving(answer) as port, pytest.raises(kind):
        captures.record_cpu(target_at(port), CpuRequest(1.0), Watch())


def test_an_endpoint_that_hangs_is_given_up_and_ctrl_c_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        head_of(connection)
        over.wait(20)

    monkeypatch.setattr(pprof_endpoint, "PATIENCE", 0.3)
    with serving(answer) as port:
        with pytest.raises(TimedOut):
            captures.record_cpu(target_at(port), CpuRequest(1.0), Watch())
        watch = Watch()
        threading.Timer(0.3, watch.enough.set).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            captures.record_cpu(target_at(port), CpuRequest(30.0), watch)
        assert time.monotonic() - began < 10


def test_another_process_that_answers_there_is_not_asked() -> None:
    asked: list[str] = []
    with serving(giving(asked, cpu=PPROF.write(CPU))) as port, subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            other = replace(target_at(port), identity=ProcessView(stranger.pid).identity)
            with pytest.raises(NotSupported, match="another process answers there"):
                captures.record_cpu(other, CpuRequest(1.0), Watch())
        finally:
            stranger.kill()
    assert asked in ([], ["G"])  # one byte is sent to see who accepts, and no more


def test_without_an_endpoint_nobody_is_asked_and_the_reason_stands() -> None:
    target = replace(target_at(1), selector=str(os.getpid()))
    with pytest.raises(NotSupported, match="no runtime that is known"):
        captures.record_cpu(target, CpuRequest(1.0), Watch())
