"""How long each thread of a process was on a CPU, as the kernel counts it.

For profilers.record: py-spy in blocking mode takes threads for running that only come back from being stopped (on
two cores a thread that sleeps was seen to run in 13 % of the looks at 100 Hz). The kernel's figure unmasks them.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.errors import RazorprofError
from razorprof.model.profile import Block, StackKey
from razorprof.remote.process import ProcessView

_MOST_THREADS = 2000
# Being stopped and going back to sleep takes a thread 17-34 us a look, and up to 290 us where others take the CPU
# (measured). One that ran for less than a tenth of the time that it was seen to run, and for less than a
# twenty-fifth of the time between two looks, did not run: one that waits for a CPU gets more than that.
_BACK_TO_SLEEP = 25e-6
_BELIEVED = 0.1
_LEAST_A_LOOK = 400e-6
_NANO = 1e9


def active_seconds(view: ProcessView) -> dict[int, float]:
    """Native id -> seconds on a CPU since the thread began (sched-stats.rst: the first field of schedstat; the
    second, waiting for a CPU, grows by being stopped). About 10 us a thread; empty where the kernel does not count
    or there are too many threads."""
    found: dict[int, float] = {}
    try:
        threads = view.task_ids()
    except RazorprofError:
        return found
    for thread in threads if len(threads) <= _MOST_THREADS else ():
        try:
            found[thread] = int(view.read(f"task/{thread}/schedstat", 256).split()[0]) / _NANO
        except (RazorprofError, ValueError, IndexError):
            continue
    return found


def without_sleepers(block: Block, rounds: int, before: Mapping[int, float], after: Mapping[int, float]) -> Block:
    """The block without threads that, by the kernel's count, cannot have run for as long as they were seen to.

    Threads that began or ended meanwhile stay: nothing is known of them. `samples` stays what was seen."""
    seen: dict[int, float] = {}
    for key, weight in block.weights.items():
        seen[key.thread.native] = seen.get(key.thread.native, 0.0) + weight
    asleep = {
        native
        for native, weight in seen.items()
        if native in before
        and native in after
        and after[native] - before[native] - _BACK_TO_SLEEP * rounds
        < min(_BELIEVED * weight, _LEAST_A_LOOK * rounds)
    }
    if not asleep:
        return block
    kept: dict[StackKey, float] = {k: w for k, w in block.weights.items() if k.thread.native not in asleep}
    return Block(block.start, block.seconds, kept, block.samples)
