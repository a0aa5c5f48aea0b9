"""What a profile says about itself, as JSON: how it was taken, of whom, and its blocks of time.

The same document stands in every format that has a place for it, so that all of them give back the whole profile.
For the formats of this package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from razorprof.formats import hostile
from razorprof.model.profile import Block, Origin, Profile, StackKey

_MOST_NOTES = 1000
_MOST_BLOCKS = 1_000_000
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Part:
    """What one stack weighs in one block, or outside of all (block None). weight None: it has further values only.
    also: the further values in the profile's order (None: it has none), told with one part of each stack."""

    key: StackKey
    weight: float | None
    block: int | None = None
    also: tuple[float | None, ...] = ()


def parts(profile: Profile) -> Iterator[Part]:
    """The profile as parts that add up to it. Blocks that do not fit the weights are left out."""
    blocks = fitting_blocks(profile)
    told: set[StackKey] = set()

    def further(key: StackKey) -> tuple[float | None, ...]:
        if key in told or not profile.also:
            return ()
        told.add(key)
        return tuple(measure.weights.get(key) for measure in profile.also)

    in_blocks: dict[StackKey, float] = {}
    for number, block in enumerate(blocks):
        for key, weight in block.weights.items():
            in_blocks[key] = in_blocks.get(key, 0.0) + weight
            yield Part(key, weight, number, further(key))
    for key, weight in profile.weights.items():
        rest = weight - in_blocks.get(key, 0.0)
        if key not in in_blocks or rest > _TOLERANCE * weight:
            yield Part(key, rest, None, further(key))
    for measure in profile.also:
        for key in measure.weights:
            if key not in told:
                yield Part(key, None, None, further(key))


def fitting_blocks(profile: Profile) -> tuple[Block, ...]:
    """The blocks, or none where they hold more than the profile."""
    sums: dict[StackKey, float] = {}
    for block in profile.blocks:
        for key, weight in block.weights.items():
            sums[key] = sums.get(key, 0.0) + weight
    whole = profile.weights
    fits = all(held <= whole.get(key, 0.0) * (1 + _TOLERANCE) for key, held in sums.items())
    return profile.blocks if fits else ()


def describe_blocks(profile: Profile) -> list[dict[str, Any]]:
    """The blocks without their stacks, in order."""
    return [
        {"start": block.start, "seconds": block.seconds, "samples": block.samples}
        for block in fitting_blocks(profile)
    ]


def describe(profile: Profile) -> dict[str, Any]:
    """How it was taken and of whom: CONTRACT's `how`."""
    return {
        "rate_hz": profile.rate_hz,
        "mode": profile.mode,
        "errors": profile.errors,
        "samples": profile.samples,
        "rounds": profile.rounds,
        "stopped_seconds": profile.stopped_seconds,
        "complete": profile.complete,
        "others_ratio": profile.others_ratio,
        "value": profile.value,
        "start": profile.start,
        "notes": list(profile.notes),
        "origin": None if profile.origin is None else asdict(profile.origin),
    }


def read_blocks(value: object) -> list[Block]:
    """Blocks without stacks, as describe_blocks wrote them."""
    entries = hostile.sequence(value, "blocks")
    if len(entries) > _MOST_BLOCKS:
        raise hostile.damaged("too many blocks", len(entries))
    blocks = []
    for entry in entries:
        block = hostile.mapping(entry, "a block")
        blocks.append(
            Block(
                hostile.number(block.get("start"), "a block's start"),
                hostile.weight(block.get("seconds"), "a block's length"),
                {},
                hostile.whole(block.get("samples", 0), "a block's samples"),
            )
        )
    return blocks


def apply(profile: Profile, document: Mapping[str, Any]) -> Profile:
    """The profile with what `describe` told of it. What is not there stays as it is."""
    notes = hostile.sequence(document.get("notes", []), "notes")[:_MOST_NOTES]
    rounds = document.get("rounds")
    return replace(
        profile,
        rate_hz=_optional(document.get("rate_hz"), "rate_hz"),
        mode=hostile.text(document.get("mode", profile.mode), "mode"),
        errors=hostile.whole(document.get("errors", profile.errors), "errors"),
        samples=hostile.whole(document.get("samples", profile.samples), "samples"),
        rounds=None if rounds is None else hostile.whole(rounds, "rounds"),
        stopped_seconds=hostile.weight(document.get("stopped_seconds", 0.0), "stopped_seconds"),
        complete=document.get("complete") is True,
        others_ratio=_optional_share(document.get("others_ratio"), "others_ratio"),
        value=hostile.text(document.get("value", profile.value), "value"),
        start=_optional(document.get("start"), "start"),
        notes=tuple(hostile.text(note, "a note") for note in notes),
        origin=_origin(document.get("origin")),
    )


def _optional(value: object, what: str) -> float | None:
    return None if value is None else hostile.number(value, what)


def _optional_share(value: object, what: str) -> float | None:
    return None if value is None else min(1.0, hostile.weight(value, what))


def _origin(value: object) -> Origin | None:
    if value is None:
        return None
    told = hostile.mapping(value, "origin")
    words = {
        name: hostile.text(told.get(name, ""), f"origin's {name}")
        for name in ("name", "runtime", "version", "host", "command")
    }
    return Origin(pid=hostile.whole(told.get("pid", 0), "origin's pid"), **words)
