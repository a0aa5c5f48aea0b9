"""From TARGET arguments to Target values, the same way for every command.

Several matches: ``--all`` takes them, a person at a terminal picks, a script gets exit 3 with the list. The
parameter types at the end (Targets, TakeAll, ...) give each command the same options, help and completion.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from razorprof.cli import output
from razorprof.cli.complete import complete_target
from razorprof.clock import Clock, SystemClock
from razorprof.errors import AmbiguousTarget, TargetGone, TargetNotFound, UsageError
from razorprof.model.target import Identity, Target
from razorprof.remote.process import PROC
from razorprof.targets.selector import Selector, SelectorKind, parse_selector
from razorprof.targets.table import ProcessEntry, ProcessTable

_LOOK_AGAIN = 0.25  # seconds between looks while waiting for a target

_Found = tuple[ProcessTable, list[ProcessEntry]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options of a command say about its targets.

    take_all: `--all`; children: `--children`; wait: seconds to wait for a target to appear, None not at all;
    job: `--job`; one: the command takes one target only; as_json: nobody is to be asked anything.
    """

    take_all: bool = False
    children: bool = False
    wait: float | None = None
    job: str = ""
    one: bool = False
    as_json: bool = False


def select_targets(
    texts: Sequence[str], choice: Choice | None = None, *, clock: Clock | None = None, proc: Path = PROC
) -> list[Target]:
    """The targets that the arguments mean, each process once, in the order of the arguments; with children, each
    root is followed by its tree. At least one.

    Raises what targets.resolve raises; AmbiguousTarget with candidates when several match where one is meant.
    """
    choice = choice or Choice()
    clock = clock or SystemClock()
    if not texts:
        raise UsageError("no target given", hint="give a pid, a name or port:NUMBER; see: razorprof ps")
    if choice.one and choice.take_all:
        raise UsageError("--all is for commands that take several targets")
    selectors = [parse_selector(text) for text in texts]
    targets = each_once(target for selector in selectors for target in _select(selector, choice, clock, proc))
    if choice.one and not choice.children and len(targets) > 1:
        raise UsageError("this command takes one target", value=" ".join(texts))
    return targets


def each_once(found: Iterable[Target]) -> list[Target]:
    """Each process once, in the order found. Where several arguments mean the same process, the one that names a
    page of the application counts: a URL before a port, and either before a pid or a name."""
    targets: dict[Identity, Target] = {}
    for target in found:
        known = targets.setdefault(target.identity, target)
        if _page_rank(target) > _page_rank(known):
            # as a child of another target it would not be asked: it was named by itself
            targets[target.identity] = replace(known, selector=target.selector, parent=None)
    return list(targets.values())


def _page_rank(target: Target) -> int:
    if target.parent is not None or not target.selector:
        return 0
    kind = parse_selector(target.selector).kind
    return 2 if kind is SelectorKind.URL else 1 if kind is SelectorKind.PORT else 0


def _select(selector: Selector, choice: Choice, clock: Clock, proc: Path) -> list[Target]:
    from razorprof.targets.resolve import children, make_target, resolve
    from razorprof.targets.table import read_table

    def look() -> _Found:
        table = read_table(proc)
        return table, resolve(selector, proc=proc, table=table)

    table, matches = look() if choice.wait is None else _wait_for(look, selector, choice.wait, clock)
    if choice.children:
        roots = table.roots(entry.pid for entry in matches)
        matches = [entry for entry in matches if entry.pid in roots]
    if len(matches) > 1 and not choice.take_all:
        matches = _settle(matches, selector, choice, clock)
    targets = []
    for entry in matches:
        try:
            targets.append(make_target(entry, selector, job=choice.job))
            if choice.children:
                below = children(entry.identity, table=table)
                targets += [make_target(child, selector, job=choice.job, parent=entry.pid) for child in below]
        except TargetGone:
            if selector.kind is SelectorKind.PID:
                raise
    if not targets:
        raise TargetGone("the process ended while it was looked at", value=selector.text)
    return targets


def _wait_for(look: Callable[[], _Found], selector: Selector, seconds: float, clock: Clock) -> _Found:
    """Look until the target is there, at most `seconds`. Raises what the last look raised."""
    never = threading.Event()
    deadline = clock.monotonic() + seconds
    told = False
    while True:
        try:
            return look()
        except (TargetNotFound, TargetGone) as error:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise TargetNotFound(
                    f"no process matches, also after {seconds:g} s", value=selector.text, hint=error.hint
                ) from error
        if not told and output.is_tty(sys.stderr):
            from razorprof.render.text import printable

            output.say(f"waiting for {printable(selector.text)}, at most {seconds:g} s (Ctrl-C ends it)")
            told = True
        clock.wait(never, min(_LOOK_AGAIN, left))


def _settle(matches: list[ProcessEntry], selector: Selector, choice: Choice, clock: Clock) -> list[ProcessEntry]:
    """Ask the person at the terminal which of them; raise AmbiguousTarget where there is none."""
    from razorprof.cli.listing import describe_candidates

    candidates = describe_candidates(matches, clock)
    if not choice.as_json and output.is_tty(sys.stdin) and output.is_tty(sys.stderr):
        from razorprof.cli.picker import pick

        picked = pick(candidates, selector.text, several=not choice.one)
        return [candidate.entry for candidate in picked]
    take_all = "" if choice.one else ", or all of them with --all"
    raise AmbiguousTarget(
        f"{len(matches)} processes match",
        value=selector.text,
        candidates=[candidate.as_json() for candidate in candidates],
        hint=f"name one by its pid{take_all}",
    )


Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET...",
        help="A pid, name:GLOB, cmd:SUBSTRING, port:N, url:URL or container:ID; a bare word is name:.",
        autocompletion=complete_target,
        show_default=False,
    ),
]
OneTarget = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="A pid, name:GLOB, cmd:SUBSTRING, port:N, url:URL or container:ID; a bare word is name:.",
        autocompletion=complete_target,
        show_default=False,
    ),
]
TakeAll = Annotated[bool, typer.Option("--all", help="Take every process that matches.")]
WithChildren = Annotated[bool, typer.Option("--children", help="Take the process tree under each target too.")]
Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="SECONDS", help="Wait for the target to appear.", show_default=False),
]
Job = Annotated[
    str,
    typer.Option("--job", metavar="NAME", help="The label job (default: the name given, else the process's)."),
]


Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Ask the target's own loopback ports for metrics and profiles. (One named by url: is asked without.)",
    ),
]


def parse_wait(text: str | None) -> float | None:
    """The value of ``--wait``. Raises UsageError."""
    if text is None:
        return None
    from razorprof.units import parse_duration

    return parse_duration(text)
