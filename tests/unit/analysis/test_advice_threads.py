"""Advice on threads, on observations made by hand."""

from __future__ import annotations

import pytest

from razorprof.analysis.advice import advise
from razorprof.model.advice import Better, Confidence
from razorprof.model.verdict import Limit, Verdict
from tests.unit.analysis.advice_observations import interpreter, observed


def io(waiting: float) -> Verdict:
    return Verdict(Limit.IO, 1.0, "I/O", {Limit.IO: waiting}, seconds=5.0)


def test_a_gil_that_is_always_held_and_waited_for_calls_for_processes_not_threads() -> None:
    (advice,) = advise(observed(gil_held=0.99, gil_waiters=3.0, gil_switches=1500, cpu=1.0))
    assert advice.name == "gil-bound"
    assert advice.change.startswith("Not more threads.")
    assert advice.check.figure.name == "python_gil_waiters"
    assert advice.confidence is Confidence.HIGH
    assert "does not release it" not in advice.reasoning


def test_a_gil_that_rarely_changes_hands_points_to_a_call_that_keeps_it() -> None:
    (advice,) = advise(observed(gil_held=0.99, gil_waiters=1.0, gil_switches=20))
    assert "C code that does not release it" in advice.reasoning
    assert "First find that call" in advice.change


@pytest.mark.parametrize(
    ("held", "waiters"), [(0.99, 0.0), (0.5, 3.0), (None, 3.0), (0.99, None), (None, None), (0.99, 0.3)]
)
def test_a_gil_without_a_queue_or_without_figures_is_silent(held: float | None, waiters: float | None) -> None:
    assert advise(observed(gil_held=held, gil_waiters=waiters)) == ()


def test_a_gil_that_the_collector_holds_is_the_collectors_matter() -> None:
    collector = interpreter(collections=(0, 0, 60), seconds=5.0)
    found = advise(observed(collector, gil_held=0.99, gil_waiters=3.0))
    assert [advice.name for advice in found] == ["gc-collect-calls"]


def test_one_thread_that_waits_for_data_all_the_time_could_overlap_its_waits() -> None:
    (advice,) = advise(observed(verdict=io(1.0), cpu=0.05, gil_held=0.03))
    assert advice.name == "waits-alone"
    assert advice.check.better is Better.HIGHER
    assert advice.confidence is Confidence.LOW
    assert "ThreadPoolExecutor" in advice.change


def test_waits_that_overlap_or_a_process_that_computes_are_silent() -> None:
    assert advise(observed(verdict=io(6.0), cpu=0.05, gil_held=0.03)) == ()
    assert advise(observed(verdict=io(1.0), cpu=0.6, gil_held=0.03)) == ()
    assert advise(observed(verdict=io(1.0), cpu=None, gil_held=0.03)) == ()
    assert advise(observed(verdict=Verdict(Limit.IDLE, 1.0, "idle"), cpu=0.05, gil_held=0.03)) == ()


def test_every_piece_of_advice_names_a_figure_a_reason_a_change_and_a_command() -> None:
    found = (
        *advise(observed(gil_held=0.99, gil_waiters=3.0)),
        *advise(observed(verdict=io(1.0), cpu=0.05, gil_held=0.03)),
        *advise(observed(interpreter(garbage=5000))),
        *advise(observed(interpreter(collections=(0, 0, 60), seconds=5.0))),
    )
    assert len(found) == 4
    for advice in found:
        assert advice.figures
        assert advice.check.figure in advice.figures
        assert all((advice.title, advice.reasoning, advice.change))
        assert "razorprof " in advice.check.command
        assert "1234" in advice.check.command
