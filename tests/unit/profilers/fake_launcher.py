"""A launcher that starts nothing: each start takes the next scripted run, and the clock moves by its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from razorprof.clock import ManualClock
from razorprof.errors import RazorprofError, TimedOut
from razorprof.profilers.supervisor import MOST_BYTES, Exit


@dataclass
class Run:
    """A scripted run. seconds: how long it takes; outputs: by descriptor; stubborn: only SIGKILL ends it."""

    seconds: float = 2.0
    cpu_seconds: float = 0.02
    code: int | None = 0
    signal: int | None = None
    outputs: dict[int, bytes] = field(default_factory=dict)
    error: RazorprofError | None = None
    stubborn: bool = False


class FakeChild:
    def __init__(self, run: Run, clock: ManualClock) -> None:
        self._run = run
        self._clock = clock
        self._started = clock.monotonic()
        self._ended: float | None = None
        self.stops = 0
        self.kills = 0
        self.closed = False

    def wait(self, timeout: float) -> Exit | None:
        now = self._clock.monotonic()
        end = self._ended if self._ended is not None else self._started + self._run.seconds
        if end > now + timeout:
            self._clock.advance(timeout)
            return None
        self._clock.advance(max(0.0, end - now))
        killed = self._ended is not None and self._run.stubborn
        return Exit(
            code=None if killed else self._run.code,
            signal=9 if killed else self._run.signal,
            cpu_seconds=self._run.cpu_seconds,
            max_rss_bytes=0,
            started=self._started,
            ended=end,
        )

    def request_stop(self) -> None:
        self.stops += 1
        self._ended = self._clock.monotonic() + (0.5 if self._run.stubborn else 0.0)

    def kill(self) -> None:
        self.kills += 1
        self._ended = self._clock.monotonic()

    def stop(self, timeout: float) -> Exit:
        self.request_stop()
        ended = self.wait(timeout)
        if ended is None:
            raise TimedOut("a tool does not end")
        return ended

    def output(self, place: int = 1, limit: int = MOST_BYTES) -> bytes:
        return self._run.outputs.get(place, b"")[:limit]

    def close(self) -> None:
        self.closed = True


class FakeLauncher:
    """Repeats the last run when the script is at its end."""

    def __init__(self, clock: ManualClock, *runs: Run) -> None:
        self._clock = clock
        self._runs = list(runs)
        self.argvs: list[list[str]] = []
        self.children: list[FakeChild] = []

    def start(
        self, argv: Sequence[str], *, extra: int = 0, grace: float = 0.5, most_bytes: int = MOST_BYTES
    ) -> FakeChild:
        self.argvs.append(list(argv))
        run = self._runs.pop(0) if len(self._runs) > 1 else self._runs[0]
        if run.error is not None:
            raise run.error
        self.children.append(FakeChild(run, self._clock))
        return self.children[-1]
