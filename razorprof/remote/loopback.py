"""Where a process of this machine can be asked over HTTP: the sockets that it listens on itself, on the loopback.

For sources and runtimes with a user's consent to probe. Looks at files only and connects to nothing.
"""

from __future__ import annotations

from razorprof.errors import NotSupported
from razorprof.remote.http_address import PageAddress
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import Listener, listeners, shares_our_network, socket_inodes

MOST_PORTS = 16


def loopback_listeners(view: ProcessView) -> list[Listener]:
    """Sockets of the process itself that listen on the loopback or on any address, by port; at most MOST_PORTS."""
    check_network(view)
    here = [one for one in listeners(view) if one.at.ip.is_loopback or one.at.ip.is_unspecified]
    own = socket_inodes(view) if here else set()
    return [one for one in here if one.inode in own][:MOST_PORTS]


def page_at(listener: Listener) -> PageAddress:
    """/metrics of a socket that listens; on the loopback where it takes any address."""
    ip = listener.at.ip
    if ip.is_unspecified:
        return PageAddress("::1" if ip.version == 6 else "127.0.0.1", listener.at.port)
    return PageAddress(str(ip), listener.at.port)


def check_network(view: ProcessView) -> None:
    """Raises NotSupported for a process that is not reached from our network namespace."""
    if not shares_our_network(view):
        raise NotSupported(
            "the process is in another network namespace",
            value=view.pid,
            hint="run razorprof there: nsenter -t PID -n razorprof ...",
        )
