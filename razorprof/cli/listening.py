"""Where a command answers over HTTP, and to whom: the options of serve and watch, checked and bound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.serve.access import Access
    from razorprof.serve.server import Server

LISTEN_HELP = "Where to listen; port 0: any free one."

TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Answer only requests with this bearer token; needed where others can reach the address.",
        show_default=False,
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate.", show_default=False),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="FILE", help="Its key, where it is a file apart.", show_default=False),
]


def bind(
    listen: str, token_file: Path | None, tls_cert: Path | None, tls_key: Path | None
) -> tuple[Server, Access]:
    """A server that is bound and does not answer yet, and who may ask it. Raises UsageError, ToolFailed,
    PermissionDenied."""
    from razorprof.serve.access import access_for, read_token, tls_context
    from razorprof.serve.address import parse_address
    from razorprof.serve.server import Server

    address = parse_address(listen)
    access = access_for(address, None if token_file is None else read_token(token_file))
    server = Server(address, tls_context(tls_cert, tls_key))
    if not address.is_loopback and tls_cert is None:
        from razorprof.cli import output

        output.say("without --tls-cert, the token and all figures cross the network readable")
    return server, access
