"""``razorprof gc``: the garbage collector and the GIL of a process, now or again and again.

The looks are session.gc_looks': the target's source "gc" is read directly, without a session. Advice
(``--advise``) is cli.gc_advice's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import Choice, OneTarget, Probe, Wait, parse_wait, select_targets

if TYPE_CHECKING:
    from razorprof.cli.output import Row
    from razorprof.model.gc import InterpreterGc
    from razorprof.model.gil import Gil
    from razorprof.model.target import Target
    from razorprof.plugin.protocols import Detection
    from razorprof.session.gc_looks import Look

EPILOG = """\
\b
Examples:
  razorprof gc 1234
  razorprof gc name:gunicorn --json
  razorprof gc 1234 --watch --interval 5 --json > gc.jsonl
  razorprof gc 1234 --advise -d 30              what the figures mean, and what to change

Nothing is stopped and no code runs in the target: the figures are read out of its memory.
"""

SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 3600.0
_MOST_HOLDERS = 5


def gc(
    target: OneTarget,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until interrupted or the target ends.")] = False,
    interval: Annotated[str, typer.Option("--interval", metavar="SECONDS", help="Length of a window.")] = "1",
    advise: Annotated[
        bool, typer.Option("--advise", help="Look for some seconds, then say what the figures mean.")
    ] = False,
    duration: Annotated[
        str | None,
        typer.Option("-d", "--duration", metavar="SECONDS", help="How long --advise looks (default 10)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout; with --watch JSON Lines.")
    ] = False,
    probe: Probe = False,
    wait: Wait = None,
) -> int | None:
    """Show the garbage collector of a process that was never prepared for it, and who holds a Python's GIL."""
    from razorprof.cli import gc_advice, output
    from razorprof.session.gc_looks import collector_document, looks_at, open_collector

    seconds = _interval(interval)
    look_for = gc_advice.parse_seconds(duration, advise=advise, watch=watch)
    (chosen,) = select_targets([target], Choice(wait=parse_wait(wait), one=True, as_json=as_json))
    detection, reader = open_collector(chosen, seconds, probe=probe)
    if advise:
        reader.close()  # it could be opened: what follows opens its own
        return _advise(chosen, detection, look_for, probe=probe, as_json=as_json)
    try:
        for look in looks_at(reader, seconds, once=not watch):
            if not as_json:
                _print_text(chosen, detection, look)
            elif watch:
                output.print_json_line(collector_document(chosen, detection, look))
            else:
                output.print_json(collector_document(chosen, detection, look))
    finally:
        reader.close()
    return None


def _advise(target: Target, detection: Detection, seconds: float, *, probe: bool, as_json: bool) -> int:
    from razorprof.cli import gc_advice, output
    from razorprof.session.gc_looks import Look, collector_document

    progress = gc_advice.progress_to(seconds)
    advised = gc_advice.advise_on(target, detection, seconds, probe=probe, progress=progress)
    gc_advice.end_progress()
    code = gc_advice.settle(advised, target)
    seen = advised.observation
    look = None if seen is None else Look(seen.before, seen.now, advised.gil)
    if as_json:
        state = {} if look is None else collector_document(target, detection, look)
        output.print_json({**state, **gc_advice.advice_document(advised)})
    else:
        if look is not None:
            _print_text(target, detection, look)
        gc_advice.print_advice(advised)
    return code


def _interval(text: str) -> float:
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    seconds = parse_duration(text)
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        raise UsageError(
            "the interval is out of range",
            value=text,
            hint=f"between {SHORTEST_INTERVAL:g} and {LONGEST_INTERVAL:g} seconds",
        )
    return seconds


def _print_text(target: Target, detection: Detection, look: Look) -> None:
    from razorprof.cli import output
    from razorprof.cli.output import Column
    from razorprof.render.text import printable

    what = f"{detection.implementation or detection.runtime} {detection.version or ''}".rstrip()
    output.print_text(f"{target.pid} {printable(target.name)}, {printable(what)}")
    _print_cycles(look)
    if not look.now.interpreters:
        output.print_text("")
        return
    several = len(look.now.interpreters) > 1
    titles = ("GENERATION", "COUNT", "THRESHOLD", "COLLECTIONS", "PER S", "COLLECTED", "UNCOLLECTABLE")
    columns = [Column(title, right=True) for title in (("INTERPRETER", *titles) if several else titles)]
    rows = [row for now in look.now.interpreters for row in _rows(now, look, several)]
    output.print_table(columns, rows)
    for interpreter in look.now.interpreters:
        if interpreter.generations is not None:
            label = f"interpreter {interpreter.id}: " if several else ""
            output.print_text(label + ", ".join(_facts(interpreter, look)))
    for gil in look.gil.gils if look.gil is not None else ():
        output.print_text(_gil_line(gil, look.gil.seconds if look.gil else 0.0))
    output.print_text("")


def _print_cycles(look: Look) -> None:
    """What runtimes with collectors of another kind tell."""
    from razorprof.cli import output
    from razorprof.cli.output import Column
    from razorprof.render import collectors

    for titles, rows in (
        (collectors.COLLECTOR_TITLES, collectors.collector_rows(look.now, look.before)),
        (collectors.POOL_TITLES, collectors.pool_rows(look.now)),
    ):
        if rows:
            columns = [Column(titles[0]), *(Column(title, right=True) for title in titles[1:])]
            output.print_table(columns, rows)
    for fact in collectors.collector_facts(look.now):
        output.print_text(fact)


def _rows(interpreter: InterpreterGc, look: Look, several: bool) -> Iterator[Row]:
    from razorprof.render.figures import rate

    before = _same(look.before.interpreters, interpreter.id)
    seconds = look.now.time - look.before.time
    for number, generation in enumerate(interpreter.generations or ()):
        earlier = before.generations[number] if before is not None and before.generations else None
        per_second = (generation.collections - earlier.collections) / seconds if earlier and seconds > 0 else None
        cells = (
            str(generation.generation),
            str(generation.count),
            str(generation.threshold),
            str(generation.collections),
            rate(per_second),
            str(generation.collected),
            str(generation.uncollectable),
        )
        yield (str(interpreter.id), *cells) if several else cells


def _facts(interpreter: InterpreterGc, look: Look) -> Iterator[str]:
    from razorprof.model.metric import Quality
    from razorprof.render.figures import NOTHING, percent

    yield "enabled" if interpreter.enabled else "disabled"
    if interpreter.collecting:
        yield "collecting now"
    before = _same(look.before.interpreters, interpreter.id)
    seconds = look.now.time - look.before.time
    if interpreter.gc_seconds is not None and before is not None and seconds > 0:
        spent = max(0.0, interpreter.gc_seconds - (before.gc_seconds or 0.0))
        quality = "" if interpreter.gc_seconds_quality is Quality.EXACT else ", estimated"
        yield f"{percent(min(1.0, spent / seconds))} of the time in GC{quality}"
    frozen, garbage = (NOTHING if n is None else str(n) for n in (interpreter.frozen, interpreter.garbage))
    yield f"{frozen} frozen"
    yield f"{garbage} in gc.garbage"


def _gil_line(gil: Gil, seconds: float) -> str:
    from razorprof.render.figures import NOTHING, percent

    of = "" if gil.interpreters == (0,) else f" of interpreter {', '.join(map(str, gil.interpreters))}"
    waiting = NOTHING if gil.mean_waiters is None else f"{gil.mean_waiters:.1f}"
    parts = [f"GIL{of} held {percent(gil.held_ratio)} of {seconds:.1f} s, {waiting} threads waiting on average"]
    holders = [f"{one.native_id or NOTHING} {percent(one.share)}" for one in gil.holders[:_MOST_HOLDERS]]
    if holders:
        parts.append("held by thread " + ", ".join(holders))
    return "; ".join(parts)


def _same(interpreters: Sequence[InterpreterGc], number: int) -> InterpreterGc | None:
    return next((one for one in interpreters if one.id == number), None)
