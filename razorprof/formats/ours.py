"""Our own format, JSON: every field of a profile, and what CONTRACT promises to scripts that read it.

``stacks`` holds one entry for each stack and block; ``thread`` and ``block`` are places in ``threads`` and
``blocks`` (block null: outside of all), ``also`` the values of the measures in the top-level ``also``, told with
one entry of each stack. A ``weight`` of null: the stack has such values only. ``runs`` holds the other runs of the
program, each an object as this one without runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from razorprof.formats import hostile
from razorprof.formats.how import apply, describe, describe_blocks, parts, read_blocks
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Block, Measure, Profile, StackKey

VERSION = 1
_MOST_RUNS = 1000
_MARK = b'"razorprof_profile"'


class Ours:
    """The format plug-in."""

    name: ClassVar[str] = "razorprof"
    endings: ClassVar[tuple[str, ...]] = (".json",)
    can_read: ClassVar[bool] = True

    def recognises(self, start: bytes) -> bool:
        return start.lstrip()[:1] == b"{" and _MARK in start[:200]

    def write(self, profile: Profile) -> bytes:
        """The profile as one JSON object, ASCII."""
        document = _document(profile)
        if profile.runs:
            document["runs"] = [_document(run) for run in profile.runs]
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def read(self, content: bytes) -> Profile:
        """The profile as it was written. Raises ToolFailed."""
        document = hostile.parse_json(content, "a razorprof profile")
        runs = hostile.sequence(document.get("runs", []), "runs")
        if len(runs) > _MOST_RUNS:
            raise hostile.damaged(f"more than {_MOST_RUNS} runs", len(runs))
        return replace(_profile(document), runs=tuple(_profile(hostile.mapping(run, "a run")) for run in runs))


def _document(profile: Profile) -> dict[str, Any]:
    frames: dict[Frame, int] = {}
    threads: dict[ThreadId, int] = {}
    stacks = []
    for part in parts(profile):
        entry: dict[str, Any] = {
            "frames": [frames.setdefault(frame, len(frames)) for frame in part.key.stack],
            "weight": part.weight,
            "thread": threads.setdefault(part.key.thread, len(threads)),
            "block": part.block,
        }
        if any(value is not None for value in part.also):
            entry["also"] = part.also
        stacks.append(entry)
    return {
        "razorprof_profile": VERSION,
        "unit": profile.unit,
        "duration_seconds": profile.seconds,
        "how": describe(profile),
        "also": [{"name": measure.name, "unit": measure.unit} for measure in profile.also],
        "threads": [{"native_id": thread.native, "name": thread.name} for thread in threads],
        "blocks": describe_blocks(profile),
        "frames": list(frames),
        "stacks": stacks,
    }


def _profile(document: dict[str, Any]) -> Profile:
    """Without its runs. Raises ToolFailed."""
    if document.get("razorprof_profile") != VERSION:
        raise hostile.damaged("no razorprof profile of version 1", document.get("razorprof_profile"))
    measures = [
        (hostile.text(entry.get("name"), "a measure's name"), hostile.text(entry.get("unit"), "its unit"))
        for entry in (hostile.mapping(e, "a measure") for e in hostile.sequence(document.get("also", []), "also"))
    ]
    blocks = read_blocks(document.get("blocks", []))
    weights, in_blocks, also = _read_stacks(document, blocks, len(measures))
    profile = Profile(
        dict(weights),
        unit=hostile.text(document.get("unit"), "unit"),
        seconds=hostile.weight(document.get("duration_seconds"), "duration_seconds"),
        also=tuple(Measure(*named, dict(held)) for named, held in zip(measures, also, strict=True)),
        blocks=tuple(replace(b, weights=dict(held)) for b, held in zip(blocks, in_blocks, strict=True)),
    )
    return apply(profile, hostile.mapping(document.get("how", {}), "how"))


_Weights = dict[StackKey, float]


def _read_stacks(
    document: dict[str, Any], blocks: Sequence[Block], measures: int
) -> tuple[_Weights, list[_Weights], list[_Weights]]:
    """Weights in all, by block, and of each measure."""
    frames = [_frame(entry) for entry in hostile.sequence(document.get("frames"), "frames")]
    threads = [_thread(entry) for entry in hostile.sequence(document.get("threads", []), "threads")]
    collector = hostile.StackCollector()
    weights: _Weights = hostile.new_weights()
    in_blocks: list[_Weights] = [hostile.new_weights() for _ in blocks]
    also: list[_Weights] = [hostile.new_weights() for _ in range(measures)]
    for entry in hostile.sequence(document.get("stacks"), "stacks"):
        stack = hostile.mapping(entry, "a stack")
        places = hostile.sequence(stack.get("frames"), "a stack's frames")
        thread = stack.get("thread")
        key = collector.key(
            ThreadId(0) if thread is None else threads[hostile.index(thread, len(threads), "a thread")],
            (frames[hostile.index(place, len(frames), "a frame")] for place in places),
        )
        block = stack.get("block")
        number = None if block is None else hostile.index(block, len(blocks), "a block")
        if stack.get("weight") is not None:
            held = hostile.weight(stack["weight"])
            weights[key] += held
            if number is not None:
                in_blocks[number][key] += held
        values = hostile.sequence(stack.get("also", []), "further values")
        if len(values) > measures:
            raise hostile.damaged("more values than measures", len(values))
        for into, value in zip(also, values, strict=False):
            if value is not None:
                into[key] += hostile.weight(value)
    return weights, in_blocks, also


def _frame(entry: object) -> Frame:
    told = hostile.sequence(entry, "a frame")
    if len(told) != 3:
        raise hostile.damaged("a frame is not function, file and line", len(told))
    return Frame(hostile.text(told[0], "function"), hostile.text(told[1], "file"), hostile.whole(told[2], "line"))


def _thread(entry: object) -> ThreadId:
    told = hostile.mapping(entry, "a thread")
    return ThreadId(
        hostile.whole(told.get("native_id"), "a thread's id"),
        hostile.text(told.get("name", ""), "a thread's name"),
    )
