"""What the feed hands to the pipeline: scrapes (results of one read) and ticks (the heartbeat)."""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.model.frame import SamplingReport, StackSample
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump


@dataclass(frozen=True, slots=True)
class Detected:
    """What a process turned out to run. runtime is empty where no runtime knows it; reason says more; denied: a
    runtime may know it, but was not allowed to look.

    name, command: its display name and its command line, redacted, as they are now (untrusted text). absent: what
    the runtime cannot tell, by capability (stacks, threads, gc ...), and why; no recording keeps it.
    """

    target: Target
    time: float
    runtime: str = ""
    version: str | None = None
    reason: str = ""
    name: str = ""
    command: str = ""
    denied: bool = False
    absent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KernelState:
    """The kernel's letter for the state of a process: R, S, D, T (stopped), t (traced), Z; proc(5).

    image: tells one program from another under the same pid: it changes when the process execs (empty: not known).
    """

    letter: str
    image: str = ""


Structure = GcState | GilState | ThreadDump | SamplingReport | Detected | KernelState
Reading = Sample | StackSample | Structure


@dataclass(frozen=True, slots=True)
class ReadError:
    """Why a read gave nothing. `final`: trying again cannot help (not supported, no permission, gone)."""

    name: str
    message: str
    hint: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Scrape:
    """One read of one source of one target. time: Unix seconds at its start; duration: seconds; missing: metrics
    that could not be read though the rest could, and why."""

    target: Target
    source: str
    time: float
    duration: float
    samples: tuple[Sample, ...] = ()
    stacks: tuple[StackSample, ...] = ()
    structures: tuple[Structure, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    error: ReadError | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A target is no more. `how` is what can be told of its end, for people."""

    target: Target
    time: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """The heartbeat: every interval, Unix seconds, never going back. Evaluation takes its time from here."""

    time: float
    number: int = 0


Event = Scrape | Ended | Tick
