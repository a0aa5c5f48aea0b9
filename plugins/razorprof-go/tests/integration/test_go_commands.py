"""Go targets through razorprof's own commands, as users run them, and the kit that every plug-in must pass."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from go_programs import build, running
from razorprof_go import Go

from razorprof.testing import conformance

# Debian's prometheus is a stripped Go binary of a few hundred modules.
CONFIG = "scrape_configs: []\n"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_the_runtime_passes_the_kit_of_plug_ins() -> None:
    with running(build("system", "plain"), "-parked=3", "-churn=64") as busy:
        busy.ask("collect 1")
        conformance.expect(conformance.check_runtime(Go(), own=busy.process.pid))


def test_the_commands_show_go_as_they_show_python() -> None:
    with running(build("system", "plain"), "-parked=12", "-burning=1", "-churn=200", GOGC="50") as busy:
        pid = str(busy.process.pid)
        collector = run_json("gc", pid)
        assert collector["go"]["collections"] > 0
        assert collector["go"]["pause_seconds_total"] > 0
        threads = run_json("threads", pid)
        parked = [group for group in threads["groups"] if group["count"] == 12]
        assert parked[0]["state"] == "waiting"
        document = json.loads(run("top", pid, "-n", "2", "--json").splitlines()[-1])
        (target,) = document["targets"]
        assert target["runtime"] == "go"
        names = {metric["name"] for metric in target["metrics"]}
        assert {"go_gc_cycles_total", "go_goroutines", "go_gc_pause_seconds_sum"} <= names


def test_a_bundle_asks_the_programs_own_endpoint_where_it_may(tmp_path: Path) -> None:
    arguments = ("-listen=127.0.0.1:0", "-parked=12", "-churn=64", "-burning=1")
    with running(build("system", "endpoint"), *arguments) as busy:
        pid = str(busy.process.pid)
        asked = run_json("dump", pid, "-o", str(tmp_path / "asked"), "--cpu", "1", "--probe")
        alone = run_json("dump", pid, "-o", str(tmp_path / "alone"), "--cpu", "0")
    assert {"cpu.json", "heap.json", "threads.json", "gc.json"} <= {one["path"] for one in asked["files"]}
    cpu = json.loads((tmp_path / "asked" / "cpu.json").read_text())
    assert cpu["how"]["mode"] == "endpoint"
    names = (tmp_path / "asked" / "metrics.json").read_text()
    assert "go_memstats_alloc_bytes_total" in names, "the page of metrics joins"
    (heap,) = (one for one in alone["skipped"] if one["kind"] == "heap")
    assert "--probe" in heap["reason"]
    assert "code in the process" not in heap["reason"]


def test_a_stripped_prometheus_counts_as_its_own_metrics_page_does(tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("prometheus is not installed (make test-deps)")
    (tmp_path / "prometheus.yml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([prometheus, *arguments], stderr=log, stdout=log)
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        _wait_for(url)
        seen = []
        for _ in range(10):  # until no collection falls between the two
            before = _own_counts(url)
            told = run_json("gc", str(process.pid))["go"]
            seen.append((before, (told["collections"], told["pause_seconds_total"]), _own_counts(url)))
            if before == seen[-1][2]:
                break
        before, read, after = seen[-1]
        assert before == read == after
        threads = run_json("threads", str(process.pid))["threads"]
        named = {frame["function"] for thread in threads for frame in thread["frames"]}
        assert "main.main" in named, "its goroutines are seen without an endpoint"
        assert run_json("threads", str(process.pid), "--probe")["groups"]
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            _own_counts(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("prometheus does not answer")


def _own_counts(url: str) -> tuple[int, float]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        page = answer.read().decode()
    total = re.search(r"^go_gc_duration_seconds_sum (\S+)$", page, re.MULTILINE)
    count = re.search(r"^go_gc_duration_seconds_count (\S+)$", page, re.MULTILINE)
    assert total is not None
    assert count is not None
    return int(count[1]), float(total[1])


def test_a_process_of_another_user_is_refused_in_words() -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("takes root, to run razorprof as somebody else")
    with running(build("system", "plain")) as busy:
        command = [sys.executable, "-m", "razorprof", "gc", str(busy.process.pid), "--json"]
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", *command],
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            check=False,
        )
        if done.returncode not in (4, 5):
            pytest.skip(f"razorprof cannot be run as another user here: {done.stderr[-200:]}")
        error = json.loads(done.stdout)["error"]
        assert error["code"] == 4
        assert error["hint"]
