"""``razorprof query`` as a shell sees it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RAZORPROF = (sys.executable, "-m", "razorprof", "query")
TIME_OUT = 60.0
SERIES = """\
# TYPE requests counter
requests_total{job="a"} 0 1000
requests_total{job="a"} 60 1060
requests_total{job="a"} 120 1120
requests_total{job="b"} 5 1060
load{job="\\"\x1b[31m"} NaN 1120.5
# EOF
"""


@pytest.fixture
def series(tmp_path: Path) -> Path:
    file = tmp_path / "series.om"
    file.write_text(SERIES)
    return file


def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RAZORPROF, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIME_OUT,
        check=False,
        env={**os.environ, "TZ": "UTC", "COLUMNS": "80"},
    )


def test_without_a_time_the_end_of_the_data_is_asked_for(series: Path) -> None:
    found = run("requests_total", "--openmetrics", series)
    assert found.returncode == 0
    assert found.stdout.splitlines()[1:] == ['requests_total{job="a"}    120', 'requests_total{job="b"}      5']
    assert found.stderr == "at 1970-01-01T00:18:40.500Z\n"


def test_json_is_the_data_object_of_the_http_api(series: Path) -> None:
    found = run("sum(requests_total)", "--openmetrics", series, "--time", "1970-01-01T00:17:40Z", "--json")
    assert json.loads(found.stdout) == {
        "resultType": "vector",
        "result": [{"metric": {}, "value": [1060, "65"]}],
    }
    ranged = ("--start", "1000", "--end", "1120", "--step", "1m", "--json")
    found = run('rate(requests_total{job="a"}[2m])', "--openmetrics", series, *ranged)
    assert json.loads(found.stdout) == {
        "resultType": "matrix",
        "result": [{"metric": {"job": "a"}, "values": [[1060, "0.5"], [1120, "1"]]}],
    }


def test_a_range_is_told_line_by_line_and_labels_cannot_steer_the_terminal(series: Path) -> None:
    ranged = ("--start", "1061", "--end", "1121", "--step", "60s")
    found = run('load or requests_total{job="a"}', "--openmetrics", series, *ranged)
    assert "\x1b" not in found.stdout
    assert found.stdout.splitlines() == [
        'load{job="\\"\\x1b[31m"}',
        "  1970-01-01T00:18:41Z  NaN",
        'requests_total{job="a"}',
        "  1970-01-01T00:17:41Z  60",
        "  1970-01-01T00:18:41Z  120",
    ]


def test_a_plot_names_the_series_by_what_tells_them_apart(series: Path) -> None:
    found = run("requests_total", "--openmetrics", series, "--plot")
    assert found.returncode == 0
    legend, *rows = found.stdout.splitlines()
    assert '{job="a"}' in legend
    assert '{job="b"}' in legend
    assert len(rows) > 5
    assert "00:16:40" in rows[-1]
    assert max(map(len, rows)) <= 80
    assert "\x1b" not in found.stdout


def test_a_batch_answers_every_line_and_goes_on_after_errors(series: Path) -> None:
    lines = [
        '{"query": "requests_total{job=\\"b\\"}", "time": 1060}',
        "nonsense",
        '{"query": "sum("}',
        '{"query": "requests_total", "start": 1000, "end": 2000, "step": 0.01}',
        '{"query": "requests_total + on() group_left() requests_total", "time": 1060}',
        "[" * 100_000,
        '{"query": "' + "x" * 300_000 + '"}',
        "",
        '{"query": "info(up)"}',
        '{"query": "1 / 0"}',
    ]
    found = run("--batch", "-", "--openmetrics", series, stdin="\n".join(lines))
    assert (found.returncode, found.stderr) == (0, "")
    answers: list[dict[str, Any]] = [json.loads(line) for line in found.stdout.splitlines()]
    assert [answer.get("errorType") for answer in answers] == [
        None, "bad_data", "bad_data", "bad_data", "execution",
        "bad_data", "bad_data", "bad_data", "bad_data", None,
    ]  # fmt: skip
    assert answers[0]["data"]["result"][0]["value"] == [1060, "5"]
    assert "11000" in answers[3]["error"]
    assert answers[-1]["data"] == {"resultType": "scalar", "result": [1120.5, "+Inf"]}


def test_a_batch_on_a_pipe_is_answered_as_it_comes(series: Path) -> None:
    with subprocess.Popen(
        [*RAZORPROF, "--batch", "-", "--openmetrics", str(series)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for number in range(3):
            server.stdin.write(f'{{"query": "{number}", "time": 5}}\n')
            server.stdin.flush()
            assert json.loads(server.stdout.readline())["data"]["result"] == [5, str(number)]
        server.send_signal(signal.SIGINT)
        assert server.wait(TIME_OUT) == 130


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sum(", "--openmetrics", "F"), 2, "a bracket is not closed"),
        (("sum(up up)", "--openmetrics", "F"), 2, "bad expression"),
        (("up",), 2, "no data to query"),
        (("--openmetrics", "F"), 2, "no expression"),
        (("up", "--openmetrics", "F", "--time", "later"), 2, "the time is no time (later)"),
        (("up", "--openmetrics", "F", "--time", "1", "--step", "1"), 2, "--time is for one moment"),
        (("up", "--openmetrics", "F", "--start", "9", "--end", "8"), 2, "the end lies before the start"),
        (("up", "--openmetrics", "F", "--start", "0", "--end", "1", "--step", "-1"), 2, "not a duration"),
        (("up", "--openmetrics", "none", "--start", "0", "--end", "99999", "--step", "1"), 2, "11000"),
        (("up", "--batch", "-", "--openmetrics", "F"), 2, "its own expressions"),
        (("up[5m]", "--openmetrics", "F", "--start", "0"), 2, "invalid expression type"),
        (("info(up)", "--openmetrics", "F"), 5, "the function info"),
        (("up", "--openmetrics", "none"), 6, "No such file"),
        (("up", "--openmetrics", "."), 6, "cannot be read"),
        (("--batch", "none", "--openmetrics", "F"), 6, "No such file"),
        (("requests_total", "--openmetrics", "F", "--max-samples", "2"), 6, "--max-samples"),
        (("requests_total + on() requests_total", "--openmetrics", "F", "--time", "1060"), 6, "many"),
    ],
)
def test_what_goes_wrong_has_its_words_and_its_code(
    series: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    given = [str(series) if argument == "F" else argument for argument in arguments]
    found = run(*given)
    assert (found.returncode, found.stdout) == (code, "")
    assert words in found.stderr
    assert len(found.stderr.splitlines()) <= 2


def test_an_error_with_json_is_one_object(series: Path) -> None:
    found = run("sum(", "--openmetrics", series, "--json")
    assert found.returncode == 2
    assert json.loads(found.stdout)["error"]["name"] == "usage"
    found = run("up", "--openmetrics", series, "--plot", "--json")
    assert found.returncode == 2
    assert json.loads(found.stdout)["error"]["message"] == "--plot and --json exclude each other"
    assert json.loads(found.stdout)["error"]["hint"] == "leave one of them out"


def test_a_reader_that_leaves_early_ends_it_quietly(tmp_path: Path) -> None:
    file = tmp_path / "many.om"
    file.write_text("".join(f'a{{x="{number}"}} 1 {number}\n' for number in range(2000)) + "# EOF\n")
    command = f"{' '.join(RAZORPROF)} a --openmetrics {file} --start 0 --end 2000 --step 1 | head -n 2"
    found = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=TIME_OUT
    )
    assert found.stdout.splitlines() == ['a{x="0"}', "  1970-01-01T00:00:00Z  1", "0"]
    assert found.stderr == ""


def test_ctrl_c_ends_a_long_read_and_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    large = tmp_path / "large.om"
    large.write_bytes(b"".join(b"a %d %d\n" % (n, n) for n in range(3_000_000)) + b"# EOF\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RAZORPROF, "a", "--openmetrics", str(large)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    try:
        seen, deadline = b"", time.monotonic() + TIME_OUT
        while b"reading large.om" not in seen and time.monotonic() < deadline and process.poll() is None:
            seen += os.read(ours, 4096) if _readable(ours) else b""
        process.send_signal(signal.SIGINT)
        assert process.wait(TIME_OUT) == 130
        assert b"reading large.om" in seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def _readable(descriptor: int) -> bool:
    import select

    return bool(select.select([descriptor], [], [], 0.05)[0])
