"""`razorprof serve` on real targets: promtool, a real Prometheus, TLS, slow clients, targets that come and go."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from razorprof.recording.profile_files import decode_profile
from tests.integration.serve_targets import SPLIT, Serving, make_certificate, serving, wait_for
from tests.live_targets import Program, PythonBuild, StartProgram

TOKEN = "0123456789abcdef0123456789"


@pytest.fixture
def target(start_program: StartProgram) -> Program:
    program = start_program(sys.executable, SPLIT, "300")
    program.wait_for("ready")
    return program


def refusal(*arguments: str) -> tuple[int, str]:
    """How `serve` ends when it does not begin."""
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", "serve", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.edges
def test_promtool_accepts_the_page_of_every_python(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine")
    program = start_program(python_build, SPLIT, "120")
    program.wait_for("ready")
    with serving(tmp_path, str(program.pid)) as served:
        parts = ("python_gc_collections_total", "python_function_cpu_ratio", "process_cpu_seconds_total")
        wait_for(lambda: all(part in served.get("/metrics").text for part in parts))
        page = served.get("/metrics").text
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        assert f'pid="{program.pid}",runtime="cpython"' in page


@contextlib.contextmanager
def prometheus(folder: Path, served: Serving) -> Iterator[httpx.Client]:
    """A real one that scrapes `served` every second; ended by its pid."""
    config, port = folder / "prometheus.yml", free_port()
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        "  - job_name: razorprof\n"
        "    honor_labels: true\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{served.port}']}}]\n"
    )
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def asked(client: httpx.Client, expression: str) -> list[tuple[dict[str, str], float]]:
    try:
        answer = client.get("/query", params={"query": expression}).json()
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]
    except (httpx.HTTPError, json.JSONDecodeError, KeyError):
        return []  # it is still starting


def test_a_real_prometheus_scrapes_it_and_keeps_the_targets_labels(target: Program, tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine")
    with serving(tmp_path, str(target.pid), "--job", "split") as served, prometheus(tmp_path, served) as client:
        wait_for(lambda: [v for _, v in asked(client, 'up{job="razorprof",pid=""}')] == [1.0])
        wait_for(lambda: bool(asked(client, f'process_cpu_seconds_total{{job="split",pid="{target.pid}"}} > 0')))
        [(labels, busy)] = asked(client, f'up{{pid="{target.pid}"}}')
        assert (labels["job"], labels["runtime"], busy) == ("split", "cpython", 1.0)
        assert asked(client, '{__name__=~".*_created"}') == []
        assert asked(client, '{__name__=~".+",exported_job!=""}') == []
        target.end()
        wait_for(lambda: [v for _, v in asked(client, f'up{{pid="{target.pid}"}}')] == [0.0])
        wait_for(lambda: asked(client, f'process_cpu_seconds_total{{pid="{target.pid}"}}') == [])
        assert [v for _, v in asked(client, 'up{job="razorprof",pid=""}')] == [1.0]


def test_a_process_that_a_prometheus_does_not_know_is_no_ok(
    target: Program, start_program: StartProgram, tmp_path: Path
) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine")
    other = start_program(sys.executable, SPLIT, "300")
    other.wait_for("ready")
    with serving(tmp_path, str(target.pid)) as served, prometheus(tmp_path, served) as client:
        wait_for(lambda: bool(asked(client, f'process_cpu_seconds_total{{pid="{target.pid}"}}')))
        url = str(client.base_url).removesuffix("/").removesuffix("/api/v1")
        verdicts = []
        for pid in (target.pid, other.pid):
            command = [sys.executable, "-m", "razorprof", "check", str(pid), "--from", url]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            verdicts.append((done.returncode, done.stdout))
    assert verdicts[0][0] == 0, verdicts
    assert verdicts[1][0] == 3, verdicts
    assert f"process {other.pid} is not known there" in verdicts[1][1]


def test_profiles_and_threads_come_over_http(target: Program, tmp_path: Path) -> None:
    with serving(tmp_path, str(target.pid)) as served:
        served.wait_until_ready()
        answer = served.get("/debug/pprof/profile?seconds=2")
        assert answer.status_code == 200, answer.text
        functions = {
            frame.function for key in decode_profile(answer.content, "p.pb.gz").weights for frame in key.stack
        }
        assert {"sixty", "thirty"} <= functions
        assert "idle-one" in served.get("/debug/pprof/goroutine?debug=2").text
        assert served.get("/debug/pprof/heap").status_code == 501


def test_ctrl_c_ends_it_with_0_also_while_a_profile_is_taken(target: Program, tmp_path: Path) -> None:
    with serving(tmp_path, str(target.pid)) as served:
        served.wait_until_ready()
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(b"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_for(lambda: served.get("/debug/pprof/goroutine").status_code == 429)
            served.process.send_signal(signal.SIGINT)
            assert served.process.wait(20) == 0
    assert target.process.poll() is None


def test_sampling_goes_on_while_fifty_clients_dawdle_and_a_quick_one_is_served(
    target: Program, tmp_path: Path
) -> None:
    with serving(tmp_path, str(target.pid), "--interval", "0.5") as served:
        served.wait_until_ready()
        clients = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(80)]
        reads, slowest = [], 0.0
        try:
            end = time.monotonic() + 5.0
            while time.monotonic() < end:
                for place, client in enumerate(clients):
                    with contextlib.suppress(OSError):  # those that took too long are cut off
                        client.sendall(b"GET /metrics HTTP/1.1\r\n" if place % 2 else b"G")
                begun = time.monotonic()
                page = served.get("/metrics").text
                slowest = max(slowest, time.monotonic() - begun)
                [count] = [
                    float(row.rpartition(" ")[2])
                    for row in page.splitlines()
                    if row.startswith("razorprof_scrape_duration_seconds_count") and 'source="process"' in row
                ]
                reads.append((time.monotonic(), count))
                time.sleep(0.5)
        finally:
            for client in clients:
                client.close()
        (first, before), (last, after) = reads[0], reads[-1]
        assert after - before > 0.5 * (last - first) / 0.5, reads  # half of the reads at least, on a busy machine
        assert slowest < 5.0
        assert "Traceback" not in served.errors


@pytest.mark.slow
def test_a_client_that_never_asks_is_cut_off(target: Program, tmp_path: Path) -> None:
    with (
        serving(tmp_path, str(target.pid)) as served,
        socket.create_connection(("127.0.0.1", served.port)) as slow,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        slow.settimeout(30.0)
        assert b" 408 " in slow.recv(4096)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789", b" 405 "),
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", b" 421 "),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 404 "),
        (b"GET http://[bad/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 400 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b" 400 "),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 200 + b"\r\n", b" 431 "),
        (b"GET /" + b"a" * 30000, b" 431 "),
        (b"GET /?" + b"a&" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 400 "),
        (b"GET / HTTP/9.9\r\n\r\n", b" 505 "),
    ],
    ids=["post", "host", "bytes", "url", "tls", "headers", "line", "query", "version"],
)
def test_requests_that_cannot_be_meant_are_answered_so(request_text: bytes, status: bytes, small: Serving) -> None:
    with socket.create_connection(("127.0.0.1", small.port)) as client:
        client.settimeout(30.0)
        with contextlib.suppress(OSError):
            client.sendall(request_text)
        with contextlib.suppress(ConnectionResetError):  # it does not read on, and TCP may tell so first
            answer = client.recv(4096)
            assert answer[:20].startswith(b"HTTP/1.1" + status), answer
    assert small.get("/-/healthy").status_code == 200
    assert "Traceback" not in small.errors


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for tests that do not change it; its target sleeps."""
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        with serving(tmp_path_factory.mktemp("small"), str(sleeper.pid)) as served:
            yield served
    finally:
        sleeper.terminate()
        sleeper.wait(20)


def test_tls_and_a_token_are_asked_of_everybody(target: Program, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    certificate, key, trusting = make_certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    options = ["--token-file", str(token), "--tls-cert", str(certificate), "--tls-key", str(key)]
    with serving(tmp_path, str(target.pid), *options) as served:
        assert served.url.startswith("https://127.0.0.1:")
        with httpx.Client(base_url=served.url, verify=trusting, timeout=30, trust_env=False) as client:
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            wait_for(lambda: client.get("/-/ready").status_code == 200)
            assert client.get("/metrics").status_code == 401
            assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert "process_cpu_seconds_total" in client.get("/metrics", headers=bearer).text
            with socket.create_connection(("127.0.0.1", served.port)) as plain:  # no TLS at all
                plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                plain.settimeout(30.0)
                with contextlib.suppress(ConnectionResetError):
                    assert not plain.recv(4096).startswith(b"HTTP")
            assert client.get("/metrics", headers=bearer).status_code == 200
        assert "Traceback" not in served.errors
        assert TOKEN not in served.errors


def test_a_process_that_takes_its_place_is_found_by_its_name(start_program: StartProgram, tmp_path: Path) -> None:
    program = tmp_path / "razorprof_comes_again.py"
    program.write_text("import time\nprint('ready', flush=True)\ntime.sleep(300)\n")
    first = start_program(sys.executable, program)
    first.wait_for("ready")
    with serving(tmp_path, "name:razorprof_comes_again*") as served:
        wait_for(lambda: ("process_resident_memory_bytes", str(first.pid)) in served.series())
        first.end()
        wait_for(lambda: served.series().get(("up", str(first.pid))) == 0.0)
        assert ("process_resident_memory_bytes", str(first.pid)) not in served.series()
        second = start_program(sys.executable, program)
        wait_for(lambda: served.series().get(("up", str(second.pid))) == 1.0)
        wait_for(lambda: f"{second.pid} razorprof_comes_again.py has come" in served.errors)
        assert f"{first.pid} razorprof_comes_again.py has ended" in served.errors
        assert served.get("/-/healthy").status_code == 200


def test_a_hostile_name_of_a_process_reaches_no_terminal(start_program: StartProgram, tmp_path: Path) -> None:
    program = tmp_path / 'a"\x1b[2J\nb\\.py'
    program.write_text("import time\nprint('ready', flush=True)\ntime.sleep(300)\n")
    started = start_program(sys.executable, program)
    started.wait_for("ready")
    with serving(tmp_path, str(started.pid)) as served:
        wait_for(lambda: ("process_resident_memory_bytes", str(started.pid)) in served.series())
        started.end()
        wait_for(lambda: "has ended" in served.errors)
        for text in (served.get("/").text, served.get("/-/ready").text, served.errors):
            assert "\x1b" not in text
        exact = program.name.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        assert f'job="{exact}"' in served.get("/metrics").text  # Prometheus gets the name as it is
        assert "\x1b" not in json.dumps(served.document)


def test_a_port_that_is_taken_is_told_before_anything_is_looked_at() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, errors = refusal("999999999", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 6
    assert "listens on this address already" in errors
    assert "hint: see who listens there: razorprof ps port:" in errors


def test_others_are_not_let_in_without_a_token(tmp_path: Path) -> None:
    code, errors = refusal("1", "--listen", ":0")
    assert (code, "--token-file" in errors) == (2, True)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o644)
    code, errors = refusal("1", "--listen", ":0", "--token-file", str(token))
    assert (code, "chmod 600" in errors, TOKEN in errors) == (2, True, False)
