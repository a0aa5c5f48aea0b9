"""Several recordings as a command's arguments: the option that corrects their clocks.

For query, show, replay and rules backtest; how they become one is recording.rzp_merged's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

_LONGEST = 10 * 366 * 86400.0

Shift = Annotated[
    list[str] | None,
    typer.Option(
        "--shift",
        metavar="RECORDING=TIME",
        help="Correct a clock: web2.rzp=+2.5s makes all that this one tells later; may come again.",
        show_default=False,
    ),
]


def parse_shifts(texts: Sequence[str] | None, paths: Sequence[Path]) -> list[float]:
    """Seconds for each recording, 0 where none are given. A recording is named as it was, or by its file's name.
    Raises UsageError."""
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    shifts = [0.0] * len(paths)
    for text in texts or ():
        name, equals, time = text.rpartition("=")
        found = [place for place, path in enumerate(paths) if name in (str(path), path.name)]
        if not equals or len(found) != 1:
            hint = f"write RECORDING=+2.5s, with one of {', '.join(map(str, paths[:8]))}"
            raise UsageError("no recording that can be meant by --shift", value=text, hint=hint)
        sign = -1.0 if time.startswith("-") else 1.0
        seconds = sign * parse_duration(time.removeprefix("+").removeprefix("-"))
        if abs(seconds) > _LONGEST:
            raise UsageError("--shift is out of range", value=text, hint="at most ten years")
        shifts[found[0]] = seconds
    return shifts
