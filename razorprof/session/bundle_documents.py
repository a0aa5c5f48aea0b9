"""What a bundle's JSON files hold, as plain values: findings, collector and GIL, memory. For session.bundle; the
threads' document is session.threads_document's, the collector's session.document's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from razorprof.model.gil import GilState
from razorprof.model.heap import MemoryMapView
from razorprof.model.threads import ThreadDump
from razorprof.session.bundle_watch import Seen
from razorprof.session.document import gc_document


def encode(document: Any) -> bytes:
    """A document as the content of a file: ASCII, no NaN."""
    return json.dumps(_finite(document), indent=1, allow_nan=False).encode() + b"\n"


def findings_document(seen: Seen, dump: ThreadDump | None) -> dict[str, Any]:
    """What limits it, deadlocks and advice: what a person reads first."""
    verdict = seen.verdict
    return {
        "seconds": seen.seconds,
        "verdict": None
        if verdict is None
        else {
            "limit": verdict.limit.value,
            "share": verdict.share,
            "words": verdict.words,
            "seconds": verdict.seconds,
            "split": {limit.value: share for limit, share in verdict.split.items()},
            "evidence": [asdict(one) for one in verdict.evidence],
        },
        "verdict_reason": seen.reasons.get("verdict") if verdict is None else None,
        "deadlocks": None
        if dump is None
        else [
            {"confidence": one.confidence, "threads": list(one.threads), "why": one.why} for one in dump.deadlocks
        ],
        "advice": None
        if "advice" in seen.reasons
        else [asdict(one) | {"quality": one.quality} for one in seen.advice],
        "advice_reason": seen.reasons.get("advice"),
    }


def collector_document(seen: Seen) -> dict[str, Any]:
    """The garbage collector in the shape of CONTRACT's `gc`, and the GIL."""
    return {
        **(
            gc_document(seen.gc, seen.status.runtime if seen.status else "")
            if seen.gc is not None
            else {"interpreters": None}
        ),
        "gil": None if seen.gil is None else _gil(seen.gil),
    }


def memory_document(memory: MemoryMapView) -> dict[str, Any]:
    """Memory by kind, bytes."""
    return {
        "time": memory.time,
        "kinds": {kind.value: asdict(share) for kind, share in memory.kinds.items()},
        "total": asdict(memory.total),
    }


def _gil(state: GilState) -> dict[str, Any]:
    document = asdict(state)
    document["locks"] = document.pop("gils")
    document["reason"] = state.reason or None
    return document


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
