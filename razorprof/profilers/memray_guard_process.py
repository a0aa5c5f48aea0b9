"""The guard: a small process that lets gdb inject memray's client into a target, and that outlives razorprof.

Run by profilers.memray_guard in a Python of its own, with `-I -S`, in a session of its own; imports next to
nothing of razorprof. gdb is its child, not yet waited for, so that its pid cannot be another's: no stranger is
ever signalled.

What must never happen is that gdb ends while its breakpoints stand in the target: the target would die of the
first one. So gdb is never killed. While it waits for a breakpoint, SIGINT makes it take them out and detach;
in its other stages, which are short, it is left alone (an interrupted call inside the target could leave the
loader's lock taken). Only where such a stage does not end in time it gets SIGINT too, again and again.
Should the guard itself be killed, the kernel sends gdb that SIGINT, and the payload, which sees its connection
end, stops recording and removes its file.

Standard input is a socket. First comes the order, one line of JSON; then `stop`, or `kept`; its end means that
razorprof is gone: let go. The answers are lines of JSON; the recording itself is passed as a descriptor.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import re
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from razorprof.profilers.memray_guard_file import Ended, Lines, TargetFile
from razorprof.profilers.memray_guard_port import LoopbackPort

_TICK = 0.05
_AGAIN = 2.0  # seconds between two SIGINTs
_SHORT_STAGE = 20.0  # how long a stage other than the wait may take before it is interrupted nevertheless
_INTRODUCTION = 5.0  # seconds for the token, the first line of the payload's connection
_COPYING = 600.0  # seconds that razorprof may take to copy the file
_LONGEST_ANSWER = 64 * 1024
_PR_SET_PDEATHSIG = 1
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGTSTP)
_HIT = re.compile(rb"^(?:Thread .* hit )?Breakpoint \d+, ", re.MULTILINE)


class _Guard:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._heard = b""
        self._stopping = False
        self._alone = False
        self._kept = False
        self._made: TargetFile | None = None
        self._channel: socket.socket | None = None
        self._may_call = False  # memray's client may be in the target, and has not called yet

    def run(self) -> None:
        order = self._order()
        self._pid = int(order["pid"])
        self._handle = os.pidfd_open(self._pid)
        self._check(int(order["start_ticks"]))
        self._timeout = float(order["timeout"])
        port = LoopbackPort(self._pid)
        try:
            self._inject(order, port.number)
            self._hand_over(self._record(order, port))
        except Ended as end:
            self._tell(event="ended", kind=end.kind, detail=end.detail[-2000:])
        finally:
            self._remove()
            if self._may_call:
                port.linger()
            port.close()

    # -- the target -----------------------------------------------------------------------------------------------

    def _check(self, start_ticks: int) -> None:
        state, started = self._stat()
        if started != start_ticks:
            raise Ended("gone")
        if state in "Tt":
            raise Ended("stopped")
        if self._tracer():
            raise Ended("traced", str(self._tracer()))

    def _stat(self) -> tuple[str, int]:
        try:
            with open(f"/proc/{self._pid}/stat", "rb") as file:
                fields = file.read(8192).rpartition(b")")[2].split()
        except OSError as error:
            raise Ended("gone") from error
        return fields[0].decode(), int(fields[19])

    def _tracer(self) -> int:
        try:
            with open(f"/proc/{self._pid}/status", "rb") as file:
                found = re.search(rb"^TracerPid:\s*(\d+)", file.read(65536), re.MULTILINE)
        except OSError as error:
            raise Ended("gone") from error
        return int(found[1]) if found else 0

    def _has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(0))

    # -- gdb ------------------------------------------------------------------------------------------------------

    def _inject(self, order: dict[str, Any], port: int) -> None:
        self._tell(event="attaching")
        output = os.memfd_create("gdb")
        library = ctypes.CDLL(None, use_errno=True)

        def with_fuse() -> None:  # this process has one thread, which is what the fuse is bound to
            for number in _IGNORED:
                signal.signal(number, signal.SIG_DFL)
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)

        argv = [
            *(order["gdb"], "-batch", "-p", str(self._pid), "-nx", "-nw", "-iex=set auto-solib-add off"),
            *(f"-ex=set $rtld_now={os.RTLD_NOW}", f'-ex=set $libpath="{order["library"]}"'),
            *(f"-ex=set $port={port}", f"-x={order['script']}"),
        ]
        debugger = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=with_fuse,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": "/nonexistent"},
        )
        self._tell(event="debugger", pid=debugger.pid)
        late = self._see_through(debugger, output)
        said = os.pread(output, 1 << 20, 0)
        os.close(output)
        self._may_call = _HIT.search(said) is not None
        if self._has_ended():
            raise Ended("gone")
        self._free_of(debugger.pid)
        if b' "SUCCESS"' not in said:
            raise Ended("stopped early" if self._stopping else "timeout" if late else "debugger", _text(said))
        if self._stopping:
            raise Ended("stopped early")

    def _see_through(self, debugger: subprocess.Popen[bytes], output: int) -> bool:
        """Wait until gdb has ended by itself, or by SIGINT where that is safe. Whether it took too long."""
        began = time.monotonic()
        interrupt_at = told_at = 0.0
        late = False
        while debugger.poll() is None:
            self._listen(_TICK)
            now = time.monotonic()
            late = late or now - began > self._timeout
            if not (late or self._stopping):
                continue
            since = interrupt_at or now
            interrupt_at = since
            waits = _is_waiting(os.pread(output, 1 << 20, 0))
            if now < told_at + _AGAIN or not (waits or now - since > _SHORT_STAGE):
                continue
            told_at = now
            if not waits or self._tracer_or_none() == debugger.pid:
                debugger.send_signal(signal.SIGINT)  # our own child, not yet waited for
            self._tell(event="letting go")
        return late

    def _tracer_or_none(self) -> int | None:
        try:
            return self._tracer()
        except Ended:
            return None

    def _free_of(self, debugger: int) -> None:
        """gdb has ended: the kernel has let go of the target. It must not stay stopped by what gdb left."""
        end = time.monotonic() + 2.0
        while self._tracer() == debugger and time.monotonic() < end:
            time.sleep(_TICK)
        if self._stat()[0] == "T":  # it was not stopped before: the SIGSTOP of an attach that was cut short
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGCONT)

    # -- recording ------------------------------------------------------------------------------------------------

    def _record(self, order: dict[str, Any], port: LoopbackPort) -> str:
        end = time.monotonic() + self._timeout
        with self._accept(port, end) as client:
            self._may_call = False
            token = secrets.token_hex(16).encode()
            call = (order[name] for name in ("version", "seconds", "most_bytes", "least_free", "objects"))
            arguments = ", ".join(map(repr, (port.number, token, *call)))
            client.settimeout(5.0)
            try:
                client.sendall(f"{order['payload']}\n_razorprof_record({arguments})\n".encode())
                client.shutdown(socket.SHUT_WR)
            except OSError as error:
                raise Ended("gone" if self._has_ended() else "no answer", error.strerror or "") from error
            while True:
                with self._accept(port, end, failing=client) as channel:
                    why = self._follow(channel, client, port, token, float(order["seconds"]))
                    if why is not None:
                        return why

    def _accept(self, port: LoopbackPort, end: float, failing: socket.socket | None = None) -> socket.socket:
        poll = select.poll()
        if failing is not None:
            poll.register(failing, select.POLLIN | select.POLLHUP)
        while True:
            if self._stopping:
                raise Ended("stopped early")
            if self._has_ended():
                raise Ended("gone")
            if time.monotonic() > end:
                raise Ended("no answer")
            self._listen(0.0)
            has_failed = failing is not None and bool(poll.poll(0))
            caller = port.accept(_TICK)
            if caller is not None:
                return caller
            if has_failed and failing is not None:
                raise Ended("refused", _rest(failing))

    def _follow(
        self, channel: socket.socket, client: socket.socket, port: LoopbackPort, token: bytes, seconds: float
    ) -> str | None:
        """Pass on what the payload says until it has let go; why it did. None: this caller is not the payload."""
        lines = Lines(channel)
        began = time.monotonic()
        end = began + seconds + self._timeout
        asked = 0.0
        known = False
        while True:
            self._listen(0.0)
            now = time.monotonic()
            if not known and now > began + _INTRODUCTION:
                return None
            if self._stopping and not asked:
                asked = now
                with contextlib.suppress(OSError):
                    channel.sendall(b"stop\n")
            if now > end or (asked and now > asked + self._timeout):
                return "unconfirmed"  # the end of the connection still makes it let go
            for line in lines.read(_TICK):
                word, _, rest = line.partition(b" ")
                if not known:
                    if not secrets.compare_digest(line, token):
                        return None
                    known = True
                    port.close()
                elif word == b"started" and self._made is None:
                    self._made = TargetFile(self._pid, os.fsdecode(rest))
                    self._tell(event="recording")
                elif word == b"size" and rest.isdigit() and len(rest) < 20:
                    self._tell(event="size", bytes=int(rest))
                elif word == b"done":
                    self._channel = channel.dup()  # its end tells the payload to remove the file
                    return rest.decode("ascii", "replace")
            if lines.ended:
                if self._made is not None:
                    return "gone"
                if not known:
                    return None
                raise Ended("gone" if self._has_ended() else "refused", _rest(client))

    # -- the file -------------------------------------------------------------------------------------------------

    def _hand_over(self, why: str) -> None:
        if self._made is None:
            raise Ended("no answer")
        if self._alone:
            return
        line = json.dumps({"event": "file", "why": why, "free": not self._tracer_or_none()}).encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [self._made.file]))]
        with contextlib.suppress(OSError):
            self._control.sendmsg([line], rights)
        end = time.monotonic() + _COPYING
        while not (self._kept or self._alone) and time.monotonic() < end:
            self._listen(1.0)

    def _remove(self) -> None:
        """The payload removes file and folder when its connection ends; where the target died, we do."""
        if self._channel is not None:
            self._channel.close()
        if self._made is None:
            return
        end = time.monotonic() + 3.0
        while time.monotonic() < end and not self._has_ended() and not self._made.is_removed():
            time.sleep(_TICK)
        self._made.remove()

    # -- razorprof ------------------------------------------------------------------------------------------------

    def _order(self) -> dict[str, Any]:
        self._control.settimeout(10.0)
        while b"\n" not in self._heard:
            piece = self._control.recv(65536)
            if not piece:
                sys.exit(0)
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        order: dict[str, Any] = json.loads(line)
        return order

    def _listen(self, timeout: float) -> None:
        if self._alone:
            time.sleep(timeout)
            return
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return
        try:
            piece = self._control.recv(4096)
        except OSError:
            piece = b""
        if not piece:
            self._alone = self._stopping = True
        self._stopping = self._stopping or b"stop" in piece
        self._kept = self._kept or b"kept" in piece

    def _tell(self, **words: object) -> None:
        with contextlib.suppress(OSError):
            self._control.settimeout(1.0)
            self._control.sendall(json.dumps(words).encode() + b"\n")


def _is_waiting(said: bytes) -> bool:
    """Whether gdb has set its last breakpoint and none was hit: the target runs, and may never come by."""
    return b"\nBreakpoint 10 at " in said and not _HIT.search(said)


def _rest(client: socket.socket) -> str:
    """What the client says in the end: the repr of the error, nothing where there was none."""
    client.settimeout(2.0)
    said = b""
    with contextlib.suppress(OSError):
        while len(said) < _LONGEST_ANSWER and (piece := client.recv(4096)):
            said += piece
    return _text(said)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def main() -> None:
    """Serve the one order that comes on standard input."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    guard = _Guard(control)
    try:
        guard.run()
    except Ended as end:
        guard._tell(event="ended", kind=end.kind, detail=end.detail)
    except Exception as error:  # told to razorprof, which reports it: nobody else could
        guard._tell(event="ended", kind="failed", detail=f"{type(error).__name__}: {error}")
