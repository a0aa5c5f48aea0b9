"""A real Prometheus on series of our own, and queries made at random for it and for us.

The distribution's is 2.42, which closes ranges at both ends and bridges a gap at a range's start by other rules
than 3.x: samples, evaluation times and the steps of subqueries never share a millisecond here, and a counter that
begins late or has gaps begins high.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import Series

START = 1_700_000_000  # Unix seconds; a multiple of all steps used
SPACING = 15
COUNT = 240
END = START + SPACING * COUNT
SAMPLES_AT = 0.007
ASKED_AT = 0.501
COUNTERS = "requests_total restarting_total seconds_bucket"
CALENDAR = "minute hour day_of_week day_of_month day_of_year days_in_month month year"


def missing_tool() -> str | None:
    """The name of a program that is needed and not there."""
    return next((name for name in ("promtool", "prometheus") if shutil.which(name) is None), None)


def series() -> list[Series]:
    """An hour of counters, gauges and histograms: regular ones, late ones, ones with gaps and resets."""
    chance = np.random.default_rng(20_240)
    stamps = START + SAMPLES_AT + SPACING * np.arange(COUNT, dtype=np.float64)
    found: list[Series] = []

    def add(name: str, values: object, keep: object = None, **labels: str) -> None:
        column = np.asarray(values, np.float64)
        there = np.ones(COUNT, bool) if keep is None else np.asarray(keep, bool)
        found.append(Series(Labels({"__name__": name} | labels), stamps[there], column[there]))

    late, gappy = np.arange(COUNT) >= 100, (np.arange(COUNT) // 9) % 5 != 2
    for job in ("api", "db"):
        for instance in ("a", "b", "c"):
            labels = {"job": job, "instance": instance}
            steps = chance.random(COUNT).cumsum() * 10
            keep = {"a": None, "b": late, "c": gappy}[instance]
            add("requests_total", 5e4 + steps, keep, **labels)
            add("load", chance.normal(3, 2, COUNT).round(4), keep, **labels)
            add("limit", np.full(COUNT, 2.5 if job == "api" else 4.25), **labels)
    restarts = (chance.random(COUNT) * 7).cumsum()
    restarts[80:] -= restarts[79]
    restarts[150:] -= restarts[149] * 0.9
    add("restarting_total", 900 + restarts, job="api", instance="a")
    odd = chance.normal(0, 1, COUNT).round(3)
    odd[::11], odd[::17], odd[::29] = np.nan, np.inf, -np.inf
    add("odd", odd, job="api")
    add("steady", np.full(COUNT, 7.0), job="db")
    add("steps", np.repeat(np.arange(COUNT // 8), 8), job="db")
    for job in ("api", "db"):
        seen = np.zeros(COUNT)
        for bound in ("0.1", "0.5", "1", "2.5", "+Inf"):
            seen = seen + chance.integers(1, 9, COUNT).cumsum()
            add("seconds_bucket", 1000 + seen, job=job, le=bound)
    return found


def open_metrics(all_series: Sequence[Series]) -> str:
    lines = []
    for one in all_series:
        labels = ",".join(f'{name}="{value}"' for name, value in one.labels.items() if name != "__name__")
        for stamp, value in zip(one.times.tolist(), one.values.tolist(), strict=True):
            written = repr(value).replace("inf", "Inf").replace("nan", "NaN")
            lines.append(f"{one.name}{{{labels}}} {written} {stamp:.3f}")
    return "\n".join([*lines, "# EOF", ""])


class Reference:
    """The running server."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)

    def instant(self, text: str, when: float) -> dict[str, object]:
        return self._ask("/query", {"query": text, "time": f"{when:.3f}"})

    def range(self, text: str, start: float, end: float, step: float) -> dict[str, object]:
        asked = {"query": text, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return self._ask("/query_range", asked)

    def close(self) -> None:
        self._client.close()

    def _ask(self, path: str, asked: dict[str, str]) -> dict[str, object]:
        found = json.loads(self._client.post(path, data=asked).content)
        assert isinstance(found, dict)
        return found


@contextmanager
def running(folder: Path, all_series: Sequence[Series]) -> Iterator[Reference]:
    """A Prometheus that holds the series, on a free port of the loopback; ended by its pid."""
    text, data, config = folder / "series.om", folder / "data", folder / "prometheus.yml"
    text.write_text(open_metrics(all_series))
    config.write_text("global: {}\n")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, data],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", "--log.level=error",
             "--storage.tsdb.retention.time=10y", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
    reference = Reference(port)
    try:
        _wait_until_ready(server, port, folder / "prometheus.log")
        yield reference
    finally:
        reference.close()
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready: {log.read_text()}")


class Queries:
    """Queries at random, all of which both ends should understand; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.in_subquery = False

    def vector(self, depth: int) -> str:
        if depth <= 0:
            return self.selector()
        makers: list[Callable[[int], str]] = [
            self.selector, self.ranged, self.ranged, self.ranged, self.aggregation, self.aggregation,
            self.of_a_vector, self.with_a_number, self.of_two, self.of_two, self.histogram, self.label,
        ]  # fmt: skip
        return self.chance.choice(makers)(depth - 1)

    def selector(self, _depth: int = 0) -> str:
        name = self.one("requests_total load limit restarting_total odd steady steps seconds_bucket load")
        matchers = self.chance.choice(
            ["", "", "", '{job="api"}', '{job!="api"}', '{instance=~"a|b"}', '{instance!~"a.*"}', '{job="none"}']
        )
        return name + matchers + self.moved()

    def moved(self) -> str:
        return self.chance.choice(["", "", "", "", "", " offset 2m", " offset -1m", f" @ {START + 1800}.501"])

    def ranged(self, depth: int) -> str:
        function = self.one(
            "rate increase delta irate idelta resets changes deriv sum_over_time avg_over_time min_over_time "
            "max_over_time count_over_time stddev_over_time stdvar_over_time last_over_time present_over_time "
            "absent_over_time predict_linear quantile_over_time rate increase"
        )
        counter = function in ("rate", "increase")
        # A subquery in one of the same step would put a sample on the border of a range.
        if not counter and not self.in_subquery and self.chance.random() < 0.3:
            self.in_subquery = True
            step = self.chance.choice(["", "30s", "1m", "45s"])
            inside = f"({self.vector(depth)})[{self.one('5m 10m')}:{step}]{self.moved()}"
            self.in_subquery = False
        else:
            name = self.one(COUNTERS) if counter else self.selector().split(" ")[0]
            inside = f"{name}[{self.one('1m 3m 5m 17m 90s 20s')}]{self.moved()}"
        if function == "predict_linear":  # with @ 2.42 leaves out some times of a range query
            return f"predict_linear({inside.split(' @ ')[0]}, {self.one('60 3600 -60')})"
        if function == "quantile_over_time":
            return f"quantile_over_time({self.one('0 0.1 0.5 0.93 1 -1 2')}, {inside})"
        return f"{function}({inside})"

    def aggregation(self, depth: int) -> str:
        grouping = self.chance.choice(
            [
                "",
                " by (job)",
                " by (instance)",
                " without (instance)",
                " by (job, le)",
                " by (none)",
                " without ()",
            ]
        )
        inside = self.vector(depth)
        operator = self.one("sum avg min max count group stddev stdvar quantile topk bottomk count_values sum")
        if operator == "quantile":
            return f"quantile{grouping} ({self.one('0 0.25 0.5 0.9 1')}, {inside})"
        if operator in ("topk", "bottomk"):  # whose values differ: which of two equal ones is taken is chance
            return f"{operator}{grouping} ({self.one('1 2 3')}, {self.one('load requests_total')}{self.moved()})"
        if operator == "count_values":
            return f'count_values{grouping} ("found", floor({inside}))'
        if operator in ("stddev", "stdvar"):  # 2.42 takes a single NaN for no deviation
            return f"{operator}{grouping} (({inside}) > -1e9 < 1e9)"
        return f"{operator}{grouping} ({inside})"

    def of_a_vector(self, depth: int) -> str:
        inside = self.vector(depth)
        function = self.one(
            "abs ceil floor exp ln log2 log10 sqrt sgn sin cos atan tanh asinh deg rad round clamp clamp_min "
            f"clamp_max absent timestamp sort sort_desc scalar {CALENDAR}"
        )
        if function in CALENDAR.split():  # of a time: what 2.42 says of NaN and Inf depends on the processor
            return f"{function}((({inside}) * 1e5) >= 0 < 4e9)"
        if function in ("sin", "cos"):
            return f"{function}(clamp({inside}, -100, 100))"
        if function == "round":
            return f"round({inside}, {self.one('1 0.1 5')})"
        if function == "clamp":
            return f"clamp({inside}, {self.one('-1 0 2')}, {self.one('1 5 1000')})"
        if function in ("clamp_min", "clamp_max"):
            return f"{function}({inside}, {self.one('-1 0 2 70')})"
        return f"vector(scalar({inside}))" if function == "scalar" else f"{function}({inside})"

    def with_a_number(self, depth: int) -> str:
        sides = [f"({self.vector(depth)})", self.one("0 1 2.5 -3 1e3 NaN Inf time() pi()")]
        self.chance.shuffle(sides)
        operator = self.one("+ - * / % ^ > < >= <= == != >bool <bool ==bool !=bool >=bool")
        return f"{sides[0]} {operator.replace('bool', ' bool')} {sides[1]}"

    def of_two(self, depth: int) -> str:
        left, right = self.vector(depth), self.vector(depth)
        operator = self.one("+ - * / % > < == != >=bool and or unless")
        matching = self.chance.choice(["", "", " on (job, instance)", " ignoring (le)", " on (job)", " on ()"])
        if operator not in ("and", "or", "unless") and matching and self.chance.random() < 0.5:
            matching += self.chance.choice([" group_left ()", " group_right ()", " group_left (instance)"])
        return f"({left}) {operator.replace('bool', ' bool')}{matching} ({right})"

    def histogram(self, depth: int) -> str:
        inside = self.chance.choice(
            ["seconds_bucket", "rate(seconds_bucket[5m])", "sum by (le) (rate(seconds_bucket[3m]))"]
        )
        return f"histogram_quantile({self.one('0 0.05 0.5 0.9 0.99 1 -1 1.5')}, {inside})"

    def label(self, depth: int) -> str:
        inside = self.vector(depth)
        if self.chance.random() < 0.5:
            return f'label_join({inside}, "both", "-", "job", "instance")'
        return f'label_replace({inside}, "{self.one("job new")}", "x-$1", "instance", "(a|b)")'

    def one(self, words: str) -> str:
        return self.chance.choice(words.split())
