"""What a descriptor of another process is: a file, a pipe, or a socket with its peer. Called by remote.waits.

All it answers is untrusted text; nothing of the target is opened, only named.
"""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError
from razorprof.remote.process import ProcessView
from razorprof.remote.sockets import SocketTables

_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True)
class Descriptor:
    """kind: file, pipe, tcp, udp, unix, socket (not found in any table), epoll, other or unknown.

    name: path, or what the link says; local, peer: "address:port" or a unix path, empty where there is none.
    """

    number: int
    kind: str
    name: str = ""
    local: str = ""
    peer: str = ""
    is_listening: bool = False

    @property
    def is_socket(self) -> bool:
        return self.kind in ("tcp", "udp", "unix", "socket")

    def __str__(self) -> str:
        if self.kind in ("tcp", "udp", "unix"):
            return self.peer or self.local or f"{self.kind} socket"
        return self.name or f"descriptor {self.number}"


class DescriptorTable:
    """Descriptors of one process. Call `start_look` before each round: numbers are used again at once."""

    def __init__(self, view: ProcessView, clock: Clock | None = None) -> None:
        self._view = view
        self._sockets = SocketTables(view, clock or SystemClock())
        self._known: dict[int, Descriptor] = {}

    def start_look(self) -> None:
        """Forget what the numbers were."""
        self._known.clear()
        self._sockets.start_look()

    def describe(self, number: int) -> Descriptor:
        """The descriptor `number`; kind "unknown" when it is closed or may not be seen."""
        number &= 0xFFFFFFFF
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._look_up(number)
        return found

    def _look_up(self, number: int) -> Descriptor:
        try:
            link = self._view.read_link(f"fd/{number}")
        except RazorprofError:
            return Descriptor(number, "unknown")
        name = link[:_LONGEST_NAME]
        if link.startswith("socket:["):
            socket = self._sockets.find(link[8:-1])
            if socket is None:
                return Descriptor(number, "socket", "socket")
            return Descriptor(number, socket.kind, "", socket.local, socket.peer, socket.is_listening)
        if link.startswith("pipe:["):
            return Descriptor(number, "pipe", "pipe")
        if link == "anon_inode:[eventpoll]":
            return Descriptor(number, "epoll", "epoll")
        if link.startswith("/"):
            return Descriptor(number, "file", name)
        return Descriptor(number, "other", name.removeprefix("anon_inode:").strip("[]"))
