"""The guard's port: only the target's own connections count, on both loopback addresses."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.profilers import memray_guard_port
from razorprof.profilers.memray_guard_port import LoopbackPort

# Calls where it is told to, says hello, and waits for the end of the connection.
CALLER = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as call:
    print("called", flush=True)
    print("heard", call.recv(10), flush=True)
"""


@contextlib.contextmanager
def calling(address: str, port: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CALLER, address, str(port)], stdout=subprocess.PIPE, text=True
    ) as caller:
        try:
            assert caller.stdout is not None
            assert caller.stdout.readline() == "called\n"
            yield caller
        finally:
            caller.kill()


@contextlib.contextmanager
def port_for(pid: int) -> Iterator[LoopbackPort]:
    port = LoopbackPort(pid)
    try:
        yield port
    finally:
        port.close()


def has_v6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


ADDRESSES = [
    "127.0.0.1",
    pytest.param("::1", marks=pytest.mark.skipif(not has_v6(), reason="no ::1 on this machine")),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_targets_own_call_is_taken(address: str) -> None:
    with port_for(os.getpid()) as port, socket.create_connection((address, port.number)) as ours:
        call = port.accept(5.0)
        assert call is not None
        with call:
            assert call.getpeername() == ours.getsockname()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_stranger_is_hung_up_on_and_hears_nothing(address: str) -> None:
    with port_for(os.getpid()) as port, calling(address, port.number) as stranger:
        assert port.accept(5.0) is None
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "heard b''\n"


def test_a_stranger_before_the_target_does_not_keep_it_out() -> None:
    with (
        port_for(os.getpid()) as port,
        calling("127.0.0.1", port.number),
        socket.create_connection(("127.0.0.1", port.number)) as ours,
    ):
        calls = [port.accept(5.0), port.accept(5.0)]
        taken = [call for call in calls if call is not None]
        assert [call.getpeername() for call in taken] == [ours.getsockname()]
        for call in taken:
            call.close()


@pytest.mark.skipif(not has_v6(), reason="no ::1 on this machine")
def test_a_port_whose_twin_on_the_other_address_a_stranger_holds_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.create_server
    strangers: list[socket.socket] = []

    def with_a_stranger(address: tuple[str, int], **options: int) -> socket.socket:
        made = real(address, **options)  # type: ignore[arg-type]
        if address[0] == "127.0.0.1" and len(strangers) < 3:
            strangers.append(real(("::1", made.getsockname()[1]), family=socket.AF_INET6))
        return made

    monkeypatch.setattr(socket, "create_server", with_a_stranger)
    with port_for(os.getpid()) as port:
        assert port.number not in {stranger.getsockname()[1] for stranger in strangers}
        assert len(strangers) == 3
        for stranger in strangers:
            stranger.close()
        with pytest.raises(OSError):
            real(("::1", port.number), family=socket.AF_INET6)


def test_the_port_is_held_while_the_target_is_still_calling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []

    def look(_: LoopbackPort) -> bool:
        looks.append(len(looks) < 3)
        return looks[-1]

    monkeypatch.setattr(memray_guard_port, "_LEAST_LINGER", 0.0)
    monkeypatch.setattr(LoopbackPort, "_is_called", look)
    with port_for(os.getpid()) as port, socket.create_connection(("127.0.0.1", port.number)) as ours:
        port.linger()
        assert looks == [True, True, True, False]
        ours.settimeout(5.0)
        assert ours.recv(10) == b""  # hung up on: no code is no harm
