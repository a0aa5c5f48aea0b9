"""The /metrics page: both formats, parsed back by prometheus_client's own parsers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from razorprof.model.alert import AlertBoard, RuleKey, RuleStatus
from razorprof.model.histogram import HistogramState
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge, histogram
from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.serve.exposition import Exposition
from razorprof.serve.families import TextFormat
from razorprof.serve.newest import newest
from razorprof.serve.pages import Pages, preferred_format, takes_gzip
from tests.unit.serve.served import OTHER, TARGET, Served

CPU = counter("process_cpu_seconds_total", "seconds", "CPU time")
RSS = gauge("process_resident_memory_bytes", "bytes", "Resident memory")
INFO = gauge("python_info", "", "What it is", "version")
PAUSE = histogram("python_gc_pause_seconds", "seconds", "Pauses", "generation")
HOSTILE = 'a"b\\c\nd\x1b[31m\r\t\x00\u2028\u202e\ue000 é \U0001f40d'

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)

Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def page(served: Served, form: TextFormat = TextFormat.PLAIN) -> str:
    return Exposition(served.view).render(form).decode()


def parsed(text: str, form: TextFormat) -> Found:
    """Every sample by name and labels; none may come twice, or have a time stamp."""
    parse = parse_openmetrics if form is TextFormat.OPEN_METRICS else parse_text
    found: Found = {}
    for family in parse(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            assert sample.timestamp is None
            found[key] = sample.value
    return found


def key_of(labels: Labels) -> tuple[str, tuple[tuple[str, str], ...]]:
    return labels["__name__"], tuple(labels.without("__name__").items())


def filled() -> Served:
    served = Served(CPU, RSS, INFO, PAUSE, targets=(TARGET, OTHER))
    pauses = HistogramState((0.001, 0.01, 10.0))
    for seconds in (0.0005, 0.004, 0.004, 20.0):
        pauses.observe(seconds)
    for target in (TARGET, OTHER):
        served.detect(target)
        served.scrape(
            1.0,
            Sample(CPU, 12.34),
            Sample(RSS, 123456789.0),
            Sample(INFO, 1.0, Labels(version="3.12.1")),
            *pauses.samples(PAUSE, Labels(generation="2")),
            *pauses.samples(PAUSE, Labels(generation="0")),
            target=target,
        )
    served.tick(1.0)
    return served


@pytest.mark.parametrize("form", TextFormat)
def test_both_formats_give_back_every_number_of_the_view(form: TextFormat) -> None:
    served = filled()
    expected = {key_of(labels): value for labels, value in newest(served.view, 1.0)}
    assert len(expected) > 40
    assert parsed(page(served, form), form) == expected


def test_the_page_is_what_a_query_at_the_last_tick_answers() -> None:
    served = filled()
    served.scrape(1.5, Sample(CPU, 99.0))  # after the tick
    answers = compile_query('{__name__=~".+"}').instant(served.view, 1.0)
    assert isinstance(answers, Vector)
    asked = {key_of(labels): value for labels, value in zip(answers.labels, answers.values[0], strict=True)}
    assert parsed(page(served), TextFormat.PLAIN) == asked
    assert 99.0 not in asked.values()


def test_types_help_and_units_are_those_that_were_declared() -> None:
    text, open_metrics = page(filled()), page(filled(), TextFormat.OPEN_METRICS)
    assert "# HELP process_cpu_seconds_total CPU time\n# TYPE process_cpu_seconds_total counter\n" in text
    assert "# TYPE python_gc_pause_seconds histogram\n" in text
    assert "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n" in open_metrics
    assert "# UNIT process_resident_memory_bytes bytes\n" in open_metrics
    assert "# UNIT python_info" not in open_metrics
    assert open_metrics.endswith("# EOF\n")
    assert "_created" not in text + open_metrics


def test_buckets_stand_in_ascending_order_and_end_with_count_and_sum() -> None:
    rows = [
        row
        for row in page(filled()).splitlines()
        if row.startswith("python_gc_pause_seconds") and 'pid="7"' in row
    ]
    first = rows[:6]
    assert [row.partition('le="')[2].partition('"')[0] for row in first] == [
        "0.001",
        "0.01",
        "10.0",
        "+Inf",
        "",
        "",
    ]
    assert [float(row.rpartition(" ")[2]) for row in first] == [1.0, 3.0, 3.0, 4.0, 4.0, 20.0085]


def test_half_a_histogram_is_left_out() -> None:
    served = Served(PAUSE)
    whole = list(HistogramState((1.0,)).samples(PAUSE))
    served.scrape(1.0, *whole[:1], *whole[2:])  # without the last bucket
    served.tick(1.0)
    assert "python_gc_pause_seconds" not in page(served)


@pytest.mark.parametrize("value", [HOSTILE, "\\n", "\\x1b", "\x1b"])
def test_a_label_is_told_exactly_whatever_is_in_it(value: str) -> None:
    served = Served(INFO)
    served.scrape(1.0, Sample(INFO, 1.0, Labels(version=value)))
    served.tick(1.0)
    for form in TextFormat:
        found = {name: dict(labels) for name, labels in parsed(page(served, form), form)}
        assert found["python_info"]["version"] == value


def test_what_is_no_unicode_in_a_label_is_shown_as_an_escape() -> None:
    served = Served(INFO)
    served.scrape(1.0, Sample(INFO, 1.0, Labels(version="é\udcff\x1b")))
    served.tick(1.0)
    for form in TextFormat:
        values = [dict(labels).get("version") for _, labels in parsed(page(served, form), form)]
        assert "é\\udcff\x1b" in values


def test_of_two_labels_that_look_alike_once_they_are_valid_one_is_told() -> None:
    served = Served(INFO)
    served.scrape(1.0, Sample(INFO, 1.0, Labels(version="\udcff")), Sample(INFO, 2.0, Labels(version="\\udcff")))
    served.tick(1.0)
    found = parsed(page(served), TextFormat.PLAIN)
    assert [value for (name, _), value in found.items() if name == "python_info"] == [2.0]


def test_an_applications_own_names_and_help_are_told_without_breaking_the_page() -> None:
    odd = counter("requests", "", "no _total\nand \\ two lines\r é\udcff \x1b[2J")
    twin, twins = gauge("jobs", "", "g"), counter("jobs_total", "", "c")
    served = Served(open_ended=(odd, twin, twins))
    served.scrape(1.0, Sample(odd, 3.0), Sample(twin, 4.0), Sample(twins, 5.0), source="page")
    served.tick(1.0)
    assert "# TYPE requests untyped\n" in page(served)
    for form in TextFormat:
        found = parsed(page(served, form), form)
        values = {name: value for (name, _), value in found.items()}
        assert (values["requests"], values["jobs"], values["jobs_total"]) == (3.0, 4.0, 5.0)
        assert "# HELP requests no _total\\nand \\\\ two lines\r é\\\\udcff \x1b[2J\n" in page(served, form)


def test_numbers_that_json_has_no_word_for_are_told_and_a_counter_that_is_none_is_not() -> None:
    served = Served(CPU, RSS, INFO)
    served.scrape(1.0, Sample(CPU, math.nan), Sample(RSS, math.inf), Sample(INFO, math.nan))
    served.tick(1.0)
    for form in TextFormat:
        found = {name: value for (name, _), value in parsed(page(served, form), form).items()}
        assert CPU.name not in found
        assert found[RSS.name] == math.inf
        assert math.isnan(found[INFO.name])


def test_series_of_a_target_that_ended_are_gone_at_once_and_up_says_0_for_five_minutes() -> None:
    served = filled()
    exposition = Exposition(served.view)
    assert b'process_cpu_seconds_total{instance="box/7"' in exposition.render(TextFormat.PLAIN)
    served.end(1.5)
    served.tick(2.0)
    after = exposition.render(TextFormat.PLAIN)
    assert b'process_cpu_seconds_total{instance="box/7"' not in after
    assert b'process_cpu_seconds_total{instance="box/8"' in after
    assert b'up{instance="box/7",job="web",pid="7",runtime="cpython"} 0.0\n' in after
    served.tick(310.0)
    assert b'instance="box/7"' not in exposition.render(TextFormat.PLAIN)


def test_a_page_is_written_once_a_tick_and_anew_after_it() -> None:
    served = filled()
    pages = Pages(served.view)
    first = pages.page(TextFormat.PLAIN, compressed=False)
    assert pages.page(TextFormat.PLAIN, compressed=False) is first
    served.scrape(2.0, Sample(CPU, 13.0))
    assert pages.page(TextFormat.PLAIN, compressed=False) is first
    served.tick(2.0)
    assert b" 13.0\n" in pages.page(TextFormat.PLAIN, compressed=False)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TextFormat.PLAIN),
        ("*/*", TextFormat.PLAIN),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TextFormat.PLAIN),
        ("application/openmetrics-text", TextFormat.OPEN_METRICS),
        (
            PROMETHEUS_3,
            TextFormat.OPEN_METRICS,
        ),
        ("application/openmetrics-text;q=0.1, text/plain", TextFormat.PLAIN),
        ("application/openmetrics-text;q=0", TextFormat.PLAIN),
        ("application/openmetrics-text;q=" + "9" * 5000, TextFormat.OPEN_METRICS),
        (",;;=,q=", TextFormat.PLAIN),
    ],
)
def test_the_format_is_the_one_that_the_client_likes_best(accept: str, form: TextFormat) -> None:
    assert preferred_format(accept) is form


def test_gzip_is_sent_to_those_who_take_it() -> None:
    assert takes_gzip("gzip, deflate")
    assert takes_gzip("*")
    assert not takes_gzip("")
    assert not takes_gzip("gzip;q=0, *")
    assert not takes_gzip("identity")


def test_what_rules_write_is_left_out_so_that_who_scrapes_may_evaluate_them_too() -> None:
    served = Served(RSS)
    written = ("ALERTS", "ALERTS_FOR_STATE", "job:rss")

    def alerting(time: float) -> AlertBoard:
        group = served.store.group(Labels())
        row = group.resolve([Labels(__name__=name) for name in (*written, "other")])
        group.append_row(time, row, np.ones(len(written) + 1))
        rule = RuleStatus(RuleKey("f", "g", 0, "job:rss"), "recording", "sum(process_resident_memory_bytes)")
        return AlertBoard(rules=(rule,))

    served.pipeline.alerting = alerting
    served.scrape(1.0, Sample(RSS, 2.0))
    served.tick(1.0)
    told = {name for name, _ in parsed(page(served), TextFormat.PLAIN)}
    assert {RSS.name, "other", "up"} <= told
    assert not told & set(written)
