"""A bundle in a terminal: its summary, its JSON, and its text files. For cli.show and cli.dump.

What a bundle says is hostile text, and its JSON may have any shape: what does not fit is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Style
from razorprof.errors import RazorprofError, UsageError
from razorprof.recording.bundle_read import Bundle
from razorprof.recording.rzp_format import MAGIC
from razorprof.render import figures
from razorprof.render.text import printable

_FINDINGS = "findings.json"
_MOST_LINES = 20
_MOST_REASON = 300


def document(bundle: Bundle) -> dict[str, Any]:
    """The manifest, what is wrong with files, and the findings."""
    return {
        **bundle.manifest.as_json(),
        "problems": [{"path": path, "reason": reason} for path, reason in bundle.problems.items()],
        "unlisted": list(bundle.unlisted),
        "findings": _findings(bundle) or None,
    }


def print_summary(name: str, bundle: Bundle) -> None:
    """Whose it is, what was found, and the files."""
    manifest, target = bundle.manifest, bundle.manifest.target
    when = datetime.fromtimestamp(manifest.created).strftime("%Y-%m-%d %H:%M:%S")
    runtime = f"{target.get('runtime') or ''} {target.get('version') or ''}".strip()
    who = f"{target.get('pid')} {target.get('name') or ''}".strip()
    output.print_text(f"{printable(name)}: {printable(who)} on {printable(manifest.host)}, {when}")
    if runtime:
        output.print_text(f"  {printable(runtime)}, seen for {figures.duration(manifest.seconds)}")
    if target.get("command"):
        output.print_text(f"  {printable(str(target['command']))}")
    if manifest.ended:
        output.print_text(f"  ended meanwhile: {printable(manifest.ended)}")
    if manifest.interrupted:
        output.print_text("  interrupted: what is missing is told below")
    for note in manifest.notes[:_MOST_LINES]:
        output.print_text(f"  {printable(note)}")
    for line in _finding_lines(_findings(bundle)):
        output.print_text(line)
    output.print_text("")
    rows = [
        (
            one.path,
            one.kind,
            figures.size(one.bytes),
            Cell(bundle.problems[one.path], Style.ACT) if one.path in bundle.problems else "",
        )
        for one in manifest.files
    ]
    output.print_table(
        (Column("FILE"), Column("KIND"), Column("SIZE", right=True), Column("", flexible=True)), rows
    )
    if manifest.skipped:
        output.print_text("\nnot in it:")
    for one in manifest.skipped:
        output.print_text(f"  {printable(one.kind)}: {printable(one.reason[:_MOST_REASON])}")
    words = "best effort" if manifest.redacted else "OFF: command lines are as they were"
    output.print_text(f"\nredaction of secrets: {words}")
    if bundle.unlisted:
        names = ", ".join(map(printable, bundle.unlisted[:_MOST_LINES]))
        output.say(f"not listed in the manifest, and not read: {names}")
    if bundle.damage:
        output.say(f"damaged: {printable(bundle.damage)}")


def print_file(name: str, content: bytes) -> None:
    """A file that is no profile, line by line. Raises UsageError for a recording."""
    if content.startswith(MAGIC):
        hint = f"unpack the bundle (tar -xf), and give {name} to razorprof show or replay"
        raise UsageError("a recording is not shown out of a bundle", value=name, hint=hint)
    for line in content.decode(errors="replace").split("\n"):
        output.print_text(printable(line))


def _findings(bundle: Bundle) -> dict[str, Any]:
    try:
        found = json.loads(bundle.read(_FINDINGS))
    except (RazorprofError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _finding_lines(found: Mapping[str, Any]) -> Iterator[str]:
    verdict = found.get("verdict")
    if isinstance(verdict, dict) and isinstance(verdict.get("words"), str):
        yield f"  limited by: {printable(verdict['words'])}"
    for one in _dictionaries(found.get("deadlocks")):
        yield f"  DEADLOCK {printable(str(one.get('confidence')))}: {printable(str(one.get('why')))}"
    for one in _dictionaries(found.get("advice")):
        yield f"  advice: {printable(str(one.get('title')))}"


def _dictionaries(value: object) -> list[dict[str, Any]]:
    return [one for one in value[:_MOST_LINES] if isinstance(one, dict)] if isinstance(value, list) else []
