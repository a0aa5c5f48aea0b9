"""Go.dump_threads: all goroutines at one moment, from memory or from the endpoint of net/http/pprof.

With consent to ask (url: or --probe) the program itself tells them, with inlined functions and how long they have
waited; else they are read out of its memory. The text of very many costs the program seconds, so that above
MOST_IN_TEXT only the profile's form is asked for, which counts equal stacks.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, RazorprofError, TargetGone
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView
from razorprof_go.binary import open_image
from razorprof_go.dump import KIND, NO_OWNERS, findings, to_dump
from razorprof_go.endpoint import PPROF, Endpoint, find_endpoint
from razorprof_go.goroutine_text import groups_of, parse_goroutines
from razorprof_go.goroutines import MOST_GOROUTINES, open_goroutines
from razorprof_go.pprof_pages import fetch_profile

MOST_IN_TEXT = 10_000
_LONGEST_TEXT_WAIT = 30.0
_GOROUTINE = f"{PPROF}goroutine"
_NOT_FORCED = (
    f"more than {MOST_IN_TEXT:,} goroutines: counted by stack; their states and waits would cost the program "
    "seconds (--force takes them)"
)


def dump_threads(
    target: Target, request: ThreadsRequest, watch: Watch, *, clock: Clock | None = None
) -> ThreadDump:
    """See plugin.captures.DumpsThreads. Raises TargetGone, PermissionDenied, NotSupported, ToolFailed."""
    clock = clock or SystemClock()
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    if request.url or request.probe:
        try:
            endpoint = find_endpoint(view, request.url, probe=request.probe, page=_GOROUTINE, clock=clock)
        except NotSupported as refused:
            try:
                dump = _from_memory(view, clock)
            except NotSupported:
                raise refused from None
            return replace(dump, findings=(*dump.findings, f"read from memory: {refused}"))
        return _from_endpoint(endpoint, request, clock)
    return _from_memory(view, clock)


def _from_endpoint(endpoint: Endpoint, request: ThreadsRequest, clock: Clock) -> ThreadDump:
    profile = fetch_profile(endpoint, _GOROUTINE)
    time = clock.time()
    waits = contention(endpoint)
    if profile.total <= MOST_IN_TEXT or request.force:
        text = endpoint.get(f"{_GOROUTINE}?debug=2", timeout=_LONGEST_TEXT_WAIT).decode(errors="replace")
        return to_dump(parse_goroutines(text), time, mode="endpoint", notes=waits, system=True)
    groups = groups_of(profile)
    return ThreadDump(
        time=time,
        threads=(),
        groups=groups,
        locks_reason=NO_OWNERS,
        mode="endpoint",
        kind=KIND,
        has_gil=False,
        findings=(_NOT_FORCED, *findings(groups), *waits),
    )


def _from_memory(view: ProcessView, clock: Clock) -> ThreadDump:
    with RemoteMemory(view) as memory, open_image(view) as image:
        reader = open_goroutines(image, memory)
        walk = reader.walk(stacks=True)
    notes = []
    if walk.is_cut:
        notes.append(f"only the first {MOST_GOROUTINES:,} of {walk.whole:,} were read")
    running = sum(not one.stack for one in walk.goroutines if not one.system)
    if running:
        notes.append(
            f"{running} of them ran while they were looked at and have no stack here: razorprof cpu tells"
        )
    return to_dump(walk.goroutines, clock.time(), mode="nonblocking", notes=notes)


def contention(endpoint: Endpoint) -> tuple[str, ...]:
    """What the profiles mutex and block say, a sentence each: where most time was waited, or that they are off."""
    return tuple(_contention(endpoint, kind, setter) for kind, setter in _CONTENTION)


_CONTENTION = (("mutex", "runtime.SetMutexProfileFraction"), ("block", "runtime.SetBlockProfileRate"))


def _contention(endpoint: Endpoint, kind: str, setter: str) -> str:
    try:
        profile = fetch_profile(endpoint, f"{PPROF}{kind}")
    except RazorprofError as error:
        return f"the {kind} profile cannot be had: {error}"
    seconds = _in_seconds(profile)
    if not seconds:
        return f"the {kind} profile is empty: the program has not turned it on ({setter}), or nothing waited"
    stack, most = max(seconds.items(), key=lambda item: item[1])
    whole = sum(seconds.values())
    return f"{kind} profile: {whole:.3g} s waited since the start, {most:.3g} s of them in {stack}"


def _in_seconds(profile: Profile) -> dict[str, float]:
    """Seconds waited by the innermost function that is not a lock's own."""
    measures = [(profile.unit, profile.weights), *((one.unit, one.weights) for one in profile.also)]
    weights = next((weights for unit, weights in measures if unit == "seconds"), {})
    found: dict[str, float] = {}
    for key, weight in weights.items():
        own = [f.function for f in key.stack if not f.function.startswith(("sync.", "runtime.", "internal/sync."))]
        name = own[-1] if own else "unknown code"
        found[name] = found.get(name, 0.0) + weight
    return found
