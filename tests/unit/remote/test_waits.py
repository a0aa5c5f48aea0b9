"""What a blocked thread waits for, told from a frozen /proc."""

from __future__ import annotations

import os
import re
import struct
from itertools import count
from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.model.threads import WaitsOn
from razorprof.remote.process import ProcessView
from razorprof.remote.syscalls import syscall_names
from razorprof.remote.tasks import Syscall, TaskStat
from razorprof.remote.waits import WaitReader

X86 = syscall_names("x86_64")
NUMBER = {name: number for number, name in X86.items()}

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0
   1: 0100007F:C350 0500000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st ...
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 333 1 0 100 0
   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000500000A:1538 01 0:0 0:0 0 0 0 334 1 0 100 0
"""
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 444 /run/a b.sock
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    process = tmp_path / "42"
    for folder in ("fd", "net"):
        (process / folder).mkdir(parents=True)
    links = {
        3: "/var/lib/data.db", 4: "socket:[222]", 5: "socket:[111]", 6: "pipe:[9]", 7: "anon_inode:[eventpoll]",
        8: "socket:[333]", 9: "socket:[444]", 10: "socket:[22]", 11: "/tmp/\x1b[31mred", 12: "socket:[334]",
    }  # fmt: skip
    for number, link in links.items():
        os.symlink(link, process / "fd" / str(number))
    (process / "net" / "tcp").write_text(TCP)
    (process / "net" / "tcp6").write_text(TCP6)
    (process / "net" / "unix").write_text(UNIX)
    (process / "exe").write_bytes(b"\x7fELF\x02")
    pollfds = struct.pack("=iHH", 4, 1, 0) + struct.pack("=iHH", 6, 1, 0) + struct.pack("=iHH", 5, 1, 0)
    (process / "mem").write_bytes(bytes(64) + pollfds)
    return tmp_path


def wait(proc: Path, name: str, *args: int, state: str = "S", wchan: str | None = None) -> WaitsOn | None:
    padded = (*args, 0, 0, 0, 0, 0, 0)[:6]
    task = TaskStat(42, "t", state, 0.0, 0.0, 1, syscall=Syscall(NUMBER[name], padded), wchan=wchan)
    return WaitReader(ProcessView(42, proc=proc), names=X86).describe(task)


@pytest.mark.parametrize(
    ("call", "kind", "what"),
    [
        (("recvfrom", 4), "io", "recv from 10.0.0.5:5432"),
        (("read", 4), "io", "recv from 10.0.0.5:5432"),
        (("sendto", 12), "io", "send to 10.0.0.5:5432"),
        (("read", 3), "io", "read /var/lib/data.db"),
        (("write", 6), "io", "write pipe"),
        (("accept4", 5), "io", "accept on 127.0.0.1:8000"),
        (("accept", 8), "io", "accept on [::1]:8080"),
        (("accept", 9), "io", "accept on /run/a b.sock"),
        (("recvmsg", 10), "io", "recv from socket"),  # 22 is not 222
        (("read", 99), "io", "read descriptor 99"),
        (("epoll_wait", 7), "io", "epoll"),
        (("poll", 0, 3), "io", "poll 3 descriptors"),
        (("poll", 64, 1), "io", "poll 10.0.0.5:5432"),
        (("poll", 80, 1), "io", "poll listener 127.0.0.1:8000"),
        (("poll", 0, 0), "sleep", "sleep"),
        (("clock_nanosleep", 0), "sleep", "sleep"),
        (("select", 0, 0, 0, 0), "sleep", "sleep"),
        (("select", 9, 0x1000, 0, 0), "io", "select below descriptor 9"),
        (("flock", 3, 2), "lock", "file lock of /var/lib/data.db"),
        (("wait4", 77), "other", "wait for child process 77"),
        (("wait4", 2**64 - 1), "other", "wait for child process"),
        (("fsync", 3), "io", "fsync /var/lib/data.db"),
    ],
)  # fmt: skip
def test_a_system_call_tells_what_is_waited_for(
    proc: Path, call: tuple[str, *tuple[int, ...]], kind: str, what: str
) -> None:
    assert wait(proc, *call) == WaitsOn(kind, what)


def test_a_futex_is_a_lock_with_its_address(proc: Path) -> None:
    assert wait(proc, "futex", 0x7F10, 0x189) == WaitsOn("lock", "futex", address=0x7F10)


def test_a_futex_wake_is_no_wait(proc: Path) -> None:
    assert wait(proc, "futex", 0x7F10, 0x81) is None


def test_a_running_thread_waits_for_nothing(proc: Path) -> None:
    assert wait(proc, "read", 4, state="R") is None


def test_a_stopped_thread_says_so(proc: Path) -> None:
    assert wait(proc, "read", 4, state="T") == WaitsOn("other", "stopped by a signal")


def test_a_wait_taken_up_again_is_told_by_its_kernel_function(proc: Path) -> None:
    assert wait(proc, "restart_syscall", wchan="futex_do_wait") == WaitsOn("lock", "futex")


def test_a_path_stays_as_the_target_wrote_it_for_the_printer_to_escape(proc: Path) -> None:
    assert wait(proc, "read", 11) == WaitsOn("io", "read /tmp/\x1b[31mred")


def test_a_32_bit_process_is_not_read_with_64_bit_numbers(proc: Path) -> None:
    (proc / "42" / "exe").write_bytes(b"\x7fELF\x01")
    task = TaskStat(42, "t", "S", 0.0, 0.0, 1, syscall=Syscall(0, (4,) * 6), wchan="do_epoll_wait")
    assert WaitReader(ProcessView(42, proc=proc)).describe(task) == WaitsOn("io", "epoll")


@pytest.mark.parametrize(
    ("state", "wchan", "expected"),
    [
        ("S", "futex_do_wait", WaitsOn("lock", "futex")),
        ("S", "hrtimer_nanosleep", WaitsOn("sleep", "sleep")),
        ("D", "nfs_wait_bit", WaitsOn("io", "the kernel, uninterruptibly in nfs_wait_bit")),
        ("S", "something_new", None),
        ("S", None, None),
    ],
)
def test_without_a_visible_call_the_kernel_function_tells_the_kind(
    proc: Path, state: str, wchan: str | None, expected: WaitsOn | None
) -> None:
    task = TaskStat(42, "t", state, 0.0, 0.0, 1, syscall_reason="no permission", wchan=wchan)
    assert WaitReader(ProcessView(42, proc=proc)).describe(task) == expected


def test_a_new_look_forgets_what_descriptors_were(proc: Path) -> None:
    reader = WaitReader(ProcessView(42, proc=proc), names=X86)
    task = TaskStat(42, "t", "S", 0.0, 0.0, 1, syscall=Syscall(NUMBER["read"], (3, 0, 0, 0, 0, 0)))
    assert reader.describe(task) == WaitsOn("io", "read /var/lib/data.db")
    (proc / "42" / "fd" / "3").unlink()
    os.symlink("/other", proc / "42" / "fd" / "3")
    reader.start_look()
    assert reader.describe(task) == WaitsOn("io", "read /other")


def test_both_machines_know_the_waits_that_matter_and_an_unknown_one_none() -> None:
    wanted = {
        "futex",
        "read",
        "recvfrom",
        "epoll_pwait",
        "clock_nanosleep",
        "ppoll",
        "pselect6",
        "accept4",
        "wait4",
    }
    assert wanted <= set(syscall_names("x86_64").values())
    assert wanted <= set(syscall_names("aarch64").values())
    assert syscall_names("riscv64") == {}


def test_the_tables_of_sockets_are_not_read_again_for_a_socket_that_is_known(proc: Path) -> None:
    clock = ManualClock()
    reader = WaitReader(ProcessView(42, proc=proc), clock=clock, names=X86)
    task = TaskStat(42, "t", "S", 0.0, 0.0, 1, syscall=Syscall(NUMBER["recvfrom"], (4, 0, 0, 0, 0, 0)))
    assert reader.describe(task) == WaitsOn("io", "recv from 10.0.0.5:5432")
    (proc / "42" / "net" / "tcp").write_text(TCP.replace("0500000A:1538", "0600000A:1538"))
    reader.start_look()
    clock.advance(1.0)
    assert reader.describe(task) == WaitsOn("io", "recv from 10.0.0.5:5432")
    reader.start_look()
    clock.advance(60.0)
    assert reader.describe(task) == WaitsOn("io", "recv from 10.0.0.6:5432")


def test_dear_tables_are_read_at_a_pace_and_a_new_socket_has_no_name_until_then(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count(0.0, 0.1)
    monkeypatch.setattr("razorprof.remote.sockets.time.thread_time", lambda: next(seconds))  # 0.1 s a table
    clock = ManualClock()
    reader = WaitReader(ProcessView(42, proc=proc), clock=clock, names=X86)
    connected = TaskStat(42, "t", "S", 0.0, 0.0, 1, syscall=Syscall(NUMBER["recvfrom"], (4, 0, 0, 0, 0, 0)))
    listener = TaskStat(43, "t", "S", 0.0, 0.0, 1, syscall=Syscall(NUMBER["accept"], (5, 0, 0, 0, 0, 0)))
    assert reader.describe(connected) == WaitsOn("io", "recv from 10.0.0.5:5432")
    reader.start_look()
    clock.advance(1.0)
    assert reader.describe(listener) == WaitsOn("io", "accept on socket")
    reader.start_look()
    clock.advance(30.0)
    assert reader.describe(listener) == WaitsOn("io", "accept on 127.0.0.1:8000")


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"no {header} on this machine")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text())
    numbers = {name: int(number) for name, number in defined}
    known = {name: number for number, name in syscall_names(machine).items() if name in numbers}
    assert len(known) > 45
    assert known == {name: numbers[name] for name in known}
