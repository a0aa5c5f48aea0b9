"""Code locations and sampled stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Frame(NamedTuple):
    """One place in the code. `file` and `function` are what the target says: untrusted text.

    `line` is the line that runs (0 where unknown). A tuple, because millions are hashed and compared.
    """

    function: str
    file: str
    line: int = 0


Stack = tuple[Frame, ...]  # root first


@dataclass(frozen=True, slots=True)
class ThreadId:
    """A thread as a profiler names it. `native` is the kernel's thread id (0 where unknown)."""

    native: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class StackSample:
    """A stack that was seen on a CPU, root first, and for how much of `unit` (seconds of thread time)."""

    stack: Stack
    weight: float
    thread: ThreadId
    unit: str = "seconds"


@dataclass(frozen=True, slots=True)
class SamplingReport:
    """How a batch of stacks was taken: what a reader of the figures must know to trust them.

    seconds: length of the window; rounds: looks at the target in it (all threads each time);
    samples: stacks seen on a CPU; errors: looks that failed; rate_hz: the asked rate;
    mode: nonblocking, nonblocking-gil (only the holder of the GIL was looked at) or blocking;
    cost_seconds: CPU that the sampler itself used; stopped_seconds: time in which the target was stopped by us.
    """

    start: float
    seconds: float
    rounds: int
    samples: int
    errors: int
    rate_hz: float
    mode: str
    cost_seconds: float = 0.0
    stopped_seconds: float = 0.0
