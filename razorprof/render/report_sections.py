"""Parts of the HTML report: profiles, threads, collector, memory. Each takes a value or the words for why there is
none. For render.report."""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.heap import MemoryMapView
from razorprof.model.metric import Quality
from razorprof.model.profile import Profile, top
from razorprof.model.threads import ThreadDump, ThreadGroup, ThreadInfo
from razorprof.render import collectors, figures
from razorprof.render.flame_html import flame_fragment
from razorprof.render.report_markup import fold, paragraph, table, text
from razorprof.render.thread_report import wait_words

_MOST_FUNCTIONS = 25
_MOST_GROUPS = 300
_MOST_MEMBERS = 40
_MOST_FRAMES = 100
_MOST_NOTES = 10


def profile(profile: Profile | None, why: str) -> str:
    """The flame graph and the hottest functions. The page must hold render.flame_html's style and script."""
    if profile is None:
        return paragraph(why, "dim")
    is_time = profile.unit == "seconds"
    amount = figures.duration if is_time else figures.size
    looks = f"{profile.samples} samples, {profile.errors} errors" if is_time else f"{profile.samples} allocations"
    words = f"{amount(profile.total)} in {figures.duration(profile.seconds)}, {looks}"
    if not profile.total:
        notes = "".join(paragraph(note, "dim") for note in profile.notes[:_MOST_NOTES])
        nothing = paragraph("No thread was seen to run." if is_time else "Nothing was held.")
        return paragraph(words, "dim") + notes + nothing
    rows = [
        (
            amount(one.self_weight),
            figures.percent(one.self_ratio),
            amount(one.total_weight),
            figures.percent(one.total_ratio),
            one.function,
            f"{one.file}:{one.line}" if one.line else one.file,
        )
        for one in top(profile)[:_MOST_FUNCTIONS]
    ]
    flame = flame_fragment(profile, with_assets=False)  # it tells the notes too
    return flame + table(("Self", "", "Total", "", "Function", "Where"), rows, range(4))


def threads(dump: ThreadDump | None, why: str) -> str:
    """Equal stacks together, the largest group first."""
    if dump is None:
        return paragraph(why, "dim")
    names = {thread.native_id: thread.name for thread in dump.threads}
    by_id = {thread.native_id: thread for thread in dump.threads}
    whole = max(len(dump.threads), sum(group.count for group in dump.groups))
    parts = [paragraph(f"{whole} {dump.kind}s, {len(dump.groups)} different stacks", "dim")]
    parts += [paragraph(finding) for finding in dump.findings]
    if dump.stacks_reason:
        parts.append(paragraph(f"No stacks: {dump.stacks_reason}"))
    if dump.tasks is not None:
        parts.append(paragraph(f"{dump.tasks} asyncio tasks pending"))
    groups = sorted(dump.groups, key=lambda group: (not group.frames, -group.count))
    for group in groups[:_MOST_GROUPS]:
        members = [by_id[native] for native in group.threads if native in by_id]
        parts.append(fold(_group_title(group, members), _group(group, members, names), is_open=len(groups) <= 3))
    if len(groups) > _MOST_GROUPS:
        parts.append(paragraph(f"and {len(groups) - _MOST_GROUPS} more: threads.json has all"))
    return "".join(parts)


def collector(gc: GcState | None, gil: GilState | None, why: str) -> str:
    """Generations of each interpreter, and who held the GIL."""
    parts = []
    if gc is None:
        parts.append(paragraph(why, "dim"))
    elif not gc.interpreters:
        parts += _cycles(gc)
    else:
        heads = ("Interpreter", "Generation", "Count", "Threshold", "Collections", "Collected", "Uncollectable")
        parts.append(table(heads, _generations(gc), range(7)))
        for one in gc.interpreters:
            state = "enabled" if one.enabled else "state not known" if one.enabled is None else "disabled"
            quality = "" if one.gc_seconds_quality is Quality.EXACT else " (estimated)"
            spent = f"{figures.duration(one.gc_seconds)} in collections since the start{quality}"
            kept = f"{figures.count(one.frozen)} frozen, {figures.count(one.garbage)} in gc.garbage"
            parts.append(paragraph(f"interpreter {one.id}: {state}, {spent}, {kept}"))
    for lock in gil.gils if gil is not None else ():
        holders = ", ".join(
            f"thread {one.native_id or figures.NOTHING} {figures.percent(one.share)}" for one in lock.holders[:5]
        )
        waiting = figures.NOTHING if lock.mean_waiters is None else f"{lock.mean_waiters:.1f}"
        words = f"GIL held {figures.percent(lock.held_ratio)} of the time, {waiting} threads waiting on average"
        parts.append(paragraph(f"{words}; held by {holders}" if holders else words))
    if gil is not None and gil.reason:
        parts.append(paragraph(gil.reason, "dim"))
    return "".join(parts)


def memory(memory: MemoryMapView | None, why: str) -> str:
    """Mappings by kind."""
    if memory is None:
        return paragraph(why, "dim")
    kinds = sorted(memory.kinds.items(), key=lambda entry: -entry[1].resident_bytes)
    rows = [
        (
            name,
            *map(
                figures.size,
                (share.resident_bytes, share.unique_bytes, share.proportional_bytes, share.swapped_bytes),
            ),
            figures.size(share.virtual_bytes),
            share.mappings,
        )
        for name, share in [*((kind.value, share) for kind, share in kinds), ("all", memory.total)]
    ]
    heads = ("Memory", "Resident", "Unique", "Shared out", "Swapped", "Virtual", "Mappings")
    return table(heads, rows, range(1, 7))


def _cycles(gc: GcState) -> list[str]:
    parts = []
    for titles, rows in (
        (collectors.COLLECTOR_TITLES, collectors.collector_rows(gc)),
        (collectors.POOL_TITLES, collectors.pool_rows(gc)),
    ):
        if rows:
            parts.append(table([title.capitalize() for title in titles], rows, range(1, len(titles))))
    return parts + [paragraph(fact) for fact in collectors.collector_facts(gc)]


def _generations(gc: GcState) -> Iterator[tuple[object, ...]]:
    for one in gc.interpreters:
        for g in one.generations or ():
            yield one.id, g.generation, g.count, g.threshold, g.collections, g.collected, g.uncollectable


def _group_title(group: ThreadGroup, members: list[ThreadInfo]) -> str:
    alone = len(members) == group.count == 1
    who = f"{members[0].native_id} {members[0].name}".rstrip() if alone else f"{group.count} equal ones"
    where = f" in {group.frames[0].function}" if group.frames else ", no stack"
    holds = ", holds the GIL" if any(member.holds_gil for member in members) else ""
    return f"{who}: {group.state.value}{where}{holds}"


def _group(group: ThreadGroup, members: list[ThreadInfo], names: dict[int, str]) -> str:
    lines = []
    for member in members[:_MOST_MEMBERS]:
        cpu = "" if member.cpu_ratio is None else f", CPU {figures.percent(member.cpu_ratio, 0)}"
        waits = wait_words(member, names)
        lines.append(paragraph(f"{member.native_id} {member.name}{cpu}{f', {waits}' if waits else ''}", "dim"))
    if len(members) > _MOST_MEMBERS:
        lines.append(paragraph(f"and {len(members) - _MOST_MEMBERS} more", "dim"))
    stack = "\n".join(text(f"{f.function}  {f.file}:{f.line}") for f in group.frames[:_MOST_FRAMES])
    more = f"\nand {len(group.frames) - _MOST_FRAMES} more" if len(group.frames) > _MOST_FRAMES else ""
    return "".join(lines) + (f"<pre>{stack}{more}</pre>" if stack else "")
