"""What systemd hears of a service, over a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A manager's socket, and its name as NOTIFY_SOCKET gives it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@razorprof-{os.getpid()}-notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(5.0)
        yield listener, name


def test_it_is_told_when_the_service_is_ready_reads_again_lives_and_ends(
    manager: tuple[socket.socket, str],
) -> None:
    listener, name = manager
    service = ServiceManager({"NOTIFY_SOCKET": name})
    assert service.listens
    service.ready("2 targets\nREADY=0")
    assert listener.recv(4096) == b"READY=1\nSTATUS=2 targets READY=0", (
        "no line of what is told is a line of its own"
    )
    service.alive()
    service.alive()
    service.reloading()
    assert listener.recv(4096) == b"WATCHDOG=1"
    kind, _, stamp = listener.recv(4096).partition(b"\nMONOTONIC_USEC=")
    assert (kind, stamp.isdigit()) == (b"RELOADING=1", True), "once a second is enough for the watchdog"
    service.status("1 alert fires")
    service.status("1 alert fires")
    service.stopping()
    assert listener.recv(4096) == b"STATUS=1 alert fires"
    assert listener.recv(4096) == b"STOPPING=1\nSTATUS=ending"


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all", "@nobody-listens-here"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": address} if address else {})
    service.ready("fine")
    service.alive()
    service.stopping()


def test_a_manager_that_does_not_read_holds_nothing_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        service = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for number in range(2000):
            service.status(f"{number} {'x' * 500}")
