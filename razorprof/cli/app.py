"""The command line: global options and the list of commands. Called by cli.edge and by the man page generator.

One module per command, `razorprof.cli.NAME`. It exposes a function of the command's name and EPILOG, an example
(paragraphs that begin with a line ``\\b`` keep their line breaks); everything heavy is imported inside the
function, so that ``--help`` stays quick. A command whose module is not there is left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Annotated

import typer
from typer._click import Context
from typer._completion_classes import completion_init  # private: typer is pinned to a minor version
from typer.core import TyperGroup

from razorprof import __version__
from razorprof.cli.parameters import HELP_NAMES

COMMANDS = (  # as `--help` lists them
    *("top", "ps", "gc", "threads", "cpu", "heap", "dump", "show", "diff", "run"),
    *("query", "rules", "check", "watch", "record", "replay", "serve"),
    *("doctor", "demo", "plugins", "completion"),
)

_EPILOG = """\
\b
Examples:
  razorprof ps                     what can be looked into
  razorprof top 1234               the dashboard on one process
  razorprof top name:gunicorn --children
  razorprof doctor 1234            why it cannot attach, and what mends it

A TARGET is a pid, name:GLOB, cmd:"SUBSTRING", port:N, url:URL or container:ID-PREFIX; a bare word is name:.
"""

_ALSO = {"demo": ("top",)}  # commands that a command calls


class _Program(TyperGroup):
    """Lists commands as COMMANDS does; typer would put those with commands of their own last."""

    def list_commands(self, ctx: Context) -> list[str]:
        return sorted(super().list_commands(ctx), key=COMMANDS.index)


def build_app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """The application with these commands, each if it is there."""
    completion_init()
    built = typer.Typer(
        name="razorprof",
        cls=_Program,
        add_completion=False,  # ours: --install-completion below, and the command `completion`
        rich_markup_mode=None,  # plain help: half the start-up time, and it reads well in a pipe
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": HELP_NAMES},
    )
    built.callback(invoke_without_command=True, epilog=_EPILOG)(_globals)
    for name in commands:
        path = f"razorprof.cli.{name}"
        if find_spec(path) is not None:
            module = import_module(path)
            if hasattr(module, "COMMANDS"):
                built.add_typer(_group(name, module), name=name)
            else:
                built.command(name, epilog=module.EPILOG)(getattr(module, name))
    return built


def _group(name: str, module: ModuleType) -> typer.Typer:
    """A command with commands of its own: `razorprof.cli.NAME` lists them in COMMANDS, each is a module
    `razorprof.cli.NAME_COMMAND` of the same shape as a command's."""
    group = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": HELP_NAMES})
    group.callback(invoke_without_command=True, help=module.__doc__, epilog=module.EPILOG)(_help_without_command)
    for own in module.COMMANDS:
        path = f"razorprof.cli.{name}_{own}"
        if find_spec(path) is not None:
            part = import_module(path)
            group.command(own, epilog=part.EPILOG)(getattr(part, own))
    return group


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """What it takes to answer `arguments`: an application with the one command that they name, or with all."""
    named = arguments[0] if arguments else ""
    return build_app((named, *_ALSO.get(named, ())) if named in COMMANDS else COMMANDS)


def _answer_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"razorprof {__version__}")
        raise typer.Exit


def _install_completion(wanted: bool) -> None:
    if wanted:
        from razorprof.cli.completion import install

        install()
        raise typer.Exit


def _globals(
    context: typer.Context,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with NO_COLOR=1.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of unexpected errors and log to stderr.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_answer_version),
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            help="Install completion of commands, pids and names for the current shell.",
            is_eager=True,
            callback=_install_completion,
        ),
    ] = False,
) -> None:
    """Look inside a running process: CPU, memory, GC, GIL, threads and hot functions, from the terminal."""
    if no_color:
        os.environ["NO_COLOR"] = "1"  # the one switch that rich, textual and the tools we start all know
    if debug:
        import logging

        logging.basicConfig(level=logging.DEBUG)
    _help_without_command(context)


def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
