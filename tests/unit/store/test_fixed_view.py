"""Series that do not change, as a view: picked by labels and time, together where they share their times."""

from __future__ import annotations

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.metric import gauge
from razorprof.model.series import Series
from razorprof.store.fixed import FixedView
from razorprof.store.view import Matcher, MatchOp, equal


def a_series(times: list[float], **labels: str) -> Series:
    return Series(Labels(labels), np.array(times), np.array(times) * 2)


VIEW = FixedView(
    [a_series([1, 2, 3], a="1"), a_series([1, 2, 3], a="2"), a_series([2, 3], a="3", b="x\ny")],
    [gauge("m", "", "help")],
)


def test_series_that_share_their_times_come_as_columns() -> None:
    blocks = VIEW.blocks([], 2, 9)
    assert [len(block.labels) for block in blocks] == [2, 1]
    assert blocks[0].times.tolist() == [2, 3]
    assert blocks[0].values.tolist() == [[4, 4], [6, 6]]


def test_both_ends_of_the_time_are_in_and_series_without_samples_are_out() -> None:
    assert [one.labels["a"] for one in VIEW.select([], 1, 1)] == ["1", "2"]
    assert VIEW.select([], 4, 9) == []


@pytest.mark.parametrize(
    ("op", "label", "value", "found"),
    [
        (MatchOp.EQUAL, "a", "2", "2"),
        (MatchOp.NOT_EQUAL, "a", "2", "13"),
        (MatchOp.REGEX, "a", "1|3", "13"),
        (MatchOp.REGEX, "b", "x.y", "3"),
        (MatchOp.REGEX, "b", "x", ""),
        (MatchOp.NOT_REGEX, "b", ".+", "12"),
        (MatchOp.EQUAL, "b", "", "12"),
    ],
)
def test_matchers_pick_series(op: MatchOp, label: str, value: str, found: str) -> None:
    assert "".join(one.labels["a"] for one in VIEW.select([Matcher(label, op, value)], 0, 9)) == found


def test_the_same_selection_again_answers_the_same() -> None:
    for _ in range(600):  # more than are remembered
        assert len(VIEW.select([equal("a", "1")], 0, 9)) == 1
    for place in range(600):
        assert VIEW.select([equal("a", f"none {place}")], 0, 9) == []


def test_a_label_set_may_come_once_only() -> None:
    with pytest.raises(ValueError, match="twice"):
        FixedView([a_series([1], a="1"), a_series([2], a="1")])


def test_the_metrics_are_told() -> None:
    assert [metric.name for metric in VIEW.metrics()] == ["m"]
