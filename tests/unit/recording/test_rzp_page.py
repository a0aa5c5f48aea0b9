"""razorprof-recording(5) is enough to write a reader: what such a one reads is compared with what was recorded."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from razorprof import __version__
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import Frame
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.scrape import Ended, Event, Scrape, Tick
from razorprof.model.threads import ThreadDump
from razorprof.recording.rzp_records import RecordType, StructureType
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_values import Cost
from razorprof.store.memory import MemoryStore
from tests.unit.recording import rzp_samples as made
from tests.unit.recording import rzp_strategies as any_
from tests.unit.recording.rzp_page_reader import RECORDS, STRUCTURES, TEXT, Fields, PageReader


def test_the_page_tells_every_record_and_structure_that_there_is() -> None:
    assert {kind.value: kind.name for kind in RecordType} == RECORDS
    assert {kind.value: kind.name for kind in StructureType} == STRUCTURES


def bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def assert_same(fields: Fields, event: Event) -> None:
    """What the page's reader found of an event is the event."""
    match event:
        case Tick():
            assert (fields["time"], fields["number"]) == (event.time, event.number)
        case Ended():
            assert (fields["time"], fields["how"], fields["target"]["pid"]) == (
                event.time,
                event.how,
                event.target.pid,
            )
        case Scrape():
            assert_same_scrape(fields, event)


def assert_same_scrape(fields: Fields, scrape: Scrape) -> None:
    target = scrape.target
    told = fields["target"]
    assert (told["pid"], told["start"], told["name"], told["job"]) == (*target.identity, target.name, target.job)
    assert told["parent"] == target.parent if told["has_parent"] else target.parent is None
    assert (fields["source"], fields["time"], fields["duration"]) == (scrape.source, scrape.time, scrape.duration)
    assert fields["values"] == [bits(sample.value) for sample in scrape.samples]
    for (metric, labels, suffix), sample in zip(fields["samples"], scrape.samples, strict=True):
        own = sample.metric
        assert metric == (own.name, own.kind.value, own.unit, own.help, own.labels)
        assert (labels, suffix) == (dict(sample.labels), sample.suffix)
    assert [
        (one["stack"], one["weight"], one["unit"], one["native"], one["thread"]) for one in fields["seen"]
    ] == [(one.stack, one.weight, one.unit, one.thread.native, one.thread.name) for one in scrape.stacks]
    assert fields["lacking"] == list(scrape.missing)
    error = scrape.error
    assert fields["error"] == (None if error is None else [error.name, error.message, error.hint])
    assert bool(fields["flags"] & 2) is (error is not None and error.final)
    for (name, found), structure in zip(fields["found"], scrape.structures, strict=True):
        kinds = {"Gc": "GC", "Gi": "GIL", "Th": "THREADS", "Sa": "SAMPLING", "De": "DETECTED", "Ke": "KERNEL"}
        assert name == kinds[type(structure).__name__[:2]]
        if isinstance(structure, GcState):
            assert_same_collectors(found, structure)
        elif isinstance(structure, GilState):
            assert_same_locks(found, structure)
        elif isinstance(structure, ThreadDump):
            assert_same_threads(found, structure)
        else:
            for key in found.keys() - {"target", "has_version", "version"}:
                assert found[key] == getattr(structure, key)


def assert_same_collectors(found: Fields, state: GcState) -> None:
    assert found["time"] == state.time
    for one, interpreter in zip(found["all"], state.interpreters, strict=True):
        flags = one["flags"]
        assert one["id"] == interpreter.id
        assert (bool(flags & 2) if flags & 1 else None, bool(flags & 8) if flags & 4 else None) == (
            interpreter.enabled,
            interpreter.collecting,
        )
        for bit, name in ((16, "frozen"), (32, "garbage"), (128, "gc_seconds")):
            assert (one[name] if flags & bit else None) == getattr(interpreter, name)
        told = [tuple(generation.values()) for generation in one["all"]]
        wanted = interpreter.generations
        assert (told if flags & 64 else None) == (
            None
            if wanted is None
            else [
                (g.generation, g.count, g.threshold, g.collections, g.collected, g.uncollectable) for g in wanted
            ]
        )
        assert ("exact", "sampled", "estimated")[one["quality"]] == interpreter.gc_seconds_quality
    if not found["more"]:
        assert (state.collectors, state.pools, state.figures, state.cpu_ratio) == ((), (), (), None)
        return
    assert (found["cpu_ratio"] if found["has_cpu_ratio"] else None) == state.cpu_ratio
    for one, collector in zip(found["cycles"], state.collectors, strict=True):
        assert (one["name"], one["lost"]) == (collector.name, collector.lost)
        for bit, name in ((1, "collections"), (2, "seconds"), (4, "forced"), (8, "last_end")):
            assert (one[name] if one["flags"] & bit else None) == getattr(collector, name)
        assert ("exact", "sampled", "estimated")[one["quality"]] == collector.seconds_quality
        assert one["paused"] == [(pause.end, pause.seconds) for pause in collector.pauses]
    for one, pool in zip(found["heaps"], state.pools, strict=True):
        assert one["name"] == pool.name
        for bit, name in ((1, "used"), (2, "committed"), (4, "max")):
            assert (one[name] if one["flags"] & bit else None) == getattr(pool, name)
    for one, figure in zip(found["aims"], state.figures, strict=True):
        assert (one["name"], one["unit"], one["reason"]) == (figure.name, figure.unit, figure.reason)
        assert (one["value"] if one["has_value"] else None) == figure.value
        assert ("exact", "sampled", "estimated")[one["quality"]] == figure.quality


def assert_same_locks(found: Fields, state: GilState) -> None:
    for name in ("time", "seconds", "looks", "reason", "late_looks", "late_seconds"):
        assert found[name] == getattr(state, name)
    for one, gil in zip(found["all"], state.gils, strict=True):
        for bit, name in ((1, "held_ratio"), (2, "holder"), (4, "mean_waiters"), (8, "switches")):
            assert (one[name] if one["flags"] & bit else None) == getattr(gil, name)
        assert (one["waiting"] if one["flags"] & 16 else None) == gil.waiters
        assert one["ids"] == gil.interpreters
        assert [(h["native"] if h["known"] else None, h["share"]) for h in one["held"]] == [
            (holder.native_id, holder.share) for holder in gil.holders
        ]


def assert_same_threads(found: Fields, dump: ThreadDump) -> None:
    for name in ("time", "stacks_reason", "locks_reason", "tasks_reason", "mode"):
        assert found[name] == getattr(dump, name)
    assert (found["tasks"] if found["has_tasks"] else None) == dump.tasks
    states = ("python", "running", "waiting", "idle", "unknown")
    for one, thread in zip(found["all"], dump.threads, strict=True):
        flags = one["flags"]
        assert (one["native"], one["name"], one["kernel_state"], one["frames"], states[one["state"]]) == (
            thread.native_id,
            thread.name,
            thread.kernel_state,
            thread.frames,
            thread.state,
        )
        for bit, name in (
            (16, "id"),
            (64, "stack_age"),
            (128, "cpu_ratio"),
            (256, "user_ratio"),
            (512, "system_ratio"),
        ):
            assert (one[name] if flags & bit else None) == getattr(thread, name)
        assert (bool(flags & 2) if flags & 1 else None) == thread.holds_gil
        assert (bool(flags & 8) if flags & 4 else None) == thread.waits_for_gil
        waits = thread.waits_on
        assert bool(flags & 32) is (waits is not None)
        if waits is not None:
            own = one["waits_flags"]
            assert (one["waits_kind"], one["waits_what"], one["waits_quality"]) == (
                waits.kind,
                waits.what,
                waits.owner_quality,
            )
            assert (bool(own & 2) if own & 1 else None) == waits.timed
            assert (one["waits_address"] if own & 4 else None) == waits.address
            assert (one["waits_owner"] if own & 8 else None) == waits.owner
    assert [(states[state], stack, ids) for state, stack, ids in found["equal"]] == [
        (group.state, group.frames, group.threads) for group in dump.groups
    ]
    assert found["stuck"] == [(lock.confidence, lock.why, lock.threads) for lock in dump.deadlocks]
    kind, has_gil, told = (
        ("thread", 1, []) if not found["more"] else (found[n] for n in ("kind", "has_gil", "told"))
    )
    assert (kind, bool(has_gil), told) == (dump.kind, dump.has_gil, list(dump.findings))
    for place, thread in enumerate(dump.threads):
        assert_same_wait(found.get("longer", {}).get(place), thread.waited, thread.started_by)
    for place, group in enumerate(dump.groups):
        more = found.get("longer_groups", {}).get(place)
        assert_same_wait(more, group.waited, group.started_by)
        assert ((more["number"], more["what"]) if more else (0, "")) == (group.number, group.what)


def assert_same_wait(more: Fields | None, waited: float | None, started_by: Frame | None) -> None:
    if more is None:
        assert waited is None
        assert started_by is None
        return
    assert (more["waited"] if more["has_waited"] else None) == waited
    assert (more["started_by"][0] if more["started_by"] else None) == started_by


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=any_.ticked_events())
def test_a_reader_written_from_the_page_reads_what_was_recorded(
    events: list[Event], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("page") / "a.rzp"
    made.record(path, events, bounds=SegmentBounds(ticks=2))
    reader = PageReader(path.read_bytes())
    found = [(name, fields) for name, fields in reader.records() if name in ("SCRAPE", "ENDED", "TICK")]
    assert len(found) == len(events)
    for (name, fields), event in zip(found, events, strict=True):
        assert name == type(event).__name__.upper()
        assert_same(fields, event)


def test_it_reads_rows_alerts_costs_marks_and_the_index_too(tmp_path: Path) -> None:
    path = tmp_path / "a.rzp"
    writer = made.a_writer(path, bounds=SegmentBounds(ticks=2))
    store = MemoryStore()
    store.journal = lambda time, series, bits: writer.row(time, series, bits)
    group = store.group(Labels(job="web"))
    writer.declare("process", (made.CPU, made.RSS), open_ended=True)
    alert = Alert(
        RuleKey("a.yml", "g", 3, "Hot"),
        Labels(alertname="Hot"),
        {"summary": "é"},
        AlertState.FIRING,
        1.5,
        2.0,
        3.0,
    )
    for second in range(1, 6):
        group.append(made.START + second, [Sample(made.RSS, 0.1 * second)])
        writer(Tick(made.START + second, second))
        writer.cost(Cost(made.START + second, 0.25, None, behind=True))
        writer.commit()
    group.mark_stale(made.START + 6)
    writer.alerts([AlertChange(made.START + 6, AlertState.PENDING, alert)])
    writer.mark("deployed")
    writer.forget(made.TARGET.identity)
    writer.close()
    reader = PageReader(path.read_bytes())
    assert reader.header["host"] == "box"
    records = list(reader.records())
    rows = [fields for name, fields in records if name == "ROW"]
    assert [row["values"] for row in rows] == [*([bits(0.1 * n)] for n in range(1, 6)), [0x7FF0000000000002]]
    assert rows[0]["labels"] == ({"__name__": "process_resident_memory_bytes", "job": "web"},)
    assert [(c["cpu_ratio"], c["flags"]) for name, c in records if name == "COST"] == [(0.25, 5)] * 5
    [declared] = [fields for name, fields in records if name == "DECLARE"]
    assert (declared["source"], declared["open_ended"], declared["declared"][1][0]) == (
        "process",
        1,
        "process_resident_memory_bytes",
    )
    [change] = [fields for name, fields in records if name == "CHANGE"]
    assert (change["file"], change["group"], change["place"], change["rule"], change["labels"]) == (
        *("a.yml", "g", 3, "Hot"),
        {"alertname": "Hot"},
    )
    assert (change["before"], change["state"], change["flags"], change["fired_at"]) == (1, 2, 1, 3.0)
    assert change["words"] == {"summary": "é"}
    assert [(m["kind"], m["text"]) for name, m in records if name == "MARK"] == [("mark", "deployed")]
    assert [fields["pid"] for name, fields in records if name == "FORGET"] == [7]
    assert [(one["number"], one["ticks"]) for one in reader.index()] == [(1, 2), (2, 2), (3, 1)]


def test_the_page_is_of_this_version() -> None:
    assert f'"razorprof {__version__}"' in TEXT.splitlines()[0]
