"""Parameters whose values need no conversion, taken as they are. For cli.edge.

Typer validates every value through pydantic, also a text that stays a text and a default that was not given
otherwise; importing pydantic takes a third of the start of a quick command. Here only what has to be converted
(numbers, choices, paths that were given) goes that way. Rests on private parts of typer, which is pinned to a
minor version for that; a test watches that it still has its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer._click import Context
from typer._coercion import RuntimeParam, TypeDescriptor, build_runtime_param

if TYPE_CHECKING:
    from typer._click.core import Command
    from typer.core import _TyperParameter

HELP_NAMES = ["-h", "--help"]


@dataclass(frozen=True)
class _AsItIs(RuntimeParam):
    """Hands on what is of the parameter's type already; everything else is typer's to convert."""

    descriptor: TypeDescriptor

    def _coerce_value(self, value: Any, param: _TyperParameter, ctx: Context) -> Any:
        if type(value) is self.annotation:
            return value
        if self.annotation == list[str] and all(type(item) is str for item in value):
            return list(value)
        return build_runtime_param(self.descriptor).coerce(value, param=param, ctx=ctx)


def take_as_they_are(command: Command) -> None:
    """Change the parameters of a command, and of its subcommands, so that plain values are not converted."""
    help_option = command.get_help_option(Context(command, help_option_names=HELP_NAMES))  # made once, then kept
    for parameter in (*command.params, *([help_option] if help_option else ())):
        descriptor: TypeDescriptor | None = getattr(parameter, "type_descriptor", None)
        if descriptor is None or getattr(descriptor.parameter_info, "parser", None) is not None:
            continue
        vars(parameter)["_runtime_param"] = _AsItIs(descriptor.parameter_info, descriptor.annotation, descriptor)
    for subcommand in getattr(command, "commands", {}).values():
        take_as_they_are(subcommand)
