"""Speedscope documents as py-spy writes them, built by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence


def speedscope(threads: Mapping[str, Sequence[Sequence[tuple[str, str, int]]]]) -> bytes:
    """A document of threads (named as py-spy names profiles) with their samples, each root first."""
    frames: dict[tuple[str, str, int], int] = {}
    profiles = []
    for name, samples in threads.items():
        indexes = [[frames.setdefault(frame, len(frames)) for frame in sample] for sample in samples]
        profiles.append({"type": "sampled", "name": name, "unit": "seconds", "samples": indexes, "weights": []})
    shared = [{"name": name, "file": file, "line": line, "col": None} for name, file, line in frames]
    return json.dumps({"profiles": profiles, "shared": {"frames": shared}}).encode()
