"""What a process is called: the script or module of a Python program rather than "python3".

Pure functions over the command line; everything here is untrusted text, bounded but not escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST_NAME = 128
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*(?:t|d|td)?(?:-[\w.-]{1,20})?", re.ASCII)
_OPTIONS_WITH_VALUE = frozenset("WX")
_INLINE_MODULE = re.compile(r"from (multiprocessing\.\w{1,40}) import", re.ASCII)


def display_name(arguments: Sequence[str], comm: str) -> str:
    """The one name for titles and labels: module, script, or the program's own name."""
    return _program_of(arguments) or _title(arguments) or comm[:_LONGEST_NAME]


def all_names(arguments: Sequence[str], comm: str) -> frozenset[str]:
    """Every name that ``name:`` may match: kernel name, program, script with and without .py, module."""
    names = {comm}
    if arguments:
        names |= {_basename(arguments[0])[:_LONGEST_NAME], _title(arguments)}
        program = _program_of(arguments)
        names |= {program, program.removesuffix(".py")}
    return frozenset(names - {""})


def short_arguments(arguments: Sequence[str]) -> tuple[str, ...]:
    """The command line with the folders of the program and of its script left out: for narrow lists."""
    if not arguments:
        return ()
    program = _program_of(arguments)
    # A title that the program gave itself ("nginx: worker process") is no path.
    first = arguments[0] if " " in arguments[0] else _basename(arguments[0]) or arguments[0]
    return (first, *(program if program and a.rstrip("/").endswith(f"/{program}") else a for a in arguments[1:]))


def is_python_command(arguments: Sequence[str], comm: str) -> bool:
    """Whether it looks like a Python interpreter by name alone (a guess: detection is the runtimes' work)."""
    first = _basename(arguments[0]) if arguments else comm
    return bool(_PYTHON.fullmatch(first) or _PYTHON.fullmatch(comm))


def _program_of(arguments: Sequence[str]) -> str:
    """Script or module that a Python interpreter runs; empty where there is none."""
    if len(arguments) < 2 or not _PYTHON.fullmatch(_basename(arguments[0])):
        return ""
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "-" or argument == "--":
            return _script_name(next(rest, "")) if argument == "--" else ""
        if not argument.startswith("-"):
            return _script_name(argument)
        if argument.startswith("--"):
            if argument == "--check-hash-based-pycs":
                next(rest, None)
            continue
        for index, letter in enumerate(argument[1:], start=1):
            attached = argument[index + 1 :]
            if letter == "m":
                return (attached or next(rest, ""))[:_LONGEST_NAME]
            if letter == "c":
                found = _INLINE_MODULE.search((attached or next(rest, ""))[:4096])
                return found[1] if found else ""
            if letter in _OPTIONS_WITH_VALUE:
                if not attached:
                    next(rest, None)
                break
    return ""


def _script_name(path: str) -> str:
    folder, _, name = path.rstrip("/").rpartition("/")
    if name == "__main__.py" and folder:
        name = _basename(folder)
    return name[:_LONGEST_NAME]


def _title(arguments: Sequence[str]) -> str:
    """The program's name: the path's last part, or the first word of a title that the program gave itself
    ("gunicorn: master [app]")."""
    if not arguments:
        return ""
    name = _basename(arguments[0])
    first, space, _ = arguments[0].partition(" ")
    if space and first.endswith(":"):
        name = _basename(first[:-1])
    return name[:_LONGEST_NAME]


def _basename(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
