"""The sliding window of stacks."""

from __future__ import annotations

import pytest

from razorprof.analysis.window import StackWindow
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.profile import by_file, by_package, callers_and_callees, top

MAIN = ThreadId(1, "main")


def stack(*names: str) -> tuple[Frame, ...]:
    return tuple(Frame(name, "app/views.py" if name != "dumps" else "json/__init__.py", 1) for name in names)


def add(
    window: StackWindow, start: float, *samples: tuple[tuple[Frame, ...], float], seconds: float = 2.0
) -> None:
    report = SamplingReport(start, seconds, 100, len(samples), 0, 50.0, "nonblocking")
    window.add([StackSample(s, weight, MAIN) for s, weight in samples], report)


def test_only_the_last_seconds_count_and_older_batches_are_let_go() -> None:
    window = StackWindow(width=4.0, keep=10.0)
    for number in range(10):
        add(window, 100.0 + 2 * number, (stack("main", f"f{number}"), 1.0))

    recent = window.profile()
    assert {s[-1].function for _, s in recent.weights} == {"f8", "f9"}
    assert recent.seconds == 4.0
    assert len(window.profile(1000.0).weights) == 5


def test_own_and_total_shares_count_recursion_once() -> None:
    window = StackWindow()
    add(window, 0.0, (stack("main", "walk", "walk", "walk"), 3.0), (stack("main", "walk", "dumps"), 1.0))

    shares = {f.function: (f.self_ratio, f.total_ratio) for f in top(window.profile())}
    assert shares["walk"] == pytest.approx((0.75, 1.0))
    assert shares["dumps"] == pytest.approx((0.25, 0.25))
    assert shares["main"] == pytest.approx((0.0, 1.0))


def test_functions_collapse_by_file_and_package() -> None:
    window = StackWindow()
    add(window, 0.0, (stack("main", "walk"), 3.0), (stack("main", "walk", "dumps"), 1.0))

    files = {f.file: f.self_ratio for f in top(window.profile(), by_file)}
    assert files == pytest.approx({"app/views.py": 0.75, "json/__init__.py": 0.25})
    assert {f.file for f in top(window.profile(), by_package)} == {"app", "json"}


def test_callers_and_callees_of_a_function_are_trees_around_it() -> None:
    window = StackWindow()
    add(window, 0.0, (stack("main", "a", "hot", "leaf"), 3.0), (stack("main", "b", "hot"), 1.0))

    callers, callees = callers_and_callees(window.profile(), "hot", "app/views.py")
    assert [(n.frame.function, n.weight) for n in callers.children] == [("a", 3.0), ("b", 1.0)]
    assert callers.children[0].children[0].frame.function == "main"
    assert [(n.frame.function, n.weight) for n in callees.children] == [("leaf", 3.0)]
    assert callees.self_weight == 1.0


def test_a_stack_of_ten_thousand_frames_is_no_trouble() -> None:
    window = StackWindow()
    add(window, 0.0, (stack(*[f"f{i}" for i in range(10_000)]), 1.0))
    _, callees = callers_and_callees(window.profile(), "f0", "app/views.py")
    assert callees.weight == 1.0
