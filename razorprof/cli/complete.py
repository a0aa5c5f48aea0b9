"""What the shell offers for TARGET when Tab is pressed. Called by the completion scripts through typer.

Completions are evaluated by the shells' own completion code (zsh expands them twice), so nothing that a process
says of itself gets there unless it is made of harmless characters.
"""

from __future__ import annotations

import re

_HARMLESS_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}", re.ASCII)
_HARMFUL = re.compile(r"[^A-Za-z0-9._+/=@, -]", re.ASCII)
_MOST = 200
_LONGEST_HELP = 60


def complete_target(incomplete: str) -> list[tuple[str, str]]:
    """(pid, what it is) and (name, how many) of processes, Python programs first. Never raises."""
    from razorprof.errors import RazorprofError
    from razorprof.targets.naming import is_python_command
    from razorprof.targets.table import read_table

    try:
        table = read_table()
    except (OSError, RazorprofError):
        return []
    own = table.own_family()
    entries = [entry for entry in table if entry.is_candidate and entry.pid not in own]
    entries.sort(key=lambda entry: not is_python_command(entry.arguments, entry.stat.comm))
    found: list[tuple[str, str]] = []
    if not incomplete or incomplete.isdigit():
        found += [(str(e.pid), _harmless(" ".join((e.name, *e.arguments[1:6])))) for e in entries]
    counts: dict[str, int] = {}
    for entry in entries:
        if _HARMLESS_WORD.fullmatch(entry.name):
            counts[entry.name] = counts.get(entry.name, 0) + 1
    found += [(name, f"{count} process{'es' if count > 1 else ''}") for name, count in counts.items()]
    return [(value, words) for value, words in found if value.startswith(incomplete)][:_MOST]


def _harmless(text: str) -> str:
    from razorprof.targets.redact import redact_text

    return _HARMFUL.sub("_", redact_text(text[:400]).replace("[redacted]", "..."))[:_LONGEST_HELP]
