"""Tools (py-spy now, others later) started through one supervisor process, which ends them when razorprof dies.

For everything in razorprof that runs a tool on a target: nothing else may start one. What a tool prints goes
to memory files of bounded size, so no pipe can fill, and nobody has to read while it runs. Any thread may call.
It knows nothing of any particular tool. See supervisor_process for the other side and the protocol.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from razorprof.errors import NotSupported, TimedOut, ToolFailed

MOST_BYTES = 64 << 20
STDOUT, STDERR, FIRST_EXTRA = 1, 2, 3
# Imported and not run as a script: its compiled form is used (0.8 MiB less). The standard library comes first.
_CODE = "import sys; sys.path.append(sys.argv[1]); import supervisor_process as p; p.main(int(sys.argv[2]))"
_SEND_TIMEOUT = 2.0
_END_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a tool ended. code: its exit code, None when a signal ended it; started, ended: monotonic seconds;
    cpu_seconds: what it used, user and system, its own waited-for children included."""

    code: int | None
    signal: int | None
    cpu_seconds: float
    max_rss_bytes: int
    started: float
    ended: float


class Child(Protocol):
    """A tool that was started. Close it when its output was read; closing ends it if it still runs."""

    def wait(self, timeout: float) -> Exit | None:
        """How it ended, or None when it still runs after `timeout` seconds. Raises ToolFailed when it could not
        be started or the supervisor is gone."""

    def request_stop(self) -> None:
        """SIGINT now and SIGKILL after the grace given at start, without waiting."""

    def kill(self) -> None:
        """SIGKILL now, without waiting."""

    def stop(self, timeout: float) -> Exit:
        """request_stop, then wait. Raises TimedOut."""

    def output(self, place: int = STDOUT, limit: int = MOST_BYTES) -> bytes:
        """At most `limit` bytes of what it wrote to descriptor `place` until now."""

    def close(self) -> None: ...


class Launcher(Protocol):
    """What feeds and readers need: something that starts tools."""

    def start(
        self, argv: Sequence[str], *, extra: int = 0, grace: float = 0.5, most_bytes: int = MOST_BYTES
    ) -> Child:
        """Start a tool by absolute path. `extra` descriptors from FIRST_EXTRA on are memory files too:
        pass them as /dev/fd/3. most_bytes bounds each file it writes. Raises ToolFailed."""


class Supervisor:
    """The supervisor process, started at the first tool and again when somebody ended it."""

    def __init__(self, executable: str | None = None) -> None:
        self._executable = executable or sys.executable
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Its pid while it runs: utime, stime, cutime and cstime of its stat are the cost of it and its tools."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def warm(self) -> None:
        """Start its process now, for a tool that is wanted in a moment: that takes as long as many a tool does.
        Says nothing where that fails: `start` does."""
        with self._lock, contextlib.suppress(ToolFailed):
            if self._process is None and not self._closed:
                self._launch()

    def start(
        self, argv: Sequence[str], *, extra: int = 0, grace: float = 0.5, most_bytes: int = MOST_BYTES
    ) -> SupervisedChild:
        """See Launcher.start."""
        if not hasattr(os, "memfd_create"):
            raise NotSupported("tools can only be run on Linux", value=sys.platform)
        key = str(next(self._ids))
        outputs: list[int] = []
        reading, writing = os.pipe()
        try:
            outputs.extend(os.memfd_create(f"razorprof-{place}") for place in range(STDOUT, FIRST_EXTRA + extra))
            request = "\0".join(("start", key, str(grace), str(most_bytes), *argv))
            self._send(request, (writing, *outputs))
        except BaseException:
            for descriptor in (reading, *outputs):
                os.close(descriptor)
            raise
        finally:
            os.close(writing)
        return SupervisedChild(self, key, reading, tuple(outputs), grace)

    def signal(self, key: str, number: int) -> None:
        """For Child: send a signal; nothing happens if the tool has ended."""
        self._tell(f"signal\0{key}\0{number}")

    def stop(self, key: str) -> None:
        """For Child: SIGINT, then SIGKILL after its grace."""
        self._tell(f"stop\0{key}")

    def close(self) -> None:
        """End all tools and the supervisor. Waits a few seconds at most; may be called twice."""
        with self._lock:
            self._closed = True
            self._let_go()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, request: str) -> None:
        with self._lock:
            if self._control is not None:
                with contextlib.suppress(
                    OSError
                ):  # a dead supervisor has ended its tools or lost them to their fuse
                    self._control.send(request.encode())

    def _send(self, request: str, descriptors: Sequence[int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with self._lock:
            for attempt in (1, 2):
                if self._closed:
                    raise ToolFailed("the supervisor of tools is closed")
                if self._control is None or self._process is None or self._process.poll() is not None:
                    self._let_go()
                    self._launch()
                assert self._control is not None  # noqa: S101 - set by _launch
                try:
                    self._control.sendmsg([request.encode(errors="surrogateescape")], rights)
                    return
                except TimeoutError as error:
                    raise TimedOut("the supervisor of tools does not answer") from error
                except (BrokenPipeError, ConnectionResetError) as error:
                    self._let_go()
                    if attempt == 2:
                        raise ToolFailed("the supervisor of tools ended", value=error) from error
                except OSError as error:
                    raise ToolFailed("cannot ask the supervisor of tools", value=error) from error

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_SEND_TIMEOUT)
        with theirs:
            try:
                # -I -S: no user's code, no site-packages. A session of its own: Ctrl-C, Ctrl-Z and the terminal's
                # end do not reach it. Nice and oom_score_adj are inherited.
                self._process = subprocess.Popen(
                    [self._executable, "-I", "-S", "-c", _CODE, str(Path(__file__).parent), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise ToolFailed("cannot start the supervisor of tools", value=error) from error
        self._control = ours

    def _let_go(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                _await_end(self._process, _END_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()  # our own child, not yet waited for
                self._process.wait(_END_TIMEOUT)
            self._process = None


def _await_end(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Wait for our own child. Raises TimeoutExpired. Popen.wait looks now and then, up to 50 ms late."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:  # a kernel before 5.3, or no descriptors left
        process.wait(timeout)
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(timeout * 1000)
    finally:
        os.close(handle)
    process.wait(0)


class SupervisedChild:
    """A tool under the supervisor; see Child. Any thread may stop it, one thread at a time waits."""

    def __init__(
        self, supervisor: Supervisor, key: str, status: int, outputs: tuple[int, ...], grace: float
    ) -> None:
        self._supervisor = supervisor
        self._key = key
        self._status: int | None = status
        self._outputs = outputs
        self._grace = grace
        self._heard = b""
        self._exit: Exit | None = None
        self.pid: int | None = None

    def wait(self, timeout: float) -> Exit | None:
        end = time.monotonic() + timeout
        while self._exit is None:
            if self._status is None:
                raise ToolFailed("the tool was let go before it ended")
            poll = select.poll()
            poll.register(self._status, select.POLLIN)
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                return None
            heard = os.read(self._status, 4096)
            if not heard:
                raise ToolFailed("the supervisor of tools ended")
            self._hear(heard)
        return self._exit

    def request_stop(self) -> None:
        self._supervisor.stop(self._key)

    def kill(self) -> None:
        self._supervisor.signal(self._key, signal.SIGKILL)

    def stop(self, timeout: float) -> Exit:
        self.request_stop()
        ended = self.wait(timeout)
        if ended is None:
            raise TimedOut("a tool does not end", value=f"{timeout:g} s")
        return ended

    def output(self, place: int = STDOUT, limit: int = MOST_BYTES) -> bytes:
        descriptor = self._outputs[place - STDOUT]
        size = min(limit, os.fstat(descriptor).st_size)
        return os.pread(descriptor, size, 0)

    def close(self) -> None:
        if self._status is None:
            return
        if self._exit is None:
            self.request_stop()
        for descriptor in (self._status, *self._outputs):
            os.close(descriptor)
        self._status = None
        self._outputs = ()

    def _hear(self, heard: bytes) -> None:
        self._heard += heard
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            word, *rest = line.split()
            if word == b"started":
                self.pid, self._started = int(rest[0]), float(rest[1])
            elif word == b"failed":
                raise ToolFailed("cannot start a tool", value=os.strerror(int(rest[0])))
            elif word == b"exited":
                code = os.waitstatus_to_exitcode(int(rest[0]))
                self._exit = Exit(
                    code=code if code >= 0 else None,
                    signal=-code if code < 0 else None,
                    cpu_seconds=float(rest[1]),
                    max_rss_bytes=int(rest[2]),
                    started=self._started,
                    ended=float(rest[3]),
                )

    _started = 0.0


class SharedSupervisor:
    """One supervisor for all readers of a session: started by the first that acquires, ended with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._supervisor: Supervisor | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the supervisor process, None while there is none."""
        supervisor = self._supervisor
        return supervisor.pid if supervisor is not None else None

    def acquire(self) -> Supervisor:
        """The supervisor; release it once for each time it was acquired."""
        with self._lock:
            self._users += 1
            if self._supervisor is None:
                self._supervisor = Supervisor()
            return self._supervisor

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            ended, self._supervisor = (self._supervisor, None) if self._users == 0 else (None, self._supervisor)
        if ended is not None:
            ended.close()


shared_supervisor = SharedSupervisor()
