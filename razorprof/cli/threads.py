"""``razorprof threads``: what every thread does and waits for at one moment, and whether they wait in a circle.

The dump is the runtime's (session.captures), its text is made by render.thread_report, its JSON by
session.threads_document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import Choice, OneTarget, Probe, Wait, parse_wait, select_targets

if TYPE_CHECKING:
    from razorprof.model.target import Target
    from razorprof.model.threads import ThreadDump

EPILOG = """\
\b
Examples:
  razorprof threads 1234                       deadlocks first, then who holds the GIL, then every thread
  razorprof threads name:gunicorn --json | jq '.deadlocks'
  razorprof threads 1234 --fail-on-deadlock    exit 1 where a deadlock is confirmed
  razorprof threads 1234 --locals              with variables (they may hold secrets)

The target is not stopped, so that a stack that changes just now may be torn; --blocking stops it for some
milliseconds. A deadlock is confirmed where each lock names its owner (RLock, join), and suspected where an
owner was told from the `with` block that a thread is inside of (Lock).
"""


def threads(
    target: OneTarget,
    with_locals: Annotated[
        bool, typer.Option("--locals", help="Variables of each frame too, cut; they may hold secrets.")
    ] = False,
    native: Annotated[
        bool, typer.Option("--native", help="Frames of native code too (stops the target for some milliseconds).")
    ] = False,
    blocking: Annotated[
        bool, typer.Option("--blocking", help="Stop the target for some milliseconds: no torn stacks.")
    ] = False,
    allow: Annotated[
        str | None,
        typer.Option(
            "--allow", metavar="signal", help="What may be done to the target: signal (a JVM prints its threads)."
        ),
    ] = None,
    fail_on_deadlock: Annotated[
        bool, typer.Option("--fail-on-deadlock", help="Exit 1 where a deadlock is confirmed.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although there are so many that the target would feel it.")
    ] = False,
    probe: Probe = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    wait: Wait = None,
) -> int | None:
    """Show what every thread does and waits for, who holds which lock, and whether there is a deadlock."""
    from razorprof.cli import output
    from razorprof.errors import ExitCode, UsageError
    from razorprof.plugin.captures import ThreadsRequest, Watch

    if allow not in (None, "signal"):
        raise UsageError("--allow takes one word: signal", value=allow)
    seconds = parse_wait(wait)
    (chosen,) = select_targets([target], Choice(wait=seconds, one=True, as_json=as_json))
    request = ThreadsRequest(
        locals=with_locals,
        native=native,
        blocking=blocking,
        allow_signal=allow == "signal",
        force=force,
        probe=probe,
    )
    from razorprof.profilers.supervisor import shared_supervisor

    supervisor = shared_supervisor.acquire()
    try:
        supervisor.warm()  # while the rest is imported
        from razorprof.session.captures import dump_threads, runtime_of

        found = runtime_of(chosen)
        dump = dump_threads(chosen, request, Watch(tell=_tell), found)
    finally:
        shared_supervisor.release()
    if as_json:
        from razorprof.session.threads_document import threads_document

        _, detection = found
        output.print_json(
            threads_document(chosen, detection.runtime, detection.version, dump, with_locals=with_locals)
        )
    else:
        _print_text(chosen, dump)
    is_confirmed = any(deadlock.confidence == "confirmed" for deadlock in dump.deadlocks)
    return ExitCode.FINDING if fail_on_deadlock and is_confirmed else None


def _tell(done: float, whole: float, words: str) -> None:
    """Only told where it takes longer than anybody expects."""
    import sys

    from razorprof.cli import output

    if output.is_tty(sys.stderr):
        output.say(f"{words}: {done:.0f} s, at most {whole:.0f} s (Ctrl-C ends it)")


def _print_text(target: Target, dump: ThreadDump) -> None:
    import sys

    from razorprof.cli import output
    from razorprof.render.text import printable
    from razorprof.render.thread_report import Tone, thread_report

    styles = {
        Tone.PLAIN: output.Style.PLAIN,
        Tone.HEADING: output.Style.HEADING,
        Tone.BAD: output.Style.ACT,
        Tone.DOUBT: output.Style.LOOK,
        Tone.QUIET: output.Style.QUIET,
    }
    in_color = output.color_wanted(sys.stdout)
    width = output.terminal_width() if output.is_tty(sys.stdout) else None
    output.print_text(f"{target.pid} {printable(target.name)}")
    for line in thread_report(dump, width):
        style = styles[line.tone].value
        output.print_text(f"\x1b[{style}m{line.text}\x1b[0m" if in_color and style and line.text else line.text)
