"""A HotSpot thread dump as values: threads with stacks and locks, and the deadlocks that the JVM itself reports.

Text in, values out. It is untrusted: names of threads hold whatever the program gave them, quotes and newlines
included; what does not fit is left out, and everything is bounded. thread_dump checks the threads against the
kernel's. Formats: HotSpot 8 to 25 (jstack's).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from razorprof.model.frame import Frame

MOST_THREADS = 20_000
MOST_FRAMES = 2048
MOST_LOCKS = 64  # of a thread, that are kept
_LONGEST_NAME = 512
_LONGEST_LINE = 4096

_HEAD = re.compile(
    r'^"(?P<name>.*)" (?:#(?P<number>\d{1,18}) )?(?:\[(?P<os>\d{1,18})\] )?'
    r"(?P<daemon>daemon )?(?:prio=(?P<priority>\d{1,3}) )?"
    r"(?:os_prio=\S+ )?(?:cpu=(?P<cpu>[\d.]+)ms )?(?:elapsed=(?P<elapsed>[\d.]+)s )?"
    r"(?:allocated=\S+ )?(?:defined_classes=\d+ )?tid=0x[0-9a-f]+"
    r"(?: nid=(?P<nid>0x[0-9a-f]{1,16}|\d{1,18}))?(?: |$)"
)
_STATE = re.compile(r"^   java\.lang\.Thread\.State: ([A-Z_]+)(?: \((.*)\))?$")
_FRAME = re.compile(r"^\tat (.+)\((.*)\)$")
_LOCK = re.compile(
    r"^\t- (?P<how>waiting to lock|waiting to re-lock in wait\(\)|waiting on|parking to wait for|locked) +"
    r"<(?:0x(?P<address>[0-9a-f]{1,16})|[^>]*)>(?: \(an? (?P<what>.*)\))?$"
)
_CARRIES = re.compile(r"^   Carrying virtual thread #(\d{1,18})")
_PLACE = re.compile(r"^(?:[^/]*/)?([^/]+?)(?::(\d{1,9}))?$")

_DEADLOCK = re.compile(r"^Found (?:one|a) Java-level deadlock:?$")
_DEADLOCK_END = re.compile(r"^(?:Java stack information for the threads listed above:?|Found \d+ deadlocks?\.)$")
_MEMBER = re.compile(r'^"(.*)":$')
_WAITS = re.compile(
    r"^  waiting (?:to (?:re-)?lock monitor 0x[0-9a-f]+|for ownable synchronizer 0x(?P<sync>[0-9a-f]{1,16}))"
    r"(?: \(object 0x(?P<object>[0-9a-f]{1,16}))?, ?\(?an? (?P<what>.*)\),$"
)
_HELD = re.compile(r'^  (?:in JNI, )?which is held by "(.*)"$')


@dataclass(slots=True)
class Lock:
    """how: as the dump has it (locked, waiting to lock, waiting on, parking to wait for); depth: index of the
    frame that it stands under."""

    how: str
    address: int | None
    what: str
    depth: int


@dataclass(slots=True)
class JavaThread:
    """nid: the kernel's id in the process's own namespace; number: Java's, None for threads of the JVM itself;
    state: of java.lang.Thread.State, empty where there is none; detail: the words in its parentheses."""

    name: str
    nid: int
    number: int | None = None
    is_daemon: bool = False
    priority: int | None = None
    state: str = ""
    detail: str = ""
    frames: list[Frame] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    carries: int | None = None
    age: float | None = None
    cpu_seconds: float | None = None

    @property
    def waits_for(self) -> Lock | None:
        """What it waits for. It stands under the innermost frames, and a thread waits for one thing at a time."""
        return next((lock for lock in self.locks if lock.how != "locked"), None)

    @property
    def holds(self) -> list[Lock]:
        """The monitors that are really its own: wait() gives its monitor back while it waits."""
        waits = self.waits_for
        given_back = waits.address if waits is not None and waits.how.startswith("waiting") else None
        return [
            lock
            for lock in self.locks
            if lock.how == "locked" and lock.address is not None and lock.address != given_back
        ]


@dataclass(frozen=True, slots=True)
class Wait:
    """One link of a deadlock: a thread by its name, what it waits for, and who is said to have it."""

    name: str
    address: int | None
    what: str
    owner: str


@dataclass(frozen=True, slots=True)
class DumpText:
    """threads in the order of the dump; deadlocks as the JVM reports them; left_out: threads beyond
    MOST_THREADS."""

    threads: list[JavaThread]
    deadlocks: list[list[Wait]]
    left_out: int = 0


def parse_dump(text: str) -> DumpText:
    """Never raises: text that is no dump has no threads."""
    threads: list[JavaThread] = []
    deadlocks: list[list[Wait]] = []
    left_out = 0
    current: JavaThread | None = None
    reading_deadlocks = False
    member, waits = "", None
    for line in text.split("\n"):
        line = line[:_LONGEST_LINE].rstrip("\r")
        if _DEADLOCK.match(line):
            reading_deadlocks, current = True, None
            deadlocks.append([])
            continue
        if reading_deadlocks:
            # after the circle its stacks come once more, which are known already
            if _DEADLOCK_END.match(line):
                member, waits = "", None
            elif (found := _MEMBER.match(line)) is not None:
                member = found[1][:_LONGEST_NAME]
            elif (found := _WAITS.match(line)) is not None:
                waits = found
            elif (found := _HELD.match(line)) is not None and member and waits is not None:
                address = waits["object"] or waits["sync"]
                what = waits["what"][:_LONGEST_NAME]
                link = Wait(member, int(address, 16) if address else None, what, found[1][:_LONGEST_NAME])
                deadlocks[-1].append(link)
                member, waits = "", None
            continue
        head = _HEAD.match(line) if line.startswith('"') else None
        if line.startswith('"'):
            current = None  # whatever follows is not the thread's before
        native = None if head is None else head["nid"] or head["os"]  # carriers of virtual threads have no nid
        if head is not None and native:
            current = _thread(head, native)
            if len(threads) < MOST_THREADS:
                threads.append(current)
            else:
                left_out += 1
        elif current is not None:
            _add(current, line)
    return DumpText(threads, [circle for circle in deadlocks if circle], left_out)


def _thread(head: re.Match[str], native: str) -> JavaThread:
    return JavaThread(
        name=head["name"][:_LONGEST_NAME],
        nid=int(native, 16 if native.startswith("0x") else 10),
        number=int(head["number"]) if head["number"] else None,
        is_daemon=head["daemon"] is not None,
        priority=int(head["priority"]) if head["priority"] else None,
        age=_number(head["elapsed"]),
        cpu_seconds=None if (cpu := _number(head["cpu"])) is None else cpu / 1000.0,
    )


def _add(thread: JavaThread, line: str) -> None:
    if line.startswith("\tat "):
        found = _FRAME.match(line)
        if found is not None and len(thread.frames) < MOST_FRAMES:
            thread.frames.append(_frame(found[1], found[2]))
    elif line.startswith("\t- "):
        found = _LOCK.match(line)
        if found is not None and len(thread.locks) < MOST_LOCKS:
            address = int(found["address"], 16) if found["address"] else None
            depth = max(0, len(thread.frames) - 1)
            thread.locks.append(Lock(found["how"], address, (found["what"] or "")[:_LONGEST_NAME], depth))
    elif (found := _STATE.match(line)) is not None:
        thread.state, thread.detail = found[1], found[2] or ""
    elif (found := _CARRIES.match(line)) is not None:
        thread.carries = int(found[1])


def _frame(function: str, place: str) -> Frame:
    """`java.base@17.0.9/Thread.java:840`, `Main.java:3`, `Native Method`, `Unknown Source`."""
    function = function[:_LONGEST_NAME]
    found = _PLACE.match(place)
    if found is None:
        return Frame(function, place[:_LONGEST_NAME])
    file = "" if found[1] in ("Native Method", "Unknown Source") else found[1][:_LONGEST_NAME]
    if found[1] == "Native Method":
        file = "native"
    return Frame(function, file, int(found[2]) if found[2] else 0)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
