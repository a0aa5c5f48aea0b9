"""Write the manual pages from the command line's own definition: razorprof.1 and one page a command.

A command of a command has its own, too, as in git: razorprof-rules-check.1.

    python scripts/man.py man            write them
    python scripts/man.py --check man    exit 1 where a page is missing, stale or left over

For developers (`make man`, `make lint`); pages that are written by hand (sections 5 and 7) are left alone. The
same definition always gives the same bytes: the date is SOURCE_DATE_EPOCH or that of the newest release in
CHANGELOG.md.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import typer

from razorprof import __version__
from razorprof.cli.app import build_app
from razorprof.errors import ExitCode

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "razorprof"

EXIT_STATUS = {
    ExitCode.DONE: "Done.",
    ExitCode.FINDING: "A finding: a gate failed, an alert fires, a deadlock is confirmed.",
    ExitCode.USAGE: "Usage: an argument, expression or settings file that cannot be meant.",
    ExitCode.NO_TARGET: "The target was not found, is ambiguous, or is gone.",
    ExitCode.NO_PERMISSION: "No permission to look into the target.",
    ExitCode.NOT_SUPPORTED: "The runtime, version, platform or feature is not supported.",
    ExitCode.TOOL_FAILED: "A tool, file or peer failed, could not be read, or timed out.",
    ExitCode.INTERRUPTED: "Interrupted; what was sampled until then is kept.",
    ExitCode.TERMINATED: "Ended by SIGTERM.",
}
BY_HAND = {
    "rules": ("razorprof-rules(5)",),
    "plugins": ("razorprof-plugins(7)",),
}  # pages that a command's page names, and those of its commands
ENVIRONMENT = {
    "NO_COLOR": "Not empty: no colours, as with --no-color.",
    "TERM": "Empty or dumb: text output in place of the dashboard.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its file's name and its roff."""

    file: str
    roff: str


def main(arguments: Sequence[str]) -> int:
    """Answer one call; the exit code."""
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    if len(folders) != 1 or folders[0].startswith("-"):
        print("usage: man.py [--check] FOLDER", file=sys.stderr)
        return 2
    folder = Path(folders[0])
    pages = {page.file: page.roff for page in build_pages(page_date(os.environ, ROOT / "CHANGELOG.md"))}
    if check:
        stale = sorted(find_stale(folder, pages))
        for name in stale:
            print(f"{folder / name} is not what the command line says; run: make man", file=sys.stderr)
        return int(bool(stale))
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in generated_in(folder) - pages.keys():
        (folder / leftover).unlink()
    for name, roff in pages.items():
        (folder / name).write_text(roff, encoding="ascii")
    return 0


def build_pages(day: date) -> Iterator[Page]:
    """The program's page and one for each command that is not hidden, and for each command of a command."""
    program = typer.main.get_command(build_app())
    context = _context(program)
    commands = _commands_of(program)
    pages = [_page_of(PROGRAM, name) for name in commands]
    yield Page(f"{PROGRAM}.1", "".join(render_program(program, commands, day)))
    for name, command in commands.items():
        page, by_hand, own = _page_of(PROGRAM, name), BY_HAND.get(name, ()), _commands_of(command)
        inner = typer.Context(command, info_name=name, parent=context)
        see = [f"{PROGRAM}(1)", *(f"{_page_of(page, one)}(1)" for one in own), *by_hand]
        see += [f"{other}(1)" for other in pages if other != page]
        yield Page(f"{page}.1", "".join(render_command(command, inner, page, see, day)))
        for one, part in own.items():
            others = [f"{_page_of(page, other)}(1)" for other in own if other != one]
            see = [f"{PROGRAM}(1)", f"{page}(1)", *others, *by_hand]
            part_context = typer.Context(part, info_name=one, parent=inner)
            roff = "".join(render_command(part, part_context, _page_of(page, one), see, day))
            yield Page(f"{_page_of(page, one)}.1", roff)


def find_stale(folder: Path, pages: dict[str, str]) -> Iterator[str]:
    """Files that differ from `pages`, lack, or are left over. The date does not count: packagers set their own."""
    yield from generated_in(folder) - pages.keys()
    for name, roff in pages.items():
        path = folder / name
        if not path.exists() or _without_date(path.read_text("ascii")) != _without_date(roff):
            yield name


def generated_in(folder: Path) -> set[str]:
    """Names of the pages of section 1 in the folder: these are ours to write."""
    return {path.name for path in folder.glob(f"{PROGRAM}*.1")}


def page_date(environment: Any, changelog: Path) -> date:
    """SOURCE_DATE_EPOCH's day, or that of the newest release. ValueError where there is neither."""
    if epoch := environment.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC).date()
    released = re.search(r"^## \[[^\]]+\] - (\d{4}-\d\d-\d\d)$", changelog.read_text("utf-8"), re.MULTILINE)
    if released is None:
        raise ValueError(f"no dated release in {changelog.name}")
    return date.fromisoformat(released[1])


def render_program(program: Any, commands: dict[str, Any], day: date) -> Iterator[str]:
    """razorprof.1: what it is, the global options, the commands, what holds for all of them."""
    context = _context(program)
    yield _title(PROGRAM, day)
    yield _section("NAME", _line(f"{PROGRAM} - look inside a running process from the terminal"))
    yield _section("SYNOPSIS", _bold(PROGRAM) + "[options]\n" + _italic("command") + "[arguments]\n")
    text, examples = _split_epilog(program.epilog)
    yield _section("DESCRIPTION", _paragraphs(f"{program.help}\n\n{text}"))
    yield _section("OPTIONS", *_items(_records(program, context)))
    yield _section("COMMANDS", *_list(PROGRAM, commands))
    yield _section("ENVIRONMENT", *(_item(_bold(name), what) for name, what in ENVIRONMENT.items()))
    yield _section("EXIT STATUS", *(_item(_bold(str(int(code))), EXIT_STATUS[code]) for code in ExitCode))
    yield _section("EXAMPLES", _literal(examples))
    yield _section("SEE ALSO", _references([f"{PROGRAM}-{name}(1)" for name in commands]))


def render_command(
    command: Any, context: typer.Context, page: str, see: Sequence[str], day: date
) -> Iterator[str]:
    """The page of one command, which may have commands of its own."""
    own = _commands_of(command)
    yield _title(page, day)
    yield _section("NAME", _line(f"{page} - {_summary(command.help)}"))
    if own:
        usage = _bold(context.command_path) + _italic("command") + "[arguments]\n"
    else:
        usage = _bold(context.command_path) + _line(" ".join(command.collect_usage_pieces(context)))
    yield _section("SYNOPSIS", usage)
    text, examples = _split_epilog(command.epilog)
    yield _section("DESCRIPTION", _paragraphs(f"{command.help}\n\n{text}"))
    yield _section("OPTIONS", *_items(_records(command, context)))
    yield _section("COMMANDS", *_list(page, own))
    yield _section("EXIT STATUS", _line(f"See {PROGRAM}(1)."))
    yield _section("EXAMPLES", _literal(examples))
    yield _section("SEE ALSO", _references(see))


def _commands_of(command: Any) -> dict[str, Any]:
    """Those that are shown, by name."""
    if not hasattr(command, "commands"):
        return {}
    names = command.list_commands(typer.Context(command))
    return {name: command.commands[name] for name in names if not command.commands[name].hidden}


def _page_of(parent: str, name: str) -> str:
    return f"{parent}-{name}"


def _list(page: str, commands: dict[str, Any]) -> Iterator[str]:
    """The commands of a command, each with the name of its page and the first paragraph of its help."""
    for name, command in commands.items():
        yield _item(_bold(f"{_page_of(page, name)}(1)"), command.help.split("\n\n")[0])


def _context(program: Any) -> typer.Context:
    return typer.Context(program, info_name=PROGRAM, **program.context_settings)


def _records(command: Any, context: typer.Context) -> Iterator[tuple[str, str]]:
    """(declaration, help) of every argument and option that is shown, as --help says them."""
    for parameter in command.get_params(context):
        if not getattr(parameter, "hidden", False) and (record := parameter.get_help_record(context)):
            yield record


def _items(records: Iterable[tuple[str, str]]) -> Iterator[str]:
    for declaration, words in records:
        parts = re.split(r"([ ,/\[\]]+)", declaration)
        yield _item("".join(map(_styled, parts)) + "\n", words)


def _styled(part: str) -> str:
    if part.startswith("-"):
        return f"\\fB{_escape(part)}\\fP"
    return f"\\fI{_escape(part)}\\fP" if re.search(r"\w", part) else _escape(part)


def _split_epilog(epilog: str | None) -> tuple[str, list[str]]:
    """(text, examples): a paragraph behind a line \\b keeps its lines; titled "Examples:", it is those."""
    text: list[str] = []
    examples: list[str] = []
    for paragraph in (epilog or "").strip("\n").split("\n\n"):
        if paragraph.startswith("\b\nExamples:\n"):
            examples += paragraph.split("\n")[2:]
        else:
            text.append(paragraph)
    return "\n\n".join(text), textwrap.dedent("\n".join(examples)).split("\n") if examples else []


def _title(name: str, day: date) -> str:
    return f'.TH {name.upper()} 1 {day.isoformat()} "{PROGRAM} {__version__}" "User Commands"\n'


def _section(title: str, *bodies: str) -> str:
    """A section, or nothing where there is nothing to say."""
    body = "".join(bodies)
    return f'.SH "{title}"\n{body}' if body else ""


def _item(head: str, words: str | None) -> str:
    return f".TP\n{head}{_line(words or '')}"


def _paragraphs(text: str) -> str:
    return ".PP\n".join(_paragraph(piece) for piece in text.split("\n\n") if piece.strip())


def _paragraph(text: str) -> str:
    """Running text; where a line \\b keeps the lines, those from the first indented one on as they are."""
    lines = text.removeprefix("\b\n").split("\n")
    indented = [place for place, line in enumerate(lines) if line.startswith(" ")]
    if not text.startswith("\b\n") or not indented:
        return _line(" ".join(lines))
    return _line(" ".join(lines[: indented[0]])) + _literal(
        textwrap.dedent("\n".join(lines[indented[0] :])).split("\n")
    )


def _literal(lines: Sequence[str]) -> str:
    return "".join([".nf\n", *(_protect(_escape(line)) + "\n" for line in lines), ".fi\n"]) if lines else ""


def _references(pages: Sequence[str]) -> str:
    """Pages as NAME(SECTION)."""
    ends = [("," if page != pages[-1] else "") for page in pages]
    parts = [page.rstrip(")").split("(") for page in pages]
    return "".join(f".BR {_escape(name)} ({part}){end}\n" for (name, part), end in zip(parts, ends, strict=True))


def _summary(text: str) -> str:
    """A help text's first sentence as the one line of NAME: no full stop, no capital where a word begins it."""
    first = re.split(r"\.(?:\s|$)", " ".join(text.replace("`", "").split()), maxsplit=1)[0]
    return first[:1].lower() + first[1:] if first[1:2].islower() else first


def _bold(text: str) -> str:
    return f".B {_escape(text)}\n"


def _italic(text: str) -> str:
    return f".I {_escape(text)}\n"


def _line(text: str) -> str:
    """Running text: lines of at most 78 bytes, each sentence on its own; `words` in back quotes bold."""
    marked = re.sub(r"`+([^`]+)`+", r"\\fB\1\\fP", _escape(" ".join(text.split())))
    lines: list[str] = []
    for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", marked):
        lines += textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)
    return "".join(_protect(line) + "\n" for line in lines)


def _escape(text: str) -> str:
    """Text as roff: backslashes, hyphens that must stay hyphens, and all that is not ASCII."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\t", "        ")
    return "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)


def _protect(line: str) -> str:
    """A line that begins with a dot or a quote would be a request."""
    return "\\&" + line if line.startswith((".", "'")) else line


def _without_date(roff: str) -> str:
    return re.sub(r"\A(\.TH \S+ 1) \S+", r"\1", roff)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
