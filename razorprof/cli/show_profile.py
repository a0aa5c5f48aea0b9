"""A profile as lines in a terminal and as CONTRACT's JSON. For cli.show; reads no files."""

from __future__ import annotations

import heapq
import sys
from typing import Any

from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Row, Style
from razorprof.model.profile import Node, Profile, by_file, by_function, by_package, call_tree, top
from razorprof.render import figures
from razorprof.render.text import cut_middle, printable

_GROUPS = {"function": by_function, "file": by_file, "package": by_package}
_DEEPEST_INDENT = 40
_MOST_NOTES = 10
_WIDEST_NAME = 48


def document(profile: Profile, by: str, most: int | None) -> dict[str, Any]:
    """CONTRACT's `show`."""
    return {
        "unit": profile.unit,
        "value": profile.value or None,
        "duration_seconds": profile.seconds or None,
        "samples": None if _samples_unknown(profile) else profile.samples,
        "errors": profile.errors,
        "total": profile.total,
        "mode": profile.mode or None,
        "rate_hz": profile.rate_hz,
        "runs": len(profile.all_runs),
        "notes": list(profile.notes),
        "functions": [
            {
                "function": found.function,
                "file": found.file or None,
                "line": found.line or None,
                "self": found.self_weight,
                "total": found.total_weight,
                "self_ratio": found.self_ratio,
                "total_ratio": found.total_ratio,
            }
            for found in top(profile, _GROUPS[by])[:most]
        ],
    }


def print_document(profile: Profile, by: str, most: int | None) -> None:
    output.print_json(document(profile, by, most))


def print_head(name: str, whole: Profile, shown: Profile) -> None:
    """What the profile is, how it was taken, and what of it is shown."""
    facts = [f"{amount(whole.total, whole.unit)}{f' of {printable(whole.value)}' if whole.value else ''}"]
    if whole.seconds:
        facts[0] += f" in {figures.duration(whole.seconds)}"
    facts.append("number of samples unknown" if _samples_unknown(whole) else f"{whole.samples} samples")
    if whole.errors:
        facts.append(f"{whole.errors} errors")
    if whole.mode:
        facts.append(printable(whole.mode))
    if whole.rate_hz:
        facts.append(f"{whole.rate_hz:g} Hz")
    threads = len(whole.threads())
    facts.append(f"{threads} thread{'' if threads == 1 else 's'}")
    if whole.runs:
        facts.append(f"the middle one of {len(whole.all_runs)} runs")
    output.print_text(f"{printable(name)}: {', '.join(facts)}")
    if shown.total != whole.total:
        share = figures.percent(shown.total / whole.total if whole.total else None)
        output.print_text(f"shown: {amount(shown.total, shown.unit)}, {share} of it; ratios are of what is shown")
    for note in whole.notes[:_MOST_NOTES]:
        output.print_text(f"note: {printable(note)}")
    output.print_text("")


def print_functions(profile: Profile, by: str, most: int | None) -> None:
    """A table, heaviest own weight first."""
    found = top(profile, _GROUPS[by])
    if not found:
        output.say("no stacks to show")
        return
    is_function = by == "function"
    columns = [
        *(Column(title, right=True) for title in ("SELF", "SELF %", "TOTAL", "TOTAL %")),
        *(
            [Column("FUNCTION"), Column("FILE", flexible=True)]
            if is_function
            else [Column(by.upper(), flexible=True)]
        ),
    ]
    rows: list[Row] = []
    for one in found[:most]:
        place = f"{one.file}:{one.line}" if is_function and one.line else one.file
        rows.append(
            (
                amount(one.self_weight, profile.unit),
                figures.percent_bare(one.self_ratio),
                amount(one.total_weight, profile.unit),
                figures.percent_bare(one.total_ratio),
                *([_cut(one.function), Cell(place, Style.QUIET)] if is_function else [place]),
            )
        )
    output.print_table(columns, rows)
    if most is not None and len(found) > most:
        output.say(f"and {len(found) - most} more: --top 0 shows all")


def print_tree(profile: Profile, most: int | None) -> None:
    """The heaviest nodes of the call tree, callers above callees; at most `most`."""
    root = call_tree((key.stack, weight) for key, weight in profile.weights.items())
    if not root.children:
        output.say("no stacks to show")
        return
    width = output.terminal_width() if output.is_tty(sys.stdout) else None
    quiet = output.color_wanted(sys.stdout)
    chosen, left_out = _heaviest(root, most)
    output.print_text(f"{'TOTAL':>10}  {'TOTAL %':>7}  {'SELF %':>6}  FUNCTION")
    whole = root.weight or 1.0
    stack = [(0, child) for child in reversed(root.children)]
    while stack:
        depth, node = stack.pop()
        if id(node) not in chosen:
            continue
        stack.extend((depth + 1, child) for child in reversed(node.children))
        indent = "  " * min(depth, _DEEPEST_INDENT) + ("… " if depth > _DEEPEST_INDENT else "")
        left = (
            f"{amount(node.weight, profile.unit):>10}  {figures.percent_bare(node.weight / whole):>7}"
            f"  {figures.percent_bare(node.self_weight / whole):>6}  {indent}"
        )
        name, place = _name(node.frame.function), printable(node.frame.file)
        if width is not None:
            room = max(8, width - len(left))
            name = cut_middle(name, room)
            place = cut_middle(place, room - len(name) - 2) if room - len(name) > 12 else ""
        output.print_text(left + name + (f"  \x1b[2m{place}\x1b[0m" if quiet and place else f"  {place}").rstrip())
    if left_out:
        output.say(f"and {left_out} more nodes: --top 0 shows all")


def amount(weight: float, unit: str) -> str:
    """A weight as people read it."""
    if unit == "seconds":
        return figures.duration(weight)
    return figures.size(weight) if unit == "bytes" else figures.count(weight)


def _samples_unknown(profile: Profile) -> bool:
    return not profile.samples and bool(profile.weights)


def _name(function: str) -> str:
    return printable(function) or "(no name)"


def _cut(function: str) -> str:
    """The name in a column: a hostile one leaves room for the others."""
    name = _name(function)
    return cut_middle(name, _WIDEST_NAME) if output.is_tty(sys.stdout) else name


def _heaviest(root: Node, most: int | None) -> tuple[set[int], int]:
    """The ids of the heaviest nodes, and how many others there are. A parent is never lighter than its child, so
    it is always chosen before."""
    count = -1
    waiting = [root]
    while waiting:  # not Node.walk: a hostile stack is deeper than Python's own
        count += 1
        waiting.extend(waiting.pop().children)
    limit = count if most is None else most
    heap = [(-child.weight, order, child) for order, child in enumerate(root.children)]
    heapq.heapify(heap)
    order = len(heap)
    chosen: set[int] = set()
    while heap and len(chosen) < limit:
        _, _, node = heapq.heappop(heap)
        chosen.add(id(node))
        for child in node.children:
            order += 1
            heapq.heappush(heap, (-child.weight, order, child))
    return chosen, count - len(chosen)
