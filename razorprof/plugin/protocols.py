"""The protocols of plugins: runtimes, sources with their readers, formats.

A plugin sees plugin, model, analysis, remote, targets, profilers, render, errors, clock and units; never
session, store, query or config. Entry-point groups: razorprof.runtimes, razorprof.sources (only what belongs
to no runtime), razorprof.formats. An entry point names a class or a function without arguments that returns
the plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from razorprof.clock import Clock, SystemClock

if TYPE_CHECKING:  # for types alone: every command that meets a plugin loads this module
    from razorprof.analysis.advice_observation import Observation
    from razorprof.model.advice import Advice
    from razorprof.model.metric import Metric
    from razorprof.model.profile import Profile
    from razorprof.model.scrape import Reading
    from razorprof.model.target import Target
    from razorprof.remote.process import ProcessView


class Capability(StrEnum):
    """What may be seen of a runtime."""

    STACKS = "stacks"
    THREADS = "threads"
    CPU = "cpu"  # one-shot profiles
    HEAP = "heap"
    GC = "gc"
    GIL = "gil"
    ALLOCATOR = "allocator"


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a capability is there. intrusiveness: 0 file read, 1 memory read or perf event, 2 HTTP on
    loopback, 3 signal or attach, 4 code injection. reason: why not, where it is not."""

    available: bool
    source: str = ""
    intrusiveness: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a runtime found out about a process, read-only. version is None where it could not be told."""

    runtime: str
    version: str | None
    implementation: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a reader may need to know when it is opened.

    interval: seconds between reads as the scheduler plans them; rate_hz: stack sampling rate, None lets the
    reader adapt it; budget: share of one core that this reader may use of tools it starts; probe: whether the
    target's own loopback ports may be asked over HTTP; url: an endpoint that the user named, which may be asked
    without `probe` (an http or https URL as it was written, for remote.http_address; its path may be missing);
    taken: names of the series that other sources give.
    """

    interval: float = 1.0
    rate_hz: float | None = None
    budget: float = 0.04
    probe: bool = False
    url: str = ""
    taken: frozenset[str] = frozenset()
    clock: Clock = field(default_factory=SystemClock)


class Reader(Protocol):
    """Reads one source of one target. May block; never used by two threads at once.

    A reader may also have `reasons`: a mapping from the name of a metric that it cannot read, though it reads
    others, to why; and `rest`: seconds until another read is worth while, looked at after each one.
    """

    def read(self) -> Iterable[Reading]:
        """What is new since the last read. Raises RazorprofError (or OSError) when there is nothing to be had:
        PermissionDenied, NotSupported and TargetGone are final, others are tried again."""

    def close(self) -> None:
        """Let go of the target and of tools that were started. May be called before the first read; a second call
        does nothing."""


class Source(Protocol):
    """Something that can be read of a process.

    A class may also have `focused_only = True`: it costs more than about 0.5 % of a core per target, so that it
    is opened only for the targets that a person looks at when many are watched, and read less often when
    razorprof is above its budget.

    Samples of metrics that are not in `metrics` are refused and counted, unless the class has `open_ended = True`:
    it passes on what others name (an application's own metrics).

    A class may also have `applies(target, options) -> bool`: False where it is not to be opened for this target at
    all, and is then not missed; and `waits_for_target = True`: its reads wait for what the target answers, so that
    they are done in threads of their own.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]  # declared before the first read

    def open(self, target: Target, options: SourceOptions) -> Reader:
        """Attach. Raises RazorprofError when that is impossible."""


@runtime_checkable
class Runtime(Protocol):
    """A language runtime: cpython is built in, go and jvm are plugins.

    It may also have the methods of plugin.captures (record_cpu, dump_threads, record_heap) and of Advises.
    """

    name: ClassVar[str]

    def detect(self, process: ProcessView) -> Detection | None:
        """Whether this process is one of ours. Read-only and cheap (a few milliseconds)."""

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        """What can be seen of it, and why not what cannot."""

    def sources(self, detection: Detection) -> Sequence[Source]:
        """The sources that can be opened on such a process."""


@runtime_checkable
class Advises(Protocol):
    """A runtime that knows what its figures mean. One without it has no advice, and ``gc --advise`` says so."""

    def advise(self, seen: Observation) -> Sequence[Advice]:
        """What to change, by the figures of some seconds; nothing where they do not bear it out. Pure: asks no
        process and no clock."""


class Format(Protocol):
    """A file format of profiles.

    A class may also have `recognises(start: bytes) -> bool`: whether a file that begins so is one of this format,
    whatever its name; for formats that cannot be mistaken for another. Content is hostile: `read` bounds what it
    takes in and hands back.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]  # with the dot, lower case; of several that fit, the longest counts
    can_read: ClassVar[bool]

    def write(self, profile: Profile) -> bytes:
        """The profile as a file's content."""

    def read(self, content: bytes) -> Profile:
        """A profile out of a file's content. Raises ToolFailed where it is damaged, NotSupported where the
        format is only written."""
