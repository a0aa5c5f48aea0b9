"""Asks a HotSpot JVM by its attach protocol: one command, one text as the answer. Only with the user's consent.

HotSpot opens its socket (/tmp/.java_pidN) when it gets a SIGQUIT and finds a file .attach_pidN beside it; without
that file it prints a thread dump to its own output, and a program that does not catch the signal dies of it. So
all that can be known is checked before: that the signal is caught, that the process is not stopped, that the JVM's
options let it answer. Who answers is proven by the kernel (SO_PEERCRED). Called by thread_dump and heap.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.clock import Clock, SystemClock
from razorprof.errors import (
    NotSupported,
    PermissionDenied,
    RazorprofError,
    TargetGone,
    TimedOut,
    ToolFailed,
    Unsafe,
)
from razorprof.model.target import Identity
from razorprof.remote.maps import read_maps
from razorprof.remote.pidfd import ProcessHandle
from razorprof.remote.process import ProcessView
from razorprof_jvm.attach_places import Places, attach_file, open_places
from razorprof_jvm.perf_image import find_region, open_perf_data

LONGEST_ANSWER = 64 << 20
PATIENCE = 10.0  # seconds for the JVM to open its socket, and for an answer
_POLL = 0.02
_PIECE = 1 << 16
_PEER = struct.Struct("=iII")  # unix(7): struct ucred
_DISABLED = re.compile(r"-XX:\+DisableAttachMechanism\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """text: untrusted; truncated: more than LONGEST_ANSWER came, the rest was left out; seconds: until it was
    here."""

    text: str
    truncated: bool
    seconds: float


def ask(
    process: ProcessView,
    identity: Identity,
    command: str,
    *arguments: str,
    patience: float = PATIENCE,
    enough: threading.Event | None = None,
    clock: Clock | None = None,
) -> Answer:
    """The JVM's answer to a command with at most three arguments. enough: gives up (KeyboardInterrupt).

    Raises NotSupported, Unsafe, PermissionDenied, TargetGone, TimedOut, ToolFailed.
    """
    clock, enough = clock or SystemClock(), enough or threading.Event()
    began = clock.monotonic()
    padded = (*arguments, "", "", "")[:3]
    request = b"".join(part.encode() + b"\0" for part in ("1", command, *padded))
    with (
        ProcessHandle(identity) as handle,
        open_places(process) as places,
        _connected(handle, process, places, patience, enough, clock) as connection,
    ):
        if handle.has_ended():  # its pid may be another's by now, who answered
            raise TargetGone("the process ended when it was asked", value=process.pid)
        _send(connection, request)
        raw, truncated = _receive(connection, clock.monotonic() + patience, enough, clock)
    code, _, text = raw.decode(errors="replace").partition("\n")
    if code.strip() != "0":
        words = f"{command}: {code[:20]} {text[:200]}".strip()
        raise ToolFailed("the JVM refused the command", value=words)
    return Answer(text, truncated, clock.monotonic() - began)


def check_can_answer(process: ProcessView) -> None:
    """Whether there is any use in asking. Raises ToolFailed, NotSupported, TargetGone."""
    if process.stat().state in "Tt":
        raise ToolFailed(
            "the process is stopped: it cannot answer",
            value=process.pid,
            hint=f"kill -CONT {process.pid}, then again",
        )
    if any(_DISABLED.search(argument) for argument in (*process.command_line(), _arguments(process))):
        raise NotSupported("the JVM was started with -XX:+DisableAttachMechanism", value=process.pid)


def check_catches_signal(process: ProcessView) -> None:
    """Raises Unsafe where SIGQUIT would end it. Told of the whole process: SigCgt is the same for all its
    threads."""
    caught = int(process.status().get("SigCgt", "0"), 16)
    if not caught >> (signal.SIGQUIT - 1) & 1:
        raise Unsafe(
            "SIGQUIT would end this process: it does not catch it",
            value=process.pid,
            hint="a JVM that is only starting cannot be asked yet; one with -Xrs only where it listens already",
        )


def _arguments(process: ProcessView) -> str:
    """The options that came by JAVA_TOOL_OPTIONS, too, where the JVM's counters can be had cheaply."""
    try:
        regions = read_maps(process)
        if find_region(regions) is None:
            return ""
        perf_data = open_perf_data(process, regions)
        try:
            return perf_data.read().text("java.rt.vmArgs") or ""
        finally:
            perf_data.close()
    except (RazorprofError, OSError):
        return ""


@contextlib.contextmanager
def _connected(
    handle: ProcessHandle,
    process: ProcessView,
    places: Places,
    patience: float,
    enough: threading.Event,
    clock: Clock,
) -> Iterator[socket.socket]:
    check_can_answer(process)
    connection = _connect(process, places)
    if connection is None:
        connection = _wake(handle, process, places, clock.monotonic() + patience, enough, clock)
    with connection:
        yield connection


def _wake(
    handle: ProcessHandle,
    process: ProcessView,
    places: Places,
    deadline: float,
    enough: threading.Event,
    clock: Clock,
) -> socket.socket:
    """Have the JVM open its socket."""
    with attach_file(process, places):
        check_catches_signal(process)  # as late as can be
        try:
            signal.pidfd_send_signal(handle.fileno(), signal.SIGQUIT)
        except PermissionError as error:
            raise PermissionDenied("no permission to send a signal to the process", value=process.pid) from error
        except ProcessLookupError:
            pass  # told below
        while True:
            if handle.has_ended():
                raise TargetGone("the process ended when it was asked", value=process.pid)
            connection = _connect(process, places)
            if connection is not None:
                return connection
            if clock.wait(enough, _POLL):
                raise KeyboardInterrupt
            if clock.monotonic() >= deadline:
                raise TimedOut(
                    "the JVM did not answer the signal",
                    value=process.pid,
                    hint="it may hang; when it goes on it may print a thread dump to its own output",
                )


def _connect(process: ProcessView, places: Places) -> socket.socket | None:
    """A connection that the JVM itself answers, None where it does not listen (yet). Raises ToolFailed for one
    that is not its own."""
    try:
        found = os.open(f".java_pid{places.name}", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=places.tmp)
    except OSError:
        return None
    try:
        seen = os.fstat(found)
        if not stat.S_ISSOCK(seen.st_mode):
            raise ToolFailed("what lies where the JVM's socket should be is none", value=f".java_pid{places.name}")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(f"/proc/self/fd/{found}")
            pid, uid, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        except ConnectionRefusedError:
            connection.close()
            return None  # left over from a process that had this pid before
        except OSError as error:
            connection.close()
            if isinstance(error, PermissionError):
                raise PermissionDenied(
                    "no permission to connect to the JVM's socket", value=process.pid
                ) from error
            raise ToolFailed("the JVM's socket cannot be connected to", value=error) from error
        if pid != process.pid:
            connection.close()
            raise ToolFailed(
                "another process answers where the JVM should", value=f"pid {pid}, uid {uid}, wanted {process.pid}"
            )
        return connection
    finally:
        os.close(found)


def _send(connection: socket.socket, request: bytes) -> None:
    try:
        connection.sendall(request)
    except OSError as error:
        raise ToolFailed("the JVM does not take the question", value=error) from error


def _receive(
    connection: socket.socket, deadline: float, enough: threading.Event, clock: Clock
) -> tuple[bytes, bool]:
    """Everything until the JVM ends it, bounded in length and time."""
    pieces: list[bytes] = []
    left = LONGEST_ANSWER
    while left > 0:
        if enough.is_set():
            raise KeyboardInterrupt
        seconds = deadline - clock.monotonic()
        if seconds <= 0:
            raise TimedOut(
                "the JVM did not finish its answer in time",
                value=f"{LONGEST_ANSWER - left} bytes so far",
                hint="it may be stopped, or wait for a thread that does not reach a safepoint",
            )
        connection.settimeout(min(seconds, 0.25))
        try:
            piece = connection.recv(min(left, _PIECE))
        except TimeoutError:
            continue
        except OSError as error:
            raise ToolFailed("the JVM ended the connection", value=error) from error
        if not piece:
            return b"".join(pieces), False
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces), True
