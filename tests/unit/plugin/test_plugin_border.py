"""Values of plug-ins against the types that they claim: the first part that does not fit is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from razorprof.model.frame import Frame, StackSample, ThreadId
from razorprof.model.gc import CollectorGc, GcPause, GcState
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.plugin.border import misfit, source_misfit

HEAT = gauge("heat", "", "How hot.", "side")
ANY: Any = "text"


@pytest.mark.parametrize(
    "value",
    [
        Sample(HEAT, 1.0, Labels(side="left")),
        Sample(HEAT, 1),
        Sample(HEAT, np.float32(1.0)),  # type: ignore[arg-type]
        StackSample((Frame("f", "a.py", 1),), 0.5, ThreadId(7)),
        GcState(1.0, collectors=(CollectorGc("go", None, pauses=(GcPause(1.0, 0.1),)),)),
        ThreadDump(1.0, (ThreadInfo(7, frames=(Frame("f", "a.py"),)),)),
    ],
)
def test_values_of_the_right_types_fit(value: object) -> None:
    assert misfit(value, type(value)) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Sample(ANY, 1.0), "Sample.metric is str, not Metric"),
        (Sample(HEAT, ANY), "Sample.value is str, not a number"),
        (Sample(HEAT, True), "Sample.value is bool, not a number"),
        (Sample(HEAT, 1.0, {"side": "left"}), "Sample.labels is dict, not Labels"),  # type: ignore[arg-type]
        (Sample(HEAT, 1.0, Labels(side=3)), "Sample.labels['side'] is int, not str"),  # type: ignore[arg-type]
        (GcState(1.0, collectors=[CollectorGc("go", 1)]), "GcState.collectors is list, not a tuple"),  # type: ignore[arg-type]
        (
            GcState(1.0, collectors=(CollectorGc("go", 1, pauses=(GcPause(1.0, ANY),)),)),
            "GcState.collectors[0].pauses[0].seconds is str, not a number",
        ),
        (ThreadDump(1.0, (ThreadInfo(ANY),)), "ThreadDump.threads[0].native_id is str, not a whole number"),
        (
            StackSample((("f", "a.py", 1),), 0.5, ThreadId(7)),  # type: ignore[arg-type]
            "StackSample.stack[0] is tuple, not Frame",
        ),
    ],
)
def test_the_first_part_that_does_not_fit_is_named(value: object, words: str) -> None:
    assert misfit(value, type(value)) == words


def test_a_value_of_any_size_is_looked_at_for_a_bounded_time() -> None:
    dump = ThreadDump(1.0, tuple(ThreadInfo(number) for number in range(200_000)))
    assert misfit(dump, ThreadDump) == ""


def test_a_source_needs_a_name_metrics_and_open() -> None:
    class Source:
        name: Any = "work"
        metrics: Any = (HEAT,)
        open: Any = staticmethod(print)

    source = Source()
    assert source_misfit(source) == ""
    for attribute, value, words in (
        ("name", 7, "its name is no text"),
        ("metrics", "heat", "its metrics are no tuple of Metric"),
        ("metrics", (HEAT, HEAT), "it declares a metric twice"),
        ("open", None, "it has no open"),
    ):
        bad = Source()
        setattr(bad, attribute, value)
        assert source_misfit(bad) == words
