"""What could not be read though the rest was, in words: the reason behind a dash. For the screens that list all
figures; a source that gives nothing at all is told by render.cards.trouble_lines."""

from __future__ import annotations

from collections import defaultdict

from rich.text import Text

from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.text import cut_end, printable


def missing_lines(snapshot: Snapshot, width: int, palette: Palette, *, most: int = 4) -> list[Text]:
    """A line per reason: ``not read: process_io_bytes_total: no permission``; none where all was read."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for missing in snapshot.missing:
        by_reason[missing.why].append(missing.metric)
    lines = []
    for why, metrics in list(by_reason.items())[:most]:
        names = ", ".join(printable(metric) for metric in metrics)
        reason = cut_end(printable(why), max(8, width // 2))
        room = max(8, width - len("not read: : ") - len(reason) - 7)
        line = Text(" not read: ", palette.label, no_wrap=True)
        line.append(cut_end(names, room), palette.value)
        line.append(f": {reason}", palette.label)
        lines.append(line)
    if len(by_reason) > most:
        lines[-1].append(f" (+{len(by_reason) - most})", palette.dim)
    return lines
