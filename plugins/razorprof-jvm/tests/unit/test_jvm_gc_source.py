"""The life of a reader of a JVM's counters: starting, changing, contradicting itself, and going away."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from razorprof_jvm import gc_source
from razorprof_jvm.gc_source import GcReader, GcSource
from razorprof_jvm.perf_image import PerfData
from razorprof_jvm.perfdata import DamagedPerfData, NotReadyPerfData

from razorprof.clock import ManualClock
from razorprof.errors import ToolFailed
from razorprof.model.gc import GcState
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView

MakeBlock = Callable[..., bytes]
COUNT = "sun.gc.collector.0.invocations"


class Image:
    """A block that the test changes; it may fail to be read."""

    def __init__(self) -> None:
        self.block = b""
        self.fails = False
        self.opened = 0

    def read(self, size: int) -> bytes:
        if self.fails:
            self.fails = False
            raise OSError("stale")
        return self.block[:size]

    def close(self) -> None:
        self.opened -= 1


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Image:
    made = Image()

    def open_it(process: ProcessView) -> PerfData:
        made.opened += 1
        return PerfData(made)

    monkeypatch.setattr(gc_source, "open_perf_data", open_it)
    return made


def reader_of(image: Image, block: bytes) -> GcReader:
    image.block = block
    target = Target(ProcessView(os.getpid()).identity, "itself")
    return GcSource().open(target, SourceOptions(clock=ManualClock()))


def collections(reader: GcReader) -> int | None:
    (state,) = [reading for reading in reader.read() if isinstance(reading, GcState)]
    return state.collectors[0].collections


def test_a_jvm_that_is_starting_is_tried_again(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image
) -> None:
    reader = reader_of(image, perf_block(g1_counters, accessible=0))
    with pytest.raises(NotReadyPerfData):
        reader.read()
    image.block = perf_block(g1_counters)
    assert collections(reader) == 216


def test_a_counter_that_goes_back_is_an_error_once(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image
) -> None:
    reader = reader_of(image, perf_block(g1_counters))
    assert collections(reader) == 216
    image.block = perf_block({**g1_counters, COUNT: 7})
    with pytest.raises(ToolFailed, match="went back"):
        reader.read()
    assert collections(reader) == 7


def test_a_file_that_cannot_be_read_any_more_is_opened_anew(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image
) -> None:
    reader = reader_of(image, perf_block(g1_counters))
    assert collections(reader) == 216
    image.fails = True
    assert collections(reader) == 216
    assert image.opened == 1
    reader.close()
    reader.close()
    assert image.opened == 0


def test_what_contradicts_itself_is_let_go_of_and_tried_again(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image
) -> None:
    reader = reader_of(image, perf_block(g1_counters))
    reader.read()
    image.block = b"\0" * 32_768
    with pytest.raises(DamagedPerfData):
        reader.read()
    assert image.opened == 0
    image.block = perf_block(g1_counters)
    assert collections(reader) == 216


def test_another_program_under_the_same_pid_is_opened_anew(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(image, perf_block(g1_counters))
    assert collections(reader) == 216
    monkeypatch.setattr(ProcessView, "image", lambda self: "another")
    image.block = perf_block({**g1_counters, COUNT: 1})
    assert collections(reader) == 1  # its counters begin anew, and that is no contradiction


def test_counters_that_found_no_room_and_a_jvm_without_collectors_are_told(
    perf_block: MakeBlock, g1_counters: dict[str, Any], image: Image
) -> None:
    reader = reader_of(image, perf_block(g1_counters, overflow=320))
    reader.read()
    assert "PerfDataMemorySize" in reader.reasons["jvm_info"]
    image.block = perf_block({"sun.os.hrt.frequency": 1000})
    fresh = reader_of(image, image.block)
    fresh.read()
    assert "Epsilon" in fresh.reasons["jvm_gc_collection_seconds"]
