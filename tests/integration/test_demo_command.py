"""`razorprof demo` as a user runs it: figures of the sample program, and no sample program left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RAZORPROF = [sys.executable, "-m", "razorprof"]
LONGEST = 90.0


def shops_of(parent: int) -> list[int]:
    """Pids of sample programs that were started for razorprof's process `parent`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"shop" in arguments and str(parent).encode() in arguments:
            found.append(int(folder.name))
    return found


def wait_for(condition: Any, timeout: float = LONGEST) -> bool:
    until = time.monotonic() + timeout
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(condition())


def answer(*arguments: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """(what it printed, its pid)"""
    with subprocess.Popen(
        [*RAZORPROF, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err), process.pid


def test_one_look_as_json_shows_the_shop_and_its_hot_function() -> None:
    done, pid = answer("demo", "-n", "3", "--json", "--interval", "1")
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(documents) == 3
    [target] = documents[-1]["targets"]
    assert target["name"] == "shop"
    assert target["state"] == "alive"
    values = {metric["name"]: metric["value"] for metric in target["metrics"]}
    assert values["process_resident_memory_bytes"] > 8 * 1024**2
    hot = {function["function"] for function in target["functions"][:3]}
    assert "price_lines" in hot
    assert shops_of(pid) == []


def test_without_a_terminal_the_figures_come_as_text_without_escapes() -> None:
    done, pid = answer("demo", "--once")
    assert done.returncode == 0, done.stderr
    assert "shop" in done.stdout
    assert "\x1b" not in done.stdout
    assert shops_of(pid) == []


def test_a_bad_interval_is_told_and_the_shop_is_closed() -> None:
    done, pid = answer("demo", "--once", "--interval", "soon")
    assert done.returncode == 2
    assert done.stderr.startswith("razorprof: ")
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert shops_of(pid) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_shop_closes_however_the_command_is_ended(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [*RAZORPROF, "demo", "-n", "1000", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith(b"{")
            assert len(shops_of(process.pid)) == 1
            os.kill(process.pid, ending)
            code = process.wait(30)
        finally:
            process.kill()
    assert wait_for(lambda: not shops_of(process.pid), 20)
    expected = {signal.SIGINT: {130}, signal.SIGTERM: {143}, signal.SIGHUP: {129}, signal.SIGKILL: {-9}}
    assert code in expected[ending]
