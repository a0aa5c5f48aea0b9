"""Functions, flame graphs, call trees, threads, plots: model values to lines."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from rich.cells import cell_len

from razorprof.model.frame import Frame, Stack, ThreadId
from razorprof.model.profile import Profile, StackKey, call_tree, callers_and_callees
from razorprof.model.threads import ThreadInfo, ThreadState, WaitsOn
from razorprof.render import functions, threads
from razorprof.render.figures import in_unit
from razorprof.render.flame import box_text, find, flame_lines, lay_out_flame
from razorprof.render.functions import Grouping
from razorprof.render.palette import PLAIN
from razorprof.render.plot import plot_series
from razorprof.render.snapshot import Mark
from razorprof.render.tree import side_by_side, tree_lines

MAIN, A, B, C = (Frame(name, f"pkg/{name}.py", 1) for name in ("main", "a", "b", "c"))


def profile_of(*stacks: tuple[Stack, float], thread: int = 1) -> Profile:
    return Profile(
        {StackKey(ThreadId(thread, f"t{thread}"), stack): weight for stack, weight in stacks}, seconds=10
    )


TREE = profile_of(((MAIN, A), 6.0), ((MAIN, A, C), 2.0), ((MAIN, B), 1.5), ((MAIN,), 0.5))


def test_functions_are_sorted_filtered_and_compared_with_the_mark() -> None:
    mark = Mark(0.0, {}, {("a", "pkg/a.py"): (0.5, 0.7)})
    rows = functions.function_rows(TREE, Grouping.FUNCTION, mark)
    assert [row.name for row in rows] == ["a", "c", "b", "main"]
    assert rows[0].own_change == pytest.approx(0.1)
    assert rows[1].own_change == pytest.approx(0.2)  # new since the mark
    assert [r.name for r in functions.select_rows(rows, "", "total", False)] == ["main", "a", "c", "b"]
    assert [r.name for r in functions.select_rows(rows, "", "function", False)] == ["a", "b", "c", "main"]
    assert [r.name for r in functions.select_rows(rows, "PKG/B", "own", False)] == ["b"]
    assert [r.name for r in functions.select_rows(rows, "", "own", True)] == ["main", "b", "c", "a"]


def test_rows_by_thread_add_up_to_everything() -> None:
    both = Profile({**TREE.weights, **profile_of(((MAIN,), 10.0), thread=2).weights})
    rows = functions.function_rows(both, Grouping.THREAD)
    assert [(row.name, row.own) for row in rows] == [("t1 (1)", 0.5), ("t2 (2)", 0.5)]
    assert [row.file for row in functions.function_rows(both, Grouping.PACKAGE)] == ["pkg"]


def test_five_thousand_functions_are_ready_within_the_tick() -> None:
    big = profile_of(*(((MAIN, Frame(f"f{n}", f"m{n % 50}.py", n)), 1.0 + n) for n in range(5000)))
    started = time.process_time()
    rows = functions.select_rows(functions.function_rows(big, Grouping.FUNCTION), "f4", "own", False)
    assert time.process_time() - started < 1.0
    assert len(rows) == sum(1 for n in range(5000) if "f4" in f"f{n}")


def test_flame_boxes_are_as_wide_as_their_weight_and_at_least_one_cell() -> None:
    root = call_tree((key.stack, weight) for key, weight in TREE.weights.items())
    laid = lay_out_flame(root, 100, 10)
    assert [[(box.node.frame.function, box.x, box.width) for box in row] for row in laid] == [
        [("all", 0, 100)],
        [("main", 0, 100)],
        [("a", 0, 80), ("b", 80, 15)],
        [("c", 0, 20)],
    ]
    narrow = lay_out_flame(root, 3, 10)
    assert all(box.width >= 1 and box.x + box.width <= 3 for row in narrow for box in row)


@pytest.mark.parametrize("width", [1, 2, 7, 40, 200])
def test_flame_lines_are_exactly_as_wide_as_asked_for_a_thousand_siblings(width: int) -> None:
    wide = profile_of(*(((MAIN, Frame(f"f{n}", "m.py", n)), 1.0) for n in range(1000)))
    root = call_tree((key.stack, weight) for key, weight in wide.weights.items())
    for line in flame_lines(lay_out_flame(root, width, 5), width, PLAIN):
        assert cell_len(line.plain) == width


def test_a_box_is_found_again_by_its_path_and_told_in_words() -> None:
    root = call_tree((key.stack, weight) for key, weight in TREE.weights.items())
    path = (("main", "pkg/main.py"), ("a", "pkg/a.py"))
    node = find(root, path)
    assert node is not None
    assert box_text(node, root.weight, 80) == "80.0 % of all, own 60.0 %  a  pkg/a.py"
    assert find(root, (("gone", ""),)) is None


def test_a_stack_of_ten_thousand_frames_is_drawn_without_recursion() -> None:
    deep = tuple(Frame(f"f{n}", "m.py", n) for n in range(10_000))
    root = call_tree([(deep, 1.0)])
    assert len(lay_out_flame(root, 40, 20)) == 20
    assert len(tree_lines("calls", root, 1.0, 60, 5, PLAIN)) == 6


def test_call_trees_show_the_heaviest_nodes_and_never_a_child_without_its_parent() -> None:
    _, callees = callers_and_callees(TREE, "main", "pkg/main.py")
    shown = [line.plain.split() for line in tree_lines("calls", callees, TREE.total, 60, 2, PLAIN)[1:]]
    assert [words[:2] for words in shown] == [["80.0", "a"], ["20.0", "c"]]
    joined = side_by_side(tree_lines("x", callees, 1, 40, 3, PLAIN), [], 80)
    assert all(line.cell_len <= 80 for line in joined)


def test_threads_with_equal_stacks_form_one_row() -> None:
    infos = [ThreadInfo(n, f"pool-{n}", state=ThreadState.IDLE, frames=(A, MAIN), cpu_ratio=0.1) for n in range(3)]
    infos.append(ThreadInfo(9, "other", state=ThreadState.PYTHON, frames=(B,), cpu_ratio=None))
    rows = threads.thread_rows(infos, grouped=True)
    assert [(row.name, row.cpu_ratio) for row in rows] == [("3 × pool-0", pytest.approx(0.3)), ("other", None)]
    assert len(threads.thread_rows(infos)) == 4
    assert [row.first.name for row in threads.select_rows(rows, "other", "cpu", False)] == ["other"]


def test_what_a_thread_waits_for_is_said_once_with_the_owner() -> None:
    assert threads.waits_text(ThreadInfo(1, waits_on=WaitsOn("sleep", "sleep"))) == "sleep"
    assert (
        threads.waits_text(ThreadInfo(1, waits_on=WaitsOn("lock", "x.py:3", owner=7))) == "lock x.py:3 held by 7"
    )
    assert threads.waits_text(ThreadInfo(1, waits_for_gil=True)) == "gil"
    assert threads.waits_text(ThreadInfo(1)) == ""


def test_a_stack_never_seen_is_not_an_empty_stack() -> None:
    assert threads.top_text(ThreadInfo(1)) == "(stack not seen)"
    assert threads.top_text(ThreadInfo(1, stack_age=0.1)) == "(no Python code)"


@pytest.mark.parametrize(("width", "height"), [(24, 6), (80, 14), (200, 50)])
@pytest.mark.parametrize("colour", [True, False])
def test_a_plot_has_exactly_the_asked_size_whatever_the_terminal(width: int, height: int, colour: bool) -> None:
    times = np.arange(60.0) + 1.7e9
    plot = plot_series([("a", times, np.sin(times)), ("b", times, times * 0 + 3)], width, height, colour=colour)
    lines = plot.plain.split("\n")
    assert len(lines) == height
    assert {cell_len(line) for line in lines} == {width}
    assert bool(plot.spans) is colour


def test_a_plot_labels_its_axes_in_the_unit_and_survives_gaps() -> None:
    times = np.arange(30.0) + 1.7e9
    values = np.where(times % 3 == 0, np.nan, 2.0**20 * (10 + times % 7))
    assert "MiB┤" in plot_series([("x", times, values)], 80, 12, unit="bytes", colour=False).plain
    assert "nothing to plot" in plot_series([("x", times, values * np.nan)], 80, 12).plain
    assert plot_series([("x", times[:1], np.array([5.0]))], 80, 12).plain.count("\n") == 11
    assert in_unit(None, "bytes") == "–"


def test_plots_of_two_threads_do_not_mix() -> None:
    times = np.arange(50.0) + 1.7e9
    expected = plot_series([("low", times, times * 0 + 1)], 60, 10, colour=False).plain
    found: list[str] = []

    def draw() -> None:
        for _ in range(10):
            found.append(plot_series([("low", times, times * 0 + 1)], 60, 10, colour=False).plain)  # noqa: PERF401

    threads_ = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads_:
        thread.start()
    for thread in threads_:
        thread.join(timeout=60)
    assert found == [expected] * 30


def test_hostile_labels_never_reach_the_plot_raw() -> None:
    times = np.arange(9.0)
    assert "\x1b" not in plot_series([("\x1b[31m\n", times, times)], 60, 10, title="\x1b]0;x", colour=False).plain
