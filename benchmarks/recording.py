"""What a recording costs: bytes a sample and a minute, CPU, and how long it takes to open an hour and to jump.

A real session on tests/programs/five_threads.py is recorded (default settings), and everything that the recorder
was told is kept; peers take the same values: CSV text through zstd, and SQLite with a row per sample (WAL, a
commit a tick). To open and to jump, the minute is repeated to an hour. CPU is that of the recording thread; times
of reading are judged by their CPU time, which neighbours on a crowded machine change least.

    python benchmarks/recording.py [SECONDS]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from razorprof.cli.select import select_targets
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.scrape import Event, Scrape, Tick
from razorprof.model.series import MISSING_BITS
from razorprof.model.target import Identity, Target
from razorprof.plugin import loading
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_values import Cost
from razorprof.recording.rzp_writer import RecordingWriter, new_header
from razorprof.session.pipeline import host_name
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import SessionState

PROGRAM = Path(__file__).resolve().parents[1] / "tests" / "programs" / "five_threads.py"
MOST_BYTES_A_SAMPLE, MOST_BYTES_A_MINUTE, MOST_CPU = 3.0, 200_000, 0.01
MOST_OPEN, MOST_JUMP = 1.0, 0.2
HOUR = 3600
JUMPS = 25
Call = tuple[str, tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    labels: Labels


class Remembering:
    """A recorder that hands everything on, takes the CPU time of that, and keeps it for the peers."""

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer
        self._series: dict[int, list[Any]] = {}
        self.calls: list[Call] = []
        self.seconds = 0.0

    def _pass(self, name: str, *arguments: Any, **options: Any) -> None:
        began = time.thread_time()
        getattr(self._writer, name)(*arguments, **options)
        self.seconds += time.thread_time() - began
        self.calls.append((name, arguments, options))

    def __call__(self, event: Event) -> None:
        self._pass("__call__", event)

    def declare(self, source: str, metrics: Sequence[Metric], *, open_ended: bool = False) -> None:
        self._pass("declare", source, tuple(metrics), open_ended=open_ended)

    def add(self, target: Target, command: str = "") -> None:
        self._pass("add", target, command)

    def forget(self, identity: Identity) -> None:
        self._pass("forget", identity)

    def row(self, time: float, series: Sequence[Any], bits: NDArray[np.uint64], *, ruled: bool = False) -> None:
        self._pass("row", time, series, bits, ruled=ruled)
        known = self._series.setdefault(id(series), [])
        known.extend(
            Entry(one.labels) for one in series[len(known) :]
        )  # series grows meanwhile: keep it as it was
        self.calls[-1] = ("row", (time, known[: len(series)], bits.copy()), {"ruled": ruled})

    def cost(self, cost: Cost) -> None:
        self._pass("cost", cost)

    def commit(self) -> None:
        self._pass("commit")


def record(folder: Path, seconds: float) -> tuple[Remembering, RecordingWriter]:
    """A real session, recorded for so long."""
    header = new_header(host_name(), 1.0)
    writer = RecordingWriter(SingleFile.create(folder / "real.rzp", header), header)
    recorder = Remembering(writer)
    program = subprocess.Popen([sys.executable, PROGRAM, str(seconds + 60)], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.0)
        session = Session(SessionOptions(), sources=loading.sources, runtimes=loading.runtimes, recorder=recorder)
        for target in select_targets([str(program.pid)]):
            session.watch(target)

        def publish(state: SessionState) -> None:
            if writer.first is not None and state.time - writer.first >= seconds:
                session.stop()

        session.run(publish)
    finally:
        program.kill()
        program.wait()
    writer.close()
    assert writer.error is None
    return recorder, writer


def write_again(path: Path, calls: Sequence[Call]) -> RecordingWriter:
    header = new_header(host_name(), 1.0)
    writer = RecordingWriter(SingleFile.create(path, header), header)
    for name, arguments, options in calls:
        getattr(writer, name)(*arguments, **options)
    writer.close()
    assert writer.error is None
    return writer


def without_stacks(calls: Sequence[Call]) -> list[Call]:
    """The same, of scrapes only the samples."""
    kept: list[Call] = []
    for name, arguments, options in calls:
        if name == "__call__" and isinstance(arguments[0], Scrape):
            arguments = (replace(arguments[0], stacks=(), structures=(), missing=()),)
        kept.append((name, arguments, options))
    return kept


def shifted(calls: Sequence[Call], by: float, number: int) -> list[Call]:
    moved: list[Call] = []
    for name, arguments, options in calls:
        if name == "__call__" and isinstance(arguments[0], Tick):
            arguments = (Tick(arguments[0].time + by, arguments[0].number + number),)
        elif name == "__call__":
            arguments = (replace(arguments[0], time=arguments[0].time + by, **moved_structures(arguments[0], by)),)
        elif name == "row":
            arguments = (arguments[0] + by, *arguments[1:])
        elif name == "cost":
            arguments = (replace(arguments[0], time=arguments[0].time + by),)
        if name in ("__call__", "row", "cost", "commit") or not number:
            moved.append((name, arguments, options))
    return moved


def moved_structures(event: Event, by: float) -> dict[str, Any]:
    """Stacks and dumps bear times of their own."""
    found: list[Any] = []
    for one in event.structures if isinstance(event, Scrape) else ():
        times = {name: getattr(one, name) + by for name in ("start", "time") if hasattr(one, name)}
        found.append(replace(one, **times))
    return {"structures": tuple(found)} if found else {}


def samples_of(calls: Sequence[Call]) -> list[list[tuple[float, Labels, float]]]:
    """What the store took, tick by tick."""
    ticks: list[list[tuple[float, Labels, float]]] = [[]]
    for name, arguments, _ in calls:
        if name == "row":
            at, series, bits = arguments
            values = bits.view(np.float64).tolist()
            there = (bits != MISSING_BITS).tolist()
            ticks[-1] += [
                (at, one.labels, v) for one, v, is_there in zip(series, values, there, strict=True) if is_there
            ]
        elif name == "commit":
            ticks.append([])
    return ticks


def csv_and_zstd(folder: Path, ticks: Sequence[Sequence[tuple[float, Labels, float]]]) -> tuple[int, float]:
    path, numbers = folder / "peer.csv.zst", dict[Labels, int]()
    began = time.thread_time()
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    with path.open("wb", buffering=0) as file:
        for tick in ticks:
            lines = "".join(
                f"{at:.3f},{numbers.setdefault(labels, len(numbers))},{value!r}\n" for at, labels, value in tick
            )
            file.write(packer.compress(lines.encode()) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        for labels, number in numbers.items():
            file.write(packer.compress(f"{number},{dict(labels)}\n".encode()))
        file.write(packer.flush())
    return path.stat().st_size, time.thread_time() - began


def sqlite_rows(folder: Path, ticks: Sequence[Sequence[tuple[float, Labels, float]]]) -> tuple[int, float]:
    path, numbers = folder / "peer.sqlite", dict[Labels, int]()
    began = time.thread_time()
    with sqlite3.connect(path) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table series (id integer primary key, labels text)")
        database.execute("create table sample (series integer, time real, value real)")
        for tick in ticks:
            rows = [(numbers.setdefault(labels, len(numbers)), at, value) for at, labels, value in tick]
            database.executemany("insert into sample values (?, ?, ?)", rows)
            database.commit()
        database.executemany("insert into series values (?, ?)", [(n, str(dict(k))) for k, n in numbers.items()])
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    return path.stat().st_size, time.thread_time() - began


@dataclass(frozen=True, slots=True, order=True)
class Took:
    """Seconds."""

    cpu: float
    wall: float


def timed(work: Callable[[], object]) -> Took:
    began, spent = time.perf_counter(), time.process_time()
    work()
    return Took(time.process_time() - spent, time.perf_counter() - began)


def open_and_jump(path: Path) -> dict[str, Took]:
    """To open with the index and without, to jump to a random moment (context and ten seconds of events), to read
    everything."""

    def opened(which: Path) -> None:
        with RecordingReader(which) as recording:
            assert recording.span is not None
            recording.context(recording.span[0] + 1)

    cut = path.with_name("cut.rzp")
    cut.write_bytes(path.read_bytes()[:-400])
    found = {
        "open": min(timed(lambda: opened(path)) for _ in range(3)),
        "open, no index": min(timed(lambda: opened(cut)) for _ in range(3)),
    }
    numbers = random.Random(1)
    jumps = []
    for _ in range(JUMPS):
        with RecordingReader(path) as recording:
            assert recording.span is not None
            moment = numbers.uniform(*recording.span)

            def jump(recording: RecordingReader = recording, moment: float = moment) -> None:
                recording.context(moment)
                assert list(recording.events(moment, moment + 10))

            jumps.append(timed(jump))
    found["jump, median"], found["jump, longest"] = statistics.median_high(jumps), max(jumps)
    with RecordingReader(path) as recording:
        found["all series"] = timed(recording.series)
        found["all events"] = timed(lambda: sum(1 for _ in recording.events()))
    return found


def main(seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder, writer = record(folder, seconds)
        whole = (folder / "real.rzp").stat().st_size
        minutes = ((writer.last or 0.0) - (writer.first or 0.0)) / 60
        cpu = recorder.seconds / (60 * minutes)
        ticks = samples_of(recorder.calls)
        samples = sum(map(len, ticks))
        write_again(folder / "samples.rzp", without_stacks(recorder.calls))
        plain = (folder / "samples.rzp").stat().st_size
        print(
            f"{writer.ticks} ticks, {samples} samples of {len({one[1] for tick in ticks for one in tick})} series"
        )
        print(f"{'':24}{'bytes/sample':>14}{'kB/minute':>12}{'CPU of a core':>16}")
        print(f"{'.rzp, all of it':24}{whole / samples:>14.2f}{whole / minutes / 1000:>12.1f}{cpu:>15.3%}")
        print(f"{'.rzp, samples alone':24}{plain / samples:>14.2f}{plain / minutes / 1000:>12.1f}")
        for title, peer in (("CSV + zstd", csv_and_zstd), ("SQLite, row a sample", sqlite_rows)):
            size, spent = peer(folder, ticks)
            share = spent / (60 * minutes)
            print(f"{title:24}{size / samples:>14.2f}{size / minutes / 1000:>12.1f}{share:>15.3%}")
        length = (writer.last or 0.0) - (writer.first or 0.0) + 1.0
        hour = [
            call
            for turn in range(round(HOUR / length))
            for call in shifted(recorder.calls, turn * length, turn * writer.ticks)
        ]
        write_again(folder / "hour.rzp", hour)
        times = open_and_jump(folder / "hour.rzp")
        print(f"an hour of it ({(folder / 'hour.rzp').stat().st_size / 1e6:.1f} MB):")
        for what, took in times.items():
            print(f"  {what:18}{took.cpu * 1000:>9.1f} ms of CPU{took.wall * 1000:>9.1f} ms")
        claims = {
            f"at most {MOST_BYTES_A_SAMPLE:g} bytes a sample": plain / samples <= MOST_BYTES_A_SAMPLE,
            f"at most {MOST_BYTES_A_MINUTE / 1000:g} kB a minute": whole / minutes <= MOST_BYTES_A_MINUTE,
            f"at most {MOST_CPU:.0%} of a core": cpu <= MOST_CPU,
            f"opens within {MOST_OPEN:g} s": max(times["open"], times["open, no index"]).cpu <= MOST_OPEN,
            f"jumps within {MOST_JUMP * 1000:g} ms": times["jump, longest"].cpu <= MOST_JUMP,
        }
        for claim, holds in claims.items():
            print(f"{'ok' if holds else 'FAILED':>7}  {claim}")
        return all(claims.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    sys.exit(0 if main(parser.parse_args().seconds) else 1)
