"""A running `razorprof serve`, and how tests ask it."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

PROGRAMS = Path(__file__).parent.parent / "programs"
SPLIT = PROGRAMS / "split_60_30_10.py"
PATIENCE = 60.0  # seconds, on a machine that others use too


class Serving:
    """A `razorprof serve` that a test started. `url` is where it listens."""

    def __init__(self, process: subprocess.Popen[str], document: dict[str, Any], errors: Path) -> None:
        self.process = process
        self.url: str = document["url"]
        self.port: int = document["port"]
        self.document = document
        self._errors = errors

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def get(self, path: str, timeout: float = PATIENCE, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(self.url + path, headers=named, timeout=timeout, trust_env=False)

    def series(self) -> dict[tuple[str, str], float]:
        """(name, pid) -> value, of series that are told apart by that. None before the first tick."""
        page = self.get("/metrics")
        families = text_string_to_metric_families(page.text if page.status_code == 200 else "")
        return {(s.name, s.labels.get("pid", "")): s.value for family in families for s in family.samples}

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.get("/-/ready").status_code == 200)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Serving]:
    """`razorprof serve ARGUMENTS` on a free port; ended by its pid."""
    errors = folder / "serve.err"
    command = [sys.executable, "-m", "razorprof", "serve", *arguments, "--json"]
    if "--listen" not in arguments:
        command += ["--listen", "127.0.0.1:0"]
    with errors.open("w") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, errors.read_text()
        yield Serving(process, json.loads(line), errors)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.2)


def make_certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 signed by itself, its key, and a client's context that trusts it."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=razorprof", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return certificate, key, ssl.create_default_context(cafile=str(certificate))
