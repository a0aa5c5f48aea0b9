"""One-shot captures of real Go programs: CPU from outside and by endpoint, goroutines, heap, MemStats."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from go_programs import Busy, build, running
from razorprof_go import Go
from razorprof_go.cpu_profile import FLAT, INLINED
from razorprof_go.endpoint_source import MemStatsSource
from razorprof_go.gc_source import GcSource

from razorprof.errors import NotSupported, PermissionDenied, ToolFailed
from razorprof.model.gc import GcState
from razorprof.model.profile import Profile, top
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import CpuRequest, HeapRequest, ThreadsRequest, Watch
from razorprof.plugin.protocols import Detection, SourceOptions
from razorprof.remote.process import ProcessView

GO = Go()


def detection_of(busy: Busy) -> Detection:
    found = GO.detect(ProcessView(busy.process.pid))
    assert found is not None
    return found


def record(busy: Busy, request: CpuRequest) -> Profile:
    return GO.record_cpu(busy.target, detection_of(busy), request, Watch())


def dump(busy: Busy, request: ThreadsRequest) -> ThreadDump:
    return GO.dump_threads(busy.target, detection_of(busy), request, Watch())


@pytest.fixture(scope="module")
def serving() -> Iterator[Busy]:
    arguments = ("-listen=127.0.0.1:0", "-parked=12", "-locked=3", "-churn=64", "-burning=1")
    with running(build("system", "endpoint"), *arguments) as busy:
        yield busy


@pytest.mark.parametrize(("toolchain", "kind"), [("system", "stripped"), ("registry", "stripped")])
def test_a_stripped_program_is_profiled_from_outside_and_the_shares_hold(toolchain: str, kind: str) -> None:
    with running(build(toolchain, kind), "-burning=2") as busy:
        try:
            profile = record(busy, CpuRequest(1.5, rate_hz=199))
        except (PermissionDenied, NotSupported) as error:
            pytest.skip(f"no perf events here: {error}")
        assert FLAT in profile.notes
        assert INLINED not in profile.notes  # told apart without symbols too
        shares = {one.function: one.self_ratio for one in top(profile)}
        assert 0.55 < shares["main.hot"] < 0.9
        assert 0.1 < shares["main.warm"] < 0.4
        assert profile.total == pytest.approx(profile.samples / 199, rel=0.01)


def test_the_programs_own_profiler_is_asked_where_it_may_be(serving: Busy) -> None:
    profile = record(serving, CpuRequest(1.0, probe=True))
    assert profile.mode == "endpoint"
    assert profile.unit == "seconds"
    functions = {one.function: one.total_ratio for one in top(profile)}
    assert functions["main.burn"] > 0.3
    assert "main.hot" in functions


def test_a_profile_that_is_running_already_is_said_to_be(serving: Busy) -> None:
    host, _, port = serving.where.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as other:
        other.sendall(b"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        refused = ""
        for _ in range(10):  # until the other one has begun
            try:
                record(serving, CpuRequest(1.0, probe=True))
            except ToolFailed as error:
                refused = f"{error}; {error.hint}"
                break
        assert "another one is running" in refused
        assert "sample from outside" in refused


def test_goroutines_come_out_of_memory_or_from_the_program_alike(serving: Busy) -> None:
    outside = dump(serving, ThreadsRequest())
    asked = dump(serving, ThreadsRequest(url=f"http://{serving.where}"))
    for told in (outside, asked):
        parked = next(group for group in told.groups if "main.park" in {f.function for f in group.frames})
        assert (parked.count, parked.what) == (12, "chan receive")
        locked = next(group for group in told.groups if "main.waitForLock" in {f.function for f in group.frames})
        assert locked.count == 3
        assert "sync.(*Mutex).Lock" in {frame.function for frame in locked.frames}  # inlined into waitForLock
    assert outside.mode == "nonblocking"
    assert asked.mode == "endpoint"
    assert any("block profile is empty" in finding for finding in asked.findings)


def test_the_heap_is_told_by_site_and_its_growth_over_time(serving: Busy) -> None:
    serving.ask("collect 2")
    record = GO.record_heap(serving.target, detection_of(serving), HeapRequest(0, probe=True), Watch())
    assert record.what == "in use now"
    assert record.peak.unit == "bytes"
    assert record.peak_bytes == round(record.peak.total) > 0
    assert record.growing is None
    longer = GO.record_heap(serving.target, detection_of(serving), HeapRequest(0.8, probe=True), Watch())
    assert longer.growing is not None
    assert longer.windows == 4


def test_memstats_are_those_of_expvar(serving: Busy) -> None:
    reader = MemStatsSource().open(serving.target, SourceOptions(probe=True))
    first = {sample.name: sample.value for sample in reader.read()}
    second = {sample.name: sample.value for sample in reader.read()}
    assert not reader.reasons
    assert len(first) == 19
    assert second["go_memstats_alloc_bytes_total"] >= first["go_memstats_alloc_bytes_total"] > 0
    assert reader.rest >= 1.0


def test_a_version_whose_memory_is_not_known_tells_its_collector_itself(
    serving: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("razorprof_go.collector.NEWEST", (1, 18))
    with pytest.raises(NotSupported, match=r"1\.19 to 1\.27") as refused:
        GcSource("go1.19").open(serving.target, SourceOptions())
    assert "--probe" in refused.value.hint
    reader = GcSource("go1.19").open(serving.target, SourceOptions(probe=True))
    (state,) = (reading for reading in reader.read() if isinstance(reading, GcState))
    (collector,) = state.collectors
    cycles, total = (int(word) for word in serving.ask("stats").split()[:2])
    assert collector.collections is not None
    assert 0 < collector.collections <= cycles
    assert collector.seconds is not None
    assert 0 < round(collector.seconds * 1e9) <= total
    assert collector.pauses
    reader.close()


def test_nothing_is_asked_without_consent(serving: Busy) -> None:
    assert not MemStatsSource().applies(serving.target, SourceOptions())
    with pytest.raises(NotSupported) as refused:
        GO.record_heap(serving.target, detection_of(serving), HeapRequest(0), Watch())
    assert "--probe" in refused.value.hint


def test_a_program_without_endpoints_is_said_to_have_none() -> None:
    with running(build("system", "plain"), "-parked=2") as busy:
        with pytest.raises(NotSupported, match="no such endpoint"):
            record(busy, CpuRequest(1.0, probe=True))
        told = dump(busy, ThreadsRequest(probe=True))
        assert told.mode == "nonblocking"
        assert any("read from memory" in finding for finding in told.findings)


def test_what_go_has_not_is_refused_in_words() -> None:
    with running(build("system", "plain")) as busy:
        for request in (
            CpuRequest(1.0, only_gil=True),
            CpuRequest(1.0, wall=True),
            CpuRequest(1.0, children=True),
        ):
            with pytest.raises(NotSupported):
                record(busy, request)


def test_thousands_of_goroutines_are_counted_by_the_profiles_form_only() -> None:
    with running(build("system", "endpoint"), "-listen=127.0.0.1:0", "-parked=11000") as busy:
        told = dump(busy, ThreadsRequest(probe=True))
        assert told.threads == ()
        assert told.groups[0].count == 11_000
        assert any("--force" in finding for finding in told.findings)
