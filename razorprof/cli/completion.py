"""``razorprof completion SHELL``: the completion script, for package maintainers and rc files; and what
``--install-completion`` does."""

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


def install() -> None:
    """Install completion for the shell that we were started from. Raises NotSupported for other shells."""
    import os

    from typer._completion_shared import _get_shell_name
    from typer._completion_shared import install as install_script

    from razorprof.cli import output
    from razorprof.errors import NotSupported
    from razorprof.render.text import printable

    shell = _get_shell_name() or os.path.basename(os.environ.get("SHELL", ""))
    if shell not in [known.value for known in Shell]:
        raise NotSupported(
            "no completion for this shell",
            value=shell or "unknown",
            hint="print a script and install it yourself: razorprof completion bash (or zsh, fish)",
        )
    _, path = install_script(shell=shell, prog_name="razorprof", complete_var="_RAZORPROF_COMPLETE")
    output.say(f"installed in {printable(str(path))}; it works in shells that are started from now on")
