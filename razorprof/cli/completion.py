"""``razorprof completion SHELL``: the completion script, for package maintainers and rc files."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

EPILOG = """\
\b
Examples:
  razorprof completion bash > ~/.local/share/bash-completion/completions/razorprof
  razorprof completion zsh > ~/.zfunc/_razorprof
  razorprof completion fish > ~/.config/fish/completions/razorprof.fish
"""


class Shell(StrEnum):
    """Shells that a script can be printed for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell.", show_default=False)]) -> None:
    """Print the completion script of a shell (--install-completion installs it)."""
    from typer._completion_shared import get_completion_script

    from razorprof.cli import output

    script = get_completion_script(prog_name="razorprof", complete_var="_RAZORPROF_COMPLETE", shell=shell.value)
    output.print_text(script)
