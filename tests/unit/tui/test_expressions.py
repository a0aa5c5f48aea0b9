"""Expressions over a window: their points, their last value, and what they may cost."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.series import Series
from razorprof.query.engine import compile_query
from razorprof.query.limits import DEFAULT_LIMITS, Limits
from razorprof.query.values import Vector
from razorprof.store.fixed import FixedView
from razorprof.store.view import Matcher, SeriesBlock
from razorprof.tui import expressions
from razorprof.tui.expressions import Answer, Expressions, Window, check_expression, evaluate, plot_window


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a crowded machine everything is slow: what is meant to be quick here has half a minute."""
    monkeypatch.setattr(expressions, "_QUICK", 30.0)


def view(count: int = 100) -> FixedView:
    steps = np.arange(count, dtype=np.float64)
    return FixedView(
        Series(Labels({"__name__": "a_total", "x": str(x)}), 1000.0 + steps, steps * (x + 1.0)) for x in range(3)
    )


def test_points_stand_on_multiples_of_the_step_and_one_at_the_end() -> None:
    answer = evaluate(view(), "sum(a_total)", Window(1000.0, 1023.0, 5.0), DEFAULT_LIMITS)
    assert answer is not None
    ((labels, times, values),) = answer.series
    assert labels == Labels()
    assert times.tolist() == [1000, 1005, 1010, 1015, 1020, 1023]
    assert values.tolist() == [0, 30, 60, 90, 120, 138]
    assert answer.last == 138


@pytest.mark.parametrize("text", ["sum(rate(a_total[20s]))", "a_total{x='1'} / 3", "7 * time()"])
def test_the_last_value_is_that_of_a_query_for_that_moment(text: str) -> None:
    answer = evaluate(view(), text, Window(1000.0, 1042.3, 5.0), DEFAULT_LIMITS)
    asked = compile_query(text).instant(view(), 1042.3)
    assert answer is not None
    assert answer.last == (asked.values[0, 0] if isinstance(asked, Vector) else asked.values[0])  # type: ignore[union-attr]


def test_a_series_that_has_ended_has_no_last_value() -> None:
    answer = evaluate(view(), "a_total{x='1'}", Window(1000.0, 1900.0, 60.0), DEFAULT_LIMITS)
    assert answer is not None
    assert answer.last is None
    assert answer.series[0][1][-1] < 1900


def test_a_failure_is_words_and_a_limit_is_no_answer() -> None:
    window = Window(1000.0, 1090.0, 5.0)
    failed = evaluate(view(), "a_total + on() a_total", window, DEFAULT_LIMITS)
    assert failed is not None
    assert "many" in failed.error
    assert evaluate(view(), "a_total", window, Limits(samples=10)) is None


@pytest.mark.parametrize(
    ("seconds", "points", "interval", "step"),
    [
        (60, 200, 1.0, 1.0),
        (900, 160, 1.0, 10.0),
        (900, 2000, 0.1, 0.5),
        (900, 100, 60.0, 60.0),
        (1e6, 10, 1.0, 1e5),
    ],
)
def test_a_window_has_round_steps_no_shorter_than_the_interval(
    seconds: float, points: int, interval: float, step: float
) -> None:
    assert plot_window(5000.0, seconds, points, interval) == Window(5000.0 - seconds, 5000.0, step)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum(", "a bracket is not closed"),
        ("up[5m]", "a range vector"),
        ("'x'", "a text cannot be plotted"),
        ("info(up)", "experimental"),
        ("x" * 20_000, "too long"),
        ("rate(up[1m])", ""),
        ("1", ""),
    ],
)
def test_what_cannot_be_plotted_is_said_in_words(text: str, words: str) -> None:
    assert (words in check_expression(text)) if words else (check_expression(text) == "")


def test_an_answer_is_worked_out_once_for_a_window() -> None:
    asked: list[str] = []

    class Counting(FixedView):
        def blocks(self, *arguments):  # type: ignore[no-untyped-def]
            asked.append("blocks")
            return super().blocks(*arguments)

    counting = Counting(view().select((), 0, 1e9))
    kept = Expressions(lambda: None)
    kept.put("sum(a_total)")
    window = Window(1000.0, 1020.0, 5.0)
    first = kept.answers(counting, window, ["sum(a_total)"])
    before = len(asked)
    assert kept.answers(counting, window, ["sum(a_total)"]) == first
    assert len(asked) == before
    kept.answers(counting, Window(1001.0, 1021.0, 5.0), ["sum(a_total)"])
    assert len(asked) > before


def test_what_was_slow_goes_to_a_thread_and_its_last_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    told, may_answer = threading.Event(), threading.Event()
    may_answer.set()
    slow = view()
    blocks = slow.blocks

    def blocks_in_time(matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        assert may_answer.wait(30)
        return blocks(matchers, start, end)

    monkeypatch.setattr(slow, "blocks", blocks_in_time)
    clock = iter(range(0, 60_000, 60))  # each evaluation takes a minute
    kept = Expressions(told.set, clock=lambda: float(next(clock)))
    kept.put("sum(a_total)")
    first = kept.answers(slow, Window(1000.0, 1020.0, 5.0), ["sum(a_total)"])["sum(a_total)"]
    assert first.last == 120
    may_answer.clear()
    later = Window(1000.0, 1030.0, 5.0)
    assert kept.answers(slow, later, ["sum(a_total)"])["sum(a_total)"] is first
    may_answer.set()
    assert told.wait(30)
    assert kept.answers(slow, later, ["sum(a_total)"])["sum(a_total)"].last == 180


def test_expressions_are_replaced_in_their_place_and_taken_away() -> None:
    kept = Expressions(lambda: None)
    for text in ("a", "b", "c", "b"):
        kept.put(text)
    assert kept.texts == ["a", "b", "c"]
    kept.put("d", instead="b")
    assert kept.texts == ["a", "d", "c"]
    kept.put("", instead="a")
    kept.put("c", instead="d")
    assert kept.texts == ["c"]
    assert kept.answers(view(), Window(0.0, 1.0, 1.0), ["gone"]) == {}
    assert isinstance(kept.answers(view(), Window(0.0, 1.0, 1.0), ["c"])["c"], Answer)
