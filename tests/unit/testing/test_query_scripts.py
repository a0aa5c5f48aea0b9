"""The query scripts of tests/scripts, and the runner that reads them: what it accepts, finds wrong and refuses."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS
from razorprof.testing.promql_scripts import check_script, main, run_script
from razorprof.testing.promql_scripts_answers import almost_equal
from razorprof.testing.promql_scripts_parse import Broken, Eval, parse_script, parse_time
from razorprof.testing.promql_scripts_series import parse_number, parse_points, parse_series

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "tests" / "scripts").glob("*.test"))
LOADED = 'load 1m\n\tx{a="1"} 1+1x10\n\tx{a="2"} 2+2x10\n\n'


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.stem))
def test_every_query_of_a_script_is_answered_as_it_says(path: Path) -> None:
    text = path.read_text("utf-8")
    check_script(text)
    assert sum(isinstance(command, Eval) for command in parse_script(text)) > 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2 3", [1, 2, 3]),
        ("1+2x3", [1, 3, 5, 7]),
        ("5-2x2", [5, 3, 1]),
        ("-2+3x2", [-2, 1, 4]),
        ("7x2", [7, 7, 7]),
        ("1e2 .5 -Inf", [100, 0.5, -math.inf]),
        ("0x3 5", [0, 0, 0, 0, 5]),
        ("7+0x2", [7, 7, 7]),
        ("_ 1 _x2 2", [None, 1, None, None, 2]),
        ("1+1x0", [1]),
    ],
)
def test_sequences_are_expanded(text: str, expected: list[float | None]) -> None:
    points = parse_points(text)
    found = [v if there else None for v, there in zip(points.values.tolist(), points.there, strict=True)]
    assert found == expected


def test_the_notation_is_found_where_it_was_and_where_rules_find_it() -> None:
    from razorprof.query import series_notation
    from razorprof.testing import promql_scripts_series

    for name in promql_scripts_series.__all__:
        assert getattr(promql_scripts_series, name) is getattr(series_notation, name)


def test_a_native_histogram_is_read_over_and_told() -> None:
    points = parse_points("1 {{schema:1 sum:-3 buckets:[5 10 7]}} {{count:1}}+{{count:2}}x2 4")
    assert points.native
    assert points.values.view(np.uint64)[1:5].tolist() == [STALE_BITS] * 4
    assert points.values[[0, 5]].tolist() == [1, 4]


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("x 1", {"__name__": "x"}),
        ("x{} 1", {"__name__": "x"}),
        ("a:b{c=\"d\", e = 'f',} 1", {"__name__": "a:b", "c": "d", "e": "f"}),
        ('{"my name", "a label"="}\\n\\""} 1', {"__name__": "my name", "a label": '}\n"'}),
        ("{__name__=`x`} 1", {"__name__": "x"}),
        ("{} 1", {}),
    ],
)
def test_label_sets_are_read_in_every_writing(line: str, labels: dict[str, str]) -> None:
    found = parse_series(line)
    assert found.labels == Labels(labels)
    assert found.points.values.tolist() == [1.0]


@pytest.mark.parametrize(
    "line", ["x{a=1} 1", "x{a='1' b='2'} 1", "x{a", "= 1", "x 1+1", "x 1x99999999999", "x 1+1x9999999", "x what"]
)
def test_a_series_that_cannot_be_read_is_refused_in_bounded_time(line: str) -> None:
    with pytest.raises(UsageError):
        parse_series(line)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("1m", 60_000), ("1h30m", 5_400_000), ("50ms", 50), ("90", 90_000)]
)
def test_times_are_durations_since_the_epoch(text: str, expected: int) -> None:
    assert parse_time(text) == expected


def test_numbers_are_as_the_language_writes_them() -> None:
    assert parse_number("+Inf") == math.inf
    assert parse_number("-0x1f") == -31
    assert parse_number("1m") is None
    assert math.isnan(parse_number("NaN") or 0)


def test_a_wrong_value_is_told_with_its_line() -> None:
    (failure,) = run_script(LOADED + "eval instant at 0 sum(x)\n\t{} 4\n")
    assert (failure.line, failure.unsupported) == (5, False)
    assert "expected 4.0" in str(failure)
    assert "got 3.0" in str(failure)


@pytest.mark.parametrize(
    "eval_lines",
    [
        'eval instant at 0 x\n\tx{a="1"} 1\n',  # one is missing
        'eval instant at 0 x{a="1"}\n',  # nothing was expected
        "eval instant at 0 sum(x)\n\t3\n",  # no scalar
        "eval instant at 0 1\n\t{} 1\n",  # no series
        'eval instant at 0 "a"\n\texpect string "b"\n',
        'eval instant at 0 sort(x)\n\texpect ordered\n\tx{a="2"} 2\n\tx{a="1"} 1\n',
        "eval range from 0 to 2m step 1m sum(x)\n\t{} 3 6\n",
        "eval range from 0 to 2m step 1m sum(x)\n\t{} 3 6 9 12\n",
        "eval instant at 0 sum(x)\n\texpect fail\n",
        "eval instant at 0 x + on () x\n\texpect fail msg: something else\n",
        "eval instant at 0 x + on () x\n",
        "eval_fail instant at 0 x + on () x\n\texpected_fail_regexp nothing like it\n",
        "eval instant at 0\n",
        "evaluate it\n",
        "eval range from 1m to 0 step 1m x\n",
    ],
)
def test_what_is_not_as_expected_fails(eval_lines: str) -> None:
    (failure,) = run_script(LOADED + eval_lines)
    assert not failure.unsupported


@pytest.mark.parametrize(
    "eval_lines",
    [
        "eval instant at 0 sum(x)\n\t{} 3\n",
        "eval instant at 0 sum(x)\n\texpect no_warn\n\texpect no_info\n\t{} 3\n",
        "eval_fail instant at 0 x + on () x\n",
        "eval instant at 0 x + on () x\n\texpect fail regex: (found duplicate|many-to-many)\n",
        "eval_ordered instant at 0 sort_desc(x)\n\tx{a=\"2\"} 2\n\tx{a='1'} 1\n",
        "eval range from 0 to 2m step 1m sum(x)\n\t{} 3 6 9\n",
        "eval instant at 1m 7\n\t7\n",
        "clear\neval instant at 0 x\n",
        'load 1m\n\tx{a="1"} _x11 5\n\neval instant at 11m x{a=\'1\'}\n\tx{a="1"} 5\n',
        "# said by nobody\n   # nor here\n",
    ],
)
def test_what_is_as_expected_passes(eval_lines: str) -> None:
    assert run_script(LOADED + eval_lines) == []


def test_what_razorprof_lacks_is_told_as_unsupported() -> None:
    text = "load 1m\n\th {{schema:0 sum:1 count:1}}\n\tx 1\n\n"
    failures = run_script(
        text
        + "eval instant at 0 h\n\th {{schema:0 sum:1 count:1}}\n\n"
        + "eval instant at 0 histogram_count(h)\n\t{} 1\n\n"
        + "eval instant at 0 sort_by_label(x, 'a')\n\tx 1\n\n"
        + "eval instant at 0 x\n\tx 1\n"
    )
    assert [failure.line for failure in failures] == [5, 8, 11]
    assert all(failure.unsupported for failure in failures)


def test_what_holds_without_the_native_histograms_is_no_failure() -> None:
    text = "load 1m\n\tx{a='1'} 1 2 {{count:3}}\n\tx{a='2'} {{count:1}}x3\n\n"
    assert run_script(text + "eval range from 0 to 2m step 1m x * 2\n\t{a='1'} 2 4 _\n") == []
    lacking = ("x\n\tx{a='1'} 2\n\tx{a='2'} 1\n", "{a=~'.'}\n\texpect fail\n", "count(x)\n\t{} 2\n")
    for expected in lacking:
        (failure,) = run_script(text + "eval instant at 1m " + expected)
        assert failure.unsupported
    (failure,) = run_script("load 1m\n\ty 1\n\n" + text + "eval instant at 0 y\n\ty 2\n")
    assert not failure.unsupported


def test_functions_that_nobody_here_knows_are_unsupported() -> None:
    (failure,) = run_script("eval instant at 0 of_the_future(x)\n\t{} 1\n")
    assert failure.unsupported


def test_a_broken_command_does_not_hide_the_others() -> None:
    failures = run_script("load never\n\tx 1\n\nnonsense\n\neval instant at 0 1\n\t2\n")
    assert [failure.line for failure in failures] == [1, 4, 6]


def test_equality_is_to_a_millionth_and_exact_at_zero() -> None:
    assert almost_equal(1.0, 1.0000009)
    assert not almost_equal(1.0, 1.00001)
    assert not almost_equal(0.0, 1e-12)
    assert almost_equal(math.nan, math.nan)
    assert not almost_equal(math.inf, 1e308)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="evalodx{}=\"_+-1234567890 \n\t.#\\'`@[]", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for command in parse_script("load 1m\n" + text + "\n\neval instant at 0 " + text):
        assert isinstance(command, Broken) or command.line >= 1


def test_files_are_run_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.test", tmp_path / "bad\x1b.test"
    good.write_text("eval instant at 0 1 + 1\n\texpect info\n\t2\n")
    bad.write_text("eval instant at 0 1 + 1\n\t3\n")
    assert main([str(good)]) == 0
    assert "1 queries, 0 failed, 0 unsupported, 1 warnings not checked" in capsys.readouterr().out
    assert main([str(good), str(bad)]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert main([str(tmp_path / "none.test")]) == 6
    command = [sys.executable, "-m", "razorprof.testing.promql_scripts", str(good)]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
