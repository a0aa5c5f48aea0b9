"""`razorprof check` on real processes: each verdict, in the form of the monitoring plugins, and its exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.integration.serve_targets import SPLIT, wait_for
from tests.live_targets import Program, StartProgram

# As monitoring systems take a line apart: status, words, performance data (guidelines on monitoring-plugins.org).
LINE = re.compile(r"RAZORPROF (OK|WARNING|CRITICAL|UNKNOWN) - ([^|]+?)(?: \| ([^|]+))?")
DATUM = re.compile(r"'((?:[^'=]|'')+)'=(-?[\d.]+|U)([a-zA-Z%]*)(?:;[-\d.:~@]*){0,4}")


@pytest.fixture
def target(start_program: StartProgram) -> Program:
    program = start_program(sys.executable, SPLIT, "300")
    program.wait_for("ready")
    return program


def rules(folder: Path, *texts: str) -> str:
    path = folder / "rules.yml"
    lines = "".join(f"      - {text}\n" for text in texts)
    path.write_text(f"groups:\n  - name: worker\n    interval: 1m\n    rules:\n{lines}")
    return str(path)


def check(*arguments: str, timeout: float = 120.0) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, "-m", "razorprof", "check", *arguments], capture_output=True, text=True, timeout=timeout
    )
    return done.returncode, done.stdout, done.stderr


def verdict(output: str) -> tuple[str, str, dict[str, float | None]]:
    """(status, words, figures) of the first line, taken apart as a monitoring system does."""
    found = LINE.fullmatch(output.splitlines()[0])
    assert found is not None, output
    figures: dict[str, float | None] = {}
    if found[3]:
        data = list(DATUM.finditer(found[3]))
        assert " ".join(one[0] for one in data) == found[3], found[3]
        figures = {one[1]: None if one[2] == "U" else float(one[2]) for one in data}
    return found[1], found[2], figures


ALWAYS = '{alert: Descriptors, expr: process_open_fds > 0, labels: {severity: "%s"}, annotations: {%s}}'
NEVER = "{alert: Huge, expr: process_resident_memory_bytes > 1e15, labels: {severity: critical}}"


def test_nothing_fires_after_one_look_without_a_profiler(target: Program, tmp_path: Path) -> None:
    code, output, errors = check(
        str(target.pid), "--rules", rules(tmp_path, NEVER, "{alert: Gone, expr: up == 0}")
    )
    assert (code, errors) == (0, "")
    status, words, figures = verdict(output)
    assert (status, words) == ("OK", f"2 rules, nothing fires (split_60_30_10.py {target.pid})")
    assert figures["Gone"] == 1.0
    assert (figures["Huge"] or 0.0) > 1e6


@pytest.mark.parametrize(
    ("severity", "code", "status"), [("page", 2, "CRITICAL"), ("info", 1, "WARNING"), ("none", 0, "OK")]
)
def test_a_firing_alert_is_told_with_its_value_threshold_since_and_runbook(
    target: Program, tmp_path: Path, severity: str, code: int, status: str
) -> None:
    texts = 'summary: "{{ $value }} of {{ $labels.pid }} | open", runbook_url: "https://runbooks.example/fds"'
    path = rules(tmp_path, ALWAYS % (severity, texts), NEVER)
    found, output, _ = check(str(target.pid), "--rules", path)
    assert (found, verdict(output)[0]) == (code, status)
    alert = next(line for line in output.splitlines() if line.startswith(f"{status} Descriptors"))
    assert re.search(rf'pid="{target.pid}".*: \d+ > 0, firing, since \d{{4}}-', alert), alert
    assert f"  summary: {int(verdict(output)[2]['Descriptors'] or 0)} of {target.pid} \\x7c open" in output
    assert "  runbook: https://runbooks.example/fds" in output


def test_a_rule_with_for_and_a_range_is_watched_for_as_long_as_it_needs(target: Program, tmp_path: Path) -> None:
    path = rules(tmp_path, "{alert: Busy, expr: 'rate(process_cpu_seconds_total[2s]) > 0.01', for: 1s}")
    code, output, _ = check(str(target.pid), "--rules", path, "--json")
    document = json.loads(output)
    assert (code, document["status"], document["alerts"][0]["state"]) == (1, "WARNING", "firing")
    assert document["alerts"][0]["threshold"] == {"operator": ">", "value": 0.01}
    assert 2.9 <= document["seconds"] < 30.0


@pytest.mark.parametrize(
    ("rule", "reason", "needs"),
    [
        ("{alert: Slow, expr: process_open_fds > 0, for: 10m}", "it needs 600 s of samples", 600.0),
        ("{alert: Slow, expr: 'rate(process_cpu_seconds_total[5m]) > 0'}", "it needs 300 s of samples", 300.0),
        ("{alert: Slow, expr: go_goroutines > 0}", "there is no go_goroutines", None),
    ],
)
def test_what_cannot_be_judged_is_unknown_with_the_reason(
    target: Program, tmp_path: Path, rule: str, reason: str, needs: float | None
) -> None:
    code, output, _ = check(str(target.pid), "--rules", rules(tmp_path, rule), "--for", "2s", "--json")
    document = json.loads(output)
    assert (code, document["status"]) == (3, "UNKNOWN")
    [found] = document["rules"]
    assert found["reason"].startswith(reason)
    assert found["needs_seconds"] == needs
    assert document["seconds"] < 5.0, "never longer than --for, but for the last look"


def test_an_evaluation_that_fails_is_unknown_with_its_error(target: Program, tmp_path: Path) -> None:
    rule = "{alert: Many, expr: 'process_context_switches_total * on(pid) process_context_switches_total > 0'}"
    code, output, _ = check(str(target.pid), "--rules", rules(tmp_path, rule, NEVER))
    assert code == 3
    assert "1 unknown: Many: its evaluation fails: found duplicate series" in verdict(output)[1]


def test_several_processes_are_told_apart(start_program: StartProgram, tmp_path: Path) -> None:
    path = Path(shutil.copy(SPLIT, tmp_path / f"apart_{os.getpid()}.py"))  # a name that nobody else has
    programs = [start_program(sys.executable, path, "300") for _ in range(2)]
    for program in programs:
        program.wait_for("ready")
    pids = [str(program.pid) for program in programs]
    given = rules(tmp_path, ALWAYS % ("page", "summary: open"))
    code, output, _ = check(*pids, "--rules", given)
    assert code == 2
    assert set(verdict(output)[2]) == {f"Descriptors{{instance:{_host()}/{pid},pid:{pid}}}" for pid in pids}
    ambiguous, output, _ = check(f"name:{path.name}", "--rules", given)
    assert ambiguous == 3
    assert output.startswith("RAZORPROF UNKNOWN - 2 processes match")
    assert all(re.search(rf"^  {pid} ", output, re.MULTILINE) for pid in pids)


def _host() -> str:
    return os.uname().nodename


def test_a_process_that_ends_meanwhile_is_unknown(target: Program, tmp_path: Path) -> None:
    path = rules(tmp_path, "{alert: Busy, expr: 'rate(process_cpu_seconds_total[25s]) > 99'}")
    command = [sys.executable, "-m", "razorprof", "check", str(target.pid), "--rules", path]
    # without threads of a library of ours, a second thread is one that reads the target
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        wait_for(lambda: len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1)
        target.end()
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 3
    assert f"{target.pid} has ended" in verdict(output)[1]


def test_rules_that_others_may_write_are_refused(target: Program, tmp_path: Path) -> None:
    path = rules(tmp_path, NEVER)
    Path(path).chmod(0o666)
    code, output, errors = check(str(target.pid), "--rules", path)
    assert (code, errors) == (3, "")
    assert "the rule file may be written by others" in verdict(output)[1]


def test_recorded_series_are_judged_at_their_end(tmp_path: Path) -> None:
    series = tmp_path / "series.om"
    lines = [f'load{{job="web"}} {2 if second >= 60 else 0} {1_700_000_000 + second}' for second in range(120)]
    series.write_text("# TYPE load gauge\n" + "\n".join(lines) + "\n# EOF\n")
    path = rules(tmp_path, "{alert: Busy, expr: load > 1, for: 30s}", "{alert: Long, expr: load > 1, for: 1h}")
    code, output, _ = check("--from", str(series), "--rules", path)
    assert code == 1
    assert "1 warning: Busy 2 > 1; 1 unknown: Long: it needs 3600 s of samples" in verdict(output)[1]
    assert check("--from", str(tmp_path / "none.om"), "--rules", path)[0] == 3


def test_a_recording_is_judged_at_its_end(target: Program, tmp_path: Path) -> None:
    file = str(tmp_path / "seen.rzp")
    command = [sys.executable, "-m", "razorprof", "record", str(target.pid), "-o", file, "-d", "5"]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    path = rules(
        tmp_path,
        "{alert: Open, expr: process_open_fds > 0, for: 2s, labels: {severity: page}}",
        "{alert: Long, expr: process_open_fds > 0, for: 1h}",
    )
    code, output, _ = check("--from", file, "--rules", path)
    assert code == 2
    status, words, figures = verdict(output)
    assert status == "CRITICAL"
    assert "1 critical: Open " in words
    assert "1 unknown: Long: it needs 3600 s of samples" in words
    assert (figures["Open"] or 0.0) > 0


class Answers(BaseHTTPRequestHandler):
    """Answers what a test wants; writes down what it was asked."""

    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    kind = type("Kind", (Answers,), {"status": status, "body": body, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", kind.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


EMPTY = json.dumps({"status": "success", "data": {"groups": []}}).encode()


def test_a_watch_is_asked_with_the_token_of_a_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    with answering(200, EMPTY) as (url, asked):
        code, output, _ = check("--from", f"{url}/prefix/", "--token-file", str(token))
    assert (code, verdict(output)[1]) == (0, "0 rules, nothing fires")
    assert asked == [("/prefix/api/v1/rules", "Bearer 0123456789abcdef")]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (302, b"", "it answers elsewhere, which is not followed"),
        (401, b"", "it wants a token"),
        (404, b"", "no rules are evaluated there"),
        (200, b"<html>\x1b[2J", "it answers 200"),
        (200, b'{"status": "error", "error": "no|such"}', "the answer is no success (no\\x7csuch)"),
    ],
)
def test_another_answer_is_unknown(status: int, body: bytes, words: str) -> None:
    with answering(status, body) as (url, _):
        code, output, _ = check("--from", url)
    assert code == 3
    assert words in verdict(output)[1]


def test_nobody_there_and_nobody_who_answers_are_unknown() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        code, output, _ = check("--from", f"http://127.0.0.1:{port}", "--for", "1s")
        assert (code, "no answer in time" in output) == (3, True)
    code, output, _ = check("--from", f"http://127.0.0.1:{port}")
    assert (code, "cannot be asked" in output) == (3, True)
    assert check("--from", "http://user:secret@127.0.0.1:1")[0] == 3


def test_the_verdict_stands_where_nobody_reads_it_and_an_interrupted_one_is_unknown(
    target: Program, tmp_path: Path
) -> None:
    path = rules(tmp_path, ALWAYS % ("page", "summary: open"))
    command = [sys.executable, "-m", "razorprof", "check", str(target.pid), "--rules", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 2
    long = rules(tmp_path, "{alert: Busy, expr: 'rate(process_cpu_seconds_total[25s]) > 99'}")
    with subprocess.Popen([*command[:-1], long], stdout=subprocess.PIPE, text=True) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(4)
        process.terminate()
        output, _ = process.communicate(timeout=60)
        assert (process.returncode, output) == (
            3,
            "RAZORPROF UNKNOWN - ended by SIGTERM before there was a verdict\n",
        )
