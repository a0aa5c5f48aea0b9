"""Captures without a process, a thread or a real clock: fake tools, and work that waits until it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from razorprof.alerting.actions import examine_actions
from razorprof.alerting.capture_rules import ActionFile
from razorprof.clock import ManualClock
from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.heap import HeapRecord, MemoryKind, MemoryMapView, MemoryShare
from razorprof.model.labels import Labels
from razorprof.model.profile import Block, Profile, StackKey
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.plugin.captures import CpuRequest, HeapRequest, ThreadsRequest, Watch
from razorprof.profilers.user_command import CommandEnd
from razorprof.recording.bundle import Manifest, Piece
from razorprof.session.alert_captures import AlertCaptures
from razorprof.session.bundle import Check, Collected, DumpRequest
from razorprof.session.capture_steps import Tools

NOW = 1_700_000_000.0
WEB = Target(Identity(7, 99), "web", NOW - 1000, selector="name:web", job="web")
SAID = CommandEnd(0, None, b"said\n", False, "", 0.1)
LIMITS = "limits: {min_free_bytes: 0}\n"


def profile(seconds: float = 10.0, unit: str = "seconds") -> Profile:
    weights = {
        StackKey(ThreadId(7, "MainThread"), (Frame("main", "app.py", 1), Frame("slow", "app.py", 9))): 4.0,
        StackKey(ThreadId(8, "other"), (Frame("main", "app.py", 1), Frame("slow", "app.py", 9))): 2.0,
    }
    block = Block(NOW, seconds, weights, 600)
    return Profile(
        weights, unit, seconds, 600, 0, 100.0, "nonblocking", "cpu", start=NOW, rounds=1000, blocks=(block,)
    )


def alert(state: AlertState = AlertState.FIRING, /, **labels: str) -> Alert:
    merged = Labels({"alertname": "Slow", "severity": "page", "pid": "7"}).with_(labels)
    resolved = NOW + 5 if state is AlertState.INACTIVE else None
    key = RuleKey("rules.yml", "group", 0, merged["alertname"])
    return Alert(key, merged, {"summary": "slow"}, state, 0.93, NOW - 60, NOW, resolved)


def fires(time: float = NOW, **labels: str) -> AlertChange:
    return AlertChange(time, AlertState.PENDING, alert(**labels))


def resolves(time: float = NOW, **labels: str) -> AlertChange:
    return AlertChange(time, AlertState.FIRING, alert(AlertState.INACTIVE, **labels))


class Queue:
    """An executor whose work is done when the test says so."""

    size = 1

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.closed = False

    def submit(self, work: Callable[[], None]) -> None:
        self.work.append(work)

    def run(self) -> None:
        while self.work:
            self.work.pop(0)()

    def abandon(self) -> bool:
        return False

    def reclaim(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@dataclass
class Hands:
    """What tools do: as they should, unless `fail` has an error for their name. before: called first."""

    clock: ManualClock
    alive: set[Identity] = field(default_factory=lambda: {WEB.identity})
    fail: dict[str, BaseException] = field(default_factory=dict)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    called: list[tuple[str, Any]] = field(default_factory=list)
    command: CommandEnd = SAID
    noise: bytes = b"page"

    def tools(self) -> Tools:
        return Tools(
            is_alive=lambda identity: identity in self.alive,
            runtime=lambda target: ("cpython", "3.11.7"),
            dump_threads=self.dump_threads,
            record_cpu=self.record_cpu,
            record_heap=self.record_heap,
            memory=self.memory,
            collector=self.collector,
            collect=self.collect,
            run=self.run,
        )

    def note(self, name: str, what: Any, seconds: float = 0.0) -> None:
        self.called.append((name, what))
        self.before.get(name, lambda: None)()
        self.clock.advance(seconds)
        if name in self.fail:
            raise self.fail[name]

    def names(self) -> list[str]:
        return [name for name, _ in self.called]

    def dump_threads(self, target: Target, request: ThreadsRequest, watch: Watch) -> ThreadDump:
        self.note("threads", request)
        return ThreadDump(NOW, (ThreadInfo(7, "MainThread", frames=(Frame("slow", "app.py", 9),)),))

    def record_cpu(self, target: Target, request: CpuRequest, watch: Watch) -> Profile:
        self.note("cpu", request, request.seconds)
        return profile(request.seconds)

    def record_heap(self, target: Target, request: HeapRequest, watch: Watch) -> HeapRecord:
        self.note("heap", request, request.seconds)
        peak = replace(profile(unit="bytes"), blocks=())
        return HeapRecord(peak, peak, request.seconds, NOW, 600, 6, notes=("one note",))

    def memory(self, target: Target) -> MemoryMapView:
        self.note("memory", None)
        share = MemoryShare(1, 2, 3)
        return MemoryMapView(NOW, {MemoryKind.HEAP: share}, share)

    def collector(self, target: Target, enough: threading.Event) -> dict[str, Any]:
        self.note("gc", None, 1.0)
        return {"interpreters": []}

    def collect(
        self,
        target: Target,
        request: DumpRequest,
        watch: Watch,
        *,
        checks: Callable[[], Sequence[Check]] | None = None,
        more: Sequence[Piece] = (),
        notes: tuple[str, ...] = (),
    ) -> Collected:
        self.note("bundle", request, 6.0)
        pieces = (*more, Piece("report.html", "report", self.noise))
        return Collected(Manifest(NOW, "box", {"pid": target.pid, "name": target.name}, notes=notes), pieces)

    def run(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        *,
        enough: threading.Event | None = None,
    ) -> CommandEnd:
        self.note("command", (tuple(argv), dict(environment), timeout))
        return self.command


def parse(text: str) -> ActionFile:
    found, problems = examine_actions(text, "actions.yml")
    assert problems == []
    return found


def actions(
    do: str, *, limits: str = "", on: str = "firing", name: str = "slow", matchers: str = ""
) -> ActionFile:
    """A file of one capture. do: flow sequence; limits: further ones of the capture."""
    wanted = matchers or "['alertname=\"Slow\"']"
    return parse(
        f"version: 1\n{LIMITS}captures:\n  - name: {name}\n    matchers: {wanted}\n    on: {on}\n"
        + (f"    limits: {{{limits}}}\n" if limits else "")
        + f"    do: {do}\n"
    )


class Room:
    """AlertCaptures with fakes around it."""

    def __init__(self, state: Path, file: ActionFile | None, **options: Any) -> None:
        self.clock = ManualClock(NOW)
        self.hands = Hands(self.clock)
        self.queue = Queue()
        self.targets: dict[str, Target] = {"7": WEB}
        self.captures = AlertCaptures(
            file,
            state,
            find_target=lambda labels: self.targets.get(labels.get("pid", "")),
            clock=self.clock,
            tools=self.hands.tools(),
            executor=self.queue,
            allow_attach=True,
            allow_commands=True,
            **options,
        )

    def order(self, *changes: AlertChange) -> Mapping[Labels, str]:
        return self.captures.order(changes, self.clock.time())

    def take(self, *changes: AlertChange) -> Path:
        """Order one capture and let it be done; its folder."""
        (folder,) = self.order(*changes).values()
        self.queue.run()
        return Path(folder)

    def counted(self, name: str) -> dict[str, float]:
        """Samples of a metric, by its label beside `capture`."""
        found = {}
        for sample in self.captures.samples():
            if sample.name == name:
                labels = {key: value for key, value in sample.labels.items() if key != "capture"}
                found[next(iter(labels.values()), "")] = sample.value
        return {key: value for key, value in found.items() if value or not key}
