"""Doctor's checks of the host, each on what it might find, and the verdict."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.cli import host_checks, permission_checks, tool_checks
from razorprof.cli.checks import Check, judge
from razorprof.errors import ExitCode, NotSupported
from razorprof.profilers import pyspy
from razorprof.targets.credentials import CAP_SYS_PTRACE, Credentials

USER = Credentials((1000,) * 3, (1000,) * 3, 0, 0, {"user": "user:[4026531837]", "pid": "pid:[4026531836]"})
ROOT = replace(USER, uids=(0, 0, 0))
PTRACE = 1 << CAP_SYS_PTRACE


def test_the_verdict_is_the_worst_finding_and_only_what_blocks_has_an_exit_code() -> None:
    fine, unknown, bad = Check("a", True, ""), Check("b", None, ""), Check("c", False, "", "fix")
    blocking = Check("d", False, "", "fix", ExitCode.NO_PERMISSION)
    assert judge([fine, unknown]) == ("ok", 0)
    assert judge([fine, bad]) == ("limited", 0)
    assert judge([bad, blocking, fine]) == ("blocked", 4)


@pytest.mark.parametrize(
    ("own", "ok", "fix"),
    [
        (replace(ROOT, effective=PTRACE), True, ""),
        (ROOT, False, "docker run --cap-add SYS_PTRACE"),
        (USER, None, "sudo razorprof"),
    ],
)
def test_missing_capabilities_name_the_way_to_get_them(own: Credentials, ok: bool | None, fix: str) -> None:
    check = permission_checks.check_capabilities(own)
    assert check.ok is ok
    assert fix in check.fix


@pytest.mark.parametrize(
    ("yama", "effective", "ok", "fix"),
    [
        (None, 0, True, ""),
        (0, 0, True, ""),
        (1, 0, False, "sudo sysctl kernel.yama.ptrace_scope=0"),
        (1, PTRACE, True, ""),
        (2, 0, False, "sudo sysctl kernel.yama.ptrace_scope=0"),
        (3, PTRACE, False, "restart the machine"),
    ],
)
def test_each_ptrace_scope_is_judged_with_our_capabilities(
    yama: int | None, effective: int, ok: bool, fix: str
) -> None:
    check = permission_checks.check_ptrace_scope(replace(USER, yama=yama, effective=effective))
    assert check.ok is ok
    assert fix in check.fix


def test_perf_events_are_no_failure_while_nothing_needs_them() -> None:
    assert permission_checks.check_perf_events(USER, 2).ok is None
    assert "sysctl kernel.perf_event_paranoid=1" in permission_checks.check_perf_events(USER, 2).fix
    assert permission_checks.check_perf_events(USER, 1).ok is True
    assert permission_checks.check_perf_events(USER, None).ok is None


def test_a_namespace_of_our_own_is_told() -> None:
    assert permission_checks.check_namespace("pid", USER).ok is True
    inside = permission_checks.check_namespace("pid", replace(USER, namespaces={"pid": "pid:[4026532000]"}))
    assert inside.ok is None
    assert "--pid=host" in inside.fix


def test_on_another_system_nothing_more_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert judge(host_checks.check_host()) == ("blocked", ExitCode.NOT_SUPPORTED)
    assert len(host_checks.check_host()) == 2


def test_another_system_than_linux_is_not_supported() -> None:
    assert host_checks.check_platform("Darwin", "24", "arm64").blocks is ExitCode.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("environment", "is_tty", "encoding", "shape", "ok", "fix"),
    [
        ({"TERM": "xterm"}, True, "utf-8", (120, 40), True, ""),
        ({"TERM": "xterm"}, True, "UTF8", (79, 40), False, "80x24"),
        ({"TERM": "dumb"}, True, "utf-8", (120, 40), False, "export TERM=xterm-256color"),
        ({}, True, "utf-8", (120, 40), False, "export TERM=xterm-256color"),
        ({"TERM": "xterm"}, True, "ANSI_X3.4-1968", (120, 40), False, "export LC_ALL=C.UTF-8"),
        ({"TERM": "xterm"}, False, "utf-8", (80, 24), None, ""),
    ],
)
def test_the_terminal_is_judged_by_type_encoding_and_size(
    environment: dict[str, str], is_tty: bool, encoding: str, shape: tuple[int, int], ok: bool | None, fix: str
) -> None:
    check = host_checks.check_terminal(environment, is_tty, encoding, os.terminal_size(shape))
    assert check.ok is ok
    assert fix in check.fix


def test_a_folder_without_room_or_that_is_gone_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host_checks.check_disk("d", tmp_path).ok is True
    assert host_checks.check_disk("d", tmp_path / "gone").ok is False
    monkeypatch.setattr(host_checks, "_LEAST_DISK", 1 << 62)
    assert "TMPDIR" in host_checks.check_disk("d", tmp_path).fix


def test_reading_our_own_memory_works_here() -> None:
    assert permission_checks.check_memory_reading().ok is True


def test_a_refused_memory_read_blocks_with_the_container_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_checks, "_read_own_memory", lambda: "Operation not permitted")
    check = permission_checks.check_memory_reading()
    assert check.blocks is ExitCode.NO_PERMISSION
    assert "seccomp=unconfined" in check.fix


def test_py_spy_is_found_in_the_installed_package() -> None:
    check = tool_checks.check_py_spy()
    assert check.ok is True
    assert check.detail.startswith("py-spy ")


@pytest.mark.parametrize(
    ("script", "detail"), [("#!/bin/sh\nexit 3\n", "does not run"), ("no program", "does not run")]
)
def test_a_py_spy_that_does_not_run_is_a_failure_with_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, detail: str
) -> None:
    binary = tmp_path / "py-spy"
    binary.write_text(script)
    binary.chmod(0o755)
    monkeypatch.setattr(pyspy, "find_py_spy", lambda: pyspy.PySpy(str(binary), "0.4.3"))
    check = tool_checks.check_py_spy()
    assert check.ok is False
    assert detail in check.detail
    assert "pip install --force-reinstall py-spy==0.4.3" in check.fix


def test_a_missing_or_silent_py_spy_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("py-spy", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "does not answer" in tool_checks.check_py_spy().detail

    def miss() -> None:
        raise NotSupported("py-spy is not installed")

    monkeypatch.setattr(pyspy, "find_py_spy", miss)
    assert tool_checks.check_py_spy().fix.endswith("pip install py-spy")


def test_no_debugger_names_the_command_of_the_package_manager_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: "/bin/dnf" if tool == "dnf" else None)
    check = tool_checks.check_debugger()
    assert (check.ok, check.fix) == (None, "sudo dnf install gdb")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_checks, "_required", lambda: ["textual", "no-such-library"])
    check = tool_checks.check_packages()
    assert check.ok is False
    assert check.fix.endswith("pip install no-such-library")
