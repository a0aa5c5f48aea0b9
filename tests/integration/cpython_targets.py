"""Programs that tell what their own gc module sees, for the tests of the memory readers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.metric import Sample
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.gc_source import GcReader, GcSource
from tests.live_targets import Program, PythonBuild, StartProgram

T = TypeVar("T")

# Answers each line of a FIFO with what the gc module says, after running the line where it is not "say".
ANSWERING = """
import gc, json, os, sys, threading, time

def say():
    frozen = gc.get_freeze_count()
    return json.dumps({"stats": gc.get_stats(), "threshold": gc.get_threshold(), "enabled": gc.isenabled(),
        "frozen": frozen, "garbage": len(gc.garbage), "blocks": sys.getallocatedblocks()})

BODY

with open(sys.argv[1]) as questions, open(sys.argv[2], "w", buffering=1) as answers:
    print("ready")
    while True:
        line = questions.readline()
        if not line:
            break
        command = line.strip()
        if command != "say":
            exec(command)
        answers.write(say() + "\\n")
"""


@dataclass
class Answering:
    """A target that answers questions about itself."""

    program: Program
    questions: Any
    answers: Any

    @property
    def pid(self) -> int:
        return self.program.pid

    def ask(self, command: str = "say") -> dict[str, Any]:
        """Run one statement there and return what its gc module says after it."""
        self.questions.write(command + "\n")
        self.questions.flush()
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer


@contextmanager
def answering(
    start_program: StartProgram,
    build: PythonBuild | Path,
    folder: Path,
    body: str = "",
    *,
    seen_as: Path | None = None,
) -> Iterator[Answering]:
    """An ANSWERING program with `body` run first. seen_as: what `folder` is called inside a chroot."""
    asked, answered = folder / "asked", folder / "answered"
    os.mkfifo(asked)
    os.mkfifo(answered)
    source = folder / "answering.py"
    source.write_text(ANSWERING.replace("BODY", body))
    inside = seen_as or folder
    names = [str(inside / path.name) for path in (asked, answered)]
    program = start_program(build, inside / source.name, *names)
    with open(asked, "w") as questions, open(answered) as answers:
        program.wait_for("ready")
        yield Answering(program, questions, answers)


@contextmanager
def gc_reader(pid: int, source: GcSource | None = None) -> Iterator[GcReader]:
    """A reader of the process, closed at the end."""
    reader = (source or GcSource()).open(Target(ProcessView(pid).identity, "target"), SourceOptions())
    try:
        yield reader
    finally:
        reader.close()


def gc_state(readings: list[Reading]) -> GcState:
    (state,) = (reading for reading in readings if isinstance(reading, GcState))
    return state


def gil_state(readings: list[Reading]) -> GilState:
    (state,) = (reading for reading in readings if isinstance(reading, GilState))
    return state


def samples(readings: list[Reading], name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Labels -> value of the metric's samples."""
    return {tuple(r.labels.items()): r.value for r in readings if isinstance(r, Sample) and r.name == name}


def eventually(look: Callable[[], T | None], timeout: float = 20.0) -> T:
    """The first thing that `look` finds."""
    deadline = time.monotonic() + timeout
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found
