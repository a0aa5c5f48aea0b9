"""The supervisor: a small process that starts tools for razorprof and outlives it just long enough to end them.

Run by profilers.supervisor in a Python of its own, with `-I -S` and in a session of its own; never imported by
razorprof, and it imports nothing of razorprof. It uses the C modules under signal and socket directly: that
keeps it below 9 MiB, and it lives as long as a session does.

Its only input is a SOCK_SEQPACKET socket. A packet is a request, its fields
separated by NUL:
  start ID GRACE FILE_BYTES ARGV...    with descriptors: the status pipe, then 1, 2, 3, ... of the tool
  signal ID NUMBER
  stop ID                              SIGINT now, SIGKILL after the tool's GRACE
What becomes of a tool is written to its status pipe: `started PID TIME`, `failed ERRNO`,
`exited STATUS CPU_SECONDS RSS_BYTES TIME` (monotonic seconds, STATUS as waitpid gives it).
End of file on the socket, which is what razorprof's death looks like however it dies, or SIGTERM: all tools are
stopped and the supervisor ends. Only children that were not waited for yet are signalled: no pid is ever reused.
"""

import _signal  # type: ignore[import-not-found]  # signal itself would load enum, functools, re: 0.8 MiB
import _socket
import fcntl
import os
import resource
import select
import time

_IGNORED = ("SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE", "SIGUSR1", "SIGUSR2")
_MOST_DESCRIPTORS = 16
_LONGEST_REQUEST = 32 * 1024
_FIRST_PARKED = 64  # received descriptors live above what a tool's 0, 1, 2, ... will be


class _Tool:
    __slots__ = ("deadline", "grace", "pid", "status")

    def __init__(self, pid: int, status: int, grace: float) -> None:
        self.pid = pid
        self.status = status
        self.grace = grace
        self.deadline: float | None = None


class _Supervisor:
    def __init__(self, control: _socket.socket) -> None:
        self._control = control
        self._tools: dict[bytes, _Tool] = {}
        self._closing = False
        self._woken, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for name in _IGNORED:
            _signal.signal(getattr(_signal, name), _signal.SIG_IGN)
        for number in (_signal.SIGCHLD, _signal.SIGTERM):
            _signal.signal(number, lambda *_: None)  # the byte in the pipe is what counts
        _signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while not (self._closing and not self._tools):
            ready = {descriptor for descriptor, _ in poll.poll(self._patience())}
            if self._woken in ready and _signal.SIGTERM in os.read(self._woken, 4096):
                self._close()
            self._reap()
            self._kill_overdue()
            if self._control.fileno() in ready and not self._closing and not self._receive():
                poll.unregister(self._control)
                self._close()

    def _patience(self) -> float | None:
        deadlines = [tool.deadline for tool in self._tools.values() if tool.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1 if deadlines else None

    def _receive(self) -> bool:
        """Serve one request. False at the end of file."""
        space = _socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS)
        try:
            request, ancillary, _, _ = self._control.recvmsg(_LONGEST_REQUEST, space, _socket.MSG_CMSG_CLOEXEC)
        except OSError:
            return False
        if not request:
            return False
        descriptors = []
        for _, kind, packed in ancillary:
            if kind == _socket.SCM_RIGHTS:
                received = memoryview(packed[: len(packed) // 4 * 4]).cast("i")
                for descriptor in received:
                    descriptors.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_PARKED))
                    os.close(descriptor)
        verb, key, *rest = request.split(b"\0")
        try:
            if verb == b"start":
                self._start(key, float(rest[0]), int(rest[1]), rest[2:], descriptors)
            elif verb == b"signal" and key in self._tools:
                os.kill(self._tools[key].pid, int(rest[0]))
            elif verb == b"stop" and key in self._tools:
                self._stop(self._tools[key])
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _start(self, key: bytes, grace: float, file_bytes: int, argv: list[bytes], given: list[int]) -> None:
        status, *outputs = given
        actions: list[tuple[int, ...] | tuple[int, int, bytes, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, b"/dev/null", os.O_RDONLY, 0)
        ]
        actions += [(os.POSIX_SPAWN_DUP2, given, place) for place, given in enumerate(outputs, 1)]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        wanted = file_bytes if hard == resource.RLIM_INFINITY else min(file_bytes, hard)
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (wanted, hard)
        )  # inherited; a tool that writes more gets SIGXFSZ
        defaults = [getattr(_signal, name) for name in (*_IGNORED, "SIGCHLD", "SIGTERM", "SIGXFSZ")]
        try:
            pid = os.posix_spawn(
                argv[0], argv, os.environb, file_actions=actions, setsigmask=(), setsigdef=defaults
            )
        except OSError as error:
            _tell(status, f"failed {error.errno}")
            return
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        kept = fcntl.fcntl(status, fcntl.F_DUPFD_CLOEXEC, _FIRST_PARKED)
        self._tools[key] = _Tool(pid, kept, grace)
        _tell(kept, f"started {pid} {time.monotonic()}")

    def _stop(self, tool: _Tool) -> None:
        if tool.deadline is None:
            tool.deadline = time.monotonic() + tool.grace
            os.kill(tool.pid, _signal.SIGINT)

    def _close(self) -> None:
        self._closing = True
        for tool in self._tools.values():
            self._stop(tool)

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for tool in self._tools.values():
            if tool.deadline is not None and now >= tool.deadline:
                os.kill(tool.pid, _signal.SIGKILL)
                tool.deadline = now + 1.0  # it stays a child until the kernel has let it go

    def _reap(self) -> None:
        for key, tool in list(self._tools.items()):
            pid, status, used = os.wait4(tool.pid, os.WNOHANG)
            if pid:
                del self._tools[key]
                seconds = used.ru_utime + used.ru_stime
                _tell(tool.status, f"exited {status} {seconds:.6f} {used.ru_maxrss * 1024} {time.monotonic()}")
                os.close(tool.status)


def _tell(pipe: int, line: str) -> None:
    try:  # noqa: SIM105 - contextlib would be loaded for this alone
        os.write(pipe, line.encode() + b"\n")  # at most two lines in a pipe: it never blocks
    except OSError:
        pass  # nobody reads any more


def main(control: int) -> None:
    """Serve the socket with descriptor `control` until it ends."""
    os.set_inheritable(control, False)  # no tool gets it
    _Supervisor(_socket.socket(fileno=control)).run()
