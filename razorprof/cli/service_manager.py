"""What systemd is told of a service of Type=notify: sd_notify(3), over the socket in NOTIFY_SOCKET.

Without that socket nothing happens. Called by watch: `alive` once a tick, from the session's thread; the rest from
the main one.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

_BEAT_EVERY = 1.0


class ServiceManager:
    """Any thread. A manager that does not listen any more is no matter: the work goes on."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        address = (os.environ if environment is None else environment).get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # an abstract one
        self._status = ""
        self._beaten = 0.0

    @property
    def listens(self) -> bool:
        """Whether there is a manager."""
        return self._address.startswith(("/", "\0"))

    def ready(self, status: str) -> None:
        """Started, or done with re-reading."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """Files are read again; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def status(self, words: str) -> None:
        """One line for `systemctl status`, sent where it changed."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={_line(words)}")

    def alive(self) -> None:
        """What WatchdogSec= waits for: at most once a second."""
        now = time.monotonic()
        if now - self._beaten >= _BEAT_EVERY:
            self._beaten = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """On the way out."""
        self._send("STOPPING=1\nSTATUS=ending")

    def _send(self, message: str) -> None:
        if not self.listens:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # a manager that does not read must not hold up a tick
                sender.sendto(message.encode("utf-8", "backslashreplace"), self._address)
        except OSError:
            pass


def _line(words: str) -> str:
    return " ".join(words.split())
