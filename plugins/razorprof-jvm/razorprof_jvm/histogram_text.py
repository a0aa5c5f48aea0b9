"""HotSpot's class histogram as values: how many instances of each class there are, and how many bytes they take.

Text in, values out; it is untrusted and bounded. For heap. Formats: HotSpot 8 to 25.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CLASSES = 100_000
_LONGEST_NAME = 512
_LINE = re.compile(r"^ *\d{1,9}: +(\d{1,18}) +(\d{1,18}) +(\S.*?)(?: \(([^()]*)\))?$")
_TOTAL = re.compile(r"^Total +(\d{1,18}) +(\d{1,18})$")
_PRIMITIVES = {
    "B": "byte", "C": "char", "D": "double", "F": "float", "I": "int", "J": "long", "S": "short", "Z": "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClassCount:
    """name as it is written in Java; module: with its version, as far as it is told."""

    name: str
    module: str
    instances: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """classes, largest first; is_complete: they add up to the JVM's own total."""

    classes: tuple[ClassCount, ...]
    is_complete: bool


def parse_histogram(text: str) -> Histogram:
    """Never raises: what is no line of a histogram is left out."""
    classes: list[ClassCount] = []
    total: tuple[int, int] | None = None
    for line in text.split("\n"):
        found = _LINE.match(line)
        if found is not None and len(classes) < MOST_CLASSES:
            name, module = java_name(found[3])[:_LONGEST_NAME], (found[4] or "")[:_LONGEST_NAME]
            classes.append(ClassCount(name, module, int(found[1]), int(found[2])))
        elif (found := _TOTAL.match(line)) is not None:
            total = int(found[1]), int(found[2])
    sums = sum(one.instances for one in classes), sum(one.bytes for one in classes)
    return Histogram(tuple(classes), total == sums)


def java_name(name: str) -> str:
    """`[[I` is int[][], `[Ljava.lang.String;` is java.lang.String[]."""
    inner = name.lstrip("[")
    depth = len(name) - len(inner)
    if not depth:
        return name
    is_class = inner.startswith("L") and inner.endswith(";")
    return (inner[1:-1] if is_class else _PRIMITIVES.get(inner, inner)) + "[]" * depth
