"""Reading a file of series: what is taken, and what is refused in which words."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from razorprof.errors import ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.metric import MetricKind
from razorprof.model.series import Series
from razorprof.store.openmetrics import LONGEST_LINE, OpenMetricsFile, read_openmetrics


def read(folder: Path, content: str | bytes, samples: int = 1_000_000, series: int = 1000) -> OpenMetricsFile:
    file = folder / "series.om"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_openmetrics(file, samples=samples, series=series)


def series_of(found: OpenMetricsFile) -> dict[Labels, Series]:
    return {one.labels: one for one in found.view.select((), -1e11, 1e11)}


def test_samples_keep_labels_values_and_times(tmp_path: Path) -> None:
    found = read(tmp_path, 'a{x="1"} 2.5 100\na{x="1"} -3e5 100.25\nb +Inf 99\n# EOF\n')
    series = series_of(found)
    a, b = series[Labels({"__name__": "a", "x": "1"})], series[Labels({"__name__": "b"})]
    assert (a.times.tolist(), a.values.tolist()) == ([100, 100.25], [2.5, -3e5])
    assert b.values.tolist() == [math.inf]
    assert (found.start, found.end, found.samples) == (99, 100.25, 3)


def test_quotes_braces_spaces_and_escapes_may_stand_in_a_label(tmp_path: Path) -> None:
    text = 'a{x="} 1 2 # {\\"\\\\\\n"} 7 5 # {id="x y"} 1 4\na{x="} 1 2 # {\\"\\\\\\n"} 8 6\n# EOF\n'
    ((labels, series),) = series_of(read(tmp_path, text)).items()
    assert labels["x"] == '} 1 2 # {"\\\n'
    assert series.values.tolist() == [7, 8]


def test_the_order_of_labels_makes_no_other_series(tmp_path: Path) -> None:
    found = read(tmp_path, 'a{x="1",y="2"} 1 1\na{y="2",x="1"} 2 2\n# EOF\n')
    ((_, series),) = series_of(found).items()
    assert series.values.tolist() == [1, 2]


def test_families_may_come_in_pieces(tmp_path: Path) -> None:
    series = series_of(read(tmp_path, "a 1 1\nb 1 1\na 2 2\nb 2 2\n# EOF\n"))
    assert [one.values.tolist() for one in series.values()] == [[1, 2], [1, 2]]


def test_the_same_sample_twice_counts_once(tmp_path: Path) -> None:
    ((_, series),) = series_of(read(tmp_path, "a 1 1\na 1 1\na NaN 2\na NaN 2\n# EOF\n")).items()
    assert series.times.tolist() == [1, 2]


def test_time_stamps_are_cut_to_the_millisecond_as_prometheus_does(tmp_path: Path) -> None:
    ((_, series),) = series_of(read(tmp_path, "a 1 1.0019\na 1 2.0029999\n# EOF\n")).items()
    assert series.times.tolist() == [1.001, 2.002]


def test_a_page_without_time_stamps_stands_at_the_time_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "a 1\nb 2\n# EOF\n")
    written = (tmp_path / "series.om").stat().st_mtime
    assert found.start == found.end == pytest.approx(written, abs=0.001)


def test_what_the_file_declares_is_known(tmp_path: Path) -> None:
    text = (
        "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds so long\na_seconds_total 1 1\n# EOF"
    )
    (metric,) = read(tmp_path, text).view.metrics()
    assert (metric.name, metric.kind, metric.unit, metric.help) == (
        "a_seconds_total",
        MetricKind.COUNTER,
        "seconds",
        "so long",
    )


def test_a_file_larger_than_what_is_read_at_once_loses_nothing(tmp_path: Path) -> None:
    lines = [f'a{{host="{number % 7}"}} {number} {number}' for number in range(100_000)]
    seen: list[tuple[int, int]] = []
    file = tmp_path / "large.om"
    file.write_text("\n".join([*lines, "# EOF", ""]))
    found = read_openmetrics(file, progress=lambda done, whole: seen.append((done, whole)))
    assert sum(one.values.sum() for one in series_of(found).values()) == sum(range(100_000))
    assert len(seen) > 1
    assert seen[-1] == (file.stat().st_size, file.stat().st_size)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a 1 1\n", "truncated"),
        ("", "truncated"),
        ("a 1 1\n# EOF\nb 1 1\n", r"something follows # EOF \(line 3: b 1 1\)"),
        ("a 1 1\n\n# EOF\n", r"line 2"),
        ("a 1_000 1\n# EOF\n", "no number"),
        ("a 1 1\na 1_0 2\n# EOF\n", "no number"),
        ("a 1 1\na 1 nan\n# EOF\n", "no time stamp"),
        ("a 1 1\na 1- 2\n# EOF\n", "no number"),
        ("a 0x10 1\n# EOF\n", "no number"),
        ("a 1 1\r\n# EOF\r\n", "no time stamp"),
        ("a 1 1 1\n# EOF\n", "not a sample"),
        ("a 1 1\nb 1\n# EOF\n", "some samples have a time stamp"),
        ("a 1\na 2\n# EOF\n", "a series comes twice"),
        ("a 1 2\na 1 1\n# EOF\n", "out of order"),
        ("a 1 2\na 2 2\n# EOF\n", "two values at one time"),
        ("a 1 1e300\n# EOF\n", "out of bounds"),
        ('a{x="1" 1 1\n# EOF\n', "not a sample"),
        ('a{x=1} 1 1\n# EOF\n', "not a name with labels"),
        ('a{x="1",x="2"} 1 1\n# EOF\n', "not a name with labels"),
        ("1a 1 1\n# EOF\n", "not a name with labels"),
        ("# hello\na 1 1\n# EOF\n", "not a line of OpenMetrics"),
        (b'a{x="\xff"} 1 1\n# EOF\n', "not a name with labels"),
        (b"\x00\x01\x02\n# EOF\n", "not a sample"),
        (b'a{x="' + b"y" * LONGEST_LINE + b'"} 1 1\n# EOF\n', "too long"),
        (b"a" * (5 << 20), "too long"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_with_its_line(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(ToolFailed, match=words) as raised:
        read(tmp_path, content)
    assert len(str(raised.value)) < 300


def test_what_a_file_may_hold_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="too many samples"):
        read(tmp_path, "".join(f"a 1 {number}\n" for number in range(11)) + "# EOF\n", samples=10)
    with pytest.raises(ToolFailed, match="too many series"):
        read(tmp_path, "".join(f"a{number} 1 1\n" for number in range(11)) + "# EOF\n", series=10)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ToolFailed, match="no regular file"):
        read_openmetrics(tmp_path / "pipe")


def test_a_file_that_is_not_there_or_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ToolFailed, match="cannot be read"):
            read_openmetrics(path)


@pytest.mark.parametrize(
    "text",
    [
        "a", "a{}", 'a{x="1"}', 'a{x="1",y="2"}', 'a{x="1",}', 'a{x=""}', 'a{,x="1"}', 'a{x="1"y="2"}',
        'a{x="1",,y="2"}',
        'a{x="1",x="1"}', 'a{__name__="b"}', '{"a",x="1"}', '{"a b"}', 'a{"x y"="1"}', "a:b", "a-b", 'a{x-y="1"}',
        'a{x:y="1"}', 'a{x="\\n"}', 'a{x="\\q"}', 'a{x ="1"}', 'a{ x="1"}', "a{x='1'}", 'a{x="é\u2028"}', "é",
        'a{é="1"}',
        "{}", 'a{x="1"}{y="2"}',
    ],
)  # fmt: skip
def test_plain_series_are_read_as_the_client_library_reads_them(tmp_path: Path, text: str) -> None:
    try:
        (family,) = text_string_to_metric_families(f"{text} 0\n# EOF\n")  # type: ignore[no-untyped-call]
        wanted = Labels({**family.samples[0].labels, "__name__": family.samples[0].name})
    except (ValueError, KeyError, IndexError):
        with pytest.raises(ToolFailed, match="line 1"):
            read(tmp_path, f"{text} 0 1\n# EOF\n")
    else:
        assert list(series_of(read(tmp_path, f"{text} 0 1\n# EOF\n"))) == [wanted]
