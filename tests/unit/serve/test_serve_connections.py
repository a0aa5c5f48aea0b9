"""Connections are bounded in number, size and time."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from razorprof.errors import TimedOut, UsageError
from razorprof.serve.connections import Connections, has_left, read_head, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Our end and the client's."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n"])
def test_a_head_is_read_up_to_its_end_and_no_body(pair: Pair, end: bytes) -> None:
    ours, theirs = pair
    theirs.sendall(b"GET / HTTP/1.1\r\nHost: x" + end + b"body\r\n\r\n")
    assert read_head(ours, 5.0) == b"GET / HTTP/1.1\r\nHost: x" + end


def test_a_head_that_does_not_come_in_time_is_given_up(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"GET / HT")
    with pytest.raises(TimedOut):
        read_head(ours, 0.05)


def test_a_head_without_end_is_given_up_by_its_size(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000)
    with pytest.raises(UsageError):
        read_head(ours, 5.0, longest=4096)


def test_a_client_that_leaves_is_noticed(pair: Pair) -> None:
    ours, theirs = pair
    assert not has_left(ours)
    theirs.close()
    assert has_left(ours)
    with pytest.raises(EOFError):
        read_head(ours, 5.0)


def test_an_answer_that_nobody_takes_is_given_up(pair: Pair) -> None:
    ours, _ = pair
    with pytest.raises(TimeoutError):
        send(ours, bytes(64 << 20), 0.05)


def sockets(number: int) -> list[Pair]:
    return [socket.socketpair() for _ in range(number)]


def is_cut(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_when_all_places_are_taken_the_slowest_reader_gives_up_its_own() -> None:
    pairs = sockets(4)
    places = Connections(most=3)
    for ours, _ in pairs[:3]:
        assert places.admit(ours)
    places.has_asked(pairs[0][0])  # the oldest has asked: it is being answered
    assert places.admit(pairs[3][0])
    assert [is_cut(theirs) for _, theirs in pairs] == [False, True, False, False]
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_when_all_places_are_answers_the_next_is_turned_away_until_one_leaves() -> None:
    pairs = sockets(3)
    places = Connections(most=2)
    for ours, _ in pairs[:2]:
        assert places.admit(ours)
        places.has_asked(ours)
    assert not places.admit(pairs[2][0])
    places.leave(pairs[0][0])
    assert places.admit(pairs[2][0])
    places.cut_all()
    assert [is_cut(theirs) for _, theirs in pairs] == [False, True, True]
    for ours, theirs in pairs:
        ours.close()
        theirs.close()
