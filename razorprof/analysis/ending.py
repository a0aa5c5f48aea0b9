"""What can be told of a target's end, in one line for people.

Pure: the session hands in what it held when the process went. It says what was seen and no more: a SIGKILL
without a counted OOM kill is not called one, and a counted OOM kill beside a normal exit is another process's.
"""

from __future__ import annotations

import signal

from razorprof.model.ending import ExitInfo, LastMemory, OomKills, OomScope

_NEAR_LIMIT = 0.9  # from here on the memory is worth a word even without an OOM kill


def describe_ending(exit: ExitInfo, oom: OomKills | None = None, memory: LastMemory | None = None) -> str:
    """For example ``killed by SIGKILL; the container's OOM killer struck (oom_kill +1), resident 498 MiB of
    512 MiB at the last look``. oom is None where no counter could be read. Free of untrusted text."""
    struck = oom is not None and oom.more > 0
    parts = [_exit_words(exit)]
    if oom is not None and struck:
        parts.append(_oom_words(exit, oom))
    if memory is not None and (struck or exit.signal == signal.SIGKILL or _is_near_limit(memory)):
        parts[-1] += ", " + _memory_words(memory)
    if exit.signal == signal.SIGKILL and oom is not None and not struck:
        parts.append(f"no OOM kill was counted {_where(oom.scope)}")
    return "; ".join(parts)


def signal_name(number: int) -> str:
    """SIGSEGV, SIGRTMIN+3; ``signal 200`` where the number has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        if signal.SIGRTMIN < number < signal.SIGRTMAX:
            return f"SIGRTMIN+{number - signal.SIGRTMIN}"
        return f"signal {number}"


def _exit_words(exit: ExitInfo) -> str:
    if exit.signal is not None:
        return f"killed by {signal_name(exit.signal)}" + (" (core dumped)" if exit.core_dumped else "")
    if exit.code is not None:
        return f"exited with code {exit.code}"
    return f"gone, its end could not be seen ({exit.reason or 'no reason known'})"


def _oom_words(exit: ExitInfo, oom: OomKills) -> str:
    killer = "the container's OOM killer" if oom.scope is OomScope.CONTAINER else "the kernel's OOM killer"
    count = f"(oom_kill +{oom.more})"
    if exit.is_known and exit.signal != signal.SIGKILL:
        return f"{killer} struck another process {count}"
    if oom.scope is OomScope.HOST:
        return f"{killer} struck on this machine {count}"  # the machine's counter does not say whom
    return f"{killer} struck {count}"


def _where(scope: OomScope) -> str:
    return "in its container" if scope is OomScope.CONTAINER else "on this machine"


def _is_near_limit(memory: LastMemory) -> bool:
    return memory.limit_bytes is not None and memory.resident_bytes >= _NEAR_LIMIT * memory.limit_bytes


def _memory_words(memory: LastMemory) -> str:
    limit = "" if memory.limit_bytes is None else f" of {_size(memory.limit_bytes)}"
    return f"resident {_size(memory.resident_bytes)}{limit} at the last look"


def _size(count: float) -> str:
    """Whole MiB up to 10 GiB, so that use and limit stay comparable; render.figures is above this floor."""
    mebibytes = count / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 10 * 1024 else f"{mebibytes / 1024:.1f} GiB"
