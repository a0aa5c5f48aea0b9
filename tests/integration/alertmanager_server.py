"""A real Alertmanager on a free port of the loopback, and a listener for what it posts to a webhook.

`running` starts it with its own configuration and data in a folder, without a cluster; it is ended by its pid.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

PROGRAM = "prometheus-alertmanager"
LONG = 60.0  # seconds that no machine needs

_CONFIG = """
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 300ms
  group_interval: 1s
  repeat_interval: 24h
receivers:
  - name: hook
    webhook_configs: {hooks}
"""


def missing_alertmanager() -> bool:
    """Whether it is not installed (make test-deps)."""
    return shutil.which(PROGRAM) is None


@dataclass(frozen=True)
class AlertmanagerServer:
    """url: with the prefix of its paths, where it has one."""

    url: str
    pid: int

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """What it knows to be firing of the alerts of this name, as its API tells it."""
        query = {"filter": f"alertname={json.dumps(name)}"}
        found = httpx.get(f"{self.url}/api/v2/alerts", params=query, timeout=LONG)
        found.raise_for_status()
        alerts: list[dict[str, Any]] = found.json()
        return alerts

    def wait_for_alerts(self, name: str, number: int) -> list[dict[str, Any]]:
        """Those, once there are so many."""
        limit = time.monotonic() + LONG
        while len(found := self.alerts(name)) != number:
            assert time.monotonic() < limit, found
            time.sleep(0.05)
        return found


@contextmanager
def running(folder: Path, *, hook: str = "", prefix: str = "/") -> Iterator[AlertmanagerServer]:
    """An Alertmanager that posts to `hook`: alerts by name, their ends too. prefix: of its paths."""
    config, log = folder / "alertmanager.yml", folder / "alertmanager.log"
    hooks = json.dumps([{"url": hook, "send_resolved": True}] if hook else [])
    config.write_text(_CONFIG.format(hooks=hooks))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}{prefix}".rstrip("/")
    with log.open("wb") as output:
        server = subprocess.Popen(
            [PROGRAM, f"--config.file={config}", f"--storage.path={folder / 'data'}", "--log.level=warn",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
             f"--web.external-url={url}", f"--web.route-prefix={prefix}"],
            stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
    try:
        _wait_until_ready(server, url, log)
        yield AlertmanagerServer(url, server.pid)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


class Listener:
    """Takes posts of JSON, and keeps them. status: of its answers."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self._posts: list[tuple[dict[str, str], Any]] = []
        self._changed = threading.Condition()

    def add(self, headers: dict[str, str], document: Any) -> None:
        with self._changed:
            self._posts.append((headers, document))
            self._changed.notify_all()

    def posts(self, number: int) -> Sequence[Any]:
        """The documents of all posts, once there are so many at least."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._posts) >= number, LONG), self._posts
            return [document for _, document in self._posts]

    @property
    def headers(self) -> dict[str, str]:
        """Those of the last post, by their names in lower case."""
        with self._changed:
            return {name.lower(): value for name, value in self._posts[-1][0].items()}


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port of the loopback."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            listener.add(dict(self.headers.items()), json.loads(body))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LONG)


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    limit = time.monotonic() + LONG
    while time.monotonic() < limit:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/-/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready: {log.read_text()}")
