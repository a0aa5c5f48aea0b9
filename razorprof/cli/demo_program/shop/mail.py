"""Receipts go out through a socket on loopback, and each is noted in a file: input and output to look at."""

from __future__ import annotations

import socket
import tempfile

from .day import Day

LETTER = b"Dear customer, thank you for your order. " * 400  # 16 KiB
JOURNAL_BYTES = 4 * 1024 * 1024
_TIMEOUT = 1.0  # seconds; nobody waits longer for the other side before looking whether the shop has closed


class PostOffice:
    """A server socket of one's own, on a port that the kernel chooses."""

    def __init__(self) -> None:
        self._counter = socket.create_server(("127.0.0.1", 0))
        self._counter.settimeout(_TIMEOUT)

    def receive(self, day: Day) -> None:
        """Take letters in and note them in a file without a name, which starts again when it is full."""
        with tempfile.TemporaryFile() as journal:
            while not day.closed():
                try:
                    sender, _ = self._counter.accept()
                except OSError:  # nobody came within the time-out
                    continue
                with sender:
                    sender.settimeout(_TIMEOUT)
                    while letter := _read(sender):
                        if journal.tell() > JOURNAL_BYTES:
                            journal.seek(0)
                            journal.truncate()
                        journal.write(letter)
                        journal.flush()
        self._counter.close()

    def send(self, day: Day) -> None:
        """Send letters until the shop closes."""
        with socket.create_connection(self._counter.getsockname(), _TIMEOUT) as counter:
            while not day.closed(after=0.05):
                counter.sendall(LETTER)


def _read(sender: socket.socket) -> bytes:
    try:
        return sender.recv(65536)
    except OSError:
        return b""
