"""Errors become two lines, or JSON, and an exit code, in one place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from razorprof.cli import edge, output
from razorprof.errors import AmbiguousTarget, ExitCode, PermissionDenied, RazorprofError, TargetNotFound
from razorprof.session import protect


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def answer(_arguments: object) -> int:
        raise error

    monkeypatch.setattr(edge, "_answer", answer)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TargetNotFound("no process matches", value="x", hint="try: razorprof ps"), 3),
        (PermissionDenied("no", value=1, hint="h"), 4),
        (ZeroDivisionError("oops"), 6),
        (KeyboardInterrupt(), 130),
        (SystemExit(5), 5),
        (SystemExit(None), 0),
        (OSError(28, "No space left on device"), 6),
        (BrokenPipeError(32, "Broken pipe"), 6),  # a pipe of a tool: stdout is still being read
    ],
)
def test_each_error_has_its_exit_code(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    fail(monkeypatch, error)
    assert edge.run(["top"]) == code


def test_an_error_is_two_lines_with_its_value_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, TargetNotFound("no process matches", value="a\x1b[31m\nb", hint="try: razorprof ps"))
    edge.run(["top"])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "razorprof: no process matches (a\\x1b[31m\\x0ab)\nhint: try: razorprof ps\n"


def test_with_json_an_error_is_a_document_with_candidates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, AmbiguousTarget("2 match", value="x", candidates=[{"pid": 1}], hint="h"))
    assert edge.run(["top", "--json"]) == 3
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out)["error"] == {
        "code": 3, "name": "ambiguous_target", "message": "2 match (x)", "hint": "h", "candidates": [{"pid": 1}],
    }  # fmt: skip


def test_json_after_a_double_dash_belongs_to_another_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, PermissionDenied("no"))
    edge.run(["run", "--", "prog", "--json", "--debug"])
    assert capsys.readouterr().out == ""


def test_a_traceback_is_shown_only_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, ZeroDivisionError("oops"))
    assert edge.run(["top"]) == 6
    quiet = capsys.readouterr().err
    assert quiet.splitlines()[0] == "razorprof: unexpected error (ZeroDivisionError: oops)"
    assert "--debug" in quiet
    assert "Traceback" not in quiet
    edge.run(["top", "--debug"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nonsense"], ["ps", "--nonsense"], ["completion"], ["completion", "tcsh"]])
def test_bad_usage_has_the_same_two_lines_and_exit_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("razorprof: ")
    assert lines[1].startswith("hint: ")
    assert edge.run([*arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["name"] == "usage"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["--no-color", "check", "--nonsense"],
        ["check", "1", "--for"],
        ["check", "1", "--for", "soon", "--rules", "x"],
        ["check", "1", "--rules", "/nowhere"],
        ["check", "--from", "http://127.0.0.1:1"],
        ["check", "--from", "ftp://x", "--rules", "/nowhere"],
    ],
)
def test_whatever_goes_wrong_with_a_check_is_unknown_on_stdout_with_exit_3(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(protect, "step_back", lambda: None)
    assert edge.run(arguments) == 3
    captured = capsys.readouterr()
    assert captured.out.startswith("RAZORPROF UNKNOWN - ")
    assert captured.out.count("\n") == 1
    assert captured.err == ""
    assert edge.run([*arguments, "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["status"], document["error"]["code"]) == ("UNKNOWN", 3)


def test_a_bug_in_a_check_is_unknown_too_and_its_exit_code_stands_where_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, ZeroDivisionError("o|ops\n"))
    assert edge.run(["check", "1"]) == 3
    assert "|" not in capsys.readouterr().out

    def full(_text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "print_text", full)
    assert edge.run(["check", "1"]) == 3
    fail(monkeypatch, BrokenPipeError(32, "Broken pipe"))
    assert edge.run(["check", "1"]) == 3


def test_global_flags_may_stand_anywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "")  # put back afterwards
    assert edge.run(["completion", "fish", "--no-color", "--debug"]) == 0
    assert "razorprof" in capsys.readouterr().out
    assert os.environ["NO_COLOR"] == "1"


def test_signal_handlers_are_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    fail(monkeypatch, RazorprofError("x"))
    edge.run(["top"])
    assert signal.getsignal(signal.SIGTERM) is before
    assert ExitCode.TERMINATED == 128 + signal.SIGTERM


def test_an_interrupt_while_it_still_loads_ends_it_without_a_traceback() -> None:
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'razorprof.cli.edge': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from razorprof.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")
