"""How a thread is called where a format has only a name for it: `thread (NATIVE ID): NAME`, as py-spy does too.

For the formats of this package.
"""

from __future__ import annotations

import re

from razorprof.model.frame import ThreadId

_OURS = re.compile(r"thread \((?P<native>\d{1,18})\): ?(?P<name>.*)", re.ASCII | re.DOTALL)


def thread_name(thread: ThreadId) -> str:
    """The name that `thread_of` reads back."""
    return f"thread ({thread.native}): {thread.name}".rstrip(" ")


def thread_of(name: str) -> ThreadId:
    """The thread that `name` stands for; native 0 where it is another tool's name."""
    found = match_thread(name)
    return ThreadId(0, name) if found is None else found


def match_thread(name: str) -> ThreadId | None:
    """The same, None where it is no name of ours."""
    found = _OURS.fullmatch(name)
    return None if found is None else ThreadId(int(found["native"]), found["name"])
