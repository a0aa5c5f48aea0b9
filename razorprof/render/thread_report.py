"""A thread dump as text that an engineer on call reads from the top: verdict, GIL if any, then the threads.

Pure: a dump in, lines out, everything of the target escaped. Threads with equal stacks stand together. For the
command threads; the dashboard's table of threads is render.threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from razorprof.analysis.deadlocks import CONFIRMED
from razorprof.model.frame import Frame
from razorprof.model.threads import Local, ThreadDump, ThreadGroup, ThreadInfo, ThreadState
from razorprof.render import figures
from razorprof.render.text import cut_end, cut_middle, printable

_MANY = 3  # equal stacks from which on a group is told with its members in short
_MOST_MEMBERS = 12
_MOST_NAMED = 3  # of those that are told by their number
_MOST_FINDINGS = 20
_LONGEST_VALUE = 120
_ORDER = (ThreadState.PYTHON, ThreadState.RUNNING, ThreadState.WAITING, ThreadState.UNKNOWN, ThreadState.IDLE)


class Tone(Enum):
    """What a line is, for whoever colours it."""

    PLAIN = "plain"
    HEADING = "heading"
    BAD = "bad"
    DOUBT = "doubt"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    tone: Tone = Tone.PLAIN


def thread_report(dump: ThreadDump, width: int | None = None) -> Iterator[Line]:
    """The lines. width: cells of a line, None where nothing is cut. Verdicts and reasons are never cut."""
    names = {thread.native_id: thread.name for thread in dump.threads}
    yield from _verdict(dump)
    for finding in dump.findings[:_MOST_FINDINGS]:
        yield Line(printable(finding), Tone.DOUBT)
    if dump.has_gil:
        yield Line(_gil(dump))
    yield Line(_counts(dump))
    if dump.stacks_reason:
        yield Line(f"no stacks: {printable(dump.stacks_reason)}", Tone.DOUBT)
    if dump.tasks is not None:
        yield Line(f"{dump.tasks} asyncio task{'' if dump.tasks == 1 else 's'} pending")
    elif dump.tasks_reason and _runs_asyncio(dump):
        yield Line(printable(dump.tasks_reason), Tone.QUIET)
    by_id = {thread.native_id: thread for thread in dump.threads}
    none = "" if dump.has_gil else "(no stack)"
    for group in _ordered(dump):
        yield Line("")
        members = [by_id[native] for native in group.threads if native in by_id]
        if group.count > len(members) or (not dump.has_gil and group.count >= _MANY):
            yield from _counted(dump, group, members, names, width)
            continue
        if any(member.locals for member in members):  # equal stacks, but each with variables of its own
            for place, member in enumerate(members):
                if place:
                    yield Line("")
                yield _heading(member, names, width, dump.kind)
                yield from _frames(member, width, single=True, no_frames=none)
            continue
        if len(members) >= _MANY:
            yield from _group(members, names, width)
        else:
            for member in members:
                yield _heading(member, names, width, dump.kind)
        yield from _frames(members[0], width, single=len(members) == 1, no_frames=none)
        yield from _started_by(members[0].started_by, width)


def wait_words(thread: ThreadInfo, names: dict[int, str]) -> str:
    """What a thread waits for and who has it: ``waits for Lock 0x7f.. held by thread 123 worker-2``; escaped."""
    wait = thread.waits_on
    if wait is None:
        return ""
    if wait.kind == "sleep":
        return "sleeps"
    if wait.what.startswith("stopped by"):
        return printable(wait.what)
    what = printable(wait.what or wait.kind)
    if wait.kind == "lock" and wait.what == "futex":
        what = "a lock" if wait.address is None else f"a lock at {wait.address:#x}"
    if wait.owner is not None and wait.kind != "other":
        name = printable(names.get(wait.owner, ""))
        seems = "held" if wait.owner_quality == "exact" else "seems held"
        what += f" {seems} by thread {wait.owner} {name}".rstrip()
    what = f"waits for {what.removeprefix('wait for ')}"
    return f"{what}, with a time-out" if wait.timed else what


def _verdict(dump: ThreadDump) -> Iterator[Line]:
    for deadlock in dump.deadlocks:
        sure = deadlock.confidence == CONFIRMED
        ids = ", ".join(str(native) for native in deadlock.threads)
        yield Line(f"DEADLOCK {deadlock.confidence}: threads {ids}", Tone.BAD if sure else Tone.DOUBT)
        for part in deadlock.why.split("; "):
            yield Line(f"  {printable(part)}", Tone.BAD if sure else Tone.DOUBT)
    if not dump.deadlocks:
        reason = f", but not all could be seen: {printable(dump.locks_reason)}" if dump.locks_reason else ""
        yield Line(f"no deadlock found{reason}", Tone.DOUBT if reason else Tone.PLAIN)
    elif dump.locks_reason:
        yield Line(printable(dump.locks_reason), Tone.QUIET)


def _gil(dump: ThreadDump) -> str:
    holders = [thread for thread in dump.threads if thread.holds_gil]
    waiting = sum(thread.waits_for_gil is True for thread in dump.threads)
    queue = f"; {waiting} thread{'' if waiting == 1 else 's'} waiting for it" if waiting else ""
    if holders:
        who = ", ".join(f"{thread.native_id} {printable(thread.name)}".rstrip() for thread in holders)
        return f"GIL: held by thread {who}{queue}"
    if any(thread.holds_gil is None for thread in dump.threads):
        return f"GIL: its holder could not be told{queue}"
    return f"GIL: nobody holds it{queue}"


def _counts(dump: ThreadDump) -> str:
    counts = Counter(thread.state for thread in dump.threads)
    if sum(group.count for group in dump.groups) > len(dump.threads):  # a profile counts them and names none
        counts = Counter()
        for group in dump.groups:
            counts[group.state] += group.count
    told = ", ".join(f"{counts[state]} {state.value}" for state in _ORDER if counts[state])
    whole = counts.total()
    return f"{whole} {printable(dump.kind)}{'' if whole == 1 else 's'}: {told}"


def _ordered(dump: ThreadDump) -> list[ThreadGroup]:
    """Threads of a deadlock first, then by state; groups by how many they are."""
    locked = {native for deadlock in dump.deadlocks for native in deadlock.threads}

    def rank(group: ThreadGroup) -> tuple[bool, int, bool, int, int]:
        is_locked = any(native in locked for native in group.threads)
        many = -group.count if not dump.has_gil else 0
        first = group.threads[0] if group.threads else 0
        return not is_locked, _ORDER.index(group.state), not group.frames, many, first

    return sorted(dump.groups, key=rank)


def _heading(thread: ThreadInfo, names: dict[int, str], width: int | None, kind: str) -> Line:
    cpu = "" if thread.cpu_ratio is None else f", CPU {figures.percent(thread.cpu_ratio, 0)}"
    gil = ", holds the GIL" if thread.holds_gil else ""
    wait = wait_words(thread, names)
    name = printable(thread.name) or ("(no name)" if kind == "thread" else "")
    who = f"{printable(kind)} {thread.native_id} {cut_middle(name, 60)}".rstrip()
    text = f"{who}: {thread.state.value}{_since(thread.waited)}{gil}{cpu}"
    return Line(_cut(text + (f"; {wait}" if wait else ""), width), Tone.HEADING)


def _counted(
    dump: ThreadDump,
    group: ThreadGroup,
    members: Sequence[ThreadInfo],
    names: dict[int, str],
    width: int | None,
) -> Iterator[Line]:
    """Many that are alike, of which not all need be known by themselves."""
    what = f" ({printable(group.what)})" if group.what else ""
    several = "" if group.count == 1 else "s"
    told = f"{group.count} {printable(dump.kind)}{several} {group.state.value}{what}{_since(group.waited)}"
    yield Line(_cut(f"{told} with this stack:", width), Tone.HEADING)
    for member in members[:_MOST_NAMED]:
        wait = wait_words(member, names)
        who = f"  {member.native_id} {cut_middle(printable(member.name), 40)}".rstrip() + _since(member.waited)
        yield Line(_cut(who + (f"; {wait}" if wait else ""), width))
    if group.count > _MOST_NAMED:
        yield Line(f"  and {group.count - min(len(members), _MOST_NAMED)} more", Tone.QUIET)
    yield from _frames(ThreadInfo(0, frames=group.frames), width, single=False, no_frames="(no stack)")
    yield from _started_by(group.started_by, width)


def _started_by(frame: Frame | None, width: int | None) -> Iterator[Line]:
    if frame is not None:
        place = f"{frame.file}:{frame.line}" if frame.line else frame.file
        yield Line(_cut(f"    started by {printable(frame.function)} ({printable(place)})", width), Tone.QUIET)


def _since(waited: float | None) -> str:
    return "" if waited is None else f" for {figures.span(round(waited))}"


def _group(members: Sequence[ThreadInfo], names: dict[int, str], width: int | None) -> Iterator[Line]:
    yield Line(f"{len(members)} threads {members[0].state.value} with this stack:", Tone.HEADING)
    for member in members[:_MOST_MEMBERS]:
        wait = wait_words(member, names)
        text = f"  {member.native_id} {cut_middle(printable(member.name) or '(no name)', 40)}"
        yield Line(_cut(text + (f"; {wait}" if wait else ""), width))
    if len(members) > _MOST_MEMBERS:
        yield Line(f"  and {len(members) - _MOST_MEMBERS} more", Tone.QUIET)


def _frames(thread: ThreadInfo, width: int | None, *, single: bool, no_frames: str) -> Iterator[Line]:
    if not thread.frames:
        python = "(no Python code)" if thread.stack_age is not None else "(no Python stack)"
        yield Line(f"    {no_frames or python}", Tone.QUIET)
    variables: Sequence[tuple[Local, ...]] = thread.locals if single else ()
    index = 0
    while index < len(thread.frames):
        frame = thread.frames[index]
        same = index
        while same < len(thread.frames) and thread.frames[same] == frame and not variables:
            same += 1
        times = max(1, same - index)  # a recursion is told once; with variables, each call has its own
        again = f", {times} times" if times > 1 else ""
        place = f"{frame.file}:{frame.line}" if frame.line else frame.file
        yield Line(_cut(f"    {printable(frame.function)} ({printable(place)}){again}", width))
        for variable in variables[index] if index < len(variables) else ():
            value = cut_end(printable(variable.text), _LONGEST_VALUE)
            yield Line(_cut(f"        {printable(variable.name)} = {value}", width), Tone.QUIET)
        index += times


def _runs_asyncio(dump: ThreadDump) -> bool:
    return any("asyncio/" in frame.file for thread in dump.threads for frame in thread.frames)


def _cut(text: str, width: int | None) -> str:
    return text if width is None else cut_end(text, width)
