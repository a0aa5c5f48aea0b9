"""Addresses and listeners as the kernel prints them."""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

import pytest

from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import (
    Endpoint,
    Listener,
    endpoint,
    is_own_address,
    listeners,
    other_end,
    parse_endpoint,
)

little = pytest.mark.skipif(sys.byteorder != "little", reason="the examples are of a little-endian machine")


@little
@pytest.mark.parametrize(
    ("field", "address", "port"),
    [
        (b"0100007F:1F90", "127.0.0.1", 8080),
        (b"00000000:0050", "0.0.0.0", 80),
        (b"00000000000000000000000001000000:1F90", "::1", 8080),
        (b"0000000000000000FFFF00000100007F:1F90", "127.0.0.1", 8080),
    ],
)
def test_an_address_is_read_as_the_kernel_prints_it(field: bytes, address: str, port: int) -> None:
    assert parse_endpoint(field) == Endpoint(ipaddress.ip_address(address), port)


@pytest.mark.parametrize("field", [b"", b":", b"xx:1", b"01:zz", b"0100007F", b"010000:1F90"])
def test_what_is_no_address_is_none(field: bytes) -> None:
    assert parse_endpoint(field) is None


@little
def test_listeners_are_told_by_port_and_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "7" / "net"
    folder.mkdir(parents=True)
    tail = "00000000:00000000 00:00000000 00000000  0  0"
    (folder / "tcp").write_text(
        "  sl  local_address\n"
        f"   0: 0100007F:2328 00000000:0000 0A {tail} 41 1\n"
        f"   1: 00000000:1F90 00000000:0000 0A {tail} 42 1\n"
        f"   2: 0100007F:1F91 0100007F:C350 01 {tail} 43 1\n"
        "   3: broken\n"
    )
    found = listeners(ProcessView(7, proc=tmp_path))
    assert [(str(one.at.ip), one.at.port, one.inode) for one in found] == [
        ("0.0.0.0", 8080, 42),
        ("127.0.0.1", 9000, 41),
    ]


@pytest.mark.parametrize(
    ("at", "ip", "takes"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "::1", False),
        ("::", "127.0.0.1", True),
    ],
)
def test_a_listener_takes_connections_to_its_own_address_or_to_any(at: str, ip: str, takes: bool) -> None:
    listener = Listener(Endpoint(ipaddress.ip_address(at), 1), 1)
    assert listener.takes(ipaddress.ip_address(ip)) is takes


def test_only_addresses_of_this_machine_are_its_own() -> None:
    assert is_own_address(ipaddress.ip_address("127.0.0.1"))
    for other in ("192.0.2.1", "0.0.0.0", "224.0.0.1"):
        assert not is_own_address(ipaddress.ip_address(other))


def test_the_other_end_is_told_once_it_is_accepted_and_when_it_has_hung_up() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as ours:
        ends = endpoint(ours.getsockname()), endpoint(ours.getpeername())
        assert other_end(*ends).inode is None
        accepted, _ = server.accept()
        inode = Path(f"/proc/self/fd/{accepted.fileno()}").readlink()
        assert str(inode) == f"socket:[{other_end(*ends).inode}]"
        assert not other_end(*ends).hung_up
        accepted.close()
        assert other_end(*ends).hung_up
