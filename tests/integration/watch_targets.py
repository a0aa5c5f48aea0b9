"""A running `razorprof watch`, what it tells, and a listener for what it posts; and a stand-in for systemd."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

LONG = 90.0  # seconds that no machine needs


def until(condition: Callable[[], bool], what: str = "", seconds: float = LONG) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it never came true"
        time.sleep(0.1)


class Watching:
    """A `razorprof watch --json` that a test started. events: what it has told so far."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._errors = errors
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    @property
    def url(self) -> str:
        return str(self.wait_for("started")["url"])

    def told(self, event: str, **parts: object) -> list[dict[str, Any]]:
        """The events of a kind with these parts."""
        found = [one for one in self.events if one["event"] == event]
        return [one for one in found if all(one.get(name) == value for name, value in parts.items())]

    def wait_for(self, event: str, number: int = 1, **parts: object) -> dict[str, Any]:
        """The event, once it was told so often."""
        until(
            lambda: len(self.told(event, **parts)) >= number or self.process.poll() is not None,
            f"no {event} {parts}: {self.events} {self.errors}",
        )
        found = self.told(event, **parts)
        assert len(found) >= number, (self.process.poll(), self.events, self.errors)
        return found[number - 1]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        if self.process.poll() is None:
            self.send(number)
        code = self.process.wait(LONG)
        self._reader.join(LONG)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))


@contextmanager
def watching(folder: Path, *arguments: str, **environment: str) -> Iterator[Watching]:
    """`razorprof watch ARGUMENTS --json`; ended by its pid."""
    errors = folder / f"watch-{time.monotonic_ns()}.err"
    command = [sys.executable, "-m", "razorprof", "watch", *arguments, "--json"]
    if "--state" not in arguments:
        command += ["--state", str(folder / "state")]
    with errors.open("w") as file:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=file, text=True, env={**os.environ, **environment}
        )
    try:
        yield Watching(process, errors)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Hook:
    """Takes what is posted to a webhook."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.payloads: list[dict[str, Any]] = []

    def alerts(self, name: str, status: str) -> list[dict[str, Any]]:
        """The alerts of a name that were told in this state."""
        found = [alert for payload in self.payloads for alert in payload["alerts"]]
        return [one for one in found if (one["labels"]["alertname"], one["status"]) == (name, status)]

    def wait_for(self, name: str, status: str, number: int = 1) -> dict[str, Any]:
        until(lambda: len(self.alerts(name, status)) >= number, f"no {name} {status}")
        return self.alerts(name, status)[number - 1]


@contextmanager
def hook() -> Iterator[Hook]:
    """A listener on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            found.payloads.append(json.loads(content))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Hook(f"http://127.0.0.1:{server.server_address[1]}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


class Manager:
    """What systemd hears over NOTIFY_SOCKET."""

    def __init__(self, listener: socket.socket, address: str) -> None:
        self.address = address
        self.messages: list[str] = []
        self._listener = listener
        threading.Thread(target=self._listen, daemon=True).start()

    def heard(self, line: str) -> int:
        """How often a line was told."""
        return sum(line in message.split("\n") for message in self.messages)

    def _listen(self) -> None:
        while True:
            try:
                self.messages.append(self._listener.recv(4096).decode())
            except OSError:
                return


@contextmanager
def service_manager(folder: Path) -> Iterator[Manager]:
    """A stand-in for systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        address = str(folder / "notify")
        listener.bind(address)
        yield Manager(listener, address)
        listener.shutdown(socket.SHUT_RD)


def metric(url: str, name: str) -> float | None:
    """The value of razorprof's own metric without further labels."""
    page = httpx.get(f"{url}/metrics", timeout=LONG, trust_env=False)
    for line in page.text.splitlines():
        if line.startswith(name + "{"):
            return float(line.rpartition(" ")[2])
    return None
