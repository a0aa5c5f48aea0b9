"""A page of metrics as samples."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from razorprof.errors import NotSupported, RazorprofError, TimedOut, ToolFailed
from razorprof.model.metric import MetricKind, Sample
from razorprof.remote.http_page import Page
from razorprof.sources import application_parse
from razorprof.sources.application_parse import PageParser

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def parse(body: str | bytes, kind: str = TEXT, parser: PageParser | None = None) -> dict[str, Sample]:
    """The samples by series, written as Prometheus writes them."""
    raw = body.encode() if isinstance(body, str) else body
    found = (parser or PageParser(frozenset())).parse(Page(kind, raw, 0.01))
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): sample
        for sample in found
    }


def example() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", ["kind"], registry=registry).labels("a").inc(3)
    Gauge("depth_bytes", "Depth.", registry=registry).set(-2.5)
    Histogram("wait_seconds", "Wait.", buckets=(1, 2.5), registry=registry).observe(2)
    Summary("size", "Size.", registry=registry).observe(7)
    Info("build", "Build.", registry=registry).info({"v": "1"})
    Enum("state", "State.", states=["up", "down"], registry=registry)
    return registry


@pytest.mark.parametrize("kind", [TEXT, OPEN])
def test_every_kind_of_a_client_library_becomes_one_of_ours_in_both_formats(kind: str) -> None:
    page = generate_latest(example()) if kind == TEXT else generate_openmetrics(example())  # type: ignore[no-untyped-call]
    parser = PageParser(frozenset())
    found = parse(page, kind, parser)
    assert {name: (sample.value, sample.metric.kind.value) for name, sample in found.items()} == {
        "orders_total{kind=a}": (3.0, "counter"),
        "depth_bytes": (-2.5, "gauge"),
        "wait_seconds_bucket{le=1.0}": (0.0, "histogram"),
        "wait_seconds_bucket{le=2.5}": (1.0, "histogram"),
        "wait_seconds_bucket{le=+Inf}": (1.0, "histogram"),
        "wait_seconds_sum": (2.0, "histogram"),
        "wait_seconds_count": (1.0, "histogram"),
        "size_sum": (7.0, "counter"),
        "size_count": (1.0, "counter"),
        "build_info{v=1}": (1.0, "gauge"),
        "state{state=up}": (1.0, "gauge"),
        "state{state=down}": (0.0, "gauge"),
    }
    assert parser.skipped["created"] == 3
    assert found["wait_seconds_sum"].metric.name == "wait_seconds"
    assert found["depth_bytes"].metric.unit == "bytes"
    assert found["orders_total{kind=a}"].metric.help == "Orders."


def test_quantiles_untyped_and_counters_with_old_names_keep_their_names() -> None:
    found = parse(
        '# TYPE took summary\ntook{quantile="0.50"} 4\ntook_sum 9\ntook_count 2\n'
        "# TYPE requests counter\nrequests 5\n"
        "# TYPE jobs_created gauge\njobs_created 3\n"
        'loose{a="b\\"c"} 1 1700000000000\n'
    )
    assert {name: (s.value, s.metric.kind.value) for name, s in found.items()} == {
        "took{quantile=0.5}": (4.0, "gauge"),
        "took_sum": (9.0, "counter"),
        "took_count": (2.0, "counter"),
        "requests": (5.0, "counter"),
        "jobs_created": (3.0, "gauge"),
        'loose{a=b"c}': (1.0, "gauge"),
    }


def test_values_that_are_no_numbers_are_values_and_exemplars_are_dropped() -> None:
    found = parse("a NaN\nb +Inf\nc -Inf\nd 1e3\n")
    assert math.isnan(found["a"].value)
    assert [found[name].value for name in "bcd"] == [math.inf, -math.inf, 1000.0]
    kept = parse('# TYPE x counter\nx_total 5 # {trace="abc"} 1.0 1700000000\n# EOF\n', OPEN)
    assert (kept["x_total"].value, kept["x_total"].metric.kind) == (5.0, MetricKind.COUNTER)


def test_names_that_we_give_ourselves_are_skipped_and_counted() -> None:
    parser = PageParser(frozenset({"up", "pause_seconds", "pause_seconds_count"}))
    found = parse(
        "up 1\npause_seconds_count 4\n# TYPE pause_seconds histogram\n"
        'pause_seconds_bucket{le="+Inf"} 1\npause_seconds_sum 1\nmine 2\n',
        parser=parser,
    )
    assert set(found) == {"mine"}
    assert parser.skipped["ours"] == 4


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('x{a="1"} 1\nx{a="1"} 2', "duplicate"),
        ('x{a=""} 1\nx 2', "duplicate"),
        ("y" * 300 + " 1\nx 2", "bad_name"),
        ('{"a.b"} 1\nx 1', "bad_name"),
        ('x 1\nx{"a.b"="1"} 1', "bad_label"),
        ('x 1\nx{a="' + "v" * 5000 + '"} 1', "bad_label"),
        ("x 1\nx{" + ",".join(f'l{n}="1"' for n in range(70)) + "} 1", "bad_label"),
        ('x 1\n# TYPE h histogram\nh_bucket{le="many"} 1', "bad_label"),
        ("x 1\nhuge " + "9" * 400, "bad_value"),
        ('x 1\nlong{a="' + "v" * 20_000 + '"} 1', "too_long"),
    ],
)
def test_a_sample_that_does_not_fit_is_skipped_and_counted_and_the_others_are_taken(
    line: str, reason: str
) -> None:
    parser = PageParser(frozenset())
    found = parse(line + "\n", parser=parser)
    assert [sample.name for sample in found.values()] == ["x"]
    assert {why: n for why, n in parser.skipped.items() if n} == {reason: 1}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("x one", TEXT), ('x{a="1 1', TEXT), ("<html>", TEXT), ("{", TEXT), ("# TYPE", TEXT), ("x", TEXT),
        ("x{a=1} 1", TEXT), ("\0 1", TEXT), ("x 1\n", OPEN), ("x{__a=\"1\"} 1", TEXT), ("x\n# EOF\n", OPEN),
        ("# TYPE x summary\nx 1\n# EOF\n", OPEN), ("x 1", "text/html"), ("x 1", "application/json"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_parsed_is_a_short_error_of_ours_or_empty(body: str, kind: str) -> None:
    assert words_of(body, kind) == "" or len(words_of(body, kind)) < 300


def words_of(body: str, kind: str) -> str:
    try:
        found = parse(body, kind)
    except (ToolFailed, NotSupported) as error:
        return str(error)
    assert found == {}
    return ""


def test_samples_above_the_limit_are_counted_not_parsed_and_families_stay_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application_parse, "LONGEST_PARSE", 60.0)  # of counting, not of time
    family = (
        "# TYPE h{n} histogram\n"
        + "".join(f'h{{n}}_bucket{{{{le="{le}"}}}} 1\n' for le in (*range(7), "+Inf"))
        + "h{n}_sum 1\nh{n}_count 1\n"
    )
    parser = PageParser(frozenset())
    found = parse("".join(family.format(n=n) for n in range(1500)), parser=parser)
    assert len(found) == application_parse.MOST_SAMPLES
    assert parser.skipped["too_many"] == 5000
    with pytest.raises(ToolFailed, match="too many"):
        parse("".join(f'x{{n="{n}"}} 1\n' for n in range(25_000)))


def test_a_page_that_is_dear_to_parse_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application_parse, "LONGEST_PARSE", 0.05)
    line = "x{" + ",".join(f'l{n}="1"' for n in range(1500)) + "} 1\n"
    began = time.thread_time()
    with pytest.raises(TimedOut):
        parse(line * 1000)
    assert time.thread_time() - began < 5.0


def test_the_same_series_are_the_same_objects_at_the_next_page() -> None:
    parser = PageParser(frozenset())
    first, second = (parse(f'x{{a="1"}} {value}', parser=parser)["x{a=1}"] for value in (1, 2))
    assert first.labels is second.labels
    assert first.metric is second.metric
    assert second.value == 2.0


PIECES = st.sampled_from(
    ["x", "# TYPE x histogram\n", "# HELP x y\n", "# TYPE x summary\n", "{", "}", '"', "\\", ",", "=", " ", "\n",
     "1", "NaN", 'x{a="b"} 1\n', "x_bucket", 'le="1"', "# EOF\n", "\0", "ä", "_total", "# {", "#"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20), st.sampled_from([TEXT, OPEN]))
def test_any_page_is_samples_or_an_error_of_ours(pieces: list[str], kind: str) -> None:
    body = "".join(pieces) + ("# EOF\n" if kind == OPEN else "")
    try:
        found = parse(body, kind)
    except RazorprofError:
        return
    assert all(isinstance(sample.value, float) for sample in found.values())
