"""Go.record_heap: what is on the heap by call site, out of the program's own profile (net/http/pprof).

Needs consent to ask (url: or --probe). Without a duration it is what is in use now, as of the last collection;
with one it is looked at several times, which tells what grows.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from razorprof.clock import Clock, SystemClock
from razorprof.errors import TargetGone
from razorprof.model.heap import GrowingSite, HeapRecord
from razorprof.model.profile import Measure, Profile, StackKey
from razorprof.model.target import Target
from razorprof.plugin.captures import HeapRequest, Watch
from razorprof.remote.process import ProcessView
from razorprof_go.endpoint import PPROF, find_endpoint
from razorprof_go.pprof_pages import fetch_profile, measure

_HEAP = f"{PPROF}heap"
_SAMPLED = "heap profiles are sampled, by default once in 512 KiB allocated: small sites may be missing"
_AS_OF = "in use as of the last collection"
_MOST_SITES = 200
_MOST_WINDOWS = 12
_FEWEST_LOOKS = 4  # three rises in a row


def record_heap(target: Target, request: HeapRequest, watch: Watch, *, clock: Clock | None = None) -> HeapRecord:
    """See plugin.captures.RecordsHeap."""
    clock = clock or SystemClock()
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    endpoint = find_endpoint(view, request.url, probe=request.probe, page=_HEAP, clock=clock)
    start, began = clock.time(), clock.monotonic()
    looks = [fetch_profile(endpoint, _HEAP)]
    windows = max(1, min(request.windows, _MOST_WINDOWS)) if request.seconds else 0
    for number in range(1, windows + 1):
        _wait(request.seconds * number / windows, began, request.seconds, watch, clock)
        looks.append(fetch_profile(endpoint, _HEAP))
        if watch.enough.is_set():
            break
    seconds = clock.monotonic() - began if request.seconds else 0.0
    used = _in_use(looks[-1])
    return HeapRecord(
        peak=used,
        live=used,
        seconds=seconds,
        start=start,
        peak_bytes=round(used.total),
        allocations=_allocations(looks[0], looks[-1]),
        growing=_growing(looks, seconds) if len(looks) >= _FEWEST_LOOKS else None,
        windows=len(looks) - 1,
        ended="asked" if watch.enough.is_set() else "time",
        notes=(_AS_OF, _SAMPLED),
        what="in use now",
    )


def _wait(until: float, began: float, whole: float, watch: Watch, clock: Clock) -> None:
    while (left := until - (clock.monotonic() - began)) > 0 and not watch.enough.is_set():
        watch.tell(until - left, whole, "looking at the heap")
        clock.wait(watch.enough, min(0.2, left))


def _in_use(profile: Profile) -> Profile:
    """Bytes in use by site, with the number of objects beside."""
    space, objects = measure(profile, "inuse_space"), measure(profile, "inuse_objects")
    weights = {key: held for key, held in (space or ({}, ""))[0].items() if held}
    counts = (objects or ({}, ""))[0]
    return replace(
        profile,
        weights=weights,
        unit="bytes",
        value="in_use",
        also=(Measure("allocations", "count", {key: counts.get(key, 0.0) for key in weights}),),
        mode="endpoint",
        notes=(_AS_OF, _SAMPLED),
    )


def _allocations(first: Profile, last: Profile) -> int:
    """Objects allocated between two looks; since the program began where there was one only."""
    after = sum((measure(last, "alloc_objects") or ({}, ""))[0].values())
    before = 0.0 if first is last else sum((measure(first, "alloc_objects") or ({}, ""))[0].values())
    return max(0, round(after - before))


def _growing(looks: list[Profile], seconds: float) -> tuple[GrowingSite, ...]:
    """Sites that held more at each look than at the one before, the fastest first."""
    held = [(measure(look, "inuse_space") or ({}, ""))[0] for look in looks]
    objects = (measure(looks[-1], "inuse_objects") or ({}, ""))[0]
    found: list[GrowingSite] = []
    for key in held[-1]:
        sizes = [round(look.get(key, 0.0)) for look in held]
        if all(later > earlier for earlier, later in pairwise(sizes)):
            found.append(_site(key, sizes, round(objects.get(key, 0.0)), seconds))
    return tuple(sorted(found, key=lambda site: -site.bytes_per_second)[:_MOST_SITES])


def _site(key: StackKey, sizes: list[int], count: int, seconds: float) -> GrowingSite:
    return GrowingSite(key.stack, tuple(sizes[1:]), count, (sizes[-1] - sizes[0]) / max(seconds, 1e-9))
