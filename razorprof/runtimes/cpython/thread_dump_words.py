"""What a thread that is blocked on some lock is really doing, told from its innermost frames.

The standard library makes conditions, events, queues and futures of plain locks that nobody holds: to say "lock"
would mislead whoever looks for a deadlock. Called by thread_dump_join; names of functions are the target's, so
that what comes back is always one of the texts below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from razorprof.model.frame import Frame

_DEEPEST = 6
_INNERMOST = frozenset(("wait", "_wait_for_tstate_lock", "join", "_shutdown", "_worker"))
_JOINS = frozenset(("_wait_for_tstate_lock", "join", "_shutdown"))
# (file's end, function, what it waits for), the most telling first; 3.11 and later qualify the names.
_PLACES = (
    ("threading.py", "_wait_for_tstate_lock", "the end of a thread (join)"),
    ("threading.py", "join", "the end of a thread (join)"),
    ("threading.py", "_shutdown", "the end of a thread (at exit)"),
    ("queue.py", "get", "an item of a queue"),
    ("queue.py", "put", "room in a queue"),
    ("queue.py", "join", "the end of a queue's work"),
    ("multiprocessing/queues.py", "get", "an item of a queue between processes"),
    ("concurrent/futures/_base.py", "result", "the result of a future"),
    ("concurrent/futures/_base.py", "wait", "several futures"),
    ("concurrent/futures/thread.py", "_worker", "work (a worker of a thread pool)"),
    ("threading.py", "Semaphore.acquire", "a semaphore"),
    ("threading.py", "Event.wait", "an event"),
    ("threading.py", "Barrier.wait", "a barrier"),
    ("threading.py", "wait_for", "a condition"),
)


def what_is_awaited(frames: Sequence[Frame]) -> str:
    """Words for what a thread with these frames (innermost first) waits for; empty where a lock is just a lock."""
    if not frames or frames[0].function.rpartition(".")[2] not in _INNERMOST:
        return ""  # of a queue, say, it may also be the mutex that is waited for
    return _what_these_await(tuple(frames[:_DEEPEST]))


@lru_cache(maxsize=1024)  # hundreds of threads of a pool wait in the same place
def _what_these_await(frames: tuple[Frame, ...]) -> str:
    library = []
    for frame in frames:
        if not _is_library(frame):
            break
        library.append(frame)
    for file, function, words in _PLACES:
        if any(_is(frame, file, function) for frame in library):
            return words
    waits = [frame for frame in library if frame.function.rpartition(".")[2] == "wait"]
    if not waits:
        return ""
    if any(frame.function == "acquire" for frame in library):
        return "a semaphore"
    return "an event" if len(waits) > 1 else "a condition"


def may_be_owned(frames: Sequence[Frame]) -> bool:
    """Whether what a thread with these frames waits for may be held by another thread, or be its end: true of a
    lock, not of a condition or what is made of one."""
    return not what_is_awaited(frames) or frames[0].function.rpartition(".")[2] in _JOINS


def _is(frame: Frame, file: str, function: str) -> bool:
    if not _ends(frame.file, file):
        return False
    return frame.function == function or ("." not in function and frame.function.endswith(f".{function}"))


def _is_library(frame: Frame) -> bool:
    return any(_ends(frame.file, file) for file, _, _ in _PLACES)


def _ends(path: str, file: str) -> bool:
    return path == file or path.endswith(f"/{file}")
