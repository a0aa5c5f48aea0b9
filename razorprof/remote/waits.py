"""What a blocked thread waits for, told from its system call and from what its arguments name.

For runtimes' thread sources, after remote.tasks. It tells locks from I/O from sleep; who holds a lock, and
whether it is the GIL, only a runtime knows. What it says holds paths and addresses of the target: untrusted text.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.threads import WaitsOn
from razorprof.remote.descriptors import Descriptor, DescriptorTable
from razorprof.remote.process import ProcessView
from razorprof.remote.syscalls import syscall_names
from razorprof.remote.tasks import TaskStat

_MOST_POLLED = 64  # descriptors of one poll() that are looked at
_LONGEST_FDINFO = 1 << 20
_POLLFD = struct.Struct("=iHH")  # poll(2): fd, events, revents
_FUTEX_WAITS = frozenset((0, 6, 9, 11, 13))  # WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2 (futex(2))
_SETLKW = (7, 38)  # fcntl(2): F_SETLKW, F_OFD_SETLKW

_READS = frozenset(("read", "pread64", "readv", "preadv"))
_WRITES = frozenset(("write", "pwrite64", "writev", "pwritev"))
_RECEIVES = frozenset(("recvfrom", "recvmsg", "recvmmsg"))
_SENDS = frozenset(("sendto", "sendmsg", "sendmmsg"))
_ACCEPTS = frozenset(("accept", "accept4"))
_SLEEPS = frozenset(("nanosleep", "clock_nanosleep"))
_SELECTS = frozenset(("select", "pselect6"))
_POLLS = frozenset(("poll", "ppoll"))
_EPOLLS = frozenset(("epoll_wait", "epoll_pwait", "epoll_pwait2"))
_SYNCS = frozenset(("fsync", "fdatasync", "syncfs"))

# Where the call may not be seen, the name of the kernel function still tells the kind. First match wins.
_WCHANS = (
    ("futex_", WaitsOn("lock", "futex")),
    ("hrtimer_nanosleep", WaitsOn("sleep", "sleep")),
    ("do_nanosleep", WaitsOn("sleep", "sleep")),
    ("ep_poll", WaitsOn("io", "epoll")),
    ("do_epoll_wait", WaitsOn("io", "epoll")),
    ("do_select", WaitsOn("other", "select, or a sleep made of it")),
    ("poll_schedule", WaitsOn("other", "poll, or a sleep made of it")),
    ("do_sys_poll", WaitsOn("other", "poll, or a sleep made of it")),
    ("inet_csk_accept", WaitsOn("io", "accept on a socket")),
    ("sk_wait_data", WaitsOn("io", "recv from a socket")),
    ("wait_woken", WaitsOn("io", "a socket")),
    ("unix_stream", WaitsOn("io", "a unix socket")),
    ("skb_", WaitsOn("io", "recv from a socket")),
    ("pipe_", WaitsOn("io", "a pipe")),
    ("anon_pipe_", WaitsOn("io", "a pipe")),
    ("do_wait", WaitsOn("other", "wait for a child process")),
    ("folio_wait", WaitsOn("io", "a page of a file")),
    ("io_schedule", WaitsOn("io", "a disk")),
)  # fmt: skip


class WaitReader:
    """Tells what threads of one process wait for. `names` is for tests: system calls by number.

    count_watched: also say how many descriptors an epoll watches; for single looks, see _describe_call.
    """

    def __init__(
        self,
        view: ProcessView,
        *,
        clock: Clock | None = None,
        names: Mapping[int, str] | None = None,
        count_watched: bool = False,
    ) -> None:
        self._count_watched = count_watched
        self._view = view
        self._names = names
        self._table = DescriptorTable(view, clock)

    def start_look(self) -> None:
        """Forget what descriptors were: call it before each round over the threads."""
        self._table.start_look()

    def describe(self, task: TaskStat) -> WaitsOn | None:
        """What the thread waits for; None when it runs or nothing can be told."""
        if task.state == "R":
            return None
        if task.state in "Tt":
            return WaitsOn("other", "stopped by a signal" if task.state == "T" else "stopped by a tracer")
        if task.syscall is not None:
            name = self._known_names().get(task.syscall.number)
            if name == "restart_syscall":  # a wait taken up again after a stop: its arguments are lost
                return _describe_wchan(task) or WaitsOn("other", "a wait taken up again after a stop")
            if name is not None:
                return self._describe_call(name, task.syscall.args)
        return _describe_wchan(task)

    def _known_names(self) -> Mapping[int, str]:
        if self._names is None:
            # A 32-bit process has other numbers; e_ident[EI_CLASS] is 2 for 64 bits (elf(5)).
            try:
                is_64_bit = self._view.read("exe", 5) == b"\x7fELF\x02"
            except RazorprofError:
                is_64_bit = True
            self._names = syscall_names() if is_64_bit else {}
        return self._names

    def _describe_call(self, name: str, args: tuple[int, ...]) -> WaitsOn | None:
        first = args[0]
        if name == "futex":
            if args[1] & 0x7F not in _FUTEX_WAITS:
                return None
            return WaitsOn("lock", "futex", address=first)
        if name in ("futex_wait", "futex_waitv"):
            return WaitsOn("lock", "futex", address=first if name == "futex_wait" else None)
        if name in _SLEEPS:
            return WaitsOn("sleep", "sleep")
        if name in _SELECTS:
            if _is_selecting_nothing(args):
                return WaitsOn("sleep", "sleep")
            return WaitsOn("io", f"select below descriptor {first & 0x7FFFFFFF}")
        if name in _POLLS:
            return self._describe_poll(first, args[1])
        if name in _EPOLLS:
            # How many it watches stands in fdinfo, but printing that holds the lock that the target's own
            # epoll calls need: not at each look of a live view.
            return WaitsOn("io", f"epoll{self._watched(first)}" if self._count_watched else "epoll")
        if name == "fcntl":
            return WaitsOn("lock", f"file lock of {self._table.describe(first)}") if args[1] in _SETLKW else None
        if name == "flock":
            return WaitsOn("lock", f"file lock of {self._table.describe(first)}")
        if name in ("semop", "semtimedop"):
            return WaitsOn("lock", f"System V semaphore {first}")
        return self._describe_transfer(name, first) or _describe_rest(name, first)

    def _watched(self, number: int) -> str:
        """Words for how many descriptors an epoll watches: proc(5), fdinfo has a line `tfd:` for each."""
        try:
            lines = self._view.read(f"fdinfo/{number & 0xFFFFFFFF}", _LONGEST_FDINFO).split(b"\n")
        except RazorprofError:
            return ""
        count = sum(line.startswith(b"tfd:") for line in lines)
        return f" on {count} descriptor{'' if count == 1 else 's'}"

    def _describe_transfer(self, name: str, number: int) -> WaitsOn | None:
        """Calls whose first argument is the descriptor they wait for."""
        if name in _READS | _RECEIVES:
            descriptor = self._table.describe(number)
            verb = "recv from" if name in _RECEIVES or descriptor.is_socket else "read"
            return WaitsOn("io", f"{verb} {descriptor}")
        if name in _WRITES | _SENDS:
            descriptor = self._table.describe(number)
            verb = "send to" if name in _SENDS or descriptor.is_socket else "write"
            return WaitsOn("io", f"{verb} {descriptor}")
        if name in _ACCEPTS:
            return WaitsOn("io", f"accept on {_own_side(self._table.describe(number))}")
        if name == "connect":
            return WaitsOn("io", f"connect to {self._table.describe(number)}")
        if name in _SYNCS:
            return WaitsOn("io", f"{name} {self._table.describe(number)}")
        if name == "ioctl":
            return WaitsOn("io", f"ioctl of {self._table.describe(number)}")
        return None

    def _describe_poll(self, address: int, count: int) -> WaitsOn:
        count &= 0xFFFFFFFF
        if count == 0:
            return WaitsOn("sleep", "sleep")
        named = []
        for number, _, _ in _POLLFD.iter_unpack(self._memory(address, min(count, _MOST_POLLED) * _POLLFD.size)):
            if number >= 0:  # a negative one is ignored by poll(2)
                named.append(self._table.describe(number))
        if len(named) == 1 and count == 1:
            # A socket with a time-out waits here and not in recv: that is most sockets of a Python program.
            side = named[0]
            return WaitsOn("io", f"poll {f'listener {_own_side(side)}' if side.is_listening else side}")
        return WaitsOn("io", f"poll {count} descriptor{'' if count == 1 else 's'}")

    def _memory(self, address: int, size: int) -> bytes:
        """Bytes of the target's memory, whole pollfds only; none when it may not be read or is not there."""
        try:
            descriptor = os.open(self._view.path / "mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            content = os.pread(descriptor, size, address)
        except (OSError, OverflowError):
            return b""
        finally:
            os.close(descriptor)
        return content[: len(content) // _POLLFD.size * _POLLFD.size]


def describe_wait(task: TaskStat, view: ProcessView) -> WaitsOn | None:
    """WaitReader for a single thread."""
    return WaitReader(view).describe(task)


def _is_selecting_nothing(args: tuple[int, ...]) -> bool:
    return args[0] == 0 or args[1:4] == (0, 0, 0)


def _own_side(descriptor: Descriptor) -> str:
    return descriptor.local or str(descriptor)


def _describe_rest(name: str, first: int) -> WaitsOn:
    if name in ("wait4", "waitid"):
        pid = first - (1 << 64) if first >> 63 else first
        pid = pid - (1 << 32) if 0x80000000 <= pid <= 0xFFFFFFFF else pid
        which = f" {pid}" if name == "wait4" and pid > 0 else ""
        return WaitsOn("other", f"wait for child process{which}")
    if name in ("pause", "rt_sigtimedwait", "rt_sigsuspend"):
        return WaitsOn("other", "wait for a signal")
    return WaitsOn("io", name)


def _describe_wchan(task: TaskStat) -> WaitsOn | None:
    if task.wchan is not None:
        for beginning, wait in _WCHANS:
            if task.wchan.startswith(beginning):
                return wait
    if task.state == "D":
        where = f" in {task.wchan[:64]}" if task.wchan else ""
        return WaitsOn("io", f"the kernel, uninterruptibly{where}")
    return None
