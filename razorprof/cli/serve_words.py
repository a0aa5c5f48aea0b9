"""What `serve` says: where it listens, which targets have ended, and which have come. Called by cli.serve."""

from __future__ import annotations

import os
from collections.abc import Callable

from razorprof.cli import output
from razorprof.model.target import Identity, Life
from razorprof.render.text import printable
from razorprof.serve.server import Server
from razorprof.session.view import SessionState


def announce(server: Server, state: SessionState, *, as_json: bool) -> None:
    """One line: where it listens and for what. JSON on stdout, else words on stderr."""
    host, port = server.server_address[:2]
    targets = [status.target for status in state.targets]
    if as_json:
        document = {
            "url": server.url,
            "address": str(host),
            "port": int(port),
            "pid": os.getpid(),
            "targets": [{"pid": target.pid, "name": target.name} for target in targets],
        }
        output.print_json_line(document)
    else:
        names = ", ".join(f"{target.pid} {printable(target.name)}" for target in targets[:8])
        more = f" and {len(targets) - 8} more" if len(targets) > 8 else ""
        output.say(f"serving {server.url}/metrics of {names}{more} (Ctrl-C ends it)")


def teller() -> Callable[[SessionState], None]:
    """Says on stderr which targets have ended, and which have come."""
    told: dict[Identity, bool] = {}

    def tell(state: SessionState) -> None:
        first = not told
        now = {status.target.identity: status for status in state.targets}
        for identity, status in now.items():
            gone = status.life is Life.GONE
            name = f"{status.target.pid} {printable(status.target.name)}"
            if gone and not told.get(identity, False):
                output.say(f"{name} has ended{': ' + printable(status.how) if status.how else ''}")
            elif not first and identity not in told:
                output.say(f"{name} has come")
            told[identity] = gone
        for identity in [key for key in told if key not in now]:
            del told[identity]

    return tell
