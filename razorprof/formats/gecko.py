"""The Firefox profiler's "processed" format (profiler.firefox.com), version 48. Only written.

Facts: firefox-devtools/profiler, src/types/profile.js and docs-developer/CHANGELOG-formats.md; newer releases
upgrade older versions by themselves. Weights are milliseconds ("tracing-ms"), bytes, or samples. Each stack of a
block is one sample at a time within it; where no blocks are known, times only keep the samples apart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, ClassVar

from razorprof import __version__
from razorprof.errors import NotSupported
from razorprof.formats.how import describe, fitting_blocks, parts
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile

PROCESSED_VERSION = 48
_GECKO_VERSION = 29  # what the browser itself would have written at that time
_WEIGHTS = {"seconds": ("tracing-ms", 1000.0), "bytes": ("bytes", 1.0)}
_PYTHON = 1  # the categories' places
_CATEGORIES = [
    {"name": "Other", "color": "grey", "subcategories": ["Other"]},
    {"name": "Python", "color": "blue", "subcategories": ["Other"]},
]


class Gecko:
    """The format plug-in."""

    name: ClassVar[str] = "gecko"
    endings: ClassVar[tuple[str, ...]] = (".gecko.json",)
    can_read: ClassVar[bool] = False

    def recognises(self, start: bytes) -> bool:
        return start.lstrip()[:1] == b"{" and b'"preprocessedProfileVersion"' in start

    def write(self, profile: Profile) -> bytes:
        """A processed profile of one thread for each thread, heaviest first."""
        threads = _threads(profile)
        document = {
            "meta": _meta(profile),
            "libs": [],
            "pages": [],
            "threads": threads or [_Thread(ThreadId(0, "nothing was seen"), profile, 0).document()],
        }
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def read(self, content: bytes) -> Profile:
        raise NotSupported(
            "the Firefox profiler's format is only written", hint="open the file at profiler.firefox.com"
        )


def _meta(profile: Profile) -> dict[str, Any]:
    start = (profile.start or 0.0) * 1000.0
    return {
        "preprocessedProfileVersion": PROCESSED_VERSION,
        "version": _GECKO_VERSION,
        "interval": 1000.0 / profile.rate_hz if profile.rate_hz else 1.0,
        "startTime": start,
        "profilingStartTime": 0.0,
        "profilingEndTime": profile.seconds * 1000.0,
        "processType": 0,
        "product": profile.origin.name if profile.origin is not None and profile.origin.name else "razorprof",
        "importedFrom": f"razorprof {__version__}",
        "stackwalk": 1,
        "debug": False,
        "symbolicated": True,
        "categories": _CATEGORIES,
        "markerSchema": [],
        "extensions": {"id": [], "name": [], "baseURL": [], "length": 0},
        "extra": [{"label": "razorprof", "entries": _entries(profile)}],
    }


def _entries(profile: Profile) -> list[dict[str, Any]]:
    """How it was taken, as the profiler's panel on the file shows it."""
    told = {name: value for name, value in describe(profile).items() if value not in (None, "", [])}
    return [
        {"label": name.replace("_", " "), "format": "string", "value": str(value)}
        for name, value in told.items()
        if not isinstance(value, dict | list)
    ]


def _threads(profile: Profile) -> list[dict[str, Any]]:
    blocks = fitting_blocks(profile)
    start = profile.start if profile.start is not None else min((b.start for b in blocks), default=0.0)
    built: dict[ThreadId, _Thread] = {}
    clocks: dict[tuple[ThreadId, int | None], float] = defaultdict(float)
    for part in parts(profile):
        if part.weight is None:
            continue
        thread = part.key.thread
        if thread not in built:
            is_known = any(known.native == thread.native for known in built)  # a thread that was given a new name
            built[thread] = _Thread(thread, profile, len(built), is_known=is_known)
        begin = 0.0 if part.block is None else max(0.0, blocks[part.block].start - start)
        clock = thread, part.block
        built[thread].add(part.key.stack, part.weight, (begin + clocks[clock]) * 1000.0)
        clocks[clock] += part.weight if profile.unit == "seconds" else 0.0
    heaviest = sorted(built.values(), key=lambda thread: -thread.total)
    return [thread.document() for thread in heaviest]


class _Thread:
    """One thread's tables. Strings, functions, frames and stacks stand once and are named by their place."""

    def __init__(self, thread: ThreadId, profile: Profile, number: int, *, is_known: bool = False) -> None:
        self._thread = thread
        self._pid = str(profile.origin.pid if profile.origin is not None else 0)
        self._seconds = profile.seconds
        # the profiler tells threads apart by this: unique, also where the kernel's id is not known or comes twice
        self._tid: int | str = f"{thread.native}.{number}" if is_known or not thread.native else thread.native
        self._weight_type, self._scale = _WEIGHTS.get(profile.unit, ("samples", 1.0))
        self._is_main = thread.native == int(self._pid) if thread.native else number == 0
        self._strings: dict[str, int] = {}
        self._functions: dict[tuple[str, str], int] = {}
        self._frames: dict[tuple[int, int], int] = {}
        self._stacks: dict[tuple[int | None, int], int] = {}
        self._samples: list[tuple[float, int | None, float]] = []
        self.total = 0.0

    def add(self, stack: tuple[Frame, ...], weight: float, time: float) -> None:
        place: int | None = None
        for frame in stack:  # a prefix is always there before what stands on it
            function = self._functions.setdefault((frame.function, frame.file), len(self._functions))
            number = self._frames.setdefault((function, frame.line), len(self._frames))
            place = self._stacks.setdefault((place, number), len(self._stacks))
        self._samples.append((time, place, weight * self._scale))
        self.total += weight

    def document(self) -> dict[str, Any]:
        samples = sorted(self._samples, key=lambda sample: sample[0])
        functions = self._function_table()
        return {
            "processType": "default",
            "processName": "",
            "processStartupTime": 0.0,
            "processShutdownTime": None,
            "registerTime": 0.0,
            "unregisterTime": None,
            "pausedRanges": [],
            "name": self._thread.name or f"thread {self._thread.native}",
            "isMainThread": self._is_main,
            "pid": self._pid,
            "tid": self._tid,
            "samples": {
                "stack": [place for _, place, _ in samples],
                "time": [time for time, _, _ in samples],
                "weight": [weight for _, _, weight in samples],
                "weightType": self._weight_type,
                "length": len(samples),
            },
            "markers": {
                name: [] if name != "length" else 0
                for name in ("data", "name", "startTime", "endTime", "phase", "category", "length")
            },
            "stackTable": {
                "frame": [frame for _, frame in self._stacks],
                "prefix": [prefix for prefix, _ in self._stacks],
                "category": [_PYTHON] * len(self._stacks),
                "subcategory": [0] * len(self._stacks),
                "length": len(self._stacks),
            },
            "frameTable": self._frame_table(),
            "funcTable": functions,
            "resourceTable": {"lib": [], "name": [], "host": [], "type": [], "length": 0},
            "nativeSymbols": {"libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0},
            "stringArray": list(self._strings),
        }

    def _frame_table(self) -> dict[str, Any]:
        count = len(self._frames)
        return {
            "address": [-1] * count,
            "inlineDepth": [0] * count,
            "category": [_PYTHON] * count,
            "subcategory": [0] * count,
            "func": [function for function, _ in self._frames],
            "nativeSymbol": [None] * count,
            "innerWindowID": [0] * count,
            "implementation": [None] * count,
            "line": [line or None for _, line in self._frames],
            "column": [None] * count,
            "length": count,
        }

    def _function_table(self) -> dict[str, Any]:
        count = len(self._functions)
        return {
            "name": [self._string(function) for function, _ in self._functions],
            "isJS": [False] * count,
            "relevantForJS": [False] * count,
            "resource": [-1] * count,
            "fileName": [self._string(file) if file else None for _, file in self._functions],
            "lineNumber": [None] * count,
            "columnNumber": [None] * count,
            "length": count,
        }

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))
