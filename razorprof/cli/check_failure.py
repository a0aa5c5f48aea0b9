"""How `check` says that it failed itself: UNKNOWN, on stdout, exit code 3, whatever went wrong.

A monitoring system reads stdout and the exit code, and takes any other code for a finding. Called by cli.edge for
errors that leave the command (bad usage too), and by cli.check when it is interrupted.
"""

from __future__ import annotations

from contextlib import suppress

from razorprof.cli import output
from razorprof.errors import AmbiguousTarget, RazorprofError
from razorprof.model.judgement import Mark

_MOST_CANDIDATES = 10


def report_failure(error: RazorprofError, *, as_json: bool) -> int:
    """Print it; the exit code. Never raises: where nobody can read it, the exit code still tells."""
    with suppress(OSError):
        if as_json:
            document = {**error.as_json(), "code": int(Mark.UNKNOWN)}
            output.print_json_line({"status": Mark.UNKNOWN.name, "error": document})
        else:
            _print_lines(error)
        output.flush()
    return int(Mark.UNKNOWN)


def _print_lines(error: RazorprofError) -> None:
    from razorprof.render.plugin_output import failure_line, plain

    output.print_text(failure_line(f"{error}; {error.hint}" if error.hint else str(error)))
    if isinstance(error, AmbiguousTarget):
        for candidate in error.candidates[:_MOST_CANDIDATES]:
            output.print_text(f"  {candidate.get('pid')} {plain(str(candidate.get('command', '')))}")
