"""The baseline of a budget: stamped with what it was taken on, and refused where that differs.

For the command `run`. Seconds of one Python version or kind of machine say nothing about those of another. The
stamp is a note of the profile, so that every format that keeps notes keeps it.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from razorprof.model.profile import Profile

_MARK = "razorprof baseline "
_CPUINFO = Path("/proc/cpuinfo")
_MODEL_KEYS = ("model name", "cpu model", "cpu part", "cpu")  # x86, MIPS, ARM, POWER
_LONGEST = 200


def baseline_key(profile: Profile, cpuinfo: Path = _CPUINFO) -> dict[str, str]:
    """What a run's seconds depend on: the Python (its minor version), the machine's architecture and CPU model."""
    origin = profile.origin
    version = ".".join(origin.version.split(".")[:2]) if origin is not None else ""
    python = f"{origin.runtime} {version}".strip() if origin is not None else ""
    return {"python": python, "machine": platform.machine(), "cpu": _cpu_model(cpuinfo)}


def stamped(profile: Profile, key: Mapping[str, str]) -> Profile:
    """The profile as a baseline."""
    kept = tuple(note for note in profile.notes if not note.startswith(_MARK))
    return replace(profile, notes=(*kept, _MARK + json.dumps(dict(key), sort_keys=True)))


def why_unfit(baseline: Profile, key: Mapping[str, str]) -> str:
    """Why a run with this key cannot be compared with the baseline; empty where it can. Untrusted text."""
    found = _stamp_of(baseline)
    if found is None:
        return "the baseline does not say what it was taken on (make one with --write-baseline)"
    differing = [
        f"{name} {found.get(name) or 'unknown'} there, {value or 'unknown'} here"
        for name, value in key.items()
        if found.get(name) != value
    ]
    return f"the baseline is of something else: {'; '.join(differing)}" if differing else ""


def several_runs(profiles: Sequence[Profile]) -> Profile:
    """The run in the middle, by its total, which stands for all and holds the others."""
    ordered = sorted(profiles, key=lambda profile: profile.total)
    middle = (len(ordered) - 1) // 2
    return replace(ordered[middle], runs=(*ordered[:middle], *ordered[middle + 1 :]))


def _stamp_of(profile: Profile) -> dict[str, str] | None:
    for note in profile.notes:
        if note.startswith(_MARK):
            try:
                found = json.loads(note.removeprefix(_MARK))
            except (ValueError, RecursionError):
                return None
            if not isinstance(found, dict):
                return None
            return {str(name): str(value)[:_LONGEST] for name, value in found.items()}
    return None


def _cpu_model(cpuinfo: Path) -> str:
    try:
        with cpuinfo.open("rb") as file:
            lines = file.read(1 << 16).decode(errors="replace").splitlines()
    except OSError:
        return ""
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return next((told[key][:_LONGEST] for key in _MODEL_KEYS if told.get(key)), "")
