"""A bundle of an alert begins before it: stacks, series, threads and collector of the minutes before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.gc import GcState
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.profile import top
from razorprof.model.scrape import Detected, Scrape, Tick
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.recording.bundle_read import Bundle, open_bundle
from razorprof.recording.profile_files import decode_profile
from razorprof.session.ring import Ring
from razorprof.store.memory import MemoryStore
from tests.unit.session.capture_room import NOW, WEB, Room, actions, alert, fires

RSS = gauge("process_resident_memory_bytes", "bytes", "rss")


def ring() -> Ring:
    found = Ring()
    detected = Detected(WEB, NOW - 200, "cpython", "3.11.7", command="shop")
    found.see(Scrape(WEB, "runtime", NOW - 200, 0.0, structures=(detected,)))
    for start in range(200, 0, -1):
        stack = (Frame("main", "app.py", 1), Frame("early" if start > 100 else "late", "app.py", 9))
        report = SamplingReport(NOW - start, 1.0, 100, 1, 0, 100.0, "nonblocking")
        stacks = (StackSample(stack, 0.5, ThreadId(7, "MainThread")),)
        found.see(Scrape(WEB, "stacks", NOW - start + 1, 0.0, stacks=stacks, structures=(report,)))
    dump = ThreadDump(NOW - 1, (ThreadInfo(7, "MainThread", frames=(Frame("late", "app.py", 9),)),))
    found.see(Scrape(WEB, "threads", NOW - 1, 0.0, structures=(dump, GcState(NOW - 1, ()))))
    return found


def store() -> MemoryStore:
    """A series of the target and one of another process, a sample each ten seconds."""
    found = MemoryStore()
    found.declare([RSS])
    for pid, value in (("7", 100.0), ("8", 200.0)):
        group = found.group(Labels(job="web", pid=pid))
        for time in range(-400, 60, 10):
            group.append(NOW + time, [Sample(RSS, value + time)])
    return found


def bundle_of(folder: Path) -> Bundle:
    found = open_bundle(folder / "bundle.tar.gz")
    assert (found.problems, found.damage) == ({}, "")
    return found


def document(bundle: Bundle, name: str) -> Any:
    return json.loads(bundle.read(name))


def test_a_bundle_holds_the_stacks_of_before_the_alert(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[bundle: {}]"), before=ring())
    folder = room.take(fires())
    bundle = bundle_of(folder)
    profile = decode_profile(bundle.read("before-cpu.json"), "before-cpu.json")
    assert profile.start == NOW - 200
    assert profile.seconds == 200.0
    assert profile.total == 100.0
    assert {one.function for one in top(profile)} == {"main", "early", "late"}
    assert len(profile.blocks) == 20
    pprof = decode_profile(bundle.read("before-cpu.pb.gz"), "before-cpu.pb.gz")
    assert pprof.total == pytest.approx(100.0)
    threads = document(bundle, "before-threads.json")
    assert threads["threads"][0]["name"] == "MainThread"
    assert threads["groups"][0]["frames"][0]["function"] == "late"
    assert threads["deadlocks"] is None  # nobody looked for them
    assert "interpreters" in document(bundle, "before-gc.json")
    told = document(bundle, "alert.json")
    assert told["labels"] == dict(alert().labels)
    assert any("before-cpu.json" in note for note in bundle.manifest.notes)
    assert json.loads((folder / "capture.json").read_text())["before_seconds"] == 200.0


def test_what_is_seen_while_a_capture_waits_is_not_of_before(tmp_path: Path) -> None:
    seen = ring()
    room = Room(tmp_path, actions("[bundle: {}]"), before=seen)
    (folder,) = room.order(fires()).values()
    seen.see(Tick(NOW + 1e6))
    room.queue.run()
    profile = decode_profile(bundle_of(Path(folder)).read("before-cpu.json"), "before-cpu.json")
    assert profile.seconds == 200.0


def test_of_a_process_that_is_gone_a_bundle_holds_what_was_seen_before(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[threads: {}, bundle: {}]"), before=ring())
    room.hands.alive.clear()
    folder = room.take(fires(alertname="Slow"))
    bundle = bundle_of(folder)
    assert "before-cpu.json" in bundle.contents
    assert bundle.manifest.target["pid"] == 7
    assert bundle.manifest.target["runtime"] == "cpython"
    assert bundle.manifest.target["command"] == "shop"
    assert "ended" in bundle.manifest.ended
    assert {one.kind for one in bundle.manifest.skipped} >= {"threads", "cpu", "metrics"}
    steps = json.loads((folder / "capture.json").read_text())["actions"]
    assert [one["state"] for one in steps] == ["failed", "done"]
    assert "only what was seen before" in steps[1]["notes"][0]


def test_without_anything_of_before_a_bundle_of_a_process_that_is_gone_fails(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[bundle: {}]"), before=Ring())
    room.hands.alive.clear()
    folder = room.take(fires())
    assert not (folder / "bundle.tar.gz").exists()
    assert json.loads((folder / "capture.json").read_text())["state"] == "failed"


def test_a_bundle_holds_the_series_of_the_minutes_before_the_alert(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[bundle: {}]"), view=store())
    bundle = bundle_of(room.take(fires()))
    found = document(bundle, "before-metrics.json")
    (series,) = found["series"]
    assert (series["name"], series["labels"]["pid"]) == (RSS.name, "7")
    assert (series["times"][0], series["times"][-1]) == (NOW - 300, NOW)  # not what came while it was captured
    assert series["values"][-1] == 100.0
    assert found["metrics"] == [{"name": RSS.name, "kind": "gauge", "unit": "bytes", "help": "rss"}]
