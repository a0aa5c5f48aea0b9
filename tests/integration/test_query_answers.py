"""``query --batch`` beside a real Prometheus on the same file: the same JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.promql_reference import ASKED_AT, END, START, missing_tool, open_metrics, running, series

AT = START + 2017 + ASKED_AT
INSTANT = (
    "load", "sum(load)", "limit", "1e-7", "vector(1e-7)", "vector(-1e21)", "1e21", "1/0", "-1/0", "vector(0/0)",
    "'a text'", "requests_total{instance='a'}[2m]", "requests_total{instance='c'} / 3", "sort_desc(load)", "none",
    "vector(0.1 + 0.2)", "vector(123456789012345.67)", "-vector(0)", "count(load) > bool 1",
)  # fmt: skip
RANGE = ("load", "requests_total", "requests_total / 7", "time()", "1e-7", "none", "sum by (job) (limit)")
REFUSED = ("sum(", "load +", "rate(load)", "load[5m] + 1", "up{", "")


def test_answers_are_those_of_prometheus_to_the_letter(tmp_path: Path) -> None:
    missing = missing_tool()
    if missing is not None:
        pytest.skip(f"no {missing} on this machine (make test-deps)")
    file = tmp_path / "series.om"
    file.write_text(open_metrics(series()))
    ranged = (START + 600 + ASKED_AT, END + 130 + ASKED_AT, 97.0)
    requests = [{"query": text, "time": AT} for text in (*INSTANT, *REFUSED)]
    requests += [{"query": text, **dict(zip(("start", "end", "step"), ranged, strict=True))} for text in RANGE]
    found = subprocess.run(
        [sys.executable, "-m", "razorprof", "query", "--batch", "-", "--openmetrics", str(file)],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ours = [json.loads(line) for line in found.stdout.splitlines()]
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with running(folder, series()) as server:
        theirs = [server.instant(text, AT) for text in (*INSTANT, *REFUSED)]
        theirs += [server.range(text, *ranged) for text in RANGE]
    for request, our, their in zip(requests, ours, theirs, strict=True):
        if their["status"] == "error":
            assert (our["status"], our["errorType"]) == ("error", their["errorType"]), request
        else:
            assert in_order(our["data"]) == in_order(their["data"]), request


def in_order(data: object) -> object:
    assert isinstance(data, dict)
    if data["resultType"] in ("vector", "matrix"):
        return {**data, "result": sorted(data["result"], key=lambda row: sorted(row["metric"].items()))}
    return data
