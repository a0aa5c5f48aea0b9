"""What a look at a Go program's collector costs, beside the program's own expvar page in the same run.

    python benchmarks/go_gc.py

Needs a Go toolchain (golang-go) and plugins/razorprof-go. Times are medians; the target's CPU is what it used
itself while it was looked at, less what it uses alone.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from razorprof.clock import SystemClock
from razorprof.model.target import Target
from razorprof.plugin.loading import find_runtime
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView

SOURCE = Path(__file__).resolve().parents[1] / "plugins" / "razorprof-go" / "tests" / "programs" / "busy"
LOOKS, PAGES = 2000, 100


def main() -> int:
    go = shutil.which("go")
    if go is None:
        print("no Go toolchain here (golang-go)")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "busy"
        environment = {**os.environ, "GOFLAGS": "-buildvcs=false", "GOCACHE": str(Path(folder) / "cache")}
        build = [go, "build", "-tags=endpoint", "-ldflags=-s -w", "-o", str(program), "."]
        subprocess.run(build, cwd=SOURCE, env=environment, check=True)
        arguments = [str(program), "-listen=127.0.0.1:0", "-churn=64"]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                measure(process.pid, process.stdout.readline().split()[1])
            finally:
                process.kill()
    return 0


def measure(pid: int, where: str) -> None:
    time.sleep(2.0)  # until it has collected
    view = ProcessView(pid)
    began = time.perf_counter()
    collector = import_module("razorprof_go.collector").Collector(view, SystemClock())
    found = collector.look() is not None
    print(f"attach and find in a stripped binary: {(time.perf_counter() - began) * 1e3:.2f} ms, found: {found}")
    report("one look at the ring, proven", LOOKS, view, collector.look)
    runtime = find_runtime("go")
    detection = runtime.detect(view)
    assert detection is not None
    source = next(source for source in runtime.sources(detection) if source.name == "gc")
    reader = source.open(Target(view.identity, "busy"), SourceOptions())
    report("a whole read with all samples", LOOKS, view, reader.read)
    report("expvar, /debug/vars", PAGES, view, lambda: fetch(f"http://{where}/debug/vars"))
    reader.close()
    collector.close()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body


def report(what: str, times: int, view: ProcessView, call: Callable[[], object]) -> None:
    idle = target_seconds(view, lambda: time.sleep(0.5)) / 0.5
    spent: list[float] = []

    def run() -> None:
        for _ in range(times):
            began = time.perf_counter()
            call()
            spent.append(time.perf_counter() - began)

    began = time.perf_counter()
    used = target_seconds(view, run)
    extra = max(0.0, used - idle * (time.perf_counter() - began)) / times
    middle, worst = statistics.median(spent), sorted(spent)[int(len(spent) * 0.99)]
    print(
        f"{what:32} {middle * 1e6:9.1f} us, 99 %: {worst * 1e6:9.1f} us, the target's CPU: {extra * 1e6:7.1f} us"
    )


def target_seconds(view: ProcessView, call: Callable[[], object]) -> float:
    before = view.stat()
    call()
    after = view.stat()
    return after.user_seconds + after.system_seconds - before.user_seconds - before.system_seconds


if __name__ == "__main__":
    sys.exit(main())
