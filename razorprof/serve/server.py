"""The HTTP server: socketserver's threads and http.server's parser, with the bounds of serve.connections.

One request a connection, GET and HEAD only, no body is ever read. A request is parsed once its head is there as
a whole, so that no parser waits for a client. Started and stopped by the command.
"""

from __future__ import annotations

import errno
import logging
import socket
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from razorprof.errors import PermissionDenied, RazorprofError, TimedOut, ToolFailed
from razorprof.serve.address import Address
from razorprof.serve.answers import Answer, Question, words
from razorprof.serve.connections import Connections, has_left, read_head, send
from razorprof.serve.site import Site, answer_before

logger = logging.getLogger(__name__)

_METHODS = ("GET", "HEAD")
_MOST_PARAMETERS = 16
_BACKLOG = 64


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Bound when made, so that an address that is taken is known before any work; answers after `start`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = _BACKLOG

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        """Raises ToolFailed, PermissionDenied where the address cannot be had."""
        self.address_family = address.family
        self.connections = Connections()
        self.site: Site | None = None
        self.url = ""
        self._tls = tls
        self._thread: threading.Thread | None = None
        super().__init__((address.host, address.port), _Handler, bind_and_activate=False)
        try:
            self.server_bind()
            self.server_activate()
        except OSError as error:
            self.server_close()
            raise _refused(address, error) from error
        self.url = address.url(self.port, secure=tls is not None)

    @property
    def port(self) -> int:
        """The port, also where any free one was asked for."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on, in threads of its own; until there is a `site`, that it is being waited for."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.25,), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests; those under way are cut off."""
        if self._thread is not None:
            self.shutdown()
        self.connections.cut_all()
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        try:
            connection, client = self.socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                time.sleep(0.1)  # it stays in the queue, and would be tried again at once
            raise
        if self._tls is not None:
            return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), client
        return connection, client

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        self.connections.leave(request)
        try:
            request.settimeout(1.0)  # a TLS farewell would wait for the other side's
            super().shutdown_request(request)
        except OSError:
            self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's concern; a bug of ours is, and costs one answer."""
        import sys

        quiet = isinstance(sys.exc_info()[1], OSError | EOFError)
        logger.log(logging.DEBUG if quiet else logging.ERROR, "a request of %s", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # not 0.9, whose answers have no status

    def setup(self) -> None:
        self._server = cast("Server", self.server)
        self.connection: socket.socket = self.request
        self.rfile: Any = BytesIO()
        self.wfile: Any = BytesIO()

    def handle(self) -> None:
        self.close_connection = True
        try:
            head = read_head(self.connection)
        except TimedOut as error:
            self._reject(408, str(error))
        except RazorprofError as error:
            self._reject(431, str(error))
        else:
            self._server.connections.has_asked(self.connection)
            self.rfile = BytesIO(head)
            self.handle_one_request()

    def finish(self) -> None:
        send(self.connection, self.wfile.getvalue())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # whatever the method: the parser looks its handler up by name
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.close_connection = True
        if self.command not in _METHODS:
            self._write(words(405, "GET and HEAD only", ("Allow", ", ".join(_METHODS))))
            return
        try:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
        except ValueError:
            self._write(words(400, "not a path that can be meant"))
            return
        site = self._server.site
        hosts = self.headers.get_all("Host") or []
        question = Question(parts.path, query, cast("Any", self.headers), lambda: has_left(self.connection))
        self._write(answer_before(question) if site is None else site.answer(question, hosts))

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in (*answer.more, *_ALWAYS):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _reject(self, status: int, text: str) -> None:
        """Answer without a request that could be read."""
        self.command, self.requestline, self.request_version = "", "", "HTTP/1.1"
        self._write(words(status, text))

    def version_string(self) -> str:
        return "razorprof"

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


_ALWAYS = (
    ("Connection", "close"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


def _refused(address: Address, error: OSError) -> RazorprofError:
    where = f"{address.host}:{address.port}"
    if error.errno == errno.EADDRINUSE:
        hint = (
            f"see who listens there: razorprof ps port:{address.port}; or take any free port: --listen 127.0.0.1:0"
        )
        return ToolFailed("somebody listens on this address already", value=where, hint=hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermissionDenied("no permission to listen there", value=where, hint="a port above 1023 needs none")
    return ToolFailed(
        f"cannot listen there: {error.strerror}", value=where, hint="see the addresses with: ip address"
    )
