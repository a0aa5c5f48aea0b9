"""Applications' own metrics, of real programs: by url:, by port:, and looked for with --probe."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.integration.targets_room import AS_NOBODY, razorprof, require_prefix
from tests.live_targets import Program, PythonBuild, StartProgram

PROGRAM = Path(__file__).parents[1] / "programs" / "metrics_page.py"
NOBODY = ("env", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent", *AS_NOBODY)
CLIENT = """
import sys, time
from prometheus_client import Counter, Histogram, start_http_server
orders = Counter("shop_orders", "Orders.", ["kind"])
wait = Histogram("shop_wait_seconds", "Wait.", buckets=(1, 2))
orders.labels("paper").inc(7)
wait.observe(1.5)
server, thread = start_http_server(0, addr="127.0.0.1")
print("ports", server.server_port)
time.sleep(300)
"""


@dataclass(frozen=True)
class Look:
    """What `top` said of one target last."""

    target: dict[str, Any]

    @property
    def source(self) -> dict[str, Any] | None:
        found = [source for source in self.target["sources"] if source["name"] == "application"]
        return found[0] if found else None

    def values(self, name: str) -> list[tuple[dict[str, str], float | None]]:
        return [(m["labels"], m["value"]) for m in self.target["metrics"] if m["name"] == name]


def look(*arguments: str, times: int = 2) -> Look:
    answer = razorprof("top", *arguments, "-n", str(times), "--interval", "0.5", "--json")
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr
    return Look(json.loads(answer.stdout.splitlines()[-1])["targets"][0])


def ports(program: Program) -> list[int]:
    line = next(one for one in program.wait_for("ports").splitlines() if "ports" in one)
    return [int(word) for word in line.partition("ports")[2].split()]


def shown(server: Program) -> str:
    """What a server says when it serves."""
    deadline = time.monotonic() + 60
    while "/metrics" not in server.output + server.errors and time.monotonic() < deadline:
        time.sleep(0.05)
    return server.output + server.errors


def skipped(seen: Look, reason: str) -> float | None:
    found = [
        v for labels, v in seen.values("razorprof_application_samples_skipped_total") if labels["reason"] == reason
    ]
    return found[0] if found else None


def test_a_client_library_s_page_joins_the_figures_that_are_read_from_outside(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "shop.py"
    source.write_text(CLIENT)
    program = start_program(sys.executable, source)
    (port,) = ports(program)
    seen = look(f"url:http://127.0.0.1:{port}")
    assert seen.target["pid"] == program.pid
    assert seen.values("shop_orders_total") == [({"kind": "paper"}, 7.0)]
    assert {labels["le"]: v for labels, v in seen.values("shop_wait_seconds_bucket")} == {
        "1.0": 0.0,
        "2.0": 1.0,
        "+Inf": 1.0,
    }
    assert len(seen.values("process_resident_memory_bytes")) == 1
    assert len(seen.values("python_gc_collections_total")) == 3  # ours: the page has them too
    assert (skipped(seen, "ours") or 0) >= 10
    assert seen.target["labels"]["pid"] == str(program.pid)


@pytest.mark.edges
def test_a_page_made_by_hand_is_read_on_every_python(
    python_build: PythonBuild, start_program: StartProgram
) -> None:
    program = start_program(python_build, PROGRAM, "page")
    (port,) = ports(program)
    seen = look(f"port:{port}")
    if not seen.values("shop_orders_total"):  # on a crowded machine the page may come after the second look
        seen = look(f"port:{port}", times=8)
    ((labels, orders),) = seen.values("shop_orders_total")
    assert labels == {"kind": "paper", "exported_job": "theirs"}
    assert orders is not None
    assert 1 <= orders <= program.output.count("asked /metrics razorprof/")
    assert seen.values("shop_depth") == [({}, None)]
    ((_, cpu),) = seen.values("process_cpu_seconds_total")
    assert cpu is not None
    assert cpu < 1000  # ours, not the page's 12345


def test_ports_are_asked_only_with_probe_and_one_that_speaks_another_language_is_asked_once(
    start_program: StartProgram,
) -> None:
    program = start_program(sys.executable, PROGRAM, "plain")
    ports(program)
    assert look(str(program.pid)).source is None
    assert "asked" not in program.output
    assert "connected" not in program.output
    seen = look(str(program.pid), "--probe", times=4)
    assert len(seen.values("shop_orders_total")) == 1
    assert "asked /metrics razorprof/" in program.output
    assert program.output.count("connected") <= 1


def test_a_probe_that_finds_no_page_says_why_and_is_no_failure(start_program: StartProgram) -> None:
    program = start_program(sys.executable, PROGRAM, "hung")
    (port,) = ports(program)
    seen = look(str(program.pid), "--probe", times=7)
    assert seen.source is not None
    assert seen.source["up"] is True
    assert f"port {port}: no page within" in seen.source["missing"]["application"]
    assert program.output.count("connected") == 1


def test_a_process_that_shares_a_socket_but_does_not_answer_is_not_taken_for_the_one_that_does(
    start_program: StartProgram,
) -> None:
    program = start_program(sys.executable, PROGRAM, "forked")
    (port,) = ports(program)
    seen = look(str(program.pid), "--probe", times=4)
    assert seen.source is not None
    assert "another process answers" in seen.source["missing"]["application"]
    assert "asked" not in program.output
    named = look(f"url:http://127.0.0.1:{port}")
    assert named.target["pid"] == program.pid
    assert len(named.values("shop_orders_total")) == 1


def test_a_hung_page_fails_alone(start_program: StartProgram) -> None:
    hung, well = (start_program(sys.executable, PROGRAM, how) for how in ("hung", "page"))
    (bad,), (good,) = ports(hung), ports(well)
    answer = razorprof(
        "top", f"url:http://127.0.0.1:{bad}", f"port:{good}", "-n", "9", "--interval", "0.5", "--json"
    )
    documents = [json.loads(line) for line in answer.stdout.splitlines()]
    times = [document["time"] for document in documents]
    assert len(times) == 9
    assert max(b - a for a, b in pairwise(times)) < 3.0  # as long as the page was waited for
    first, second = (Look(target) for target in documents[-1]["targets"])
    assert first.source is not None
    assert first.source["up"] is False
    assert first.source["error"]["name"] == "timed_out"
    assert all(source["up"] for source in first.target["sources"] if source["name"] != "application")
    assert len(second.values("shop_orders_total")) == 1


EXPVAR = """
import http.server, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        there = self.path == "/debug/vars"
        body = b'{"cmdline": ["shop"], "orders": 7, "cache": {"hits": 3}}' if there else b"no such page"
        self.send_response(200 if there else 404)
        self.send_header("Content-Type", "application/json; charset=utf-8" if there else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.HTTPServer(("127.0.0.1", 0), Page)
print("ports", server.server_port, flush=True)
server.serve_forever()
"""


def test_a_program_that_has_expvar_and_no_metrics_is_read_by_its_url(start_program: StartProgram) -> None:
    program = start_program(sys.executable, "-c", EXPVAR)
    (port,) = ports(program)
    seen = look(f"url:http://127.0.0.1:{port}", times=3)
    assert seen.values("expvar_orders") == [({}, 7.0)]
    assert seen.values("expvar_cache") == [({"key": "hits"}, 3.0)]


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("url:http://me:sesame@127.0.0.1:1", 2, "credentials"),
        ("url:ftp://127.0.0.1", 2, "http"),
        ("url:http://127.0.0.1:1", 3, "no process matches"),
        ("url:http://192.0.2.1:80", 5, "another machine"),
        ("url:http://example.com", 5, "by name"),
    ],
)
def test_urls_that_mean_no_process_here_end_with_their_exit_code(target: str, code: int, words: str) -> None:
    answer = razorprof("top", target, "--once")
    assert answer.returncode == code
    assert words in answer.stderr
    assert "hint: " in answer.stderr
    assert "sesame" not in answer.stderr + answer.stdout


def test_a_page_of_another_user_s_process_is_refused_for_lack_of_permission(start_program: StartProgram) -> None:
    require_prefix(AS_NOBODY)
    program = start_program(sys.executable, PROGRAM, "page")
    (port,) = ports(program)
    answer = razorprof("top", f"url:http://127.0.0.1:{port}", "--once", prefix=NOBODY)
    assert answer.returncode == 4, answer.stdout + answer.stderr
    assert "asked" not in program.output
    assert os.path.exists(f"/proc/{program.pid}")


def test_serve_joins_the_page_under_the_target_s_labels_and_promtool_accepts_it(
    start_program: StartProgram, tmp_path: Path
) -> None:
    source = tmp_path / "shop.py"
    source.write_text(CLIENT)
    program = start_program(sys.executable, source)
    ports(program)
    server = start_program(
        sys.executable, "-m", "razorprof", "serve", str(program.pid), "--probe", "--listen", "127.0.0.1:0"
    )
    url = re.search(r"http://\S+/metrics", shown(server))
    assert url is not None
    deadline = time.monotonic() + 60
    page = ""
    while "shop_wait_seconds_count{" not in page and time.monotonic() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(OSError), urllib.request.urlopen(url[0], timeout=10) as answer:
            page = answer.read().decode()
    (line,) = [line for line in page.splitlines() if line.startswith("shop_orders_total{")]
    assert line.endswith("} 7.0")
    for label in ('job="shop.py"', f'pid="{program.pid}"', 'runtime="cpython"', 'kind="paper"', "instance="):
        assert label in line
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (make test-deps)")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
