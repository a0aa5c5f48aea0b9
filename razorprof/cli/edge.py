"""The edge between razorprof and the shell: the one place where errors become words and exit codes.

Commands raise RazorprofError, or return an exit code (None is 0); nothing else prints an error or calls
sys.exit. Called by __main__ only. Typer is imported late: ``--version`` does without it.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import NoReturn

from razorprof import __version__
from razorprof.cli import output
from razorprof.errors import ExitCode, RazorprofError, ToolFailed, UsageError

_GLOBAL_FLAGS = ("--no-color", "--debug")
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
# Commands whose failures have a form and an exit code of their own, which `report_failure` of a module prints.
_OWN_FAILURES = {"check": "razorprof.cli.check_failure"}


def run(arguments: Sequence[str]) -> int:
    """Answer one command line; the exit code. Never raises, prints no traceback without ``--debug``."""
    own = _before_double_dash(arguments)
    as_json, debug = "--json" in own, "--debug" in own
    output.prepare_streams()
    with _ended_by_signals():
        try:
            code = _answer(arguments)
            output.flush()
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        except SystemExit as request:
            code = _requested_code(request)
        except Exception as error:
            command = _command(own)
            if isinstance(error, BrokenPipeError) and output.is_closed() and command not in _OWN_FAILURES:
                code = ExitCode.DONE
            else:
                code = _report(error, command, as_json=as_json, debug=debug)
    output.close_quietly()
    return int(code)


def _answer(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == "--version":
        output.print_text(f"razorprof {__version__}")
        return ExitCode.DONE
    import typer

    from razorprof.cli.app import app_for
    from razorprof.cli.parameters import take_as_they_are

    ordered = _globals_first(arguments)
    named = [argument for argument in ordered if argument not in _GLOBAL_FLAGS]
    command = typer.main.get_command(app_for(named))
    take_as_they_are(command)
    try:
        result = command.main(ordered, prog_name="razorprof", standalone_mode=False)
    except typer.Abort:  # end of input at a prompt
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.DONE


def _before_double_dash(arguments: Sequence[str]) -> list[str]:
    own = list(arguments)
    return own[: own.index("--")] if "--" in own else own


def _globals_first(arguments: Sequence[str]) -> list[str]:
    """Global flags may stand anywhere before ``--``; typer wants them before the command."""
    own = _before_double_dash(arguments)
    flags = [argument for argument in own if argument in _GLOBAL_FLAGS]
    rest = [argument for argument in own if argument not in _GLOBAL_FLAGS]
    return [*dict.fromkeys(flags), *rest, *arguments[len(own) :]]


def _requested_code(request: SystemExit) -> int:
    if isinstance(request.__context__, BrokenPipeError):  # typer turns a closed pipe into exit 1
        return ExitCode.DONE
    return request.code if isinstance(request.code, int) else ExitCode.DONE


def _explain(error: Exception) -> RazorprofError:
    """The error as one of ours: a usage error of typer's, or a bug that nobody foresaw."""
    if isinstance(error, RazorprofError):
        return error
    typer = sys.modules.get("typer")
    if typer is not None and isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "razorprof"
        words = " ".join(error.format_message().split()).rstrip(".")  # lists of choices come in many lines
        return UsageError(words[:1].lower() + words[1:], hint=f"see: {path} --help")
    if isinstance(error, OSError):  # a full disk behind stdout, no descriptors left, a lost terminal
        return ToolFailed("the system refused", value=error, hint="see where with --debug")
    return ToolFailed(
        "unexpected error",
        value=f"{type(error).__name__}: {error}",
        hint="this is a bug in razorprof or in a plugin; run it again with --debug to see where",
    )


def _command(own: Sequence[str]) -> str:
    """The command that is named, as app_for finds it; empty where there is none."""
    return next((argument for argument in own if argument not in _GLOBAL_FLAGS), "")


def _report(error: Exception, command: str, *, as_json: bool, debug: bool) -> int:
    explained = _explain(error)
    if debug and not isinstance(explained, UsageError):
        import traceback

        output.say(traceback.format_exc().rstrip())
    if command in _OWN_FAILURES:
        return int(import_module(_OWN_FAILURES[command]).report_failure(explained, as_json=as_json))
    try:
        if as_json:
            output.print_json_line({"error": explained.as_json()})  # one line: it may end JSON Lines
            output.flush()
        else:
            output.print_error(explained)
    except OSError:
        pass  # nobody can read it: the exit code still tells
    return explained.code


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the stack, so that whatever a command holds is let go of."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {}
    for number in _ENDING_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup's SIG_IGN stays
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
