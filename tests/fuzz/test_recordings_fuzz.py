"""Recordings with many changed bytes, in the file and below its checksums: read as far as they can be.

`make fuzz` tries many.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.errors import RazorprofError
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import Frame
from razorprof.model.gc import (
    CollectorGc,
    GcFigure,
    GcPause,
    GcState,
    Generation,
    InterpreterGc,
    MemoryPool,
)
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.profile import top
from razorprof.model.scrape import Ended, KernelState, Scrape, Structure, Tick
from razorprof.model.threads import Deadlock, ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn
from razorprof.recording.rzp_peaks import peaks
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_segment import read_segment
from razorprof.recording.rzp_summary import summarise
from razorprof.store.memory import MemoryStore
from tests.unit.formats.mutations import mutated
from tests.unit.recording import rzp_forged as forged
from tests.unit.recording import rzp_samples as made

EXAMPLES = int(os.environ.get("RAZORPROF_FUZZ_EXAMPLES", "60"))
FUZZY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
METRIC = gauge("m", "", "")


FRAMES = (Frame("wait", "web.py", 3), Frame("main", "web.py", 9))
STRUCTURES: tuple[Structure, ...] = (
    GcState(1.0, (InterpreterGc(0, True, None, 3, None, (Generation(0, 1, 700, 5, 6, 0),), 0.5),)),
    GilState(1.0, (Gil((0,), 0.5, 7, (HolderShare(7, 0.5), HolderShare(None, 0.1)), (8, 9), 1.5, 12),), 2.0, 30),
    ThreadDump(
        1.0,
        (
            ThreadInfo(7, "main", 1 << 63, ThreadState.PYTHON, "R", True, False, None, FRAMES, 0.1, 0.9, 0.8, 0.1),
            ThreadInfo(8, waits_on=WaitsOn("lock", "of a queue", 1 << 47, 7, "exact", False), frames=FRAMES[:1]),
        ),
        groups=(ThreadGroup(ThreadState.IDLE, FRAMES, (7, 8)),),
        deadlocks=(Deadlock("suspected", (7, 8), "each waits for the other"),),
        tasks=3,
    ),
    GcState(
        1.0,
        collectors=(CollectorGc("go", 7, 0.1, forced=1, pauses=(GcPause(1.0, 0.01),), lost=2, last_end=1.0),),
        pools=(MemoryPool("old", 5, 6, None),),
        figures=(GcFigure("heap goal", 4e6, "bytes"), GcFigure("GOGC", None, reason="no symbols")),
        cpu_ratio=0.02,
    ),
    ThreadDump(
        1.0,
        (ThreadInfo(7, "main", frames=FRAMES, waited=60.0, started_by=FRAMES[0]),),
        groups=(ThreadGroup(ThreadState.IDLE, FRAMES, (7,), 900, "chan receive", 60.0, FRAMES[1]),),
        kind="goroutine",
        has_gil=False,
        findings=("900 wait for the same channel",),
    ),
    KernelState("S", "1:2:3"),
)
CHANGE = AlertChange(
    made.START,
    AlertState.PENDING,
    Alert(
        RuleKey("a.yml", "g", 0, "Hot"),
        Labels(alertname="Hot"),
        {"summary": "hot"},
        AlertState.FIRING,
        1.0,
        1.0,
        2.0,
    ),
)


def a_recording(path: Path) -> None:
    """Of every kind of record."""
    writer = made.a_writer(path)
    store = MemoryStore()
    store.journal = lambda time, series, bits: writer.row(time, series, bits)
    group = store.group(Labels(job="a"))
    writer.declare("process", (made.CPU, METRIC))
    for second in range(1, 5):
        for event in made.a_tick(second)[:-1]:
            writer(event)
        writer(Scrape(made.TARGET, "gc", made.START, 0.0, structures=STRUCTURES, missing=(("a", "b"),)))
        group.append(made.START + second, [Sample(METRIC, 1.0 * second, Labels(n="1"))])
        writer.alerts([CHANGE] if second == 2 else [])
        writer.mark("a mark")
        writer(Tick(made.START + second, second))
        writer.commit()
    writer(Ended(made.TARGET, made.START + 5, "gone"))
    writer.forget(made.TARGET.identity)
    writer.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "a.rzp"
    a_recording(path)
    return path


def read_all(path: Path) -> None:
    """Every way to read it: nothing but RazorprofError is raised, and what comes out can be worked with."""
    try:
        with RecordingReader(path) as recording:
            events = list(recording.events())
            list(recording.recorded(rows=True))
            recording.ticks()
            recording.gaps()
            recording.declared()
            recording.context(made.START + 3)
            recording.changes(), recording.marks(), recording.costs()
            series = recording.series()
            peaks(series.view.select([], -math.inf, math.inf), series.view.metrics())
            series.as_of(made.START + 3).select([], -math.inf, math.inf)
            targets = {target.identity for target in recording.targets()}
            summary = summarise(recording, -math.inf, math.inf, targets)
            for profile in summary.profiles.values():
                top(profile)
            assert all(str(damage) for damage in recording.damage)
            times = [event.time for event in events if isinstance(event, Tick)]
            assert len(times) <= 1000
    except RazorprofError:
        return


@FUZZY
@given(data=st.data())
def test_a_changed_file_is_read_as_far_as_it_can_be(data: st.DataObject, original: Path) -> None:
    path = original.with_name("changed.rzp")
    path.write_bytes(data.draw(mutated(original.read_bytes())))
    read_all(path)


@FUZZY
@given(data=st.data())
def test_a_changed_content_with_right_checksums_is_read_as_far_as_it_can_be(
    data: st.DataObject, original: Path
) -> None:
    """What somebody writes who knows the format."""
    with RecordingReader(original) as recording:
        piece = recording._pieces.all[0]
        raw = read_segment(piece.file, piece.entry).raw
    changed = data.draw(mutated(raw))
    cut = data.draw(st.integers(0, len(changed)))
    path = original.with_name("forged.rzp")
    path.write_bytes(forged.recording([changed[:cut], changed[cut:]]))
    read_all(path)
