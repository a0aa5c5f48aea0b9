"""A /proc tree that a test writes down: processes with the files that targets reads. For unit tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PF_KTHREAD = 0x00200000


class FrozenProc:
    """Builds processes under `root`, which is passed where code takes `proc`."""

    def __init__(self, root: Path) -> None:
        self.root = root / "proc"
        self.root.mkdir()
        (self.root / "stat").write_text("cpu 0 0\nbtime 1700000000\n")

    def add(
        self,
        pid: int,
        arguments: Sequence[str | bytes] = (),
        *,
        comm: str | bytes = b"prog",
        ppid: int = 1,
        state: str = "S",
        flags: int = 0,
        start: int = 5000,
        uid: int = 1000,
        cgroup: str = "0::/",
        inner_pids: Sequence[int] = (),
        user_ticks: int = 0,
    ) -> Path:
        """Write a process down; its folder."""
        folder = self.root / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(b"".join(_bytes(a) + b"\0" for a in arguments))
        (folder / "comm").write_bytes(_bytes(comm) + b"\n")
        (folder / "cgroup").write_text(cgroup + "\n")
        (folder / "mem").write_bytes(b"")
        pids = " ".join(map(str, (pid, *inner_pids)))
        (folder / "status").write_text(
            f"Name:\tprog\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
            f"NSpid:\t{pids}\nTracerPid:\t0\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
        )
        fields = [state, ppid, pid, pid, 0, -1, flags, 1, 0, 2, 0, user_ticks, 0, 0, 0, 20, 0, 3, 0, start]
        fields += [4096000, 250, *[0] * 28]
        (folder / "stat").write_bytes(b"%d (%s) %s\n" % (pid, _bytes(comm), " ".join(map(str, fields)).encode()))
        return folder

    def set_cpu(self, pid: int, user_ticks: int) -> None:
        """Let the process have used CPU."""
        path = self.root / str(pid) / "stat"
        raw = path.read_bytes()
        end = raw.rindex(b")") + 2
        fields = raw[end:].split()
        fields[11] = str(user_ticks).encode()
        path.write_bytes(raw[:end] + b" ".join(fields) + b"\n")

    def be(self, pid: int) -> None:
        """Say that the reader of this tree is `pid`."""
        (self.root / "self").symlink_to(str(pid))

    def open_sockets(self, pid: int, inodes: Sequence[int], *, namespace: int = 1) -> None:
        """Give a process open sockets and a network namespace."""
        folder = self.root / str(pid)
        (folder / "ns").mkdir(exist_ok=True)
        (folder / "ns/net").symlink_to(f"net:[{namespace}]")
        (folder / "fd").mkdir()
        (folder / "fd/0").symlink_to("/dev/null")
        for number, inode in enumerate(inodes, start=3):
            (folder / f"fd/{number}").symlink_to(f"socket:[{inode}]")

    def listen(self, pid: int, listeners: Sequence[tuple[int, int]]) -> None:
        """Write (port, inode) pairs as the listening sockets of the namespace that `pid` shows."""
        folder = self.root / str(pid) / "net"
        folder.mkdir()
        head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        lines = [
            f"   0: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 {inode} 1\n"
            for port, inode in listeners
        ]
        busy = "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  0  0 999 1\n"
        (folder / "tcp").write_text(head + busy + "".join(lines))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
