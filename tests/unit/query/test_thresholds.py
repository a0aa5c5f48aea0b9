"""Thresholds out of expressions: which number a rule's values are compared with, and from which side."""

from __future__ import annotations

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.series import Series
from razorprof.query.comparison import comparison_of
from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.store.fixed import FixedView


@pytest.mark.parametrize(
    ("text", "operator", "limit"),
    [
        ("load > 5", ">", 5.0),
        ("5 < load", ">", 5.0),
        ("load <= 0.5", "<=", 0.5),
        ("0.5 <= load", ">=", 0.5),
        ("load == 0", "==", 0.0),
        ("load != 1", "!=", 1.0),
        ("(sum by (job) (rate(load[5m])) > (2 * 1024))", ">", 2048.0),
        ("load > -1", ">", -1.0),
        ("load < -(2 + 1) ^ 2", "<", -9.0),
        ("load > 5 and other < 2", ">", 5.0),
        ("load > 5 unless on(pid) other", ">", 5.0),
        ("load > 5 and (other > 1 or other < 0)", ">", 5.0),
        ("load > 1e400", ">", float("inf")),
    ],
)
def test_the_number_stands_on_the_right_whatever_side_it_was_written_on(
    text: str, operator: str, limit: float
) -> None:
    found = comparison_of(compile_query(text))
    assert found is not None
    assert (found.operator, found.value) == (operator, limit)


@pytest.mark.parametrize(
    "text",
    [
        "load",
        "load > other",
        "load > bool 5",
        "load > 5 or other > 5",
        "load > time()",
        "load > scalar(other)",
        "(load > 5) * 2",
        "1 > bool 2",
        "vector(1)",
        "absent(load)",
        "load > 0 / 0",
    ],
)
def test_what_has_no_constant_threshold_has_none(text: str) -> None:
    assert comparison_of(compile_query(text)) is None


def test_the_left_side_can_be_asked_while_nothing_exceeds_the_limit() -> None:
    series = [
        Series(Labels(__name__="load", pid=pid), np.array([1.0]), np.array([value]))
        for pid, value in (("7", 1.0), ("8", 3.0))
    ]
    view = FixedView(series)
    found = comparison_of(compile_query("max by (pid) (load * 2) > 100"))
    assert found is not None
    value = found.left.instant(view, 1.0)
    assert isinstance(value, Vector)
    assert dict(zip([labels["pid"] for labels in value.labels], value.values[0].tolist(), strict=True)) == {
        "7": 2.0,
        "8": 6.0,
    }
