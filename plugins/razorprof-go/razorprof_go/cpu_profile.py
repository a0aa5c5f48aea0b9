"""Go.record_cpu: by the program's own profiler where it may be asked (url: or --probe), else by perf events.

The program's own tells inlined functions and whole stacks; perf events need nothing of it, not even symbols, and
are marked for what they are: flat shares hold, those of callers are too low where assembly breaks the chain.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, RazorprofError, TargetGone, ToolFailed
from razorprof.model.frame import Stack, ThreadId
from razorprof.model.profile import Block, Profile, StackKey, merge
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, Watch
from razorprof.plugin.protocols import Detection
from razorprof.profilers.origin import origin_of
from razorprof.profilers.perf_events import CpuSample, PerfSampler
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof_go.binary import open_image
from razorprof_go.endpoint import PPROF, Endpoint, find_endpoint
from razorprof_go.functions import Functions
from razorprof_go.pprof_pages import fetch_profile

FASTEST_HZ = 999
FLAT = "flat shares reliable: shares of callers are too low where assembly breaks the chain of frame pointers"
INLINED = "inlined functions count for the one that they stand in"
NO_KERNEL = "time inside of the kernel is not seen (perf_event_paranoid)"
_PROFILE = f"{PPROF}profile"
_DRAIN, _FOLLOW = 0.05, 0.5  # seconds between looks at the rings, and at the list of threads
_LONGEST_PART = 10  # seconds of one profile of the program's own: what an early end loses
_SLACK = 10.0  # seconds that a part may be late


def record_cpu(
    target: Target, detection: Detection, request: CpuRequest, watch: Watch, *, clock: Clock | None = None
) -> Profile:
    """See plugin.captures.RecordsCpu."""
    clock = clock or SystemClock()
    _check(request)
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    origin = origin_of(target, detection)
    if request.url or request.probe:
        endpoint = find_endpoint(view, request.url, probe=request.probe, page=_PROFILE, clock=clock)
        return replace(_ask(endpoint, request, watch, clock), origin=origin)
    return replace(_sample(view, target, request, watch, clock), origin=origin)


def _check(request: CpuRequest) -> None:
    for is_asked, what in (
        (request.only_gil, "Go has no GIL: there is no profile of its holder"),
        (request.wall, "goroutines that wait are not sampled: razorprof threads tells what they wait for"),
        (request.native, "native frames of Go programs are not told apart"),
        (request.blocking, "a Go program is never stopped for a profile"),
        (request.children, "CPU profiles of Go programs are of one process each"),
    ):
        if is_asked:
            raise NotSupported(what)


def _ask(endpoint: Endpoint, request: CpuRequest, watch: Watch, clock: Clock) -> Profile:
    """The program's own profiler, in parts, so that an early end keeps what was seen."""
    parts: list[Profile] = []
    whole = max(1, round(request.seconds))
    length = max(1, min(_LONGEST_PART, whole // 5))
    done = 0
    while done < whole and not watch.enough.is_set():
        seconds = min(length, whole - done)
        part = _part(endpoint, seconds, done, whole, watch, clock)
        if part is None:
            break
        parts.append(part)
        done += seconds
    if not parts:
        raise ToolFailed("ended before anything was seen")
    return replace(merge(parts), mode="endpoint", value="cpu")


def _part(
    endpoint: Endpoint, seconds: int, done: float, whole: float, watch: Watch, clock: Clock
) -> Profile | None:
    """One profile of some seconds; None when it was enough before its end. Fetched by another thread, so that an
    early end need not wait; its connection is closed with its time-out at the latest."""
    found: list[Profile | RazorprofError] = []
    ready = threading.Event()
    start = clock.time()

    def fetch() -> None:
        try:
            path = f"{_PROFILE}?seconds={seconds}"
            found.append(fetch_profile(endpoint, path, timeout=seconds + _SLACK))
        except RazorprofError as error:
            found.append(error)
        finally:
            ready.set()

    threading.Thread(target=fetch, name="go-cpu-profile", daemon=True).start()
    began = clock.monotonic()
    while not ready.wait(0.1):
        if watch.enough.is_set():
            return None
        watch.tell(done + min(seconds, clock.monotonic() - began), whole, "sampling by the program itself")
    if not found:
        raise ToolFailed("the profile could not be read")
    (result,) = found
    if isinstance(result, RazorprofError):
        raise result
    return _in_seconds(result, start, float(seconds))


def _in_seconds(profile: Profile, start: float, seconds: float) -> Profile:
    """The value "cpu" of a profile, as one block."""
    weights = profile.weights if profile.unit == "seconds" else {}
    for measure in profile.also:
        if not weights and measure.unit == "seconds":
            weights = measure.weights
    samples = round(sum(weights.values()) * (profile.rate_hz or 100.0))
    block = Block(start, seconds, weights, samples)
    return Profile(
        weights=weights,
        seconds=seconds,
        samples=samples,
        rate_hz=profile.rate_hz,
        rounds=max(1, round(seconds * (profile.rate_hz or 100.0))),
        start=start,
        blocks=(block,),
    )


@dataclass(slots=True)
class _Sums:
    """Samples of one block."""

    start: float
    began: float
    weights: dict[StackKey, float] = field(default_factory=lambda: defaultdict(float))
    samples: int = 0


class _Sampling:
    """A profile by perf events that is being taken."""

    def __init__(self, view: ProcessView, functions: Functions, sampler: PerfSampler) -> None:
        self._view = view
        self._functions = functions
        self._sampler = sampler
        self._threads: dict[int, ThreadId] = {}
        self._stacks: dict[tuple[int, ...], Stack] = {}
        self.blocks: list[Block] = []
        self._sums = _Sums(0.0, 0.0)

    def begin(self, time: float, monotonic: float) -> None:
        self._sums = _Sums(time, monotonic)

    def take(self) -> None:
        self._add(self._sampler.take())

    def end_block(self, monotonic: float) -> None:
        sums = self._sums
        self.blocks.append(Block(sums.start, monotonic - sums.began, dict(sums.weights), sums.samples))

    def _add(self, samples: Iterable[CpuSample]) -> None:
        for sample in samples:
            key = StackKey(self._thread(sample.thread), self._stack(sample.chain))
            self._sums.weights[key] += self._sampler.period
            self._sums.samples += 1

    def _thread(self, tid: int) -> ThreadId:
        if tid not in self._threads:
            self._threads[tid] = ThreadId(tid)
        return self._threads[tid]

    def _stack(self, chain: tuple[int, ...]) -> Stack:
        found = self._stacks.get(chain)
        if found is None:
            if len(self._stacks) > 200_000:
                self._stacks.clear()
            found = self._stacks[chain] = self._functions.stack(chain)
        return found


def _sample(view: ProcessView, target: Target, request: CpuRequest, watch: Watch, clock: Clock) -> Profile:
    rate = max(1.0, min(float(FASTEST_HZ), request.rate_hz))
    with RemoteMemory(view) as memory:
        with open_image(view) as image:
            functions = Functions(image, memory)
        with PerfSampler(view, rate) as sampler:
            sampling = _Sampling(view, functions, sampler)
            start, began = clock.time(), clock.monotonic()
            sampling.begin(start, began)
            block_began = follow_at = began
            now = began
            while now - began < request.seconds and not watch.enough.is_set():
                clock.wait(watch.enough, min(_DRAIN, request.seconds - (now - began)))
                now = clock.monotonic()
                sampling.take()
                watch.tell(min(request.seconds, now - began), request.seconds, "sampling")
                if now - block_began >= request.block_seconds:
                    sampling.end_block(now)
                    sampling.begin(clock.time(), now)
                    block_began = now
                if now - follow_at >= _FOLLOW:
                    follow_at = now
                    try:
                        sampler.follow_threads()
                    except TargetGone:
                        break
                    if not view.is_same(target.identity):
                        break
            sampling.end_block(now)
            return _profile(sampling, sampler, functions, rate, start, now - began)


def _profile(
    sampling: _Sampling, sampler: PerfSampler, functions: Functions, rate: float, start: float, seconds: float
) -> Profile:
    weights: dict[StackKey, float] = defaultdict(float)
    for block in sampling.blocks:
        for key, weight in block.weights.items():
            weights[key] += weight
    notes = [FLAT] if functions.has_inlined else [FLAT, INLINED]
    if not sampler.has_kernel:
        notes.append(NO_KERNEL)
    if sampler.refused:
        notes.append(f"{sampler.refused} threads beyond the first ones were not sampled")
    return Profile(
        weights=dict(weights),
        seconds=seconds,
        samples=sum(block.samples for block in sampling.blocks),
        errors=sampler.lost,
        rate_hz=rate,
        rounds=max(1, round(seconds * rate)),
        mode="perf events",
        value="cpu",
        start=start,
        blocks=tuple(block for block in sampling.blocks if block.seconds > 0),
        notes=tuple(notes),
    )
