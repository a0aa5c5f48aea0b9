"""Go's collector in words: cycles, pauses, what the pacer goes by. For the command gc, reports, the GC screen."""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.model.gc import GcState, GoGc
from razorprof.render import figures
from razorprof.render.text import printable


def go_collector_lines(now: GcState, before: GcState | None = None) -> Iterator[str]:
    """Lines of text, most important first; none for a state that is not Go's. before: what rates are from."""
    go = now.go
    if go is None:
        return
    if go.collections is None:
        yield printable(go.reason)
    else:
        yield _cycles(go, now, before)
        if go.collections:
            yield _stops(go, now, before)
            if go.pauses:
                yield _newest(go)
        elif go.reason:
            yield printable(go.reason)
    yield _settings(go)


def _cycles(go: GoGc, now: GcState, before: GcState | None) -> str:
    parts = [f"{figures.count(go.collections)} cycles"]
    if go.forced:
        parts[0] += f", {figures.count(go.forced)} of them asked for by the program"
    earlier = before.go if before is not None else None
    if before is not None and earlier is not None and earlier.collections is not None and now.time > before.time:
        parts.append(
            f"{figures.rate(((go.collections or 0) - earlier.collections) / (now.time - before.time))}/s now"
        )
    if go.last_end is not None:
        parts.append(f"the last one ended {figures.duration(max(0.0, now.time - go.last_end))} ago")
    return "; ".join(parts)


def _stops(go: GoGc, now: GcState, before: GcState | None) -> str:
    parts = [f"stopped for {figures.duration(go.pause_seconds_total)} in all (exact)"]
    earlier = before.go if before is not None else None
    total, first = go.pause_seconds_total, earlier.pause_seconds_total if earlier is not None else None
    if before is not None and total is not None and first is not None and now.time > before.time:
        parts.append(f"{figures.percent(min(1.0, (total - first) / (now.time - before.time)), 2)} of the time now")
    if go.cpu_fraction is not None:
        parts.append(f"{figures.percent(go.cpu_fraction, 2)} of the CPU went into collecting since it began")
    return "; ".join(parts)


def _newest(go: GoGc) -> str:
    lengths = sorted(pause.seconds for pause in go.pauses)
    middle, longest = lengths[len(lengths) // 2], lengths[-1]
    words = f"the newest {len(lengths)} pauses" if len(lengths) > 1 else "the newest pause"
    lost = f"; of {figures.count(go.lost)} older ones only the sum is known" if go.lost else ""
    return f"{words}: median {figures.duration(middle)}, longest {figures.duration(longest)}{lost}"


def _settings(go: GoGc) -> str:
    if go.percent is None:
        return printable(go.settings_reason) or "GOGC is not known"
    limit = "none" if go.memory_limit is None else figures.size(go.memory_limit)
    processors = figures.NOTHING if go.max_processors is None else str(go.max_processors)
    percent = "off" if go.percent < 0 else str(go.percent)
    live = "" if not go.live_bytes else f"; {figures.size(go.live_bytes)} were live at the last cycle"
    return f"GOGC {percent}, GOMEMLIMIT {limit}, GOMAXPROCS {processors}{live}"
