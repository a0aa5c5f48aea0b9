"""The small process between `razorprof run` and the user's program: starts it, waits for it, counts what it used.

Run by profilers.launch as ``python -I -S``, and imports nothing of razorprof: the kernel carries the peak memory
of whoever forks over to the program (ru_maxrss survives exec), so who forks must be small. It stays when
razorprof is killed, so that the program never notices. Orphans of the program come to it, and what they used is
counted.

Its socket takes ``go`` and ``signal N``, and tells ``started PID TIME FLOOR``, ``failed ERRNO``, ``stopped N`` and
``ended STATUS CPU PEAK_KIB TIME ORPHANS``. Ended before ``go``, it starts nothing.
"""

import _signal  # type: ignore[import-not-found]  # signal itself would load enum, functools, re: 0.8 MiB
import _socket
import os
import select
import sys
import time

_IGNORED = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE")
_SUBREAPER = 36  # prctl(2): PR_SET_CHILD_SUBREAPER
_NOT_FOUND = 127


class _Waker:
    """SIGCHLD makes a pipe readable: the loop hears of children and of requests alike."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self._writing, False)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        _signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def drain(self) -> None:
        try:
            while os.read(self.reading, 512):
                pass
        except BlockingIOError:
            pass


class _Usage:
    """CPU seconds and the peak of what was waited for."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.peak_kib = 0
        self.orphans = 0

    def add(self, cpu: float, peak_kib: int) -> None:
        self.cpu += cpu
        self.peak_kib = max(self.peak_kib, peak_kib)


def main(control: int, ignored: list[int], argv: list[str]) -> None:
    """Start `argv` when told to; `ignored`: signals that the program shall ignore, as our caller did."""
    os.set_inheritable(control, False)
    peer = _socket.socket(fileno=control)
    if peer.recv(64) != b"go":
        return
    waker = _Waker()
    for name in _IGNORED:
        _signal.signal(getattr(_signal, name), _signal.SIG_IGN)
    pid = _start(peer, ignored, argv)
    if pid:
        _adopt()
        _watch(peer, waker, pid)


def _start(peer: _socket.socket, ignored: list[int], argv: list[str]) -> int:
    reading, writing = os.pipe()  # closed by exec
    begun = time.monotonic()
    pid = os.fork()
    if not pid:
        try:
            _signal.set_wakeup_fd(-1)
            for number in _signal.valid_signals() - {_signal.SIGKILL, _signal.SIGSTOP}:
                _signal.signal(number, _signal.SIG_IGN if number in ignored else _signal.SIG_DFL)
            os.execvp(argv[0], argv)
        except OSError as error:
            os.write(writing, str(error.errno).encode())
        except ValueError:  # an empty name
            os.write(writing, b"2")
        finally:
            os._exit(_NOT_FOUND)
    os.close(writing)
    failed = os.read(reading, 16)
    os.close(reading)
    if failed:
        os.waitpid(pid, 0)
        _tell(peer, f"failed {failed.decode()}")
        return 0
    _tell(peer, f"started {pid} {begun} {_own_peak_kib()}")
    return pid


def _adopt() -> None:
    """Become the parent of orphans below; a kernel that does not know it leaves them to init."""
    try:
        import ctypes  # only now: what was forked before stays small

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def _watch(peer: _socket.socket, waker: _Waker, pid: int) -> None:
    poll = select.poll()
    poll.register(waker.reading, select.POLLIN)
    poll.register(peer.fileno(), select.POLLIN)
    usage = _Usage()
    while True:
        ended = _reap(peer, pid, usage)
        if ended is not None:
            _tell(peer, f"ended {ended} {usage.cpu:.6f} {usage.peak_kib} {time.monotonic()} {usage.orphans}")
            return
        for descriptor, _ in poll.poll():
            if descriptor == waker.reading:
                waker.drain()
            elif not _serve(peer, pid):
                poll.unregister(peer.fileno())  # razorprof has died: the program goes on


def _reap(peer: _socket.socket, main_pid: int, usage: _Usage) -> "int | None":
    """Wait for all that have ended; the status of the program once it has, after its orphans."""
    found = None
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return found
        if not pid:
            return found
        if os.WIFSTOPPED(status):
            if pid == main_pid:
                _tell(peer, f"stopped {os.WSTOPSIG(status)}")
            continue
        usage.add(used.ru_utime + used.ru_stime, used.ru_maxrss)
        if pid == main_pid:
            found = status
        else:
            usage.orphans += 1


def _serve(peer: _socket.socket, pid: int) -> bool:
    try:
        request = peer.recv(64)
    except OSError:
        return False
    verb, _, number = request.partition(b" ")
    if verb == b"signal":
        try:  # noqa: SIM105 - see below
            os.kill(pid, int(number))  # not waited for yet: it cannot be another's
        except OSError:
            pass  # a program of another user (sudo) hears nothing from us
    return bool(request)


def _own_peak_kib() -> int:
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1])
    return 0


def _tell(peer: _socket.socket, words: str) -> None:
    try:  # noqa: SIM105 - see above
        peer.send(words.encode())
    except OSError:
        pass  # nobody listens any more


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(n) for n in sys.argv[2].split(",") if n], sys.argv[3:])
