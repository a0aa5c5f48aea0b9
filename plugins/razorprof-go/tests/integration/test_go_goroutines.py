"""Goroutines of real programs, read out of their memory: as many as the runtime counts, with states and stacks."""

from __future__ import annotations

from collections import Counter

import pytest
from go_programs import STRIPPED, build, running, without_names
from razorprof_go.goroutines_source import GoroutinesSource

from razorprof.errors import NotSupported
from razorprof.model.metric import Sample
from razorprof.model.threads import ThreadDump, ThreadState
from razorprof.plugin.protocols import SourceOptions


@pytest.mark.parametrize(("toolchain", "kind"), [("system", "plain"), ("registry", "plain"), *STRIPPED])
def test_number_states_and_stacks_are_those_of_the_program(toolchain: str, kind: str) -> None:
    with running(build(toolchain, kind), "-parked=20", "-locked=5", "-sleeping=7") as busy:
        busy.ask("collect 1")
        reader = GoroutinesSource().open(busy.target, SourceOptions())
        readings = reader.read()
        counted = int(busy.ask("stats").split()[5])
        values = {
            (reading.name, reading.labels.get("state", "")): reading.value
            for reading in readings
            if isinstance(reading, Sample)
        }
        assert values["go_goroutines", ""] == counted == 33
        assert values["go_sched_goroutines", "waiting"] >= 32
        assert values["go_threads", ""] >= 1
        (dump,) = (reading for reading in readings if isinstance(reading, ThreadDump))
        waits = Counter(thread.waits_on.kind for thread in dump.threads if thread.waits_on is not None)
        assert (waits["channel"], waits["lock"], waits["sleep"]) == (20, 5, 7)
        parked = next(group for group in dump.groups if group.count == 20)
        assert parked.state is ThreadState.WAITING
        assert parked.what == "chan receive"
        assert "main.park" in [frame.function for frame in parked.frames]
        assert parked.started_by is not None
        assert parked.started_by.function == "main.main"
        assert parked.started_by.file.endswith("busy/main.go")
        reader.close()


def test_where_code_tells_nothing_it_is_said_what_still_works() -> None:
    with running(without_names(build("system", "stripped"))) as busy, pytest.raises(NotSupported) as refused:
        GoroutinesSource().open(busy.target, SourceOptions())
    assert "stripped" in refused.value.message
    assert "--probe" in refused.value.hint


def test_thousands_are_counted_without_their_stacks() -> None:
    with running(build("system", "plain"), "-parked=4000") as busy:
        reader = GoroutinesSource().open(busy.target, SourceOptions())
        reader.read()
        readings = reader.read()
        assert not any(isinstance(reading, ThreadDump) for reading in readings)
        (count,) = (r.value for r in readings if isinstance(r, Sample) and r.name == "go_goroutines")
        assert count == 4001
        assert reader.rest > 0
        reader.close()
