"""Our own plug-ins pass the checks that we give to others."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from razorprof.plugin import loading
from razorprof.plugin.panels import Panel
from razorprof.plugin.protocols import Format, Source, SourceOptions
from razorprof.testing import conformance
from razorprof.testing.conformance.programs import python_program

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="module")
def program() -> Iterator[int]:
    with python_program() as program:
        yield program.pid


@pytest.mark.parametrize("source", loading.sources(), ids=lambda source: source.name)
def test_sources_conform(source: Source) -> None:
    # a process need not live in a container, and need not show a page of metrics
    may_refuse = source.name in ("cgroup", "application")
    conformance.expect(conformance.check_source(source, may_refuse=may_refuse))


def test_the_built_in_runtime_conforms(program: int) -> None:
    conformance.expect(conformance.check_runtime(loading.find_runtime("cpython"), own=program))


@pytest.mark.parametrize("format", loading.formats(), ids=lambda format: format.name)
def test_formats_conform(format: Format) -> None:
    conformance.expect(conformance.check_format(format))


@pytest.mark.parametrize("loaded", loading.panels(), ids=lambda loaded: loaded.report.name)
def test_panels_conform(loaded: loading.Loaded[Panel]) -> None:
    assert loaded.plugin is not None
    conformance.expect(conformance.check_panel(loaded.plugin))


class Content(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def content() -> Iterator[str]:
    """The URL of a server that is content with everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Content) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("name", ["webhook", "alertmanager"])
def test_notifiers_over_http_conform(name: str, content: str) -> None:
    with conformance.silent_server() as silent:
        conformance.expect(
            conformance.check_notifier(
                loading.find_notifier(name), {"url": content}, hanging={"url": silent}, bad={"url": "not a URL"}
            )
        )


def test_the_notifier_that_runs_a_command_conforms() -> None:
    takes = json.dumps([sys.executable, "-c", "import sys; sys.stdin.read()"])
    hangs = json.dumps([sys.executable, "-c", "import time; time.sleep(60)"])
    notifier = loading.find_notifier("command")
    found = conformance.check_notifier(
        notifier, {"argv": takes}, hanging={"argv": hangs}, bad={"argv": ""}, timeout=3.0
    )
    conformance.expect(found)


def test_the_bell_conforms_on_a_terminal() -> None:
    master, slave = os.openpty()
    try:
        with open(slave, "w", encoding="utf-8") as terminal:
            bell: Any = type(loading.find_notifier("bell"))
            conformance.expect(conformance.check_notifier(bell(terminal), {}))
    finally:
        os.close(master)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for folder in ("source_in_30_lines", "panel_of_pauses"):
        monkeypatch.syspath_prepend(EXAMPLES / folder)
    yield
    for module in ("oom_score", "panel_of_pauses"):
        sys.modules.pop(module, None)


@pytest.mark.usefixtures("example")
def test_the_examples_conform() -> None:
    from importlib import import_module

    source = import_module("oom_score").OomScore()
    conformance.expect(conformance.check_source(source, options=SourceOptions()))
    conformance.expect(conformance.check_panel(import_module("panel_of_pauses").Pauses()))
