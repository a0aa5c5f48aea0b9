from __future__ import annotations

import importlib.metadata
import os

import pytest

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.profilers import pyspy
from razorprof.profilers.pyspy import PySpy, explain, find_py_spy, rounds_of

GONE = (
    b"Error: Failed to get process executable name. Check that the process is running.\n\nCaused by:\n"
    b"    0: No such file or directory (os error 2)\n\nStack backtrace:\n   0: <E as anyhow::context>"
)
REFUSED = (
    b"Error: Failed to get process executable name. Check that the process is running.\n\nCaused by:\n"
    b"    0: Permission denied (os error 13)\n"
)
OTHER_UID = (
    b"Permission Denied: Try running again with elevated permissions by going 'sudo env \"PATH=$PATH\" !!'\n"
)
NO_PYTHON = b"Error: Failed to find python version from target process\n\nStack backtrace:\n   0: anyhow::error\n"
SUSPEND = b"Error: Failed to suspend process\n\nCaused by:\n    EPERM: Operation not permitted\n"


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (GONE, TargetGone),
        (REFUSED, PermissionDenied),
        (OTHER_UID, PermissionDenied),
        (NO_PYTHON, NotSupported),
        (b"Error: Unsupported version of Python: 3.99.1\n", NotSupported),
        (SUSPEND, ToolFailed),
        (b"Error: something new\n\nStack backtrace:\n 0: x\n", ToolFailed),
        (b"", ToolFailed),
    ],
)
def test_each_word_of_failure_has_its_error(stderr: bytes, kind: type[RazorprofError]) -> None:
    error = explain(42, 1, None, stderr)
    assert type(error) is kind
    assert "backtrace" not in str(error)


def test_a_gone_target_and_a_refusal_carry_a_hint() -> None:
    for stderr in (GONE, REFUSED, OTHER_UID):
        error = explain(42, 1, None, stderr)
        assert error is not None
        assert error.value == "42"
        assert "razorprof" in error.hint


def test_success_is_no_error_whatever_was_said() -> None:
    assert explain(42, 0, None, b"py-spy> Wrote speedscope file") is None


def test_a_crash_and_a_signal_are_told_apart() -> None:
    crashed = explain(
        1, 101, None, b"\nthread 'main' (6765) panicked at src/config.rs:398:65:\ninvalid duration\n"
    )
    killed = explain(1, None, 9, b"")
    assert crashed is not None
    assert killed is not None
    assert "crashed" in str(crashed)
    assert str(killed) == "py-spy was ended by a signal (9)"


def test_what_a_failing_tool_says_is_cut() -> None:
    error = explain(1, 1, None, b"Error: " + b"x" * 100_000)
    assert len(str(error)) < 500


def test_py_spy_is_found_in_the_installation_and_not_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_py_spy()
    assert os.access(found.path, os.X_OK)
    assert found.version == importlib.metadata.version("py-spy")


def test_a_missing_py_spy_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyspy, "find_distribution", lambda name: None)
    with pytest.raises(NotSupported) as caught:
        find_py_spy()
    assert "pip install" in caught.value.hint


def test_no_command_stops_the_target() -> None:
    py_spy = PySpy("/bin/py-spy", "0.4.3")
    record = py_spy.record(7, rate_hz=20, seconds=2, output="/dev/fd/3", gil_only=True)
    assert "--nonblocking" in record
    assert "--gil" in record
    assert "--native" not in record
    assert "--nonblocking" in py_spy.dump(7)


def test_a_window_always_has_a_fuse() -> None:
    argv = PySpy("/bin/py-spy", "0.4.3").record(7, rate_hz=20, seconds=2, output="x", gil_only=False)
    assert argv[argv.index("--duration") + 1] == "2"
    assert rounds_of(20, 2) == 39
    assert rounds_of(1, 1) == 1
