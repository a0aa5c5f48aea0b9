"""Where a page is looked for, and how often."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest

from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.http_address import PageAddress
from razorprof.remote.loopback import page_at
from razorprof.remote.tcp_sockets import Endpoint, Listener
from razorprof.sources.application import ApplicationSource
from razorprof.sources.application_places import FIRST_PAUSE, LONGEST_PAUSE, Probe


def listener(port: int, ip: str = "127.0.0.1", inode: int = 0) -> Listener:
    return Listener(Endpoint(ipaddress.ip_address(ip), port), inode or port)


@pytest.mark.parametrize(
    ("ip", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.9", "127.0.0.9"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("::1", "::1"),
    ],
)
def test_a_socket_of_any_address_is_asked_on_the_loopback(ip: str, host: str) -> None:
    assert page_at(listener(8000, ip)) == PageAddress(host, 8000)


def test_a_port_that_gave_no_page_is_asked_ever_more_seldom() -> None:
    probe, now, asked = Probe(), 1000.0, []
    for second in range(7200):
        for one in probe.due([listener(1)], now + second):
            asked.append(second)
            probe.gave_none(one, now + second, "status 404")
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] == 0
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert probe.reason() == "port 1: status 404"


def test_a_new_socket_is_asked_at_once_also_on_a_port_that_was_asked_before() -> None:
    probe = Probe()
    old = listener(1, inode=41)
    probe.gave_none(old, 0.0, "status 404")
    assert probe.due([old, listener(2)], 1.0) == [listener(2)]
    assert probe.due([listener(1, inode=42)], 1.0) == [listener(1, inode=42)]
    assert probe.reason() == "it listens on no loopback port"


@pytest.mark.parametrize(
    ("selector", "parent", "probe", "applies"),
    [
        ("7", None, False, False),
        ("7", None, True, True),
        ("name:web", None, False, False),
        ("port:8000", None, False, True),
        ("url:http://127.0.0.1:8000", None, False, True),
        ("port:8000", 3, False, False),
        ("", None, False, False),
    ],
)
def test_a_target_is_asked_where_its_address_was_named_or_a_probe_is_wanted(
    selector: str, parent: int | None, probe: bool, applies: bool
) -> None:
    target = Target(Identity(7, 1), "web", selector=selector, parent=parent)
    assert ApplicationSource().applies(target, SourceOptions(probe=probe)) is applies
