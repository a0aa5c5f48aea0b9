"""A metric that a read lacks has its reason, and one that it gives has none."""

from __future__ import annotations

from dataclasses import replace

from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState
from razorprof.runtimes.cpython.metrics import METRICS
from razorprof.runtimes.cpython.reasons import missing_figures

COLLECTOR = InterpreterGc(0, True, False, 0, 0, tuple(Generation(n, 1, 700, 5, 4, 0) for n in range(3)), 0.5)
GC = GcState(1.0, (COLLECTOR,))
GIL = GilState(1.0, (Gil((0,), held_ratio=0.5, mean_waiters=0.0, switches=9),), 2.0, 100)


def missing(gc: GcState = GC, gil: GilState = GIL, gil_reason: str = "", looks: str = "") -> dict[str, str]:
    return dict(missing_figures(gc, gil, exact=True, gil_reason=gil_reason, looks=looks))


def test_where_all_is_there_nothing_is_missing() -> None:
    assert missing() == {}


def test_single_pauses_are_missing_where_python_does_not_record_them() -> None:
    assert set(missing_figures(GC, GIL, exact=False, gil_reason="", looks="")) == {"python_gc_pause_seconds"}


def test_a_lock_that_cannot_be_read_takes_its_figures_with_its_reason() -> None:
    found = missing(gil=GilState(1.0, (), reason="elsewhere"), gil_reason="elsewhere")
    names = {f"python_gil_{name}" for name in ("held_ratio", "late_looks_ratio", "waiters", "switches_total")}
    assert found == dict.fromkeys(names, "elsewhere")


def test_waiters_that_the_kernel_does_not_tell_give_its_reason() -> None:
    lock = replace(GIL.gils[0], mean_waiters=None)
    found = missing(gil=replace(GIL, gils=(lock,), reason="no permission"))
    assert found == {"python_gil_waiters": "no permission"}


def test_a_share_before_the_first_look_is_not_known_yet_or_says_what_ended_the_looks() -> None:
    young = GilState(1.0, (Gil((0,), switches=9),))
    assert missing(gil=young)["python_gil_held_ratio"] == "not looked at often enough yet"
    assert missing(gil=young, looks="it has ended")["python_gil_held_ratio"] == "it has ended"


def test_frozen_objects_that_are_not_counted_yet_say_so() -> None:
    found = missing(gc=GcState(1.0, (replace(COLLECTOR, frozen=None),)))
    assert set(found) == {"python_gc_frozen_objects"}


def test_an_interpreter_without_a_collector_of_its_own_lacks_nothing() -> None:
    second = InterpreterGc(1, None, None, None, None, None)
    assert missing(gc=GcState(1.0, (COLLECTOR, second))) == {}


def test_reasons_name_metrics_that_are_declared() -> None:
    everything = missing(gc=GcState(1.0, (replace(COLLECTOR, frozen=None, garbage=None),)), gil=GilState(1.0, ()))
    assert set(everything) <= {metric.name for metric in METRICS}
