"""A profile: stacks with weights over a window of time, and the pure functions that look at it.

Stored as a mapping from (thread, stack) to weight, which merges cheaply; the call tree is derived from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from razorprof.model.frame import Frame, Stack, StackSample, ThreadId


class StackKey(NamedTuple):
    thread: ThreadId
    stack: Stack  # root first


Weights = Mapping[StackKey, float]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the window: what was seen from `start` (Unix seconds) on for `seconds`. Samples of neighbouring
    moments are correlated, so the spread of a share is told from blocks and not from single samples."""

    start: float
    seconds: float
    weights: Weights
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """A further value of the same stacks, such as how many allocations made up the bytes."""

    name: str
    unit: str
    weights: Weights


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a profile came from. All text is the target's: untrusted. pid 0: not one process."""

    pid: int = 0
    name: str = ""
    runtime: str = ""
    version: str = ""
    host: str = ""
    command: str = ""  # redacted


@dataclass(frozen=True, slots=True)
class Profile:
    """weights: (thread, stack root first) -> weight in `unit` (seconds, bytes, count); seconds: length of the
    window; samples: how many stacks were seen; errors: looks that failed.

    value: what the weight is (cpu, wall, gil, allocated, in_use ...); also: further values; start: Unix seconds;
    blocks: the same weights by part of the window, or none where that is not known (if there are any, they add
    up to `weights`); rounds: looks at the target; mode: how it was looked at; stopped_seconds: how long it stood
    still for that; complete: it covers a whole run of the program, so that its seconds compare with another
    run's; others_ratio: share (0..1) of the machine's CPU time that other processes used meanwhile, where it was
    looked at; notes: what a reader must know to trust the figures; runs: other whole runs of the same program,
    which this one stands for where one is shown, and which have none of their own.
    """

    weights: Weights = field(default_factory=dict)
    unit: str = "seconds"
    seconds: float = 0.0
    samples: int = 0
    errors: int = 0
    rate_hz: float | None = None
    mode: str = ""
    value: str = ""
    also: tuple[Measure, ...] = ()
    start: float | None = None
    blocks: tuple[Block, ...] = ()
    rounds: int | None = None
    stopped_seconds: float = 0.0
    complete: bool = False
    others_ratio: float | None = None
    origin: Origin | None = None
    notes: tuple[str, ...] = ()
    runs: tuple[Profile, ...] = ()

    @property
    def total(self) -> float:
        return sum(self.weights.values())

    @property
    def all_runs(self) -> tuple[Profile, ...]:
        """Itself and the other runs that it stands for."""
        return (self, *self.runs)

    def threads(self) -> list[ThreadId]:
        """Threads that appear, heaviest first."""
        by_thread: dict[ThreadId, float] = defaultdict(float)
        for key, weight in self.weights.items():
            by_thread[key.thread] += weight
        return sorted(by_thread, key=by_thread.__getitem__, reverse=True)

    def only_thread(self, native_id: int) -> Profile:
        """The part of one thread."""
        return self._where(lambda key: key.thread.native == native_id)

    def containing(self, function: str, file: str) -> Profile:
        """The stacks in which a function appears."""
        return self._where(lambda key: any(f.function == function and f.file == file for f in key.stack))

    def with_stacks(self, change: Callable[[StackKey], StackKey | None]) -> Profile:
        """Every stack changed, or left out where `change` answers None; in blocks, further values and runs too.

        `samples` stays what was seen."""
        changed: dict[StackKey, StackKey | None] = {}

        def apply(weights: Weights) -> Weights:
            result: dict[StackKey, float] = defaultdict(float)
            for key, weight in weights.items():
                if key not in changed:
                    changed[key] = change(key)
                new = changed[key]
                if new is not None:
                    result[new] += weight
            return dict(result)

        return replace(
            self,
            weights=apply(self.weights),
            also=tuple(replace(measure, weights=apply(measure.weights)) for measure in self.also),
            blocks=tuple(replace(block, weights=apply(block.weights)) for block in self.blocks),
            runs=tuple(run.with_stacks(change) for run in self.runs),
        )

    def _where(self, keep: Callable[[StackKey], bool]) -> Profile:
        return self.with_stacks(lambda key: key if keep(key) else None)


@dataclass(frozen=True, slots=True)
class FunctionTime:
    """self_weight: on top of the stack; total_weight: anywhere in it (counted once for recursion).

    line: the line that carries the most weight of this function."""

    function: str
    file: str
    line: int
    self_weight: float
    total_weight: float
    self_ratio: float
    total_ratio: float


Grouping = Callable[[Frame], tuple[str, str]]


def by_function(frame: Frame) -> tuple[str, str]:
    """Group frames by function and file."""
    return frame.function, frame.file


def by_file(frame: Frame) -> tuple[str, str]:
    """Group frames by file."""
    return "", frame.file


def by_package(frame: Frame) -> tuple[str, str]:
    """Group frames by the first part of the file's path as a profiler shortens it."""
    head, slash, _ = frame.file.lstrip("/").partition("/")
    return "", head if slash else frame.file


def merge(profiles: Iterable[Profile]) -> Profile:
    """Profiles of neighbouring windows, or of several processes, as one: weights, windows and counts add up.

    Blocks stay as they are, if every profile with weight has some; what differs (origin, rate, complete) is as in
    the last one; other runs are left out. The units are the caller's to check."""
    weights: dict[StackKey, float] = defaultdict(float)
    also: dict[tuple[str, str], dict[StackKey, float]] = {}
    blocks: list[Block] = []
    notes: dict[str, None] = {}
    has_blocks = True
    seconds = stopped = 0.0
    samples = errors = 0
    rounds: int | None = None
    start: float | None = None
    last = Profile()
    for profile in profiles:
        for key, weight in profile.weights.items():
            weights[key] += weight
        for measure in profile.also:
            into = also.setdefault((measure.name, measure.unit), defaultdict(float))
            for key, weight in measure.weights.items():
                into[key] += weight
        blocks += profile.blocks
        has_blocks = has_blocks and (bool(profile.blocks) or not profile.weights)
        notes.update(dict.fromkeys(profile.notes))
        seconds += profile.seconds
        stopped += profile.stopped_seconds
        samples += profile.samples
        errors += profile.errors
        rounds = rounds if profile.rounds is None else (rounds or 0) + profile.rounds
        if profile.start is not None:
            start = profile.start if start is None else min(start, profile.start)
        last = profile
    return replace(
        last,
        weights=dict(weights),
        also=tuple(Measure(name, unit, dict(held)) for (name, unit), held in also.items()),
        blocks=tuple(blocks) if has_blocks else (),
        notes=tuple(notes),
        seconds=seconds,
        stopped_seconds=stopped,
        samples=samples,
        errors=errors,
        rounds=rounds,
        start=start,
        runs=(),
    )


def join_threads(profile: Profile) -> Profile:
    """The profile with its threads as one."""
    anybody = ThreadId(0)
    return profile.with_stacks(lambda key: StackKey(anybody, key.stack))


def from_stacks(stacks: Iterable[StackSample], seconds: float) -> Profile:
    """A profile of one window's stacks. Every StackSample counts as one sample; see SamplingReport for more."""
    weights: dict[StackKey, float] = defaultdict(float)
    count = 0
    for sample in stacks:
        weights[StackKey(sample.thread, sample.stack)] += sample.weight
        count += 1
    return Profile(dict(weights), seconds=seconds, samples=count)


def top(profile: Profile, group: Grouping = by_function) -> list[FunctionTime]:
    """Functions (or files, or packages) by own time, heaviest first; equal ones by total, then by name."""
    own: dict[tuple[str, str], float] = defaultdict(float)
    total: dict[tuple[str, str], float] = defaultdict(float)
    lines: dict[tuple[str, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for (_, stack), weight in profile.weights.items():
        if not stack:
            continue
        own[group(stack[-1])] += weight
        seen: set[tuple[str, str]] = set()
        for frame in reversed(stack):
            key = group(frame)
            if key not in seen:
                seen.add(key)
                total[key] += weight
                lines[key][frame.line] += weight
    whole = profile.total or 1.0
    functions = [
        FunctionTime(
            function,
            file,
            max(lines[function, file], key=lines[function, file].__getitem__),
            own.get((function, file), 0.0),
            weight,
            own.get((function, file), 0.0) / whole,
            weight / whole,
        )
        for (function, file), weight in total.items()
    ]
    return sorted(functions, key=lambda f: (-f.self_weight, -f.total_weight, f.file, f.function))


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a call tree. weight includes the children's; children are heaviest first."""

    frame: Frame
    weight: float
    self_weight: float
    children: tuple[Node, ...]

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


ROOT = Frame("all", "")


def call_tree(stacks: Iterable[tuple[Stack, float]], *, with_lines: bool = False) -> Node:
    """The call tree of (stack root first, weight) pairs under one root named "all".

    Without lines, frames of one function merge. Iterative, so that a stack of any depth is fine.
    """
    children: dict[int, dict[tuple[str, str, int], int]] = {0: {}}
    frames: list[Frame] = [ROOT]
    weights: list[float] = [0.0]
    own: list[float] = [0.0]
    for stack, weight in stacks:
        node = 0
        weights[0] += weight
        for frame in stack:
            key = (frame.function, frame.file, frame.line if with_lines else 0)
            found = children[node].get(key)
            if found is None:
                found = len(frames)
                children[node][key] = found
                children[found] = {}
                frames.append(frame)
                weights.append(0.0)
                own.append(0.0)
            node = found
            weights[node] += weight
        own[node] += weight
    built: dict[int, Node] = {}
    for index in range(len(frames) - 1, -1, -1):  # a child always has a higher index than its parent
        kids = sorted((built.pop(c) for c in children[index].values()), key=lambda n: -n.weight)
        built[index] = Node(frames[index], weights[index], own[index], tuple(kids))
    return built[0]


def callers_and_callees(profile: Profile, function: str, file: str) -> tuple[Node, Node]:
    """(callers, callees) of a function: the tree upwards, nearest caller first, and the tree downwards."""
    up: list[tuple[Stack, float]] = []
    down: list[tuple[Stack, float]] = []
    for (_, stack), weight in profile.weights.items():
        places = [i for i, f in enumerate(stack) if f.function == function and f.file == file]
        if places:
            up.append((tuple(reversed(stack[: places[0]])), weight))
            down.append((stack[places[-1] + 1 :], weight))
    return call_tree(up), call_tree(down)
